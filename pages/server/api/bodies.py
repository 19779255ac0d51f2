"""Request bodies, read into memory, with limits on size, time and number at once."""

import asyncio
import logging
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from fer_core.errors import BusyError

#: The field of a form that holds the file.
FIELD: Final = "file"
#: What is asked about a file; it stands in the URL.
PARAMETERS: Final = ("networks", "landmarks", "columns")
_FORM: Final = "multipart/form-data"
#: Other fields of a form, which are of no use here: so many, and so many bytes each.
_MOST_FIELDS: Final = 8
_MOST_FIELD_BYTES: Final = 10_000
_MEGABYTE: Final = 1024 * 1024
# It logs what is wrong with a form, which the client is told.
logging.getLogger("python_multipart").setLevel(logging.ERROR)


class _Form(MultiPartParser):
    """Keeps files in memory, whatever their size."""

    spool_max_size = sys.maxsize


class BodyReader:
    """Reads bodies within limits for each body and for all together. For one event loop."""

    def __init__(
        self, *, most_bytes: int, seconds: float, most_at_once: int, most_bytes_at_once: int
    ) -> None:
        """Set the limits.

        Args:
            most_bytes: of one body.
            seconds: in which a body must arrive.
            most_at_once: bodies that are read or in use.
            most_bytes_at_once: of all of these.
        """
        self._most_bytes = most_bytes
        self._seconds = seconds
        self._most_at_once = most_at_once
        self._most_bytes_at_once = most_bytes_at_once
        self._open = 0
        self._held_bytes = 0

    @asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator[bytes]:
        """Give the file of a request, from its body or a form field; its memory counts inside the context.

        Raises:
            BusyError: there are too many bodies, or too many bytes of them.
            HTTPException: 413, it is too large; 400, it is empty, malformed, or came too slowly.
            ClientDisconnect: it was cut short.
        """
        length = request.headers.get("Content-Length", "")
        if length.isdecimal() and int(length) > self._most_bytes:
            raise self._too_large()
        if self._open >= self._most_at_once:
            raise BusyError("Too many requests are uploading. Try again in a moment.")
        held = _Held()
        self._open += 1
        try:
            yield await self._read(request, held)
        finally:
            self._open -= 1
            self._held_bytes -= held.n_bytes

    async def _read(self, request: Request, held: "_Held") -> bytes:
        chunks = self._counted(request, held)
        is_form = request.headers.get("Content-Type", "").lower().startswith(_FORM)
        try:
            async with asyncio.timeout(self._seconds):
                content = await (_file_in_form(request, chunks) if is_form else _joined(chunks))
        except TimeoutError as error:
            # 408 would be the word for it, at which browsers send the same once more.
            raise HTTPException(
                400,
                f"The body did not arrive within {self._seconds:g} seconds. Send a smaller file.",
                # What may come yet is not waited for.
                {"Connection": "close"},
            ) from error
        if not content:
            raise HTTPException(
                400,
                f"The request contains no file. Send one as the body or as the form field {FIELD}.",
            )
        return content

    async def _counted(self, request: Request, held: "_Held") -> AsyncGenerator[bytes, None]:
        """Yield a body's chunks while it is within the limits."""
        async for chunk in request.stream():
            if held.n_bytes + len(chunk) > self._most_bytes:
                raise self._too_large()
            if self._held_bytes + len(chunk) > self._most_bytes_at_once:
                raise BusyError("Too many large files are being sent. Try again in a moment.")
            held.n_bytes += len(chunk)
            self._held_bytes += len(chunk)
            yield chunk

    def _too_large(self) -> HTTPException:
        megabytes = self._most_bytes / _MEGABYTE
        return HTTPException(
            413, f"The body is too large. The limit is {megabytes:g} MB. Send a smaller file."
        )


class _Held:
    """The number of bytes that one body takes."""

    n_bytes: int = 0


async def _joined(chunks: AsyncGenerator[bytes, None]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


async def _file_in_form(request: Request, chunks: AsyncGenerator[bytes, None]) -> bytes:
    parser = _Form(
        request.headers,
        chunks,
        max_files=1,
        max_fields=_MOST_FIELDS,
        max_part_size=_MOST_FIELD_BYTES,
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise HTTPException(
            400, f"The form cannot be read. Send one file in its field {FIELD}."
        ) from error
    try:
        if misplaced := [name for name in PARAMETERS if name in form]:
            raise HTTPException(
                400,
                f"{misplaced[0]} is a parameter of the URL and no field of the form: "
                f"?{misplaced[0]}=VALUE",
            )
        file = form.get(FIELD)
        if not isinstance(file, UploadFile):
            raise HTTPException(400, f"The form has no file in its field {FIELD}.")
        return await file.read()
    finally:
        await form.close()
