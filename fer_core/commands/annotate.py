"""`python -m fer_core annotate`: bulk annotation to parquet files."""

import sys
import time
from typing import Annotated

import typer

from fer_core.annotate.engine import Engine
from fer_core.commands.exits import EXIT_SOME_FAILED, EXIT_USAGE
from fer_core.errors import FerError
from fer_core.face_columns import FaceColumns
from fer_core.listing import split_names


def annotate(
    source: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="A folder of photos, a parquet file or a folder of parquet files; a path or a URL.",
        ),
    ],
    output: Annotated[
        str,
        typer.Argument(
            metavar="OUTPUT", help="The folder to write parquet files to; a path or a URL."
        ),
    ],
    engine: Annotated[
        Engine, typer.Option(help="Use all cores of this machine, or a Ray cluster.")
    ] = Engine.LOCAL,
    models: Annotated[
        str | None,
        typer.Option(
            "--networks",
            "--models",
            help="Networks to use, separated by commas. Default: FER_NETWORKS, or cnn_photos,dual_photos.",
        ),
    ] = None,
    image_column: Annotated[
        str | None,
        typer.Option(help="Parquet column with the images. Default: image, or bytes."),
    ] = None,
    id_column: Annotated[
        str | None,
        typer.Option(help="Parquet column with the row names. Default: id, if it exists."),
    ] = None,
    partition_size: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Maximum number of photos per output file. Default: 1,000, fewer for small inputs.",
        ),
    ] = None,
    columns: Annotated[
        FaceColumns,
        typer.Option(
            help="full: also estimated action units, blendshapes, gaze, openings of eyes and mouth, and 68 "
            "landmarks of each face; docs/api.md lists them."
        ),
    ] = FaceColumns.BASIC,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of worker processes. Default: one per core, with Ray one per core of the cluster.",
        ),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(
            help="Address of the Ray cluster; `auto` is the cluster of this machine. Default: RAY_ADDRESS, "
            "else a local Ray."
        ),
    ] = None,
) -> None:
    """Annotate very many photos into parquet files, one row per face.

    A photo without a face has one row. An image that cannot be read has one row with its error, and the exit
    code is 1, also if an earlier run met it. To resume a run that was stopped, repeat the command. See
    docs/scale.md.

    Examples:

      python -m fer_core annotate photos/ faces/

      python -m fer_core annotate --engine ray --address auto s3://bucket/photos s3://bucket/faces
    """
    from fer_core.annotate.run import begin_run, errors_done_before, finish_run
    from fer_core.batch.progress import Progress, ProgressLine
    from fer_core.commands.result_file import json_line, to_bytes

    names = split_names(models or "")
    if models is not None and not names:
        raise typer.BadParameter("Name at least one network, for instance --networks cnn")
    photos = faces = errors = 0
    began = time.monotonic()
    try:
        run = begin_run(
            source,
            output,
            models=names or None,
            image_column=image_column,
            id_column=id_column,
            partition_size=partition_size,
            face_columns=columns,
        )
        for line_of_text in (*run.missed, *run.skipped.lines()):
            typer.echo(line_of_text, err=True)
        errors_before = errors_done_before(run)
        progress = Progress(run.photos_missing, noun="photos", from_first=False)
        with ProgressLine(sys.stderr, progress) as line:
            for done in finish_run(run, engine, jobs=jobs, address=address):
                photos, faces, errors = (
                    photos + done.photos,
                    faces + done.faces,
                    errors + done.errors,
                )
                line.step(done.photos, errors=done.errors)
            if photos:
                line.finish()
    except (FerError, OSError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(EXIT_USAGE) from error
    result = {
        "output": run.task.output,
        "photos": photos,
        "faces": faces,
        "errors": errors,
        "partitions": len(run.missing),
        "partitions_done_before": len(run.done),
        "errors_done_before": errors_before,
        "seconds": round(time.monotonic() - began, 2),
    }
    typer.echo(to_bytes(json_line(result)), nl=False)
    if errors or errors_before:
        raise typer.Exit(EXIT_SOME_FAILED)
