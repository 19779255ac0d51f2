"""The live camera without a network: frames a second, and where the time of a frame goes.

python -m tests.benchmarks.live [FRAMES]

Frames of 640x480 with one face and with two, with both networks. Stages are measured one by one, as
`LiveCamera.look` does them; "decode" and "encode" are what WebRTC adds on either side: VP8 by libvpx, as
aiortc sets it up. Processor time counts all threads: where a machine has other work it tells more than the
clock.
"""

import sys
import time
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from fer_core.drawing import draw_live
from fer_core.faces.crops import face_inputs
from fer_core.live.session import LiveCamera
from fer_core.networks.bundles import resolve
from fer_core.networks.classifier import Classifier
from fer_core.photos.decode import decode
from tests.benchmarks.measuring import median_seconds, one_face_photo, print_table

FRAMES = 150
AIM = 10.0
TITLES = {"cnn": "pixels", "dual": "+ landmarks"}


def main(frames: int = FRAMES) -> None:
    """Measure and print."""
    networks = {name: Classifier(resolve(name)) for name in TITLES}
    one = decode(one_face_photo()).rgb
    close = one[:, 160:480]
    pictures = {
        "one face": one,
        "two faces": np.concatenate([close, close[:, ::-1]], axis=1),
        "no face": np.full_like(one, 120),
    }
    print_table(
        f"{frames} frames of 640x480, `cnn` and `dual`",
        ("picture", "faces", "frames a second", "ms a frame", "processor ms a frame", "aim"),
        [_whole(name, rgb, networks, frames) for name, rgb in pictures.items()],
    )
    _print_stages(one, networks, frames)


def _whole(
    name: str, rgb: np.ndarray, networks: dict[str, Classifier], frames: int
) -> tuple[str, ...]:
    camera = LiveCamera(networks, TITLES)
    pictures = _moving(rgb)
    for i in range(5):
        camera.look(pictures[i % len(pictures)], seconds=i / 15)
    began, worked = time.perf_counter(), time.process_time()
    for i in range(frames):
        camera.look(pictures[i % len(pictures)], seconds=1 + i / 15)
    seconds, processor = time.perf_counter() - began, time.process_time() - worked
    frame = camera.state(1 + frames / 15).frame
    assert frame is not None
    camera.close()
    return (
        name,
        str(len(frame.faces)),
        f"{frames / seconds:.1f}",
        f"{1e3 * seconds / frames:.1f}",
        f"{1e3 * processor / frames:.1f}",
        f"{AIM:.0f} frames a second",
    )


def _print_stages(rgb: np.ndarray, networks: dict[str, Classifier], frames: int) -> None:
    camera = LiveCamera(networks, TITLES)
    pictures = _moving(rgb)
    clock = iter(range(10**6))
    camera.look(rgb, seconds=0.0)

    def find() -> object:
        i = next(clock)
        return camera._find(pictures[i % len(pictures)], 1 + i / 15)

    state = camera.state(0.0).frame
    assert state is not None
    faces = state.faces
    inputs = [face_inputs(rgb, face.face) for face in faces]
    stages: dict[str, Callable[[], object]] = {
        "decode": _decoder(pictures),
        "find and follow": find,
        "crop": lambda: [face_inputs(rgb, face.face) for face in faces],
        **{name: (lambda model=model: model.predict(inputs)) for name, model in networks.items()},
        "draw": lambda: draw_live(rgb, faces, titles=TITLES),
        "encode": _encoder(pictures),
    }
    rows, total, worked = [], 0.0, 0.0
    for stage, action in stages.items():
        before = time.process_time()
        seconds = median_seconds(action, times=frames, warm_up=5)
        processor = (time.process_time() - before) / (frames + 5)
        total, worked = total + seconds, worked + processor
        rows.append((stage, f"{1e3 * seconds:.2f}", f"{1e3 * processor:.2f}"))
    camera.close()
    print_table(
        "Stages of a frame with one face",
        ("stage", "median ms", "processor ms"),
        [*rows, ("**in all**", f"**{1e3 * total:.2f}**", f"**{1e3 * worked:.2f}**")],
    )


def _moving(rgb: np.ndarray) -> list[np.ndarray]:
    """Return pictures whose content moves to and fro, so that following has something to do."""
    return [np.ascontiguousarray(np.roll(rgb, 2 * abs(i - 5), axis=1)) for i in range(10)]


def _encoder(pictures: list[np.ndarray]) -> Callable[[], object]:
    """Return what makes a packet of the next picture."""
    from aiortc.codecs.vpx import Vp8Encoder
    from av import VideoFrame

    encoder, clock = Vp8Encoder(), iter(range(10**6))

    def encode() -> object:
        i = next(clock)
        frame = VideoFrame.from_ndarray(pictures[i % len(pictures)], format="rgb24")
        frame.pts, frame.time_base = 6000 * i, Fraction(1, 90_000)
        return encoder.encode(frame)

    return encode


def _decoder(pictures: list[np.ndarray]) -> Callable[[], object]:
    """Return what makes an array of the next packet."""
    from aiortc.codecs import depayload
    from aiortc.codecs.vpx import Vp8Decoder
    from aiortc.jitterbuffer import JitterFrame
    from aiortc.rtcrtpparameters import RTCRtpCodecParameters

    encode = _encoder(pictures)
    codec = RTCRtpCodecParameters(mimeType="video/VP8", clockRate=90_000)
    packets = []
    for _ in range(60):
        payloads, timestamp = encode()  # type: ignore[misc]
        data = b"".join(depayload(codec, payload) for payload in payloads)
        packets.append(JitterFrame(data=data, timestamp=timestamp))
    decoder, clock = Vp8Decoder(), iter(range(10**6))
    return lambda: [
        frame.to_ndarray(format="rgb24")
        for frame in decoder.decode(packets[next(clock) % len(packets)])
    ]


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
