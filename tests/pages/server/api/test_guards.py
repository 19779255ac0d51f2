"""Who may ask, what everything that goes wrong is answered with, and what the log says."""

import logging

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.testclient import TestClient

from fer_core.errors import BundleError, SettingError
from pages.server.api import guards
from pages.server.api.app import create_api
from pages.server.api.guards import HANDLERS, OriginCheck, RequestLog

ELSEWHERE = "https://elsewhere.example"
TOKEN = "0123456789abcdef-first"
TOKENS = f"{TOKEN},0123456789abcdef-second"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://second-look.example"}, 403),
        ({"Sec-Fetch-Site": "SAME-ORIGIN-ish"}, 403),
        ({"Sec-Fetch-Site": ""}, 403),
        ({"Origin": "http://second-look.example"}, 200),
        ({"Origin": "https://second-look.example"}, 200),
        ({"Origin": "HTTP://Second-Look.example"}, 200),
        ({"Origin": "http://second-look.example", "Host": "second-look.example:80"}, 200),
        ({"Origin": "http://second-look.example:8501", "Host": "second-look.example:8501"}, 200),
        ({"Origin": "http://second-look.example:8501"}, 403),
        ({"Origin": "http://second-look.example.elsewhere.example"}, 403),
        ({"Origin": "http://user@second-look.example"}, 403),
        ({"Origin": ELSEWHERE}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": "//second-look.example"}, 403),
        ({"Origin": "http://[second-look.example"}, 403),
        ({"Origin": "file://second-look.example"}, 403),
    ],
)
def test_pages_of_other_sites_are_refused(client, headers, status):
    answered = client.get("/api/openapi.json", headers=headers)
    assert answered.status_code == status
    if status == 403:
        assert answered.json() == {
            "error": "Pages of other sites may not use this server. Its operator can allow an origin with "
            "FER_API_ORIGINS."
        }
    assert "Access-Control-Allow-Origin" not in answered.headers


def test_a_photo_from_another_sites_page_is_not_looked_at(client, portrait, monkeypatch):
    monkeypatch.setattr(
        "pages.server.api.analyze.analyze_content", lambda *_: pytest.fail("it was")
    )
    answered = client.post("/api/analyze", content=portrait, headers={"Origin": ELSEWHERE})
    assert answered.status_code == 403


def test_origins_that_settings_name_may_ask_and_no_others(client_of):
    client = client_of(FER_API_ORIGINS=f"{ELSEWHERE}, http://localhost:3000")
    site = {"Sec-Fetch-Site": "cross-site"}
    for origin in (ELSEWHERE, "http://localhost:3000"):
        answered = client.get("/api/openapi.json", headers=site | {"Origin": origin})
        assert answered.status_code == 200
        assert answered.headers["Access-Control-Allow-Origin"] == origin
        assert "Access-Control-Allow-Credentials" not in answered.headers
    for other in ("https://other.example", "null", f"{ELSEWHERE}:444"):
        answered = client.get("/api/openapi.json", headers=site | {"Origin": other})
        assert answered.status_code == 403
        assert "Access-Control-Allow-Origin" not in answered.headers


def test_a_browsers_question_before_a_request_is_answered_without_a_token(client_of):
    client = client_of(FER_API_ORIGINS=ELSEWHERE, FER_API_TOKENS=TOKENS)
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    allowed = client.options("/api/analyze", headers=asked | {"Origin": ELSEWHERE})
    assert allowed.status_code == 200
    assert "POST" in allowed.headers["Access-Control-Allow-Methods"]
    assert "authorization" in allowed.headers["Access-Control-Allow-Headers"].lower()
    refused = client.options("/api/analyze", headers=asked | {"Origin": "https://other.example"})
    assert refused.status_code == 403
    # Errors can be read by the page that asked.
    failed = client.post("/api/analyze", headers={"Origin": ELSEWHERE})
    assert failed.status_code == 401
    assert failed.headers["Access-Control-Allow-Origin"] == ELSEWHERE
    bearing = {"Origin": ELSEWHERE, "Authorization": f"Bearer {TOKEN}"}
    empty = client.post("/api/analyze", headers=bearing)
    assert empty.status_code == 400
    assert empty.headers["Access-Control-Allow-Origin"] == ELSEWHERE
    for method, path, status in (("GET", "/api/nothing", 404), ("GET", "/api/analyze", 405)):
        answered = client.request(method, path, headers=bearing)
        assert answered.status_code == status
        assert answered.headers["Access-Control-Allow-Origin"] == ELSEWHERE
        assert answered.json()["error"]


def test_a_fault_of_the_server_can_be_read_by_the_page_that_asked(client_of, monkeypatch):
    def fail() -> list[str]:
        raise ZeroDivisionError

    monkeypatch.setattr("pages.server.api.networks.default_networks", fail)
    client = client_of(FER_API_ORIGINS=ELSEWHERE)
    failed = client.get("/api/networks", headers={"Origin": ELSEWHERE})
    assert failed.status_code == 500
    assert failed.headers["Access-Control-Allow-Origin"] == ELSEWHERE
    assert "failed on this request" in failed.json()["error"]


def test_a_photo_of_too_many_faces_is_not_to_be_sent_again(client, portrait, monkeypatch):
    monkeypatch.setattr("fer_core.faces.finder.MOST_CANDIDATES", 0)
    refused = client.post("/api/analyze", content=portrait)
    assert refused.status_code == 413
    assert "Retry-After" not in refused.headers
    assert "Cut it into parts" in refused.json()["error"]


@pytest.mark.parametrize("path", ["/api/analyze", "/api/networks", "/api/openapi.json", "/api/x"])
def test_switched_off_nothing_answers(client_of, path):
    client = client_of(FER_API="off")
    for answered in (client.get(path), client.post(path, content=b"x")):
        assert answered.status_code == 404
        assert "switched off" in answered.json()["error"]


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        ("bearer 0123456789abcdef-second", 200),
        (None, 401),
        ("", 401),
        ("Bearer", 401),
        ("Bearer ", 401),
        (f"Bearer {TOKEN[:-1]}", 401),
        (f"Bearer {TOKEN}x", 401),
        (f"Bearer {TOKENS}", 401),
        (f"Basic {TOKEN}", 401),
        (TOKEN, 401),
        ("Bearer \xe9\xe9\xe9\xe9".encode("latin-1"), 401),
    ],
)
def test_only_whoever_bears_a_token_is_answered(client_of, authorization, status):
    client = client_of(FER_API_TOKENS=TOKENS)
    headers = {} if authorization is None else {"Authorization": authorization}
    answered = client.get("/api/networks", headers=headers)
    assert answered.status_code == status
    if status == 401:
        assert "token" in answered.json()["error"]
        assert answered.headers["WWW-Authenticate"] == "Bearer"
        assert TOKEN not in answered.text


@pytest.mark.parametrize(
    "settings",
    [
        {"FER_API": "perhaps"},
        {"FER_API_TOKENS": "short"},
        {"FER_API_ORIGINS": "*"},
    ],
)
def test_a_wrong_setting_keeps_the_server_from_starting(settings, monkeypatch):
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingError, match=next(iter(settings))):
        create_api(most_bytes=1)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/", 404),
        ("GET", "/api/nothing", 404),
        ("GET", "/api/_stcore/health", 404),
        ("POST", "/api/analyze/", 404),
        ("GET", "/api/analyze", 405),
        ("DELETE", "/api/networks", 405),
        ("OPTIONS", "/api/analyze", 405),
        ("BREW", "/api/openapi.json", 405),
    ],
)
def test_what_there_is_not_is_told_in_json(client, method, path, status):
    answered = client.request(method, path)
    assert answered.status_code == status
    assert list(answered.json()) == ["error"]
    assert answered.json()["error"].endswith(".")
    assert answered.headers["X-Content-Type-Options"] == "nosniff"
    assert answered.headers["Cache-Control"] == "no-store"
    assert (status == 405) == ("Allow" in answered.headers)
    if status == 405:
        assert f"It supports: {answered.headers['Allow']}." in answered.json()["error"]


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the log of requests says."""
    lines: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    keeper = Keeper()
    guards.log.addHandler(keeper)
    yield lines
    guards.log.removeHandler(keeper)


def test_the_log_has_a_line_a_request_and_nothing_that_the_client_chose(client, said):
    client.get("/api/networks?networks=telling", headers={"User-Agent": "telling"})
    client.post("/api/analyze?networks=telling", files={"file": ("telling.jpg", b"telling")})
    client.put("/api/telling.jpg")
    client.get("/api/%09telling%1B")
    client.request("TELLING", "/api/analyze")
    texts = [line.rsplit(" ", 2)[0] for line in said]
    assert texts == [
        "GET /api/networks 200",
        "POST /api/analyze 400",
        "PUT (another path) 404",
        "GET (another path) 404",
        "(another method) /api/analyze 405",
    ]
    assert all(line.endswith(" ms") for line in said)


@pytest.mark.parametrize(("status", "lines"), [(200, 0), (429, 0), (403, 1), (503, 1)])
def test_what_a_quiet_address_answers_all_the_time_has_no_line(said, status, lines):
    async def answer(_request):
        return guards.error_response(status, "A sentence.")

    log = Middleware(RequestLog, paths=["/often", "/other"], quiet=["/often"])
    client = TestClient(
        Starlette(routes=[Route(path, answer) for path in ("/often", "/other")], middleware=[log])
    )
    client.get("/often")
    assert len(said) == lines
    client.get("/other")
    assert len(said) == lines + 1


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (
            "/app/models/dual/model.tflite is missing. Restore it from version control, or make the bundle "
            "again with: python -m training fit dual",
            "models/dual/model.tflite is missing. Restore it from version control, or make the bundle "
            "again with: python -m training fit dual",
        ),
        ("There are no networks under /app/models.", "There are no networks under models."),
        (
            "/root/.cache/huggingface/hub/dual/spec.json is damaged. See https://example.org/a/b/c.",
            "dual/spec.json is damaged. See https://example.org/a/b/c.",
        ),
        ("The `[x]` & 1/2 of *a_b* stay.", "The `[x]` & 1/2 of *a_b* stay."),
    ],
)
def test_an_error_is_told_without_where_files_lie(raised, told, monkeypatch):
    monkeypatch.setenv("FER_MODELS", "/app/models")

    async def fail(_request):
        raise BundleError(raised)

    app = Starlette(routes=[Route("/fail", fail)], exception_handlers=HANDLERS)
    answered = TestClient(app).get("/fail")
    assert answered.status_code == 503
    assert answered.json() == {"error": told}


def test_a_fault_of_ours_is_told_without_what_it_says(said):
    async def fail(_request):
        raise RuntimeError("telling")

    app = Starlette(
        routes=[Route("/fail", fail, middleware=[Middleware(OriginCheck)])],
        middleware=[Middleware(RequestLog, paths=["/fail"])],
        exception_handlers=HANDLERS,
    )
    answered = TestClient(app).get("/fail")
    assert answered.status_code == 500
    assert "telling" not in answered.text
    assert "Traceback" not in answered.text
    fault, request = said
    assert fault.startswith("RuntimeError at ")
    assert f"{__file__}:" in fault
    assert "telling" not in fault
    assert request.startswith("GET /fail 500 ")
