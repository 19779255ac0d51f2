"""The command line of training: `python -m training --help`."""

import contextlib
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

# Before anything imports Keras or TensorFlow, which read these once.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# Without AVX-512 TensorFlow leaves oneDNN off, and then trains at 90 instead of 165 images a second.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import typer

from fer_core.bundles import SPEC_FILE, Bundle, finds_keypoints, open_bundle, resolve
from fer_core.errors import DataError, FerError, UnknownNameError
from fer_core.keypoints import open_keypoint_bundle
from fer_core.settings import face_shape_path, models_root
from training import sources
from training.sources import MissingDataError, Split, keypoints

if TYPE_CHECKING:
    from training.recipe import BaseRecipe

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Train and measure the networks of Second Look. Data sets are read from the folder that the "
    "environment variable FER_DATA names; progress goes to standard error, results to standard output.",
)

INTERRUPTED = 130


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Turn the errors that are meant for users into one message and an exit code."""
    try:
        yield
    except UnknownNameError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(2) from error
    except FerError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt as error:
        typer.echo("Stopped.", err=True)
        raise typer.Exit(INTERRUPTED) from error


@app.callback()
def _start() -> None:
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(message)s", stream=sys.stderr, force=True
    )
    logging.getLogger("training").setLevel(logging.INFO)


@app.command()
def data() -> None:
    """List the data sets under FER_DATA, with the number of faces of each split and class.

    "clean" counts the rows without a copy in the training split, "no face" those that the annotators
    call no face. Faces with keypoints are counted as they are split here, by person.

    \b
    Example:
      FER_DATA=~/fer-data python -m training data
    """
    with _explained():
        root = sources.data_root()
        found = 0
        for source in sources.SOURCES.values():
            found += _list_splits(source.name, source.splits, _faces_line)
        found += _list_splits(keypoints.NAME, tuple(Split), _keypoints_line)
        if not found:
            raise DataError(
                f"No data set was found under FER_DATA={root}. What is read is said above."
            )


def _list_splits(
    source: str, splits: tuple[Split, ...], describe: Callable[[str, Split], str]
) -> int:
    """Print what each split of a source holds, or why it cannot be read; return how many can."""
    problems = []
    for split in splits:
        try:
            typer.echo(f"{source}:{split}: {describe(source, split)}")
        except DataError as error:
            problems.append((split, error))
    n_read = len(splits) - len(problems)
    if len(problems) == len(splits):
        # Nothing of it is there: said once, not once a split.
        problems = problems[:1]
    for split, problem in problems:
        typer.echo(f"{source}:{split}: {problem}\n", err=True)
    return n_read


def _faces_line(source: str, split: Split) -> str:
    samples = sources.load(source, split)
    clean = "" if split is Split.TRAIN else f"{samples.clean.sum():,} clean, "
    persons = "" if samples.persons is None else f", {len(set(samples.persons)):,} persons"
    counts = ", ".join(f"{name} {n:,}" for name, n in samples.counts().items())
    return (
        f"{len(samples):,} faces, {clean}{(~samples.is_face).sum():,} no face{persons}\n  {counts}"
    )


def _keypoints_line(_: str, split: Split) -> str:
    faces = sources.load_keypoints(split)
    persons = "unknown persons" if faces.n_persons is None else f"{faces.n_persons} persons"
    return f"{len(faces):,} faces with points, {persons}"


@app.command()
def landmarks(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A source of `python -m training data`.")
    ],
) -> None:
    """Find the landmarks of a data set's faces and keep them for fit and evaluate.

    A run that was stopped goes on where it was. The file lies under FER_CACHE, by default
    ~/.cache/second-look. Prints one line of JSON.

    \b
    Example:
      FER_DATA=~/fer-data python -m training landmarks fer2013
    """
    with _explained():
        from training.landmark_cache import cache_path, with_landmarks

        file = cache_path(source)
        whole = [sources.load(source, split) for split in sources.splits_of(source)]
        found = {}
        for samples in map(with_landmarks, whole):
            if samples.landmarks is not None:
                found[str(samples.split)] = float(samples.landmarks.any(axis=1).mean())
        typer.echo(json.dumps({"source": source, "found": found, "file": str(file)}))


@app.command()
def face_shape(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A source of `python -m training data`.")
    ],
) -> None:
    """Estimate the average face and how its landmarks move, which explanations start from.

    From the training split's landmarks; writes models/face_shape.npz and prints one line of JSON.

    \b
    Example:
      FER_DATA=~/fer-data python -m training face-shape fer2013
    """
    with _explained():
        from fer_core.face_shape import estimate, write_face_shape
        from training.landmark_cache import upright_and_blendshapes

        points, blendshapes = upright_and_blendshapes(sources.load(source, Split.TRAIN))
        write_face_shape(estimate(points, blendshapes), face_shape_path())
        typer.echo(json.dumps({"source": source, "n": len(points), "file": str(face_shape_path())}))


@app.command()
def fit(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="Name of a recipe in training/recipes.")
    ],
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run that was stopped.")
    ] = False,
    change_settings: Annotated[
        bool,
        typer.Option(
            "--change-settings",
            help="With --resume: go on with other settings than before; spec and card will say so.",
        ),
    ] = False,
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the recipe's.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Instead of the recipe's.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="The bundle's folder; by default RECIPE under FER_MODELS.")
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Another setting; may be repeated."),
    ] = None,
) -> None:
    """Train a recipe, make the bundle, and measure it on the validation and test splits that there are.

    The state is kept after every epoch in the bundle's folder; a run that was stopped goes on with
    --resume and the same other options. Prints one line of JSON for each measured split.

    \b
    Examples:
      python -m training fit cnn
      python -m training fit cnn --resume
      python -m training fit cnn --set data.source=ferplus --out models/cnn-ferplus
      python -m training fit cnn --set data.source=folder:~/faces --set vote_smoothing=0 --out /tmp/own
      python -m training fit cnn --out models/wide --set architecture.widths=[48,96,192,384]
      python -m training fit cnn --out /tmp/try --epochs 2 --set optimizer.peak_learning_rate=0.05
    """
    with _explained():
        from training.recipe import get_recipe

        overrides = list(assignments or [])
        overrides += [f"epochs={epochs}"] if epochs is not None else []
        overrides += [f"seed={seed}"] if seed is not None else []
        chosen = get_recipe(recipe).with_overrides(overrides)
        folder = out or models_root() / chosen.name
        _fit_bundle(chosen, folder, resume=resume, change_settings=change_settings)
        for split in sources.splits_of(chosen.data.source):
            if split is Split.TRAIN:
                continue
            try:
                _evaluate_and_print(folder, f"{chosen.data.source}:{split}")
            except MissingDataError as error:
                typer.echo(f"Not measured on the {split} split. {error}", err=True)


def _fit_bundle(recipe: "BaseRecipe", folder: Path, *, resume: bool, change_settings: bool) -> None:
    from training.export import make_bundle
    from training.fit import fit as train
    from training.keypoint_bundle import make_keypoint_bundle
    from training.recipe import KeypointRecipe, Recipe
    from training.run_folder import CHECKPOINT_FOLDER, STATE_FILE

    try:
        result = train(recipe, folder, resume=resume, change_settings=change_settings)
        if isinstance(recipe, Recipe):
            make_bundle(result, recipe, folder)
        elif isinstance(recipe, KeypointRecipe):
            make_keypoint_bundle(result, recipe, folder)
    except KeyboardInterrupt:
        if (folder / CHECKPOINT_FOLDER / STATE_FILE).is_file():
            message = "The last whole epoch is kept; go on with the same command and --resume."
        else:
            message = "No epoch was finished, so nothing is kept."
        typer.echo(f"\n{message}", err=True)
        raise


@app.command()
def evaluate(
    bundle: Annotated[
        str,
        typer.Argument(metavar="BUNDLE", help="A bundle's folder, or its name under FER_MODELS."),
    ],
    data: Annotated[
        str,
        typer.Option(
            metavar="SOURCE[:SPLIT]",
            help="A source of `python -m training data` with train, valid or test (the default), or "
            "folder:PATH, a folder with one sub-folder of face crops per class, or with train, validation "
            "and test folders of such; of these the test split, or validation if there is none.",
        ),
    ],
) -> None:
    """Measure a bundle with the file that serves users; print one line of JSON last.

    On the validation and test splits of the known sources, the bundle's predictions, metrics and card
    are rewritten (unchanged weights give unchanged files). A folder: leaves the bundle alone.

    \b
    Examples:
      python -m training evaluate models/cnn --data fer2013:test
      python -m training evaluate models/cnn --data ckplus
      python -m training evaluate cnn --data folder:~/my-faces
      python -m training evaluate cnn --data folder:~/my-faces:train
      python -m training evaluate keypoints --data keypoints:test
    """
    with _explained():
        _evaluate_and_print(_find_folder(bundle), data)


@app.command()
def compare(
    first: Annotated[str, typer.Argument(metavar="BUNDLE", help="A bundle's folder or name.")],
    second: Annotated[str, typer.Argument(metavar="BUNDLE", help="Another one.")],
    data: Annotated[
        str,
        typer.Option(
            metavar="SOURCE[:SPLIT]", help="As for evaluate: a known source or folder:PATH."
        ),
    ],
) -> None:
    """Test whether the second bundle is better than the first on the same faces.

    Prints one line of JSON last: both accuracies, on how many faces both, one or neither is right, the
    exact p-value of McNemar's test, and the 95 % bootstrap interval of the difference.

    \b
    Example:
      python -m training compare models/cnn models/dual --data fer2013:test
    """
    with _explained():
        from training.evaluate import compare_bundles

        samples = sources.parse_data_argument(data)()
        report = compare_bundles(_find_bundle(first), _find_bundle(second), samples)
        typer.echo(json.dumps(report))


def _find_folder(name_or_path: str) -> Path:
    path = Path(name_or_path).expanduser()
    if (path / SPEC_FILE).is_file() or len(path.parts) > 1 or path.is_absolute():
        return path
    return models_root() / name_or_path


def _find_bundle(name_or_path: str) -> Bundle:
    folder = _find_folder(name_or_path)
    # By its name if it lies among the others, so that a misspelt one gets the near ones named.
    return resolve(folder.name) if folder.parent == models_root() else open_bundle(folder)


def _evaluate_and_print(folder: Path, argument: str) -> None:
    if finds_keypoints(folder):
        from training.keypoint_bundle import evaluate_keypoints

        bundle = open_keypoint_bundle(folder)
        report = evaluate_keypoints(bundle, sources.parse_keypoints_argument(argument)())
    else:
        from training.evaluate import evaluate as measure

        report = measure(_find_bundle(str(folder)), sources.parse_data_argument(argument)())
    typer.echo(json.dumps(report))


if __name__ == "__main__":
    app(prog_name="python -m training")
