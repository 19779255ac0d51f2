"""A video for the command line: one record per frame, and the annotated copy."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fer_core.analysis import Analyzer
from fer_core.errors import AnalysisError, VideoDecodeError
from fer_core.face_columns import FaceColumns
from fer_core.files import replace_file
from fer_core.photos.faults import unexpected
from fer_core.video import DEFAULT_RATE
from fer_core.video.analysis import FrameAnalysis, analyze_video
from fer_core.video.tables import error_record, frame_record
from fer_core.video.writing import AnnotatedVideo


def video_records(
    path: str,
    content: bytes | Path,
    analyzer: Analyzer,
    *,
    rate: float = DEFAULT_RATE,
    annotated: Path | None = None,
    columns: FaceColumns = FaceColumns.BASIC,
) -> Iterator[dict[str, Any]]:
    """Yield the JSON object of each analyzed frame, or one with the error if the video cannot be read.

    If the file is damaged on the way, or the analysis of a frame fails, one more record says so after those
    of the frames before.

    Args:
        path: how the output names the video.
        content: its bytes, or where they are.
        analyzer: of single photos.
        rate: frames per second.
        annotated: where to write the video of these frames with their faces marked, if there are any.
        columns: of each face.
    """
    note = None
    with contextlib.ExitStack() as stack:
        video = stack.enter_context(AnnotatedVideo(rate)) if annotated else None
        n = 0
        try:
            for step in analyze_video(content, analyzer, rate, keep=False):
                if not isinstance(step, FrameAnalysis):
                    note = step.note
                    continue
                if video and step.photo:
                    video.add(step, step.photo.rgb)
                n += 1
                yield frame_record(path, step, columns=columns)
        except (AnalysisError, VideoDecodeError) as error:
            note = str(error)
        except Exception as error:
            # One video of many that trips a library must not end the run.
            note = unexpected(error)
        if video and annotated and n:
            try:
                written = video.finish()
            except Exception as error:
                # What failed above may fail here again.
                note = note or unexpected(error)
            else:
                replace_file(annotated, lambda temporary: temporary.write_bytes(written))
    if note:
        yield error_record(path, note)
