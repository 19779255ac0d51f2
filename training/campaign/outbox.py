"""A campaign's results on a temporary machine: few archives, each written as soon as possible."""

import tarfile
from pathlib import Path
from typing import Final

from fer_core.files import replace_file
from fer_core.networks.bundles import HISTORY_FILE
from training.campaign.plan import Campaign
from training.campaign.run import campaign_cache, student_folder
from training.loop.run_folder import (
    ANCESTORS_FILE,
    BACKEND_FILE,
    BEST_FILE,
    CHECKPOINT_FOLDER,
    DATA_FILE,
    RECIPE_FILE,
)
from training.teachers.logits import teachers_folder

#: Of a student's run: what its bundle is made of. The optimiser's state, the larger part, stays behind.
_KEPT: Final = (BEST_FILE, HISTORY_FILE, RECIPE_FILE, BACKEND_FILE, ANCESTORS_FILE, DATA_FILE)


class Outbox:
    """Packs the results of a campaign into one archive for all teachers and one per student."""

    def __init__(self, folder: Path, campaign: Campaign) -> None:
        """Use a folder for the archives; it is created if needed."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._campaign = campaign

    def __call__(self, name: str) -> None:
        """Pack the results of the run of that name, or the ensemble."""
        students = {run.name: run for run in self._campaign.students}
        if name not in students:
            teachers = teachers_folder(self._campaign.name)
            self._pack("answers", sorted(teachers.iterdir()), beside=teachers.parent)
            return
        folder = student_folder(self._campaign, students[name])
        checkpoint = folder / CHECKPOINT_FOLDER
        # Where there is TensorFlow it is a bundle by now, and its run is gone.
        files = (
            [file for kept in _KEPT if (file := checkpoint / kept).is_file()]
            if checkpoint.is_dir()
            else sorted(path for path in folder.iterdir() if path.is_file())
        )
        self._pack(name, files, beside=campaign_cache(self._campaign).parent)

    def _pack(self, name: str, files: list[Path], *, beside: Path) -> None:
        def write(path: Path) -> None:
            # Not compressed: weights and logits are as small as they can be.
            with tarfile.open(path, "w") as archive:
                for file in files:
                    archive.add(file, file.relative_to(beside))

        replace_file(self._folder / f"{self._campaign.name}-{name}.tar", write)
