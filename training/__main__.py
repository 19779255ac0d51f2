"""The command line of training: `python -m training --help`."""

import contextlib
import json
import logging
import os
import sys
from collections.abc import Iterator
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
from training.sources import Split, keypoints

if TYPE_CHECKING:
    from training.fit import FitResult
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
        sources.data_root()
        found = 0
        for source in sources.SOURCES:
            for split in Split:
                try:
                    samples = sources.load(source, split)
                except DataError as error:
                    typer.echo(f"{source}:{split}: {error}\n", err=True)
                    continue
                found += 1
                counts = ", ".join(f"{name} {n:,}" for name, n in samples.counts().items())
                clean = "" if split is Split.TRAIN else f"{samples.clean.sum():,} clean, "
                typer.echo(
                    f"{source}:{split}: {len(samples):,} faces, {clean}"
                    f"{(~samples.is_face).sum():,} no face\n  {counts}"
                )
        for split in Split:
            try:
                faces = sources.load_keypoints(split)
            except DataError as error:
                typer.echo(f"{keypoints.NAME}:{split}: {error}\n", err=True)
                break
            found += 1
            persons = "unknown persons" if faces.n_persons is None else f"{faces.n_persons} persons"
            typer.echo(f"{keypoints.NAME}:{split}: {len(faces):,} faces with points, {persons}")
        if not found:
            raise DataError(
                f"No data set was found under FER_DATA={sources.data_root()}. What is read is said above."
            )


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

        whole = [sources.load(source, split) for split in Split]
        found = {}
        for samples in map(with_landmarks, whole):
            if samples.landmarks is not None:
                found[str(samples.split)] = float(samples.landmarks.any(axis=1).mean())
        typer.echo(json.dumps({"source": source, "found": found, "file": str(cache_path(source))}))


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
    batch_size: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Instead of the recipe's, with learning rate and averaging in proportion. --set "
            "batch_size changes nothing else.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The bundle's folder; by default RECIPE under FER_MODELS.")
    ] = None,
    bundle: Annotated[
        bool,
        typer.Option(
            help="With --no-bundle: only train, and leave the run to be finished with --resume, also on "
            "another machine."
        ),
    ] = True,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write logs for TensorBoard to OUT/tensorboard.")
    ] = False,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Another setting; may be repeated."),
    ] = None,
) -> None:
    """Train a recipe, make the bundle, and measure it on the validation and test splits.

    The state is kept after every epoch in the bundle's folder; a run that was stopped goes on with
    --resume and the same other options. Prints one line of JSON for each measured split.

    \b
    Examples:
      python -m training fit cnn
      python -m training fit cnn --resume
      python -m training fit cnn --out models/wide --set architecture.widths=[48,96,192,384]
      python -m training fit cnn --out /tmp/try --epochs 2 --set optimizer.peak_learning_rate=0.05
      KERAS_BACKEND=jax python -m training fit cnn --batch-size 1024 --set dtype_policy=mixed_bfloat16
    """
    with _explained():
        from training.recipe import get_recipe

        overrides = list(assignments or [])
        overrides += [f"epochs={epochs}"] if epochs is not None else []
        overrides += [f"seed={seed}"] if seed is not None else []
        chosen = get_recipe(recipe).with_overrides(overrides)
        if batch_size is not None:
            chosen = chosen.with_batch_size(batch_size)
        folder = out or models_root() / chosen.name
        with _stop_explained(folder):
            from training.fit import fit as train

            result = train(
                chosen,
                folder,
                resume=resume,
                change_settings=change_settings,
                tensorboard=tensorboard,
            )
            if not bundle:
                typer.echo(f"Trained; {folder} waits for the same command with --resume.", err=True)
                return
            _make_bundle(result, chosen, folder)
        for split in (Split.VALID, Split.TEST):
            _evaluate_and_print(folder, f"{chosen.data.source}:{split}")


def _make_bundle(result: "FitResult", recipe: "BaseRecipe", folder: Path) -> None:
    from training.export import make_bundle
    from training.keypoint_bundle import make_keypoint_bundle
    from training.recipe import KeypointRecipe, Recipe

    if isinstance(recipe, Recipe):
        make_bundle(result, recipe, folder)
    elif isinstance(recipe, KeypointRecipe):
        make_keypoint_bundle(result, recipe, folder)


@contextlib.contextmanager
def _stop_explained(folder: Path) -> Iterator[None]:
    """Say after Ctrl-C what is kept of a run."""
    from training.run_folder import CHECKPOINT_FOLDER, STATE_FILE

    try:
        yield
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
            "folder:PATH, a folder with one sub-folder of face crops per class.",
        ),
    ],
) -> None:
    """Measure a bundle with the file that serves users; print one line of JSON last.

    On the validation and test splits of the known sources, the bundle's predictions, metrics and card
    are rewritten (unchanged weights give unchanged files). A folder: leaves the bundle alone.

    \b
    Examples:
      python -m training evaluate models/cnn --data fer2013:test
      python -m training evaluate cnn --data folder:~/my-faces
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
