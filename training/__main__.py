"""The command line of training: `python -m training --help`."""

import contextlib
import dataclasses
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

import numpy as np
import typer

from fer_core.errors import DataError, FerError, UnknownNameError
from fer_core.evaluation.robustness import ROWS, SEED
from fer_core.expressions import FER2013
from fer_core.networks.bundles import SPEC_FILE, bundle_folders, finds_keypoints
from fer_core.settings import face_shape_path, models_root
from fer_core.studies.runs import append_rows, runs_path
from training import sources
from training.campaign.profile import Profile
from training.sources import MissingDataError, Split, keypoints, webphotos

if TYPE_CHECKING:
    from training.measure.evaluate import Report

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
    except ModuleNotFoundError as error:
        typer.echo(
            f"Error: this needs the package of {error.name}, which is not installed. Install what training "
            "needs with: pip install -r requirements-train.txt",
            err=True,
        )
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
        found += _list_splits(webphotos.NAME, (Split.VALID,), _photos_line)
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


def _photos_line(*_: str) -> str:
    found = webphotos.load(sources.data_root())
    counts = np.bincount(found.labels, minlength=len(FER2013))
    named = zip(FER2013.labels, counts, strict=True)
    return f"{len(found):,} whole photos\n  " + ", ".join(f"{name} {n:,}" for name, n in named)


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
        from training.sources.landmark_cache import cache_path, with_landmarks

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
        from fer_core.faces.shape import estimate, write_face_shape
        from training.sources.landmark_cache import upright_and_blendshapes

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
    """Train a recipe, make the bundle, and measure it on the validation and test splits that there are.

    A row in studies/runs.parquet beside the bundle's folder keeps what was run and what came of it.

    The state is kept after every epoch in the bundle's folder; a run that was stopped goes on with
    --resume and the same other options. Prints one line of JSON for each measured split.

    \b
    Examples:
      python -m training fit cnn
      python -m training fit cnn --resume
      python -m training fit stacked_cnn --set data.source=ferplus --out models/plus
      python -m training fit stacked_cnn --set data.source=fer2013+expw --out models/wild
      python -m training fit cnn --set data.source=folder:~/faces --set vote_smoothing=0 --out /tmp/own
      python -m training fit cnn --out models/wide --set architecture.widths=[48,96,192,384]
      python -m training fit cnn --out /tmp/try --epochs 2 --set optimizer.peak_learning_rate=0.05
      KERAS_BACKEND=jax python -m training fit cnn --batch-size 1024
    """
    with _explained():
        from training.experiments.run import row_of, train
        from training.schema.recipe import get_recipe

        overrides = list(assignments or [])
        overrides += [f"epochs={epochs}"] if epochs is not None else []
        overrides += [f"seed={seed}"] if seed is not None else []
        chosen = get_recipe(recipe).with_overrides(overrides)
        if batch_size is not None:
            chosen = chosen.with_batch_size(batch_size)
        folder = out or models_root() / chosen.name
        with _stop_explained(folder):
            train(
                chosen,
                folder,
                resume=resume,
                change_settings=change_settings,
                tensorboard=tensorboard,
                bundle=bundle,
            )
        if not bundle:
            typer.echo(f"Trained; {folder} waits for the same command with --resume.", err=True)
            return
        reports = []
        for split in sources.splits_of(chosen.data.source):
            if split is Split.TRAIN:
                continue
            try:
                reports.append(_measure_and_print(folder, f"{chosen.data.source}:{split}"))
            except MissingDataError as error:
                typer.echo(f"Not measured on the {split} split. {error}", err=True)
        append_rows(runs_path(folder.resolve().parent), [row_of(folder, reports)])


@contextlib.contextmanager
def _stop_explained(folder: Path) -> Iterator[None]:
    """Say after Ctrl-C what is kept of a run."""
    from training.loop.run_folder import CHECKPOINT_FOLDER, STATE_FILE

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
def study(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name of a study in training/recipes/studies.")
    ],
) -> None:
    """Do the runs of a study that are not done yet, and print its table as CSV.

    Runs that were stopped go on from their last whole epoch; a finished study does nothing. The tables
    are models/studies/NAME.parquet, a row a run, and NAME-history.parquet, a row an epoch.

    \b
    Example:
      FER_DATA=~/fer-data python -m training study conv_stages
    """
    with _explained():
        from training.experiments.study import get_study, run_study

        typer.echo(run_study(get_study(name)).to_csv(index=False), nl=False)


@app.command()
def campaign(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A campaign in training/recipes/campaigns.")
    ],
    minutes: Annotated[
        float | None,
        typer.Option(min=0, help="Leave out what would not end within so many minutes."),
    ] = None,
    only: Annotated[
        str | None, typer.Option(metavar="TEACHER", help="Train this teacher alone.")
    ] = None,
    profile: Annotated[
        Profile, typer.Option(help="Runs that are sized for a CPU or for a GPU.")
    ] = Profile.CPU,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what there is to do and its cost as CSV.")
    ] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Print the ensemble and its teachers as CSV.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="Also pack answers and students into archives in this folder, at once."),
    ] = None,
) -> None:
    """Train a campaign's teachers, choose their ensemble, and train the students that learn from it.

    A finished teacher leaves its answers in models/teachers/NAME and is skipped from then on; a run that was
    stopped goes on from its last whole epoch. Runs and students lie under FER_CACHE. Prints the ensemble and
    its teachers as CSV.

    \b
    Examples:
      FER_DATA=~/fer-data python -m training campaign fer2013_pixels --dry-run
      FER_DATA=~/fer-data python -m training campaign fer2013_pixels
      FER_DATA=~/fer-data python -m training campaign fer2013_pixels --only cnn_3 --minutes 170
      python -m training campaign fer2013_pixels --report
    """
    with _explained():
        from training.campaign.outbox import Outbox
        from training.campaign.plan import get_campaign
        from training.campaign.run import run_campaign
        from training.campaign.tables import ensemble_table, plan_table

        plan = get_campaign(name)
        if dry_run:
            typer.echo(plan_table(plan, profile).to_csv(index=False), nl=False)
            return
        if not report:
            ensemble = run_campaign(
                plan,
                profile=profile,
                minutes=minutes,
                only=only,
                finished=None if out is None else Outbox(out, plan),
            )
            if ensemble is None:
                return
        typer.echo(ensemble_table(plan).to_csv(index=False), nl=False)


@app.command()
def tune(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="A recipe that declares a search space.")
    ],
    trials: Annotated[int, typer.Option(min=1, help="Trials in all.")] = 20,
    epochs: Annotated[int, typer.Option(min=1, help="Of each trial.")] = 4,
    rows: Annotated[int, typer.Option(min=1, help="Training rows of each trial.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="Of the search and of each trial.")] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a search that was stopped.")
    ] = False,
) -> None:
    """Search the settings that a recipe's SEARCH names, and print the trials as CSV, best first.

    Trials are short runs, compared on the clean rows of the validation split. The table is
    models/studies/tune-RECIPE.parquet.

    \b
    Examples:
      FER_DATA=~/fer-data python -m training tune cnn
      FER_DATA=~/fer-data python -m training tune cnn --trials 40 --resume
    """
    with _explained():
        from training.experiments.tune import search_space_of, shortened
        from training.experiments.tune import tune as search
        from training.schema.recipe import get_recipe

        space = search_space_of(recipe)
        chosen = shortened(get_recipe(recipe), epochs=epochs, rows=rows, seed=seed)
        typer.echo(
            search(chosen, space, trials=trials, resume=resume).to_csv(index=False), nl=False
        )


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
        _measure_and_print(_find_folder(bundle), data)


@app.command()
def regenerate(
    bundles: Annotated[
        list[str] | None,
        typer.Argument(metavar="[BUNDLE]...", help="Folders or names; by default all there are."),
    ] = None,
    files: Annotated[
        bool,
        typer.Option(
            "--files",
            help="Write model.keras and model.tflite anew first, as fit does today: of bundles made before "
            "weights were rounded to half the bytes. Temperature and threshold are chosen again.",
        ),
    ] = False,
) -> None:
    """Make anew all that follows from the weights of bundles; print one line of JSON for each measurement.

    Predictions, metrics and cards for every data set that is there, layers, the answers to corrupted faces,
    the README's table. For after `fit`. Corrupted faces take a quarter of an hour for a network that sees
    landmarks.

    \b
    Examples:
      FER_DATA=~/fer-data python -m training regenerate
      FER_DATA=~/fer-data python -m training regenerate cnn dual
      FER_DATA=~/fer-data python -m training regenerate cnn --files
    """
    with _explained():
        from training.experiments.regenerate import regenerate as make_anew

        folders = [_find_folder(name) for name in bundles] if bundles else bundle_folders()
        for report in make_anew(folders, files=files):
            typer.echo(json.dumps(report))


@app.command()
def describe(
    bundle: Annotated[
        str,
        typer.Argument(metavar="BUNDLE", help="A bundle's folder, or its name under FER_MODELS."),
    ],
) -> None:
    """Write the table of a bundle's layers, layers.csv, as fit does; print one line of JSON.

    For bundles that were made without one. An unchanged bundle gives an unchanged file.

    \b
    Example:
      python -m training describe models/cnn
    """
    with _explained():
        from training.experiments.run import describe as write_table

        typer.echo(json.dumps(write_table(_find_folder(bundle))))


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
        from training.experiments.run import open_or_suggest
        from training.measure.evaluate import compare_bundles

        samples = sources.parse_data_argument(data)()
        one, other = (open_or_suggest(_find_folder(name)) for name in (first, second))
        report = compare_bundles(one, other, samples)
        typer.echo(json.dumps(report))


@app.command()
def robustness(
    bundle: Annotated[
        str,
        typer.Argument(metavar="BUNDLE", help="A bundle's folder, or its name under FER_MODELS."),
    ],
    data: Annotated[
        str,
        typer.Option(
            metavar="SOURCE[:SPLIT]", help="As for evaluate: a known source or folder:PATH."
        ),
    ],
    rows: Annotated[int, typer.Option(min=1, help="Faces that are drawn at random.")] = ROWS,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw and of the noise.")] = SEED,
) -> None:
    """Measure a bundle on corrupted faces: ten kinds, five strengths; print one line of JSON last.

    Blur, noise, JPEG, low resolution, too dark, too bright, low contrast, rotation, covered eyes,
    covered mouth: see training/measure/corruptions.py. By default on 1,000 faces drawn at random, the same
    for every bundle and kind: landmarks are found anew in each corrupted image, some 14 ms an image, which
    makes it a quarter of an hour for a network that sees them.

    On the validation and test splits of the known sources, the answers are written to
    BUNDLE/predictions/robustness, and a run that was stopped goes on. A folder:, other --rows and another
    --seed leave the bundle alone.

    \b
    Examples:
      python -m training robustness models/cnn --data fer2013:test
      python -m training robustness dual --data folder:~/my-faces --rows 200
    """
    with _explained():
        from training.experiments.run import open_or_suggest
        from training.measure.robustness import measure_robustness

        samples = sources.parse_data_argument(data)()
        opened = open_or_suggest(_find_folder(bundle))
        typer.echo(json.dumps(measure_robustness(opened, samples, rows=rows, seed=seed)))


@app.command()
def publish(
    bundle: Annotated[
        str,
        typer.Argument(metavar="BUNDLE", help="A bundle's folder, or its name under FER_MODELS."),
    ],
    repo: Annotated[
        str, typer.Option(metavar="OWNER/NAME", help="The model repository; made if there is none.")
    ],
    private: Annotated[
        bool, typer.Option("--private", help="Only you and your organisation may see it.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the files and the card, and talk to nobody.")
    ] = False,
) -> None:
    """Put a bundle on the Hugging Face Hub in one commit; print the setting that pins it last.

    Every file is checked against the bundle's spec first. The token is that of HF_TOKEN, or of
    `hf auth login`, and must have the right to write.

    \b
    Examples:
      python -m training publish models/cnn --repo OWNER/second-look-cnn --dry-run
      HF_TOKEN=... python -m training publish cnn --repo OWNER/second-look-cnn --private
    """
    with _explained():
        from fer_core.networks.hub import variable_of
        from training.bundle.publish import prepare
        from training.bundle.publish import publish as upload

        publication = prepare(_find_folder(bundle), repo)
        for name, size in publication.sizes.items():
            typer.echo(f"{size:>12,} {name}", err=not dry_run)
        if dry_run:
            typer.echo(f"\n{publication.card}", nl=False)
            return
        pin = upload(publication, private=private)
        name = variable_of(publication.bundle.spec.name)
        typer.echo(f"{name}={pin.repo}@{pin.revision}")


@app.command()
def thumbnails(
    data: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE:SPLIT", help="A known source whose terms let its faces be shown."
        ),
    ],
) -> None:
    """Keep small copies of a split's faces, so that the app can show which ones networks mistake.

    JPEG, 48 pixels, grey, in one file, models/thumbnails/SOURCE-SPLIT.parquet. They stay under their
    owners' terms, see models/thumbnails/NOTICE. Prints one line of JSON.

    \b
    Example:
      FER_DATA=~/fer-data python -m training thumbnails fer2013:test
    """
    with _explained():
        from training.measure.thumbnails import make_thumbnails

        source, split = sources.parse_split(data)
        file = make_thumbnails(source, split)
        typer.echo(
            json.dumps(
                {
                    "source": source,
                    "split": split,
                    "file": str(file),
                    "bytes": file.stat().st_size,
                }
            )
        )


@app.command()
def human_ceiling() -> None:
    """Compute how often one of FER+'s annotators agrees with the others, and with FER2013's label.

    On the validation and test splits, over eight classes and over seven. Writes
    models/annotators.parquet and prints a line of JSON for each of its rows.

    \b
    Example:
      FER_DATA=~/fer-data python -m training human-ceiling
    """
    with _explained():
        from fer_core.evaluation.human_agreement import annotators_path, write_annotators
        from training.measure.human_ceiling import measure_annotators

        rows = measure_annotators()
        write_annotators(rows, annotators_path())
        for row in rows:
            typer.echo(json.dumps(dataclasses.asdict(row)))


@app.command()
def photos() -> None:
    """Measure every network on whole web photos, end to end, and write models/photos.parquet.

    Face finder, crop, network; the largest face counts. On the photos as they are, and shrunk until the
    face's crop has 48, 32 and 24 pixels. The photos are a development set: choices are made on it. Prints a
    line of JSON for each network and size.

    \b
    Example:
      FER_DATA=~/fer-data python -m training photos
    """
    with _explained():
        from fer_core.evaluation.photo_accuracy import photo_accuracy_path, write_photo_accuracy
        from training.experiments.run import open_or_suggest
        from training.measure.evaluate import without_nan
        from training.measure.photos import measure_photos

        folders = [folder for folder in bundle_folders() if not finds_keypoints(folder)]
        rows = measure_photos(
            [open_or_suggest(folder) for folder in folders], webphotos.load(sources.data_root())
        )
        write_photo_accuracy(rows, photo_accuracy_path())
        for row in rows:
            typer.echo(json.dumps(without_nan(dataclasses.asdict(row))))


@app.command()
def report(
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("report.html"),
) -> None:
    """Write the dashboards as one HTML file that can be read without a network.

    From the stored predictions and tables under FER_MODELS; nothing is measured anew. Prints one line of
    JSON.

    \b
    Example:
      python -m training report --out report.html
    """
    with _explained():
        from training.experiments.report import write_report

        write_report(out)
        typer.echo(json.dumps({"file": str(out), "megabytes": round(out.stat().st_size / 1e6, 1)}))


def _find_folder(name_or_path: str) -> Path:
    path = Path(name_or_path).expanduser()
    if (path / SPEC_FILE).is_file() or len(path.parts) > 1 or path.is_absolute():
        return path
    return models_root() / name_or_path


def _measure_and_print(folder: Path, data: str) -> "Report":
    from training.experiments.run import measure

    report = measure(folder, data)
    typer.echo(json.dumps(report))
    return report


if __name__ == "__main__":
    app(prog_name="python -m training")
