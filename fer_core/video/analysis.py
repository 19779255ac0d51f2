"""The pipeline from a video to every person's expressions over time."""

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fer_core.analysis import Analysis, Analyzer, FaceAnalysis
from fer_core.faces.tracking import MAX_GAP_SECONDS, Tracker
from fer_core.networks.classifier import Prediction
from fer_core.networks.smoothing import Smoother
from fer_core.photos.decode import Photo
from fer_core.video import DEFAULT_RATE
from fer_core.video.events import TOLERANCE_S, Event, EventFinder
from fer_core.video.reading import SampledFrame, VideoInfo, VideoReader

#: Time constant of the probabilities: shorter than an expression, longer than a frame.
TIME_CONSTANT_S: Final = 0.3
#: The whole frame is searched for new faces as often as this; in between, faces are followed.
SEARCH_SECONDS: Final = 0.5
#: With few frames per second, a face may be missing in as many of them.
_FRAMES_OF_GAP: Final = 2


@dataclass(frozen=True, slots=True, eq=False)
class FrameAnalysis:
    """The results for one frame.

    Attributes:
        number: counts the frames that were looked at, from 1.
        time_s: seconds from the first frame.
        analysis: its faces, each with the networks' predictions for this frame alone.
        tracks: the number of the person behind each face.
        smoothed: of each face, each network's prediction in view of the frames before.
        events: the changes of expression that are certain by this frame.
        progress: share of the video that is done, in [0, 1].
        photo: the frame itself; None in a `VideoAnalysis`, which keeps no pictures.
    """

    number: int
    time_s: float
    analysis: Analysis
    tracks: tuple[int, ...]
    smoothed: tuple[dict[str, Prediction], ...]
    events: tuple[Event, ...]
    progress: float
    photo: Photo | None

    @property
    def shown(self) -> Analysis:
        """The analysis with smoothed predictions in place of those for this frame alone."""
        return dataclasses.replace(
            self.analysis,
            faces=tuple(
                dataclasses.replace(face, predictions=smoothed)
                for face, smoothed in zip(self.analysis.faces, self.smoothed, strict=True)
            ),
        )

    def without_photo(self) -> "FrameAnalysis":
        """Return a copy without the picture, which takes as much memory as all results of a video."""
        return dataclasses.replace(self, photo=None)


@dataclass(frozen=True, slots=True, eq=False)
class VideoAnalysis:
    """The results for a video, or for the analyzed part of it.

    Attributes:
        info: what its file says.
        frames: in order, without their pictures.
        rate: requested frames per second.
        smoothing_s: time constant of the smoothing in seconds, 0 for none.
        note: what was wrong with the file, in a sentence for the user; None if nothing.
    """

    info: VideoInfo
    frames: tuple[FrameAnalysis, ...]
    rate: float
    smoothing_s: float
    note: str | None

    @property
    def sampled_rate(self) -> float:
        """Mean frames per second that were looked at: fewer than requested where the video has fewer."""
        return self.info.sampled_rate(self.rate)

    @property
    def events(self) -> tuple[Event, ...]:
        """All changes of expression, in order of time."""
        found = (event for frame in self.frames for event in frame.events)
        return tuple(sorted(found, key=lambda event: (event.time_s, event.track, event.network)))

    @property
    def tracks(self) -> dict[int, int]:
        """Number of frames in which each person was seen, by person, most seen first."""
        counts: dict[int, int] = {}
        for frame in self.frames:
            for track in frame.tracks:
                counts[track] = counts.get(track, 0) + 1
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def of_track(self, track: int) -> list[tuple[FrameAnalysis, int]]:
        """Return the frames in which a person was seen, with the index of the face in each."""
        return [(f, f.tracks.index(track)) for f in self.frames if track in f.tracks]


def longest_gap(rate: float) -> float:
    """Return for how many seconds a face may be out of sight at a frame rate, with room for rounded times."""
    return max(MAX_GAP_SECONDS, _FRAMES_OF_GAP / rate) + TOLERANCE_S


def analyze_video(
    content: bytes | Path,
    analyzer: Analyzer,
    rate: float = DEFAULT_RATE,
    *,
    smoothing_s: float = TIME_CONSTANT_S,
    keep: bool = True,
) -> Iterator[FrameAnalysis | VideoAnalysis]:
    """Yield the analysis of each frame with its picture, and finally that of the video.

    Stopping the iteration stops the work; the frames until then can still make a `VideoAnalysis`.

    Args:
        content: the file's bytes, or its path.
        analyzer: of single photos.
        rate: frames to analyze per second, above 0; never more than the video has.
        smoothing_s: time constant in seconds, 0 for none.
        keep: whether the last one has the frames, some 20 KB for each face in each.

    Raises:
        VideoDecodeError: the video cannot be read; before the first frame.
    """
    steps = analysis_steps(content, analyzer, rate, smoothing_s=smoothing_s, keep=keep)
    return (step for step in steps if step is not None)


def analysis_steps(
    content: bytes | Path,
    analyzer: Analyzer,
    rate: float = DEFAULT_RATE,
    *,
    smoothing_s: float = TIME_CONSTANT_S,
    keep: bool = True,
) -> Iterator[FrameAnalysis | VideoAnalysis | None]:
    """Yield what `analyze_video` yields, and None where `VideoReader.frames_and_pauses` pauses."""
    smoother = Smoother(smoothing_s)
    frames: list[FrameAnalysis] = []
    with VideoReader(content) as reader:
        sampled_rate = reader.info.sampled_rate(rate)
        tracker = Tracker(max_gap_s=longest_gap(sampled_rate), frames_may_last=True)
        events, before = EventFinder(), set[int]()
        for analyzed in _analyses(reader.frames_and_pauses(rate), analyzer):
            if analyzed is None:
                yield None
                continue
            frame, analysis = analyzed
            faces = analysis.faces
            tracks = tracker.follow(
                [face.face for face in faces], frame.time_s, after_cut=frame.after_cut
            )
            smoothed = [
                smoother.smooth(track, frame.time_s, face.predictions)
                for track, face in zip(tracks, faces, strict=True)
            ]
            changes = [
                event
                for track, predictions in zip(tracks, smoothed, strict=True)
                for event in events.add(
                    track, frame.time_s, predictions, was_away=track not in before
                )
            ]
            before = set(tracks)
            done = FrameAnalysis(
                number=frame.number,
                time_s=frame.time_s,
                analysis=analysis,
                tracks=tuple(tracks),
                smoothed=tuple(smoothed),
                events=tuple(changes),
                progress=min(1.0, frame.time_s / max(reader.info.seconds, 1e-9)),
                photo=frame.photo,
            )
            if keep:
                frames.append(done.without_photo())
            yield done
        yield VideoAnalysis(reader.info, tuple(frames), rate, smoothing_s, reader.note)


def _analyses(
    frames: Iterator[SampledFrame | None], analyzer: Analyzer
) -> Iterator[tuple[SampledFrame, Analysis] | None]:
    """Yield frames with their faces, detected at intervals and tracked in between; None for None."""
    searched_s, before = 0.0, list[FaceAnalysis]()
    for frame in frames:
        if frame is None:
            yield None
            continue
        if frame.number == 1 or frame.after_cut or frame.time_s - searched_s >= SEARCH_SECONDS:
            searched_s = frame.time_s
            analysis = analyzer.analyze(frame.photo, may_turn=False)
        else:
            analysis = analyzer.analyze_again(frame.photo, [face.face for face in before])
        before = list(analysis.faces)
        yield frame, analysis


def stopped(
    info: VideoInfo, frames: Sequence[FrameAnalysis], rate: float, smoothing_s: float
) -> VideoAnalysis:
    """Return the analysis of a video that was stopped before its end."""
    last_s = frames[-1].time_s if frames else 0.0
    return VideoAnalysis(
        info,
        tuple(frame.without_photo() for frame in frames),
        rate,
        smoothing_s,
        f"Stopped at {last_s:.1f} of {info.seconds:.1f} s.",
    )
