"""Make a folder with everything for training on a machine with JAX and without internet.

python -m training.gpu.prepare OUT_DIR

It holds the code, the training and validation data, the landmarks that recipes see, the bundles that they
start from, their teachers' logits, wheels of what such machines lack, and `run.sh`, the one command to run
there. What does not fit into one transfer lies in OUT_DIR-2 and so on, to be copied over the first. README.md
beside this file tells the whole way.
"""

import logging
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Final

import pyarrow.parquet as pq
import typer

from fer_core.errors import DataError, FerError
from fer_core.networks.bundles import KERAS_FILE, SPEC_FILE
from fer_core.settings import models_root
from training import sources
from training.campaign.plan import Campaign, get_campaign, splits_to_predict
from training.campaign.profile import Profile
from training.errors import TrainingError
from training.kinds import KINDS
from training.schema.recipe import BaseRecipe, Recipe, get_recipe
from training.sources import DATA_SETS, Samples, Split, data_root, parts_of
from training.sources.joined import copies_folder
from training.sources.landmark_cache import cache_path, with_landmarks
from training.tasks.expressions import selection_rows, training_rows
from training.tasks.parents import parents_of
from training.teachers.ensemble import ensemble_path
from training.teachers.logits import logits_path

log = logging.getLogger(__name__)

#: Packages that such a machine may lack, in the versions of requirements*.txt and constraints.txt.
WHEELS: Final = (
    *("keras", "optree", "namex", "packaging", "filelock"),
    *("pydantic", "pydantic_core", "annotated-types", "typing-inspection", "typing_extensions"),
)
PYTHON: Final = "3.12"
_PLATFORMS: Final = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
#: In units of 1,000,000 bytes: what one transfer to such a machine may hold.
LIMIT_MB: Final = 60
_PROJECT: Final = Path(__file__).resolve().parents[2]
_CODE: Final = ("fer_core", "training")


def prepare(
    recipes: Sequence[BaseRecipe],
    out: Path,
    *,
    campaigns: Sequence[Campaign] = (),
    wheels: bool = True,
    limit_mb: float = LIMIT_MB,
) -> list[Path]:
    """Make the folder `out` atomically, and further folders for what exceeds one transfer.

    Landmarks that a recipe sees and the cache lacks are found first, which that machine cannot do.

    Args:
        recipes: to be trained there.
        out: does not exist.
        campaigns: to be run there, with their runs for a GPU.
        wheels: fetch them from the package index.
        limit_mb: what one transfer may hold.

    Returns:
        The folders, in order; the others are to be copied over the first.

    Raises:
        TrainingError: a folder is there, one file is too large, a wheel cannot be fetched, or a recipe's
            teacher knows other classes.
        DataError: a data file is not there or damaged.
        BundleError: a bundle that a recipe starts from or learns from is not there.
    """
    if there := [path for path in (out, _further(out, 2)) if path.exists()]:
        raise TrainingError(f"{there[0]} exists. Name a new folder.")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as temporary:
        folder = Path(temporary) / out.name
        for name in _CODE:
            shutil.copytree(
                _PROJECT / name,
                folder / "code" / name,
                ignore=shutil.ignore_patterns("__pycache__"),
            )
        shutil.copy2(Path(__file__).with_name("run.sh"), folder)
        mixed = {
            f"data/{pack}"
            for data_set in DATA_SETS.values()
            if data_set.mixed_packs
            for pack in data_set.packs
        }
        for file, name in {**_files_of(recipes), **_files_of_campaigns(campaigns)}.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            if name in mixed:
                _copy_without_test_rows(file, folder / name)
            else:
                shutil.copyfile(file, folder / name)
        if wheels:
            _fetch_wheels(folder / "wheels")
        parts = _in_transfers(folder, limit_mb)
        outs = [out, *(_further(out, i) for i in range(2, len(parts) + 1))]
        for part, place in zip(parts, outs, strict=True):
            part.replace(place)
    return outs


def _further(out: Path, number: int) -> Path:
    """Return the folder of a further transfer."""
    return out.with_name(f"{out.name}-{number}")


def _files_of(recipes: Sequence[BaseRecipe]) -> dict[Path, str]:
    """Return the files that recipes need, each with its path in the folder."""
    files: dict[Path, str] = {}
    chosen = {(r.data.source, r.data.whole): r.name for r in recipes}
    for (source, whole), name in chosen.items():
        files |= _data_files(name, source, whole=whole)
    for recipe in recipes:
        files |= _beside_the_data(recipe)
    return files


def _data_files(name: str, source: str, *, whole: bool) -> dict[Path, str]:
    """Return the files of a source that the recipe of that name is trained on, as `sources.load` has them."""
    files: dict[Path, str] = {}
    for part in parts_of(source):
        if part not in DATA_SETS:
            raise DataError(f"{name} learns from {part}; there are {', '.join(DATA_SETS)}.")
        for place in DATA_SETS[part].training_files(data_root()):
            files[data_root() / place] = f"data/{place}"
    if len(parts_of(source)) > 1:
        # Which faces of the second show a photo of the first's test split cannot be found there.
        sources.load(source, Split.TRAIN, whole=whole)
        lists = (file for file in copies_folder().iterdir() if not file.name.startswith("."))
        files |= {file: f"cache/copies/{file.name}" for file in lists}
    return files


def _files_of_campaigns(campaigns: Sequence[Campaign]) -> dict[Path, str]:
    """Return the files that campaigns need: those of their GPU runs, and stored predictions."""
    files: dict[Path, str] = {}
    for campaign in campaigns:
        teachers, students = campaign.of_profile(Profile.GPU)
        runs = [run.settings.model_copy(update={"teacher": None}) for run in (*teachers, *students)]
        files |= _data_files(campaign.name, campaign.data, whole=campaign.whole) | _files_of(runs)
        if any(run.settings.architecture.sees_landmarks for run in teachers):
            # They predict all rows of these splits, also those that none of them learns.
            files |= _landmark_files(map(with_landmarks, splits_to_predict(campaign).values()))
        kept = [logits_path(campaign.name, run.name) for run in campaign.teachers]
        for file in (*kept, ensemble_path(campaign.name)):
            if file.is_file():
                files[file] = f"code/models/{file.relative_to(models_root())}"
    return files


def _copy_without_test_rows(file: Path, place: Path) -> None:
    """Copy a pack of all splits without its test split."""
    table = pq.read_table(file, filters=[("split", "!=", str(Split.TEST))])
    pq.write_table(table, place, compression="zstd")


def _beside_the_data(recipe: BaseRecipe) -> dict[Path, str]:
    files: dict[Path, str] = {}
    if isinstance(recipe, Recipe) and recipe.architecture.sees_landmarks:
        files |= _landmark_files([training_rows(recipe)[0], *selection_rows(recipe).values()])
    names, parents = recipe.parents, parents_of(recipe)
    for name, bundle in ((names.start, parents.start), (names.trunk, parents.trunk)):
        if bundle is not None:
            files |= {
                path: f"code/models/{name}/{path.name}"
                for path in (bundle.path / SPEC_FILE, bundle.verify(KERAS_FILE))
            }
    if (teachers_files := KINDS[recipe.kind].teachers_files) is not None:
        # A teacher's logits go along: that machine lacks LiteRT, which computes them.
        for file, place in teachers_files(recipe, parents).items():
            files[file] = f"code/{place}" if place.startswith("models/") else place
    return files


def _landmark_files(given: Iterable[Samples]) -> dict[Path, str]:
    """Return the cache files of samples whose landmarks were found."""
    caches = [cache_path(samples.source) for samples in given]
    return {cache: f"cache/landmarks/{cache.name}" for cache in caches}


def _fetch_wheels(folder: Path) -> None:
    pinned = _pinned_versions()
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"),
        *("--python-version", PYTHON, "--implementation", "cp"),
        *(part for platform in _PLATFORMS for part in ("--platform", platform)),
        *("--dest", str(folder)),
        *(f"{name}=={pinned[name]}" for name in WHEELS),
    ]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise TrainingError(f"Wheels could not be fetched:\n{finished.stderr.strip()}")


def _pinned_versions() -> dict[str, str]:
    """Return the version of each package that requirements*.txt or constraints.txt pin for training."""
    lines = "\n".join(
        (_PROJECT / name).read_text(encoding="utf-8")
        for name in ("requirements-serve.txt", "requirements.txt", "constraints.txt")
    )
    return dict(re.findall(r"^([\w.-]+)==(\S+)", lines, flags=re.MULTILINE))


def _in_transfers(folder: Path, limit_mb: float) -> list[Path]:
    """Move files that exceed one transfer into folders beside this one; return all folders, this one first.

    Data files alone are moved: code and wheels stay together.
    """
    sizes = {path: path.stat().st_size / 1e6 for path in folder.rglob("*") if path.is_file()}
    total = sum(sizes.values())
    largest = sorted(sizes, key=lambda path: -sizes[path])
    log.info(
        "%.1f MB, of which %s",
        total,
        ", ".join(f"{path.relative_to(folder)} {sizes[path]:.1f}" for path in largest[:4]),
    )
    parts, left = [folder], {folder: limit_mb}
    moved = []
    for path in largest:
        if total <= limit_mb:
            break
        if path.is_relative_to(folder / "data") or path.is_relative_to(folder / "cache"):
            moved.append(path)
            total -= sizes[path]
    if total > limit_mb or any(sizes[path] > limit_mb for path in moved):
        named = ", ".join(f"{p.relative_to(folder)} {sizes[p]:.1f}" for p in largest[:4])
        raise TrainingError(
            f"A transfer would have more than {limit_mb:g} MB: {named}. Leave recipes out, or raise "
            "--limit-mb if that machine takes more."
        )
    for path in moved:
        fits = [part for part in parts[1:] if left[part] >= sizes[path]]
        if not fits:
            fits = [_further(folder, len(parts) + 1)]
            parts += fits
            left[fits[0]] = limit_mb
        left[fits[0]] -= sizes[path]
        place = fits[0] / path.relative_to(folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        path.replace(place)
    return parts


def main(
    out: Annotated[Path, typer.Argument(metavar="OUT_DIR", help="The folder to make.")],
    recipe: Annotated[
        list[str] | None, typer.Option(help="Recipe to train there; may be repeated.")
    ] = None,
    campaign: Annotated[
        list[str] | None, typer.Option(help="Campaign to run there; may be repeated.")
    ] = None,
    wheels: Annotated[bool, typer.Option(help="Download wheels from the package index.")] = True,
    limit_mb: Annotated[float, typer.Option(help="Maximum size of one transfer in MB.")] = LIMIT_MB,
) -> None:
    """Make a folder for training on a machine with JAX and without internet; the default is the recipe cnn.

    Copy it there and run OUT_DIR/run.sh. Prints the folder, and further folders to copy over it.
    """
    try:
        names = recipe or ([] if campaign else ["cnn"])
        made = prepare(
            [get_recipe(name) for name in names],
            out,
            campaigns=[get_campaign(name) for name in campaign or ()],
            wheels=wheels,
            limit_mb=limit_mb,
        )
    except FerError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error
    for folder in made:
        typer.echo(folder)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    typer.run(main)
