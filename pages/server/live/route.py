"""POST /api/live: one camera frame of a visit in, its faces and predictions out."""

import asyncio
import io
import time
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from anyio import CapacityLimiter, to_thread
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fer_core.cores import available_cores
from fer_core.errors import ImageTooLargeError
from fer_core.live.places import LivePlaces
from pages.server.api.bodies import BodyReader
from pages.server.api.guards import OriginCheck, error_response
from pages.server.live.visits import camera_of
from pages.shared.photo_queue import photo_queue

if TYPE_CHECKING:
    import numpy as np

    from fer_core.live.face import LiveFace
    from fer_core.live.session import LiveCamera

TOKEN_HEADER: Final = "X-Live-Token"
#: Live visits at once for each core: with one face each, four on two cores get 5 frames per second and more.
VISITS_PER_CORE: Final = 2
#: The browser sends 640 pixels in some 40 KB; an answer takes no longer for a few more.
MOST_PIXELS_A_SIDE: Final = 1280
_MOST_BYTES: Final = 500_000
#: Megapixels that the scans of a frame may pass over: a dozen of the largest one. Browsers make one.
_MOST_SCANNED: Final = 20
#: Frames of one visit that the server holds: one in analysis, one waiting, one in transfer.
_MOST_AT_ONCE: Final = 3
#: A visit without a frame for so long gives up its place, and one that waits asks every 2 seconds.
_PATIENCE_S: Final = 6.0
#: For which a visit may be live while others wait.
_TURN_S: Final = 300.0
#: Between two frames of a visit while photos wait: these go first, and the visit gets 4 frames per second.
_SPACING_S: Final = 0.25
_COORDINATE_DIGITS: Final = 1
_PROBABILITY_DIGITS: Final = 7
_UNIT_DIGITS: Final = 3


class LiveRoute:
    """Handles frames, for as many visits at once as the cores allow."""

    def __init__(self, cores: int | None = None) -> None:
        """Create the places; `cores` is by default the number of cores."""
        cores = cores or available_cores()
        self._places = LivePlaces(VISITS_PER_CORE * cores, patience_s=_PATIENCE_S, turn_s=_TURN_S)
        most = _MOST_AT_ONCE * VISITS_PER_CORE * cores
        self._bodies = BodyReader(
            most_bytes=_MOST_BYTES,
            seconds=10,
            most_at_once=2 * most,
            most_bytes_at_once=2 * most * _MOST_BYTES,
        )
        # A visit's second frame is decoded while its first is analyzed.
        self._threads = CapacityLimiter(most)
        self._frames: WeakKeyDictionary[LiveCamera, int] = WeakKeyDictionary()
        # Time at which each visit's next frame may be analyzed, while photos wait.
        self._next: WeakKeyDictionary[LiveCamera, float] = WeakKeyDictionary()

    async def _answer(self, request: Request) -> Response:
        """Analyze a frame.

        The query may hold `resting=now` (with `face`, a number) and `resting=off`, which begin and end the
        calibration to a resting face, and `end=1`, which forgets the camera in place of taking a frame.
        """
        token = request.headers.get(TOKEN_HEADER, "")
        camera = camera_of(token)
        if camera is None:
            raise HTTPException(
                404, "This visit is over. Reload the page to start the camera again."
            )
        if "end" in request.query_params:
            self._places.leave(token)
            await to_thread.run_sync(camera.close)
            return Response(status_code=204)
        if place := self._places.ask(token):
            return told_to_wait(place)
        under_way = self._frames.get(camera, 0)
        if under_way >= _MOST_AT_ONCE:
            return error_response(429, "Too many frames at once.")
        self._frames[camera] = under_way + 1
        opening = camera.opening
        try:
            async with self._bodies.body(request) as content:
                await self._let_photos_go_first(camera)
                answer = await to_thread.run_sync(
                    _look,
                    camera,
                    content,
                    dict(request.query_params),
                    opening,
                    limiter=self._threads,
                )
            return JSONResponse(answer)
        finally:
            self._frames[camera] -= 1

    async def _let_photos_go_first(self, camera: "LiveCamera") -> None:
        if photo_queue().has_waiting:
            now = time.monotonic()
            at = max(now, self._next.get(camera, now))
            self._next[camera] = at + _SPACING_S
            await asyncio.sleep(at - now)

    def route(self) -> Route:
        """Return the route, which only this server's pages may use."""
        return Route("/live", self._answer, methods=["POST"], middleware=[Middleware(OriginCheck)])


def told_to_wait(place: int) -> Response:
    """Return the response for a visit that waits at a place in the line, from 1."""
    sentence = (
        "The server is busy with other live visitors. While others wait, a turn is "
        f"{_TURN_S / 60:g} minutes. You are number {place} in line."
    )
    return JSONResponse({"error": sentence, "place": place}, 429, {"Retry-After": "2"})


def _look(
    camera: "LiveCamera", content: bytes, asked: dict[str, str], opening: int
) -> dict[str, Any]:
    """Return the response to one frame; runs in its own thread."""
    began = time.perf_counter()
    image_rgb = decode_frame(content)
    frame = camera.look(image_rgb, seconds=time.monotonic(), opening=opening)
    # It shows in the next answer.
    if asked.get("resting") == "now":
        number = asked.get("face", "")
        camera.calibrate(int(number) if number.isdecimal() else None)
    elif asked.get("resting") == "off":
        camera.end_calibration()
    return {
        "faces": [face_record(face) for face in frame.faces],
        "resting": frame.resting_number,
        "milliseconds": round(1000 * (time.perf_counter() - began), 1),
    }


def decode_frame(content: bytes) -> "np.ndarray":
    """Return a frame's pixels, uint8 (H, W, 3).

    Raises:
        HTTPException: 415, it is no JPEG; 413, it has too many pixels or scans; 400, it is damaged.
    """
    import cv2
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    from fer_core.photos.bombs import check_parts, check_scans

    try:
        # Reads the head alone: a small file can say that it has many pixels.
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as image:
            size = image.size
    except Image.DecompressionBombError as error:
        raise HTTPException(413, f"A frame may have {MOST_PIXELS_A_SIDE} pixels a side.") from error
    except (UnidentifiedImageError, OSError) as error:
        raise HTTPException(415, "A frame must be a JPEG.") from error
    if max(size) > MOST_PIXELS_A_SIDE:
        raise HTTPException(
            413,
            f"A frame may have {MOST_PIXELS_A_SIDE} pixels a side; this one has {size[0]} x {size[1]}.",
        )
    try:
        check_parts(content)
        check_scans(content, *size, most_megapixels=_MOST_SCANNED)
    except ImageTooLargeError as error:
        raise HTTPException(413, str(error)) from error
    image_rgb = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR_RGB)
    if image_rgb is None:
        raise HTTPException(400, "This JPEG is damaged.")
    return image_rgb


def face_record(face: "LiveFace") -> dict[str, Any]:
    """Return a face's part of the response: number, box, landmarks, action units and probabilities."""
    import numpy as np

    from fer_core.faces.action_units import ACTION_UNITS
    from fer_core.networks.levels import in_words, level_of

    points, mesh = face.face.landmarks, face.face.mesh
    xy = np.empty(0) if points is None else points[:, :2].astype(float).ravel()
    return {
        "number": face.number,
        "box": [round(float(side), _COORDINATE_DIGITS) for side in face.face.box_xyxy],
        # x and y in turn: half of what pairs take.
        "landmarks": xy.round(_COORDINATE_DIGITS).tolist(),
        "units": [
            round(float(unit.intensity(mesh.blendshapes)), _UNIT_DIGITS) for unit in ACTION_UNITS
        ]
        if mesh
        else [],
        "answers": {
            name: {
                "probabilities": [
                    round(float(p), _PROBABILITY_DIGITS) for p in answer.probabilities
                ],
                "abstained": answer.abstained,
                "words": in_words(answer),
                "level": str(level_of(answer)),
            }
            for name, answer in face.predictions.items()
        },
    }
