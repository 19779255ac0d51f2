"""A Hugging Face Hub on loopback: as much of its HTTP as `huggingface_hub` asks for, and faults to order.

Large files go the way that they go there: uploaded by Git LFS's batch, and served by a redirect to another
host ("localhost" for "127.0.0.1"), which must not see the token.
"""

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

#: What the Hub takes for large files; all others are committed as they are.
LARGE = (".keras", ".tflite", ".parquet")
TOKEN = "hf_good"
_REPO = r"(?P<repo>[^/]+/[^/]+)"
#: What a slow server sends a second.
_BYTES_A_SECOND = 200


class Fault(StrEnum):
    """What may go wrong when a file is asked for."""

    NOT_FOUND = "404"
    TOO_MANY = "429 with Retry-After"
    CUT = "the connection ends in the middle of the file"
    WRONG = "other content of the same length"
    TRICKLE = "a few bytes at a time"
    SILENT = "no answer for long"


@dataclass
class Repo:
    """A repository: its commits, the oldest first, each with all its files."""

    private: bool = False
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def commit(self, files: dict[str, bytes]) -> str:
        content = [f"{path}:{git_sha1(data)}" for path, data in sorted(files.items())]
        oid = hashlib.sha1("\n".join([str(len(self.commits)), *content]).encode()).hexdigest()
        self.commits[oid] = files
        return oid

    @property
    def head(self) -> str:
        return list(self.commits)[-1]

    def files(self, revision: str) -> dict[str, bytes] | None:
        return self.commits.get(self.head if revision == "main" else revision)


class HubServer(ThreadingHTTPServer):
    """The server with its state, which tests read and change."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repos: dict[str, Repo] = {}
        self.large: dict[str, bytes] = {}
        self.faults: list[tuple[str, Fault]] = []
        self.requests: list[str] = []
        self.stopped = threading.Event()
        #: Answers to every call that writes, if set: (status, message).
        self.refusal: tuple[int, str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def add(self, repo: str, files: dict[str, bytes], *, private: bool = False) -> str:
        """Make a commit and return its hash."""
        return self.repos.setdefault(repo, Repo(private)).commit(files)

    def order(self, file: str, fault: Fault, times: int = 1) -> None:
        """Let the next answers about a file go wrong."""
        self.faults += [(file, fault)] * times

    def fault_of(self, file: str, *kinds: Fault) -> Fault | None:
        for i, (name, fault) in enumerate(self.faults):
            if file == name and fault in kinds:
                return self.faults.pop(i)[1]
        return None

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle is no news here."""


@contextmanager
def running_hub() -> Iterator[HubServer]:
    with HubServer() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        try:
            yield server
        finally:
            server.stopped.set()
            server.shutdown()


def git_sha1(data: bytes) -> str:
    """What Git calls a file of this content, and the Hub its ETag if it is not large."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HubServer

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._route()

    def do_GET(self) -> None:
        self._route()

    def do_PUT(self) -> None:
        self._route()

    def do_POST(self) -> None:
        self._route()

    def _route(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = urlsplit(self.path)
        self.query = parse_qs(url.query)
        self.server.requests.append(f"{self.command} {url.path}")
        for method, pattern, answer in _ROUTES:
            match = re.fullmatch(pattern, unquote(url.path))
            if match and self.command in method:
                answer(self, **match.groupdict())
                return
        self._json(404, {"error": "no such page"})

    # Reading

    def resolve(self, repo: str, revision: str, file: str) -> None:
        files = self._files(repo, revision)
        if files is None:
            return
        if file not in files or self.server.fault_of(file, Fault.NOT_FOUND):
            headers = {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": revision}
            self._json(404, {"error": "Entry not found"}, headers)
            return
        if self.server.fault_of(file, Fault.TOO_MANY):
            self._json(429, {"error": "too many requests"}, {"Retry-After": "0"})
            return
        if self.command == "HEAD" and self.server.fault_of(file, Fault.SILENT):
            self.server.stopped.wait(10)
        data = files[file]
        large = file.endswith(LARGE)
        etag = sha256(data) if large else git_sha1(data)
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": revision}
        if large:
            self.server.large[etag] = data
            headers |= {
                "X-Linked-Etag": f'"{etag}"',
                "X-Linked-Size": str(len(data)),
                "Location": f"http://localhost:{self.server.server_port}/cdn/{etag}/{file}",
            }
            self._send(302, b"", headers)
        else:
            self._content(file, data, headers)

    def cdn(self, oid: str, file: str) -> None:
        assert "Authorization" not in self.headers
        self._content(file, self.server.large[oid], {"ETag": f'"{oid}"'})

    def info(self, repo: str, revision: str = "main") -> None:
        files = self._files(repo, revision)
        if files is not None:
            commit = self.server.repos[repo].head if revision == "main" else revision
            names = [{"rfilename": file} for file in files]
            about = {"id": repo, "sha": commit, "private": self.server.repos[repo].private}
            self._json(200, about | {"siblings": names})

    def tree(self, repo: str, revision: str) -> None:
        files = self._files(repo, revision)
        if files is not None:
            entries = [
                {"type": "file", "path": path, "size": len(data), "oid": git_sha1(data)}
                for path, data in sorted(files.items())
            ]
            self._json(200, entries)

    # Writing

    def create(self) -> None:
        asked = json.loads(self.body)
        if not self._may_write():
            return
        repo = f"{asked['organization']}/{asked['name']}"
        if repo in self.server.repos:
            self._json(409, {"error": "You already created this model repo", "url": repo})
            return
        private = asked.get("visibility") == "private"
        self.server.add(repo, {".gitattributes": b"*.tflite filter=lfs\n"}, private=private)
        self._json(200, {"url": f"{self.server.url}/{repo}", "name": repo})

    def validate_yaml(self) -> None:
        front = json.loads(self.body)["content"].split("---")
        errors = [] if len(front) > 2 and "license:" in front[1] else [{"message": "no licence"}]
        self._json(400 if errors else 200, {"errors": errors, "warnings": []})

    def preupload(self, repo: str, revision: str) -> None:
        if not self._may_write():
            return
        files = self._files(repo, revision)
        if files is None:
            return
        modes = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if file["path"].endswith(LARGE) else "regular",
                "shouldIgnore": False,
                "oid": self._oid(files.get(file["path"]), file["path"]),
            }
            for file in json.loads(self.body)["files"]
        ]
        self._json(200, {"files": modes})

    def _oid(self, data: bytes | None, path: str) -> str | None:
        if data is None:
            return None
        return sha256(data) if path.endswith(LARGE) else git_sha1(data)

    def batch(self, repo: str) -> None:
        objects = [
            {
                "oid": wanted["oid"],
                "size": wanted["size"],
                "actions": {"upload": {"href": f"{self.server.url}/lfs/{wanted['oid']}"}},
            }
            for wanted in json.loads(self.body)["objects"]
        ]
        self._json(200, {"transfer": "basic", "objects": objects})

    def upload(self, oid: str) -> None:
        if sha256(self.body) != oid:
            self._json(400, {"error": "the content has another checksum"})
            return
        self.server.large[oid] = self.body
        self._send(200, b"", {})

    def commit(self, repo: str, revision: str) -> None:
        files = dict(self._files(repo, revision) or {})
        for line in self.body.splitlines():
            key, value = (entry := json.loads(line))["key"], entry["value"]
            if key == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif key == "lfsFile":
                files[value["path"]] = self.server.large[value["oid"]]
            elif key == "deletedFile":
                del files[value["path"]]
        oid = self.server.add(repo, files)
        url = f"{self.server.url}/{repo}/commit/{oid}"
        self._json(200, {"success": True, "commitOid": oid, "commitUrl": url})

    # What all of them need

    def _files(self, repo: str, revision: str) -> dict[str, bytes] | None:
        """Return the files of a commit; None after an answer that says why there are none."""
        token = self._token()
        if token not in (None, TOKEN):
            self._json(401, {"error": "Invalid credentials in Authorization header"})
            return None
        known = self.server.repos.get(repo)
        if known is None or (known.private and token is None):
            # The Hub does not tell strangers whether a repository exists.
            headers = {"X-Error-Code": "RepoNotFound"}
            self._json(404 if token else 401, {"error": "Repository not found"}, headers)
            return None
        if (files := known.files(revision)) is None:
            headers = {"X-Error-Code": "RevisionNotFound"}
            self._json(404, {"error": "Invalid rev id"}, headers)
        return files

    def _token(self) -> str | None:
        header = self.headers.get("Authorization")
        return header.removeprefix("Bearer ") if header else None

    def _may_write(self) -> bool:
        if self._token() != TOKEN:
            self._json(401, {"error": "Invalid credentials in Authorization header"})
            return False
        if self.server.refusal:
            status, message = self.server.refusal
            self._json(status, {"error": message})
            return False
        return True

    def _content(self, file: str, data: bytes, headers: dict[str, str]) -> None:
        start = 0
        if match := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")):
            start = int(match[1])
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        fault = None
        if self.command == "GET":
            fault = self.server.fault_of(file, Fault.CUT, Fault.WRONG, Fault.TRICKLE)
        if fault is Fault.WRONG:
            data = bytes(byte ^ 1 for byte in data)
        rest = data[start:]
        headers["Content-Length"] = str(len(rest))
        self.send_response(206 if start else 200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if fault is Fault.CUT:
            self.wfile.write(rest[: len(rest) // 2])
            self.close_connection = True
        elif fault is Fault.TRICKLE:
            self._trickle(rest)
        else:
            self.wfile.write(rest)

    def _trickle(self, data: bytes) -> None:
        step = _BYTES_A_SECOND // 10
        for i in range(0, len(data), step):
            if self.server.stopped.is_set():
                self.close_connection = True
                return
            self.wfile.write(data[i : i + step])
            time.sleep(0.1)

    def _json(self, status: int, value: object, headers: dict[str, str] | None = None) -> None:
        content = {"Content-Type": "application/json"} | (headers or {})
        if "error" in (value if isinstance(value, dict) else {}):
            content["X-Error-Message"] = value["error"]
        self._send(status, json.dumps(value).encode(), content)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


_ROUTES = (
    ("POST", "/api/repos/create", _Handler.create),
    ("POST", "/api/validate-yaml", _Handler.validate_yaml),
    ("POST", rf"/api/models/{_REPO}/preupload/(?P<revision>[^/]+)", _Handler.preupload),
    ("POST", rf"/api/models/{_REPO}/commit/(?P<revision>[^/]+)", _Handler.commit),
    ("POST", rf"/{_REPO}\.git/info/lfs/objects/batch", _Handler.batch),
    ("PUT", r"/lfs/(?P<oid>[0-9a-f]{64})", _Handler.upload),
    ("GET", rf"/api/models/{_REPO}/tree/(?P<revision>[^/]+)", _Handler.tree),
    ("GET", rf"/api/models/{_REPO}/revision/(?P<revision>[^/]+)", _Handler.info),
    ("GET", rf"/api/models/{_REPO}", _Handler.info),
    ("HEAD GET", rf"/{_REPO}/resolve/(?P<revision>[^/]+)/(?P<file>.+)", _Handler.resolve),
    ("HEAD GET", r"/cdn/(?P<oid>[0-9a-f]{64})/(?P<file>.+)", _Handler.cdn),
)
