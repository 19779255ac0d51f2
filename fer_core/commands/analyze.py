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
from fer_core.face_columns import FaceColumns
from fer_core.files import readable_name, shown_name
from fer_core.listing import split_names
from fer_core.video import DEFAULT_RATE

if TYPE_CHECKING:
    from fer_core.batch.inputs import PhotoFile
    from fer_core.batch.processes import Record, Settings, Task
    from fer_core.commands.result_file import ResultFile
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
#: Names of annotated photos and videos begin with a number of four or more digits.
_ANNOTATED: Final = re.compile(r"\d{4,}-.*\.(png|mp4)")
#: Terminal columns between two cells of a table.
_BORDER: Final = 3
#: No path is cut to fewer columns.
_SHORTEST_PATH: Final = 24
#: Replaces the part that is cut out of a path; every encoding has these characters.
_CUT: Final = "..."


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
            "CSV. Default: csv if --output ends in .csv, else jsonl. CSV files start with a byte order mark "
            "for Excel; fex and CSV on standard output do not.",
        ),
    ] = None,
    columns: Annotated[
        FaceColumns,
        typer.Option(
            help="full: also estimated action units, blendshapes, gaze, openings of eyes and mouth, and 68 "
            "landmarks of each face; docs/api.md lists them. fex always has its own columns."
        ),
    ] = FaceColumns.BASIC,
    save_annotated: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Also write each photo with its faces marked to this folder, as NUMBER-NAME.png.",
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

    names = _model_names(models)
    chosen = _choose_format(output_format, output, resume=resume)
    if chosen is Format.FEX:
        columns = FaceColumns.FULL
    results = None
    try:
        bundles = _open_bundles(names)
        skipped = Skipped()
        found = input_files(paths, sys.stdin.buffer, videos=frame_rate is not None, skipped=skipped)
        files = list(_without_annotated(found, save_annotated))
        for line in skipped.lines():
            typer.echo(line, err=True)
        table = _table_of(files, chosen, columns, resume=resume)
        if save_annotated:
            _make_folder(save_annotated, resume=resume)
        settings = Settings(bundles, save_annotated, frame_rate or DEFAULT_RATE, columns)
        results = _open_results(output, chosen, table, bundles, columns, resume=resume)
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


def _choose_format(wanted: Format | None, output: Path | None, *, resume: bool) -> Format:
    if resume and output is None:
        raise typer.BadParameter("--resume continues a file. Name it with --output FILE")
    if resume and wanted is Format.FEX:
        raise typer.BadParameter("A fex file cannot be resumed. Use --format jsonl or csv")
    if output is not None and wanted is Format.TABLE:
        raise typer.BadParameter(
            "A table is for the terminal. Use --format jsonl or csv with --output"
        )
    if wanted is not None:
        return wanted
    is_csv = output is not None and output.suffix.lower() == _CSV_SUFFIX
    return Format.CSV if is_csv else Format.JSONL


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
    columns: FaceColumns,
    *,
    resume: bool,
) -> "ResultFile | None":
    if output is None:
        return None
    from fer_core.commands.result_file import ResultFile

    header = next(iter(table([], _labels(bundles)))) if chosen is Format.CSV else ""
    return ResultFile(output, header=header, networks=bundles, columns=columns, resume=resume)


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
            rows = list(records)
            line.clear()
            _print_table(rows, list(bundles))
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


def _in_words(answer: dict[str, Any], quality: list[str]) -> str:
    """Return a prediction of a record in the words of the pages: "probably happy"."""
    from fer_core.faces.quality import Quality
    from fer_core.networks.levels import Level, words_of_level

    probabilities = answer["probabilities"]
    likely = sorted(probabilities, key=probabilities.get, reverse=True)
    words = words_of_level(Level(answer["level"]), likely, is_doubtful=Quality.UPRIGHT in quality)
    return ": ".join(filter(None, words))


def _print_table(records: Iterable[dict[str, Any]], names: list[str]) -> None:
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    rows: list[tuple[tuple[str, str], list[str]]] = []
    for record in records:
        time_s = record.get("time_s")
        photo = shown_name(record["path"]), "" if time_s is None else f", {time_s:.2f} s"
        if not record["faces"]:
            said = readable_name(record["error"] or "no face found")
            rows.append((photo, ["", *[""] * len(names), said]))
        for number, face in enumerate(record["faces"], start=1):
            answers = []
            for name in names:
                answer = face["predictions"][name]
                answers.append(f"{_in_words(answer, face['quality'])} {answer['confidence']:.0%}")
            who = face.get("track", number)
            rows.append((photo, [str(who), *answers, ", ".join(face["quality"])]))
    console = Console()
    heads = ["face", *names, "notes"]
    # The notes may take several lines, all other columns take one.
    columns = zip(heads[:-1], *(cells[:-1] for _, cells in rows), strict=True)
    others = sum(_BORDER + max(map(cell_len, column)) for column in columns)
    room = max(_SHORTEST_PATH, console.width - others - 3 * _BORDER - cell_len(heads[-1]))
    # Square brackets in a name are not markup.
    table = Table("photo", *heads)
    table.columns[0].no_wrap = True
    for (path, when), cells in rows:
        table.add_row(Text(_cut_in_the_middle(path, room - len(when)) + when), *map(Text, cells))
    console.print(table)


def _cut_in_the_middle(path: str, width: int) -> str:
    """Shorten a path in its middle to at most `width` terminal columns: its end mostly tells files apart."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(path) <= width:
        return path
    start = set_cell_size(path, (width - len(_CUT)) // 3)
    end = path
    while cell_len(end) > width - len(_CUT) - cell_len(start):
        end = end[1:]
    return f"{start}{_CUT}{end}"
