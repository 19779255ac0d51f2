"""`python -m fer_core analyze`: photos and videos in, one record per photo and frame out."""

import re
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from fer_core.commands.exits import EXIT_SOME_FAILED, EXIT_USAGE
from fer_core.errors import FerError
from fer_core.face_columns import FaceChoice, FaceColumns
from fer_core.files import shown_name
from fer_core.listing import split_names
from fer_core.video import DEFAULT_RATE

if TYPE_CHECKING:
    from fer_core.batch.inputs import PhotoFile
    from fer_core.batch.processes import Record, Settings, Task
    from fer_core.commands.result_file import Contents, ResultFile
    from fer_core.networks.bundles import Bundle

    #: From records and the classes of each network to the lines of a CSV table.
    MakeTable = Callable[[Iterable[Record], Mapping[str, Any]], Iterable[str]]


class MixedInputError(FerError):
    """The options or the inputs exclude each other."""


class OutputFolderError(FerError):
    """Annotated photos cannot be written to the folder."""


class Format(StrEnum):
    """Output formats."""

    JSONL = "jsonl"
    CSV = "csv"
    TABLE = "table"
    FEX = "fex"


_CSV_SUFFIX: Final = ".csv"
#: Photos on a terminal that give a table by default.
_MOST_IN_A_TABLE: Final = 20
#: Names of annotated photos and videos begin with a number of four or more digits.
_ANNOTATED: Final = re.compile(r"\d{4,}-.*\.(png|mp4)")


def analyze(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="Photos, videos, folders, zips, or quoted patterns such as 'holiday/**/*.jpg'. Use - to "
            "read a list of paths from standard input, one per line or separated by NUL.",
        ),
    ],
    models: Annotated[
        str | None,
        typer.Option(
            "--networks",
            "--models",
            help="Networks to use, separated by commas. Default: FER_NETWORKS, or cnn_photos,dual_photos.",
        ),
    ] = None,
    output_format: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="jsonl: one JSON object per line; csv; table: for reading in the terminal; fex: Py-Feat's "
            "CSV. Default: csv if --output ends in .csv; table for up to "
            f"{_MOST_IN_A_TABLE} photos on a terminal, without --columns full and --landmarks; else jsonl. "
            "CSV files start with a byte order mark for Excel; fex and CSV on standard output do not.",
        ),
    ] = None,
    columns: Annotated[
        FaceColumns,
        typer.Option(
            help="full: also estimated action units, blendshapes, gaze, openings of eyes and mouth, and 68 "
            "landmarks of each face; docs/api.md lists them. fex always has its own columns."
        ),
    ] = FaceColumns.BASIC,
    faces: Annotated[
        FaceChoice,
        typer.Option(
            help="largest: only the face with the largest box of each photo, so that a table has one row "
            "per photo. Not for videos."
        ),
    ] = FaceChoice.ALL,
    landmarks: Annotated[
        bool,
        typer.Option(
            "--landmarks",
            help="Also the 478 landmarks of each face: x, y and z in pixels. Only of photos, and only as "
            "jsonl.",
        ),
    ] = False,
    save_annotated: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Also write each photo with its faces marked to this folder, as NUMBER-NAME.png, and the "
            "analyzed frames of each video as NUMBER-NAME.mp4.",
        ),
    ] = None,
    frame_rate: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            max=240,
            metavar="FRAMES",
            help=f"Video frames to analyze per second. Default: {DEFAULT_RATE:g}. Without this option, "
            "videos in folders are skipped, and of an animated GIF only the first frame is analyzed.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write to a new file instead of the terminal."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Continue an --output file where an earlier run stopped."),
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of worker processes, each with its own models. Default: one per core for many "
            "photos, else 1.",
        ),
    ] = None,
) -> None:
    """Find every face in photos and videos and name its apparent expression.

    A video gives one line per analyzed frame, with its time; faces are tracked from frame to frame.

    A file that cannot be read gives one line with its error. The run continues, and the exit code is 1.

    Examples:

      python -m fer_core analyze portrait.jpg

      python -m fer_core analyze holiday/ party.zip --output faces.csv

      python -m fer_core analyze archive/ --output faces.jsonl --resume
    """
    from fer_core.batch.inputs import input_files
    from fer_core.batch.processes import Settings
    from fer_core.batch.skipped import Skipped
    from fer_core.commands.result_file import Contents

    names = _model_names(models)
    chosen = _choose_format(output_format, output, resume=resume, landmarks=landmarks)
    if chosen is Format.FEX:
        columns = FaceColumns.FULL
    contents = Contents(columns, landmarks, faces)
    results = None
    try:
        bundles = _open_bundles(names)
        skipped = Skipped()
        found = input_files(paths, sys.stdin.buffer, videos=frame_rate is not None, skipped=skipped)
        files = list(_without_annotated(found, save_annotated))
        for line in skipped.lines():
            typer.echo(line, err=True)
        _refuse_for_videos(files, contents)
        if output_format is None and output is None and _is_read_by_people(files, contents):
            chosen = Format.TABLE
        table = _table_of(files, chosen, columns, resume=resume)
        if save_annotated:
            _make_folder(save_annotated, resume=resume)
        settings = Settings(
            bundles, save_annotated, frame_rate or DEFAULT_RATE, columns, landmarks, faces
        )
        results = _open_results(output, chosen, table, bundles, contents, resume=resume)
        failed = _run(files, settings, chosen, table, bundles, results, jobs)
    except (FerError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            # The reader of our output has closed it.
            raise
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(EXIT_USAGE) from error
    finally:
        if results:
            results.close()
    if failed:
        typer.echo(f"{failed} of the inputs could not be read.", err=True)
        raise typer.Exit(EXIT_SOME_FAILED)


def _make_folder(folder: Path, *, resume: bool) -> None:
    """Make the folder of annotated photos; raise OutputFolderError if an earlier run's would be replaced."""
    if folder.exists() and not folder.is_dir():
        raise OutputFolderError(f"{folder} is a file. Give a folder to --save-annotated.")
    folder.mkdir(parents=True, exist_ok=True)
    if not resume and any(_ANNOTATED.fullmatch(file.name) for file in folder.iterdir()):
        raise OutputFolderError(
            f"{folder} has annotated photos of an earlier run, which would be replaced. Give an empty or a "
            "new folder."
        )


def _model_names(models: str | None) -> list[str]:
    from fer_core.networks.bundles import default_networks

    if models is None:
        return default_networks()
    names = split_names(models)
    if not names:
        raise typer.BadParameter("Name at least one network, for instance --networks cnn")
    return names


def _choose_format(
    wanted: Format | None, output: Path | None, *, resume: bool, landmarks: bool
) -> Format:
    if resume and output is None:
        raise typer.BadParameter("--resume continues a file. Name it with --output FILE")
    if resume and wanted is Format.FEX:
        raise typer.BadParameter("A fex file cannot be resumed. Use --format jsonl or csv")
    if output is not None and wanted is Format.TABLE:
        raise typer.BadParameter(
            "A table is for the terminal. Use --format jsonl or csv with --output"
        )
    is_csv = output is not None and output.suffix.lower() == _CSV_SUFFIX
    chosen = wanted or (Format.CSV if is_csv else Format.JSONL)
    if landmarks and chosen is not Format.JSONL:
        raise typer.BadParameter(
            f"--landmarks has no place in {chosen}. Use --format jsonl, or --columns full for 68 of the "
            "points"
        )
    return chosen


def _refuse_for_videos(files: "list[PhotoFile]", contents: "Contents") -> None:
    """Raise MixedInputError if there are videos and an option is for photos alone."""
    video = next((file for file in files if file.is_video), None)
    if video is None:
        return
    name = shown_name(video.name)
    if contents.landmarks:
        raise MixedInputError(
            f"--landmarks is for photos, and {name} is a video. Name the photos, for instance with "
            "'holiday/*.jpg', or use --columns full for 68 of the points."
        )
    if contents.faces is FaceChoice.LARGEST:
        raise MixedInputError(
            f"--faces largest is for photos, and {name} is a video. Name the photos, for instance with "
            "'holiday/*.jpg', or use --faces all: `track` tells the people of a video apart."
        )


def _is_read_by_people(files: "list[PhotoFile]", contents: "Contents") -> bool:
    """Return whether the output goes to a terminal, and a table can hold all of it."""
    is_short = contents.columns is FaceColumns.BASIC and not contents.landmarks
    # A table is printed when all is done; JSON is there as soon as its photo is.
    is_short &= len(files) <= _MOST_IN_A_TABLE
    return is_short and sys.stdout.isatty() and not any(file.is_video for file in files)


def _open_bundles(names: list[str]) -> "dict[str, Bundle]":
    from fer_core.networks.bundles import resolve, stand_in_sentence

    bundles = {name: resolve(name) for name in names}
    for name, bundle in bundles.items():
        if sentence := stand_in_sentence(name, bundle):
            typer.echo(sentence, err=True)
    return bundles


def _without_annotated(files: "Iterable[PhotoFile]", folder: Path | None) -> "Iterator[PhotoFile]":
    """Yield the files but those that an earlier run annotated, if their folder lies in an input folder."""
    for file in files:
        is_annotated = (
            folder is not None
            and file.member is None
            and _ANNOTATED.fullmatch(file.path.name)
            and file.path.resolve().parent == folder.resolve()
        )
        if not is_annotated:
            yield file


def _table_of(
    files: "list[PhotoFile]", chosen: Format, columns: FaceColumns, *, resume: bool
) -> "MakeTable":
    """Return the function that writes CSV; raise MixedInputError if one table cannot hold the records."""
    from fer_core.fex import fex_lines
    from fer_core.records import csv_lines

    if chosen is Format.FEX:
        return fex_lines
    n_videos = sum(file.is_video for file in files)
    if chosen is not Format.CSV or not n_videos:
        return partial(csv_lines, columns=columns)
    if n_videos < len(files):
        raise MixedInputError(
            "CSV tables of photos and of videos have different columns. Run them separately, or use "
            "--format jsonl."
        )
    if resume:
        raise MixedInputError(
            "A CSV table of videos cannot be resumed. Use --format jsonl, or start again without --resume."
        )
    # Imported for videos alone: with it come PyAV and SciPy, for half a second.
    from fer_core.video.tables import frames_csv

    return partial(frames_csv, columns=columns)


def _open_results(
    output: Path | None,
    chosen: Format,
    table: "MakeTable",
    bundles: "dict[str, Bundle]",
    contents: "Contents",
    *,
    resume: bool,
) -> "ResultFile | None":
    if output is None:
        return None
    from fer_core.annotate.answering import answering
    from fer_core.commands.result_file import ResultFile
    from fer_core.commands.result_meta import ResultMeta

    header = next(iter(table([], _labels(bundles)))) if chosen is Format.CSV else ""
    meta = ResultMeta(answering=answering(bundles), faces=contents.faces)
    return ResultFile(
        output, header=header, networks=bundles, contents=contents, meta=meta, resume=resume
    )


def _run(
    files: "list[PhotoFile]",
    settings: "Settings",
    chosen: Format,
    table: "MakeTable",
    bundles: "dict[str, Bundle]",
    results: "ResultFile | None",
    jobs: int | None,
) -> int:
    """Write the records of each file that is not in `results`; return how many could not be read."""
    from fer_core.batch.progress import Progress, ProgressLine
    from fer_core.commands.result_file import json_line, to_bytes

    # Number files before filtering: a resumed run gives each photo the number that it had.
    tasks: list[Task] = [
        (number, file)
        for number, file in enumerate(files, start=1)
        if not (results and results.take(file.name))
    ]
    failed = results.failed if results else 0
    progress = Progress(len(files), done=len(files) - len(tasks))

    def counted(outcomes: "Iterator[Iterable[Record]]", line: "ProgressLine") -> "Iterator[Record]":
        nonlocal failed
        for (_, file), records in zip(tasks, outcomes, strict=True):
            failed_before = failed
            for record in records:
                failed += record["error"] is not None
                if chosen is Format.FEX and record["error"]:
                    # Its table has no column for this.
                    line.clear()
                    typer.echo(f"{shown_name(record['path'])}: {record['error']}", err=True)
                yield record
            line.step(errors=failed - failed_before, name=file.name)

    with (
        ProgressLine(sys.stderr, progress) as line,
        # An error or Ctrl-C stops the processes at once.
        closing(_outcomes(tasks, settings, jobs)) as outcomes,
    ):
        records = counted(outcomes, line)
        if chosen is Format.TABLE:
            from fer_core.commands.face_table import print_table

            rows = list(records)
            line.clear()
            print_table(rows, list(bundles))
            return failed
        if chosen in (Format.CSV, Format.FEX):
            lines = iter(table(records, _labels(bundles)))
            if results and chosen is Format.CSV:
                # The file has its header.
                next(lines)
        else:
            lines = map(json_line, records)
        for text in lines:
            if results:
                results.append(text)
            else:
                line.clear()
                typer.echo(to_bytes(text), nl=False)
    return failed


def _outcomes(
    tasks: "list[Task]", settings: "Settings", jobs: int | None
) -> "Generator[Iterable[Record], None, None]":
    from fer_core.batch.processes import (
        MANY,
        Recorder,
        records_here,
        records_in_processes,
    )
    from fer_core.cores import available_cores

    if not tasks:
        return
    if jobs is None:
        jobs = available_cores() if len(tasks) >= MANY else 1
    jobs = min(jobs, len(tasks))
    if jobs > 1:
        yield from records_in_processes(tasks, settings, jobs=jobs)
    else:
        yield from records_here(tasks, Recorder(settings))


def _labels(bundles: "dict[str, Bundle]") -> dict[str, Any]:
    return {name: bundle.spec.labels for name, bundle in bundles.items()}
