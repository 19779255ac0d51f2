"""Recompute everything that depends on a bundle's weights: predictions, metrics, cards, tables."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from fer_core.evaluation.robustness import read_robustness, robustness_path
from fer_core.networks.bundles import (
    DEFAULT_PAIR,
    FER2013_PAIR,
    SERVING_FILE,
    Bundle,
)
from fer_core.networks.kinds import EXPRESSION_BUNDLES, KEYPOINT_BUNDLES, kind_in
from fer_core.settings import project_root, shipped_models
from training import sources
from training.experiments import readme_table
from training.experiments.run import describe, measure, open_any_or_suggest, open_or_suggest
from training.kinds import KINDS
from training.measure.evaluate import Report
from training.measure.robustness import measure_robustness
from training.measure.stored import measure_stored
from training.sources import DataSet, MissingDataError, Split, keypoints

log = logging.getLogger(__name__)

#: What the default pair and the pair of FER2013 are measured on with corrupted faces.
CORRUPTED_DATA: Final = "fer2013:test"


def regenerate(
    folders: Sequence[Path], *, files: bool = False, stored: bool = False
) -> Iterator[Report]:
    """Measure bundles again on every available data set, and yield each report.

    With `files`, those of networks that name expressions are first written again
    (`training.bundle.make.export_again`). With `stored`, no network runs: only the measures of stored
    predictions are taken again, of networks that name expressions (`training.measure.stored`).

    Their tables of layers, predictions, metrics and cards are rewritten. So are the tables of README and
    docs/results.md, if the bundles are the project's own. Unchanged weights give unchanged files.
    Predictions for corrupted faces are measured for the default pair and the pair of FER2013, unless they
    are there for these very weights.

    Raises:
        BundleError: a bundle is missing or damaged.
        DataError: a data set is damaged; one that is not there is left out.
    """
    for given in folders:
        # Of an old name it is another folder.
        folder = open_any_or_suggest(given).path
        kind = kind_in(folder)
        if stored:
            if kind is EXPRESSION_BUNDLES:
                yield from measure_stored(open_or_suggest(folder))
            continue
        export_again = KINDS[kind.name].export_again
        if files and export_again is not None:
            export_again(open_or_suggest(folder))
        else:
            describe(folder)
        for data in _measured_on(folder):
            try:
                yield measure(folder, data)
            except MissingDataError as error:
                log.warning("%s is not measured on %s. %s", folder.name, data, error)
        if folder.name in (*DEFAULT_PAIR, *FER2013_PAIR):
            yield from _measure_corrupted(open_or_suggest(folder))
    if any(folder.resolve().parent == shipped_models() for folder in folders):
        readme_table.main(project_root())


def _measured_on(folder: Path) -> tuple[str, ...]:
    """Return the data for a bundle: first those of its first training source, then those for all of its kind.

    Of the source these are all splits but the training split.
    """
    if kind_in(folder) is KEYPOINT_BUNDLES:
        return _measured_by_default(keypoints.DATA_SET)
    usual = [data for source in sources.SOURCES.values() for data in _measured_by_default(source)]
    own = sources.parts_of(open_or_suggest(folder).spec.training_data.source)[0]
    if not sources.is_known(own):
        return tuple(usual)
    chosen_on = (f"{own}:{split}" for split in sources.splits_of(own) if split is not Split.TRAIN)
    return tuple(dict.fromkeys((*chosen_on, *usual)))


def _measured_by_default(data_set: DataSet) -> tuple[str, ...]:
    return tuple(f"{data_set.name}:{split}" for split in data_set.measured)


def _measure_corrupted(bundle: Bundle) -> Iterator[Report]:
    source, split = sources.parse_split(CORRUPTED_DATA)
    path = robustness_path(bundle.path, source, split)
    weights = bundle.spec.sha256[SERVING_FILE]
    if path.is_file() and read_robustness(path).weights_sha256 == weights:
        return
    try:
        samples = sources.load(source, split)
    except MissingDataError as error:
        log.warning("%s is not measured on corrupted faces. %s", bundle.spec.name, error)
        return
    yield measure_robustness(bundle, samples)
