"""A visitor of the app who speaks the browser's protocol: many of them cost less than one browser.

What is sent is what Streamlit's own front end sends: messages of its Protocol Buffers through a WebSocket,
files by HTTP with the token against forged requests.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx2
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import UploadedFileInfo
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.util import calc_hash

_COOKIE: Final = "_streamlit_xsrf"


class VisitError(Exception):
    """The server did not do what it does for a browser."""


class Visit:
    """A page that is open.

    Attributes:
        elements: what it shows, by the place on the page, in no order.
        seen: called with every change of the page as it comes, in Streamlit's protocol.
    """

    def __init__(self, http: httpx2.AsyncClient, socket: Any) -> None:
        """Take over connections to one server."""
        self.elements: dict[tuple[int, ...], Element] = {}
        self.seen: Callable[[Any], None] = lambda _: None
        self._http = http
        self._socket = socket
        self._session = ""
        self._page = ""

    async def open(self, page: str) -> None:
        """Go to another page, by its path in the address."""
        self._page = calc_hash(page)
        await self.run()

    async def run(self, *widgets: WidgetState) -> None:
        """Have the page run with these widgets used, and wait until it is drawn.

        Raises:
            VisitError: the page ended with an error.
        """
        message = BackMsg()
        message.rerun_script.widget_states.CopyFrom(WidgetStates(widgets=widgets))
        message.rerun_script.page_script_hash = self._page
        await self._send(message)
        while True:
            kind, answer = await self._receive()
            if kind != "script_finished":
                continue
            if answer.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                return
            if answer.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                raise VisitError("the page does not compile")

    async def upload(self, name: str, content: bytes) -> None:
        """Drop a file on the page's uploader, and wait until the page is drawn with it."""
        (uploader,) = self.of_kind("file_uploader")
        request = BackMsg()
        request.file_urls_request.request_id = uuid.uuid4().hex
        request.file_urls_request.file_names.append(name)
        request.file_urls_request.session_id = self._session
        await self._send(request)
        answer = await self._until("file_urls_response")
        (urls,) = answer.file_urls_response.file_urls
        headers = {"X-Xsrftoken": self._http.cookies[_COOKIE]}
        sent = await self._http.put(
            urls.upload_url, files={"file": (name, content)}, headers=headers
        )
        if sent.status_code != httpx2.codes.NO_CONTENT:
            raise VisitError(f"upload answered with {sent.status_code}")
        state = WidgetState(id=uploader.id)
        state.file_uploader_state_value.uploaded_file_info.append(
            UploadedFileInfo(name=name, size=len(content), file_id=urls.file_id, file_urls=urls)
        )
        await self.run(state)

    async def download(self, label: str) -> bytes:
        """Press a download button and return the file."""
        (button,) = (b for b in self.of_kind("download_button") if b.label.startswith(label))
        request = BackMsg()
        request.backend_operation_request.request_id = uuid.uuid4().hex
        request.backend_operation_request.session_id = self._session
        request.backend_operation_request.deferred_file.file_id = button.deferred_file_id
        await self._send(request)
        answer = await self._until("backend_operation_response")
        return await self.fetch(answer.backend_operation_response.deferred_file.url)

    async def fetch(self, address: str) -> bytes:
        """Return a file that the page points to."""
        answer = await self._http.get(address)
        if answer.status_code != httpx2.codes.OK:
            raise VisitError(f"{address} answered with {answer.status_code}")
        return answer.content

    def of_kind(self, kind: str) -> Iterator[Any]:
        """Yield the page's elements of a kind, as Streamlit's protocol calls it, from top to bottom."""
        for _, element in sorted(self.elements.items()):
            if element.WhichOneof("type") == kind:
                yield getattr(element, kind)

    async def _send(self, message: BackMsg) -> None:
        await self._socket.send(message.SerializeToString())

    async def _until(self, kind: str) -> ForwardMsg:
        while True:
            came, message = await self._receive()
            if came == kind:
                return message

    async def _receive(self) -> tuple[str | None, ForwardMsg]:
        message = ForwardMsg.FromString(await self._socket.recv())
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.elements.clear()
            self._session = message.new_session.initialize.session_id
        elif kind == "delta":
            self._draw(tuple(message.metadata.delta_path), message.delta)
        return kind, message

    def _draw(self, path: tuple[int, ...], delta: Any) -> None:
        # What stood here, and what stood in it.
        for place in [p for p in self.elements if p[: len(path)] == path]:
            del self.elements[place]
        if delta.WhichOneof("type") == "new_element":
            self.elements[path] = delta.new_element
        self.seen(delta)


@asynccontextmanager
async def visit(url: str, *, seconds: float = 120) -> AsyncIterator[Visit]:
    """Open the app's first page in a session of its own.

    Args:
        url: of the server.
        seconds: that any answer may take.
    """
    # Shorter than the server keeps a connection, or a request could meet its end; browsers then retry.
    limits = httpx2.Limits(keepalive_expiry=2.0)
    async with httpx2.AsyncClient(base_url=url, timeout=seconds, limits=limits) as http:
        await http.get("/_stcore/health")
        token = http.cookies[_COOKIE]
        connecting = websockets.connect(
            url.replace("http", "ws", 1) + "/_stcore/stream",
            subprotocols=[websockets.Subprotocol(name) for name in ("streamlit", token)],
            origin=websockets.Origin(url),
            additional_headers={"Cookie": f"{_COOKIE}={token}"},
            max_size=None,
        )
        async with connecting as socket, asyncio.timeout(None):
            page = Visit(http, socket)
            await page.run()
            yield page
