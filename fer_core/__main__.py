"""The command line: `python -m fer_core analyze PHOTO...` and `python -m fer_core models`."""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from fer_core.errors import FerError, ImageDecodeError

if TYPE_CHECKING:
    from fer_core.bundles import BaseBundle

EXIT_SOME_FAILED: Final = 1
EXIT_USAGE: Final = 2

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Second Look: the apparent expression of every face in a photo.",
)


class Format(StrEnum):
    """Forms of the output of `analyze`."""

    JSONL = "jsonl"
    CSV = "csv"
    TABLE = "table"


@app.command()
def analyze(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Photos, folders or zips of photos.")
    ],
    models: Annotated[
        str | None,
        typer.Option(help="Networks to ask, with commas between. By default cnn and dual."),
    ] = None,
    output_format: Annotated[
        Format, typer.Option("--format", help="A JSON object a line, CSV, or a table to read.")
    ] = Format.JSONL,
    save_annotated: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write each photo with its faces marked to this folder."),
    ] = None,
) -> None:
    """Find every face in photos and name its apparent expression.

    A file that cannot be read gives a line with its error, and the run goes on; the exit code is then 1.

    Examples:

      python -m fer_core analyze portrait.jpg

      python -m fer_core analyze holiday/ party.zip --format csv > faces.csv
    """
    from fer_core.analysis import Analyzer, csv_lines, error_record, to_record
    from fer_core.bundles import resolve
    from fer_core.classifier import Classifier
    from fer_core.faces import FaceFinder
    from fer_core.images import decode
    from fer_core.inputs import PhotoFile, photo_files

    names = _model_names(models)
    try:
        bundles = {name: resolve(name) for name in names}
        for name, bundle in bundles.items():
            if bundle.missed:
                typer.echo(f"{name} answers from {bundle.origin}. {bundle.missed}", err=True)
        with _quiet_libraries():
            analyzer = Analyzer(FaceFinder(), {n: Classifier(b) for n, b in bundles.items()})
        if save_annotated:
            save_annotated.mkdir(parents=True, exist_ok=True)
    except (FerError, OSError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(EXIT_USAGE) from error

    # A function, so that one photo is gone before the next is read: a large one takes 150 MB.
    def record_of(number: int, file: PhotoFile) -> dict[str, Any]:
        try:
            photo = decode(file.read())
        except ImageDecodeError as error:
            return error_record(file.name, str(error))
        analysis = analyzer.analyze(photo)
        if save_annotated:
            from fer_core.drawing import draw_faces, encode_png

            # Numbered, since photos of several folders may share a name.
            target = save_annotated / f"{number:04d}-{Path(file.name).stem}.png"
            target.write_bytes(encode_png(draw_faces(photo.rgb, analysis)))
        return to_record(file.name, analysis)

    def records() -> Iterator[dict[str, Any]]:
        for number, file in enumerate(photo_files(paths), start=1):
            _progress(number, file.name)
            yield record_of(number, file)

    failed = 0

    def counted() -> Iterator[dict[str, Any]]:
        nonlocal failed
        for record in records():
            failed += record["error"] is not None
            yield record

    if output_format is Format.JSONL:
        for record in counted():
            typer.echo(json.dumps(record, ensure_ascii=False))
    elif output_format is Format.CSV:
        labels = {name: c.bundle.spec.labels for name, c in analyzer.classifiers.items()}
        for lines in csv_lines(counted(), labels):
            typer.echo(lines, nl=False)
    else:
        _print_table(counted(), names)
    if failed:
        typer.echo(f"{failed} of the inputs could not be read.", err=True)
        raise typer.Exit(EXIT_SOME_FAILED)


@app.command(name="models")
def list_models() -> None:
    """List the networks that are here, with their measured accuracy.

    Example:

      python -m fer_core models
    """
    from fer_core.bundles import resolvable
    from fer_core.keypoints import resolve_keypoints
    from fer_core.settings import models_root

    found = resolvable()
    if not found:
        typer.echo(f"Error: there is no model under {models_root()}.", err=True)
        raise typer.Exit(EXIT_USAGE)
    for bundle in found:
        if isinstance(bundle, FerError):
            typer.echo(f"Error: {bundle}", err=True)
            continue
        typer.echo(_about(bundle))
        for split, m in bundle.spec.metrics.items():
            typer.echo(
                f"  {split}: accuracy {m.accuracy:.2%} of {m.n} rows, {m.accuracy_clean:.2%} of the "
                f"{m.n_clean} without a copy in the training data, macro F1 {m.macro_f1:.3f}"
            )
    failed = any(isinstance(bundle, FerError) for bundle in found)
    try:
        if keypoints := resolve_keypoints():
            typer.echo(_about(keypoints))
            for split, k in keypoints.spec.metrics.items():
                typer.echo(
                    f"  {split}: root mean squared error {k.rmse:.2f} of 96 pixels on {k.n} images, "
                    f"normalised mean error {k.normalized_mean_error:.2%}"
                )
    except FerError as error:
        typer.echo(f"Error: {error}", err=True)
        failed = True
    if failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def _about(bundle: "BaseBundle[Any]") -> str:
    lines = [f"{bundle.spec.name}: {bundle.spec.title}", f"from {bundle.origin}"]
    lines += [f"not from the Hub: {bundle.missed}"] if bundle.missed else []
    return "\n  ".join([*lines, _cost(bundle)])


def _cost(bundle: "BaseBundle[Any]") -> str:
    from fer_core.layers import multiply_adds, read_layers

    text = f"{bundle.spec.parameters:,} parameters"
    try:
        layers = read_layers(bundle)
    except FerError as error:
        return f"{text}; {error}"
    return f"{text}, {multiply_adds(layers):,} multiply-adds a face" if layers else text


def _model_names(models: str | None) -> list[str]:
    from fer_core.bundles import opinions

    if models is None:
        return opinions()
    names = list(dict.fromkeys(name.strip() for name in models.split(",") if name.strip()))
    if not names:
        raise typer.BadParameter("Name at least one model, for instance --models cnn")
    return names


def _progress(number: int, name: str) -> None:
    if sys.stderr.isatty():
        width = os.get_terminal_size(sys.stderr.fileno()).columns
        typer.echo(f"\r{f'{number}: {name}'[: width - 1]:<{width - 1}}\r", nl=False, err=True)


def _print_table(records: Iterable[dict[str, Any]], names: list[str]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("photo", "face", *names, "notes")
    for record in records:
        if not record["faces"]:
            table.add_row(
                record["path"], "", *[""] * len(names), record["error"] or "no face found"
            )
        for number, face in enumerate(record["faces"], start=1):
            answers = []
            for name in names:
                answer = face["predictions"][name]
                unsure = "not sure: " if answer["abstained"] else ""
                answers.append(f"{unsure}{answer['expression']} {answer['confidence']:.0%}")
            table.add_row(record["path"], str(number), *answers, ", ".join(face["quality"]))
    Console().print(table)


@contextmanager
def _quiet_libraries() -> Iterator[None]:
    """Keep what MediaPipe and LiteRT say of their graphs and delegates off a user's terminal.

    They write to the file descriptor itself and know no setting for it. Errors come as exceptions.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


if __name__ == "__main__":
    app()
