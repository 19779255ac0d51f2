"""Bodies: how much of them is taken, from how many at once, for how long, and in which form."""

import asyncio

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from fer_core.errors import BusyError
from pages.server.api.bodies import BodyReader
from tests.coroutines import run

BOUNDARY = "b0undary"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def reader(**limits: float) -> BodyReader:
    usual = {"most_bytes": 1000, "seconds": 5, "most_at_once": 4, "most_bytes_at_once": 4000}
    return BodyReader(**(usual | limits))


def request(*chunks: bytes | float | None, length: int | None = None, kind: str = "") -> Request:
    """Return a request whose body comes in chunks; None breaks it off, a number is a pause in seconds."""
    coming = list(chunks)

    async def receive():
        while coming and isinstance(coming[0], float):
            await asyncio.sleep(coming.pop(0))
        if not coming:
            return {"type": "http.request", "body": b"", "more_body": False}
        chunk = coming.pop(0)
        if chunk is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": chunk, "more_body": True}

    headers = [(b"content-length", str(length).encode())] if length is not None else []
    headers += [(b"content-type", kind.encode())] if kind else []
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


async def read(bodies: BodyReader, asked: Request) -> bytes:
    async with bodies.body(asked) as content:
        return content


def form(*parts: tuple[str, bytes]) -> bytes:
    """Return a form of parts, each the rest of its Content-Disposition and its content."""
    lines = [
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; {rest}\r\n\r\n".encode()
        + content
        + b"\r\n"
        for rest, content in parts
    ]
    return b"".join(lines) + f"--{BOUNDARY}--\r\n".encode()


def refused(bodies: BodyReader, asked: Request) -> tuple[int, str]:
    with pytest.raises(HTTPException) as error:
        run(read(bodies, asked))
    return error.value.status_code, error.value.detail


def test_a_body_is_what_came():
    assert run(read(reader(), request(b"ab", b"", b"cd"))) == b"abcd"
    assert run(read(reader(), request(b"x" * 1000, length=1000))) == b"x" * 1000


def test_too_long_a_body_is_refused_before_it_comes():
    asked = request(None, length=1001)
    assert refused(reader(), asked)[0] == 413


@pytest.mark.parametrize("length", [None, 3])
def test_too_long_a_body_is_refused_while_it_comes(length):
    status, sentence = refused(reader(), request(b"x" * 600, b"x" * 600, None, length=length))
    assert status == 413
    assert "too large" in sentence


def test_the_limit_is_told_in_megabytes():
    bodies = reader(most_bytes=50 * 1024 * 1024)
    assert "50 MB" in refused(bodies, request(length=10**12))[1]


def test_a_body_that_is_cut_short_is_no_body():
    with pytest.raises(ClientDisconnect):
        run(read(reader(), request(b"ab", None)))


def test_a_body_that_comes_too_slowly_is_given_up():
    bodies = reader(seconds=0.1)
    status, sentence = refused(bodies, request(*([b"x", 0.03] * 100)))
    assert status == 400
    assert "within 0.1 seconds" in sentence


@pytest.mark.parametrize("kind", ["", FORM])
def test_no_body_is_told(kind):
    status, _ = refused(reader(), request(kind=kind))
    assert status == 400


def test_only_so_many_bodies_are_taken_at_once():
    async def ask() -> None:
        bodies = reader(most_at_once=2)
        async with bodies.body(request(b"a")), bodies.body(request(b"b")):
            with pytest.raises(BusyError):
                await read(bodies, request(b"c"))
        assert await read(bodies, request(b"c")) == b"c"

    run(ask())


def test_all_bodies_together_hold_only_so_much():
    async def ask() -> None:
        bodies = reader(most_bytes_at_once=1500)
        async with bodies.body(request(b"x" * 1000)):
            with pytest.raises(BusyError):
                await read(bodies, request(b"x" * 400, b"x" * 400))
            assert await read(bodies, request(b"x" * 400)) == b"x" * 400
        assert await read(bodies, request(b"x" * 1000)) == b"x" * 1000

    run(ask())


def test_room_comes_back_whatever_went_wrong():
    bodies = reader(most_at_once=1, most_bytes_at_once=1000, seconds=0.05)
    for asked in (request(b"x" * 900, None), request(b"x" * 900, 0.2), request(b"x" * 2000)):
        with pytest.raises((HTTPException, ClientDisconnect)):
            run(read(bodies, asked))
    assert run(read(bodies, request(b"x" * 1000))) == b"x" * 1000


def test_a_form_gives_the_file_in_its_field():
    body = form(('name="other"', b"1"), ('name="file"; filename="a.jpg"', b"\xff\xd8photo"))
    halves = request(body[:50], body[50:], kind=FORM)
    assert run(read(reader(), halves)) == b"\xff\xd8photo"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no form at all",
        form(),
        form(('name="other"; filename="a.jpg"', b"photo")),
        form(('name="file"', b"a field without a file")),
        form(('name="file"; filename="a"', b"1"), ('name="file"; filename="b"', b"2")),
        form(('name="file"; filename="a.jpg"', b"")),
        form(("", b"no name")),
        form(*[('name="x"', b"1")] * 50),
    ],
)
def test_a_form_without_one_file_is_refused(body):
    status, sentence = refused(reader(most_bytes=10_000), request(body, kind=FORM))
    assert status == 400
    assert "file" in sentence


def test_a_parameter_in_the_form_is_not_passed_over():
    body = form(('name="networks"', b"cnn"), ('name="file"; filename="a.jpg"', b"photo"))
    status, sentence = refused(reader(), request(body, kind=FORM))
    assert status == 400
    assert sentence.startswith("networks is a parameter of the URL")


def test_a_malformed_form_is_told_to_the_client_and_not_to_the_log(caplog):
    refused(reader(), request(b"no form at all", kind=FORM))
    assert not caplog.records


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary="])
def test_a_form_without_a_boundary_is_refused(kind):
    assert refused(reader(), request(form(), kind=kind))[0] == 400


def test_a_form_larger_than_allowed_is_refused():
    body = form(('name="file"; filename="a.jpg"', b"x" * 2000))
    assert refused(reader(), request(body[:800], body[800:], kind=FORM))[0] == 413


def test_a_forms_file_is_never_written(monkeypatch):
    monkeypatch.setattr("tempfile.TemporaryFile", lambda *_, **__: pytest.fail("it was"))
    body = form(('name="file"; filename="a.jpg"', b"x" * 3_000_000))
    bodies = reader(most_bytes=4_000_000, most_bytes_at_once=4_000_000)
    assert len(run(read(bodies, request(body, kind=FORM)))) == 3_000_000
