"""`POST /api/analyze`: one photo in, the JSON object of the command `analyze` out."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from fer_core.batch.photo_queue import Wait
from fer_core.content import check_is_photo
from fer_core.face_columns import FaceColumns
from fer_core.listing import split_names
from fer_core.networks.bundles import RENAMED, bundle_names, default_networks
from fer_core.photos.decode import decode
from fer_core.records import to_record
from pages.server.api.bodies import PARAMETERS, BodyReader
from pages.shared.loading import load_analyzer, load_openable
from pages.shared.photo_queue import photo_queue

#: Time limit for uploads: 50 MB at 7 megabits per second, or a phone's photo over a poor connection.
BODY_SECONDS: Final = 60.0
#: Longest wait in the queue. Visitors of a page see their place in it; programs see nothing.
WAIT_SECONDS: Final = 30.0
#: How often a waiting request asks whether its client is still there and its time not over.
_SECONDS_OF_PATIENCE: Final = 1.0
#: Requests that upload, wait or are processed. Each waits in its own thread.
_MOST_AT_ONCE: Final = 64
#: Largest bodies that all of these may hold together.
_LARGEST_AT_ONCE: Final = 8
_FLAGS: Final = {"0": False, "1": True}


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of a request.

    Attributes:
        networks: names; None for those that answer by default.
        landmarks: whether each face's landmarks are to be told.
        columns: of each face.
    """

    networks: tuple[str, ...] | None
    landmarks: bool
    columns: FaceColumns = FaceColumns.BASIC


class Analyze:
    """The address, with its limits."""

    def __init__(self, *, most_bytes: int) -> None:
        """Set the limits.

        Args:
            most_bytes: of the body of one request.
        """
        self._bodies = BodyReader(
            most_bytes=most_bytes,
            seconds=BODY_SECONDS,
            most_at_once=_MOST_AT_ONCE,
            most_bytes_at_once=_LARGEST_AT_ONCE * most_bytes,
        )
        # There are as many threads as bodies, so only the queue decides who waits.
        self._threads = ThreadPoolExecutor(_MOST_AT_ONCE, thread_name_prefix="api")

    async def answer(self, request: Request) -> Response:
        """Answer a request."""
        parameters = parse_parameters(request.query_params)
        async with self._bodies.body(request) as content:
            gone = threading.Event()
            watching = asyncio.create_task(_set_when_gone(request, gone))
            try:
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(
                    self._threads, analyze_content, content, parameters, gone
                )
            finally:
                watching.cancel()
                # Also when the server stops.
                gone.set()


def parse_parameters(query: QueryParams) -> Parameters:
    """Return the parameters in a query string.

    Raises:
        HTTPException: 400, a parameter is unknown, `networks` is empty, or `landmarks` or `columns` has an
            unknown value.
    """
    for name in query:
        if name not in PARAMETERS:
            raise HTTPException(
                400, f"There is no parameter {name[:40]!r}. There are: {', '.join(PARAMETERS)}."
            )
    networks = None
    if "networks" in query:
        networks = tuple(split_names(",".join(query.getlist("networks"))))
        if not networks:
            raise HTTPException(400, "networks is empty. Omit it to use the default networks.")
    flag = query.get("landmarks", "0")
    if flag not in _FLAGS:
        raise HTTPException(400, "landmarks must be 1 or 0.")
    columns = query.get("columns", FaceColumns.BASIC)
    if columns not in list(FaceColumns):
        raise HTTPException(400, f"columns must be {' or '.join(FaceColumns)}.")
    return Parameters(networks, _FLAGS[flag], FaceColumns(columns))


def analyze_content(content: bytes, parameters: Parameters, gone: threading.Event) -> JSONResponse:
    """Return the response for one file; blocks until its turn in the queue.

    Args:
        content: of the file.
        parameters: what is asked.
        gone: set when nobody waits for the answer any more, which ends the wait.

    Raises:
        HTTPException: 400, a network is unknown; 503, the turn did not come in time.
        BusyError: the queue is full.
        ImageDecodeError, AnalysisError, BundleError: as what is called says.
        ClientDisconnect: the client has gone.
    """
    check_networks(parameters.networks or ())
    named = parameters.networks
    analyzer = load_analyzer(named) if named else load_openable(default_networks())
    with photo_queue().place(_Patience(gone), longest_silence=_SECONDS_OF_PATIENCE):
        check_is_photo(content)
        analysis = analyzer.analyze(decode(content))
    record = to_record(None, analysis, landmarks=parameters.landmarks, columns=parameters.columns)
    return JSONResponse(record)


def check_networks(names: tuple[str, ...]) -> None:
    """Raise HTTPException 400 with the known names if a name is unknown."""
    if not names:
        return
    known = bundle_names()
    for name in names:
        if name not in known and RENAMED.get(name) not in known:
            raise HTTPException(
                400, f"No network is called {name[:40]!r}. There are: {', '.join(known)}."
            )


class _Patience:
    """Ends the wait in the queue after a time, or when the client disconnects."""

    def __init__(self, gone: threading.Event) -> None:
        self._gone = gone
        self._until = time.monotonic() + WAIT_SECONDS

    def __call__(self, _wait: Wait) -> None:
        if self._gone.is_set():
            raise ClientDisconnect
        if time.monotonic() > self._until:
            raise HTTPException(
                503,
                f"The server is busy: the photo's turn did not come within {WAIT_SECONDS:g} seconds. Try "
                "again later.",
            )


async def _set_when_gone(request: Request, gone: threading.Event) -> None:
    # The body has been read, so nothing else can come.
    while (await request.receive())["type"] != "http.disconnect":
        pass
    gone.set()
