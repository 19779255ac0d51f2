"""The container without a container: its environment, its files, its user and its command, as written down.

What is not tested here is what Docker and the base image do.
"""

import fnmatch
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.conftest import PROJECT, tracked_files

DOCKERFILE = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
UID = 1000
#: The aim for the image, less the base image of Debian and Python, in units of 1,000,000 bytes.
AIM_MB, BASE_MB = 1600, 150
START_SECONDS = 60


def instruction(name: str) -> list[str]:
    """Return the arguments of each instruction of a kind, lines that go on made one."""
    text = DOCKERFILE.replace("\\\n", " ")
    return re.findall(rf"^{name}\s+(.+)$", text, flags=re.MULTILINE)


def environment() -> dict[str, str]:
    return dict(re.findall(r"([A-Z_]+)=(\S+)", " ".join(instruction("ENV"))))


def command(name: str) -> list[str]:
    """Return the command of CMD or HEALTHCHECK."""
    (text,) = instruction(name)
    return json.loads(text[text.index("[") :])


def image_files() -> list[Path]:
    """Return the tracked files that .dockerignore lets into the image: the last pattern that fits decides."""
    lines = (PROJECT / ".dockerignore").read_text().splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    kept = []
    for name in tracked_files():
        inside = True
        for pattern in patterns:
            wanted = pattern.removeprefix("!")
            parents = [name, *map(str, Path(name).parents)]
            if any(fnmatch.fnmatch(part, wanted) for part in parents if part != "."):
                inside = pattern.startswith("!")
        if inside:
            kept.append(Path(name))
    return kept


def front_matter() -> dict[str, str]:
    """Return what README says to a Space."""
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    assert text.startswith("---\n")
    block = text.split("---\n")[1]
    return dict(re.findall(r"^(\w+): (.+)$", block, flags=re.MULTILINE))


def test_the_front_matter_fits_the_container():
    said = front_matter()
    assert said["sdk"] == "docker"
    assert said["app_port"] == environment()["STREAMLIT_SERVER_PORT"]
    assert instruction("EXPOSE") == [said["app_port"]]
    assert said["license"] == "apache-2.0"
    # The limit of the Hub.
    assert len(said["short_description"]) <= 60


def test_the_page_on_hosting_names_every_variable_that_is_read():
    settings = (PROJECT / "fer_core" / "settings.py").read_text(encoding="utf-8")
    page = (PROJECT / "docs" / "deploy.md").read_text(encoding="utf-8")
    variables = set(re.findall(r"\bFER_[A-Z_]+", settings))
    assert {"FER_MODELS", "FER_CACHE"} <= variables
    assert [name for name in variables if name not in page] == []


@pytest.mark.parametrize("page", ["docs/deploy.md", "SECURITY.md", "PRIVACY.md"])
def test_what_the_pages_point_to_is_there(page: str):
    text = (PROJECT / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#]+)\)", text)
    files = re.findall(r"`((?:fer_core|tests|docs)/[\w./]+)`", text)
    for target in [PROJECT / page / ".." / link for link in links] + [PROJECT / f for f in files]:
        assert Path(os.path.normpath(target)).exists(), target


def test_the_image_has_the_code_and_no_tests_or_training():
    tops = {path.parts[0] for path in image_files()}
    assert {"app.py", "fer_core", "pages", "models", "requirements-serve.txt"} <= tops
    assert not tops & {"tests", "training", "docs", ".git", ".ci"}
    assert Path(".streamlit/config.toml") in image_files()


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_the_container_is_healthy_when_the_server_answers(status: int, code: int):
    asked: list[str] = []

    class Stub(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Stub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        variables = {
            "STREAMLIT_SERVER_PORT": str(server.server_port),
            "STREAMLIT_SERVER_BASE_URL_PATH": "/base/",
        }
        done = subprocess.run(
            [sys.executable, *command("HEALTHCHECK")[1:]], env=variables, capture_output=True
        )
    finally:
        server.shutdown()
        server.server_close()
    assert asked == ["/base/_stcore/health"]
    assert done.returncode == code


def unit() -> dict[str, list[str]]:
    """Return the values of each directive of the unit for systemd."""
    found: dict[str, list[str]] = {}
    for line in (PROJECT / "docs" / "second-look.service").read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            name, value = line.split("=", 1)
            found.setdefault(name, []).append(value)
    return found


def test_the_unit_writes_no_memory_to_a_disk_and_listens_on_this_machine_alone():
    said = unit()
    assert (said["LimitCORE"], said["MemorySwapMax"]) == (["0"], ["0"])
    assert (said["Restart"], said["DynamicUser"], said["NoNewPrivileges"]) == (
        *(["always"], ["yes"], ["yes"]),
    )
    variables = " ".join(said["Environment"]).split()
    assert "STREAMLIT_SERVER_ADDRESS=127.0.0.1" in variables
    assert f"STREAMLIT_SERVER_PORT={environment()['STREAMLIT_SERVER_PORT']}" in variables
    (start,) = said["ExecStart"]
    assert start.endswith("/.venv/bin/streamlit run app.py")


def test_systemd_understands_the_unit(tmp_path: Path):
    if (analyze := shutil.which("systemd-analyze")) is None:
        pytest.skip("no systemd-analyze on this machine")
    text = (PROJECT / "docs" / "second-look.service").read_text()
    (start,) = unit()["ExecStart"]
    file = tmp_path / "second-look.service"
    # The program must be there.
    file.write_text(text.replace(start.split()[0], "/bin/true"))
    done = subprocess.run([analyze, "verify", file], capture_output=True, text=True)
    assert "second-look.service:" not in done.stderr
    assert done.returncode == 0, done.stderr


def test_a_space_gets_what_is_committed_and_nothing_beside_it():
    page = (PROJECT / "docs" / "deploy.md").read_text(encoding="utf-8")
    (upload,) = re.findall(r"^hf upload (.+)$", page, flags=re.MULTILINE)
    assert upload.split()[:2] == ["OWNER/NAME", '"$tmp"']
    assert 'git archive HEAD | tar -x -C "$tmp"' in page
    known = subprocess.run(
        [sys.executable, "-m", "huggingface_hub.cli.hf", "upload", "--help"],
        capture_output=True,
        text=True,
    ).stdout
    options = re.findall(r"--[a-z-]+", upload)
    assert options == ["--repo-type", "--exclude", "--delete"]
    assert [option for option in options if option not in known] == []


def test_the_container_of_the_page_swaps_nothing_and_keeps_a_short_log():
    page = (PROJECT / "docs" / "deploy.md").read_text(encoding="utf-8").replace("\\\n", "")
    (run,) = re.findall(r"^docker run .* second-look:1$", page, flags=re.MULTILINE)
    (memory,), (swap,) = re.findall(r"--memory (\S+)", run), re.findall(r"--memory-swap (\S+)", run)
    assert memory == swap
    for option in ("--ulimit core=0", "--log-opt max-size=", "--log-opt max-file=", "--name "):
        assert option in run


def test_the_user_is_not_root():
    assert instruction("USER") == ["user"]
    assert f"--uid {UID} user" in DOCKERFILE


@pytest.mark.parametrize(("space", "same_site"), [("", None), ("owner/name", "none")])
def test_a_space_and_nothing_else_lets_frames_of_other_sites_upload(
    tmp_path: Path, space: str, same_site: str | None
):
    stub = tmp_path / "streamlit"
    stub.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    stub.chmod(0o755)
    variables = {"PATH": f"{tmp_path}:{os.environ['PATH']}"} | (
        {"SPACE_ID": space} if space else {}
    )
    said = subprocess.run(
        command("CMD"), env=variables, capture_output=True, text=True, check=True
    ).stdout.split()
    expected = [f"--server.xsrfCookieSameSite={same_site}"] if same_site else []
    assert said == ["run", "app.py", *expected]
    config = tomllib.loads((PROJECT / ".streamlit" / "config.toml").read_text())
    assert config["server"]["xsrfCookieSameSite"] == "lax"


@dataclass(frozen=True, slots=True)
class Container:
    """An environment as the image has it.

    Attributes:
        root: a folder that holds all of it.
        prefix: what makes a command run as the container's user.
        variables: the environment variables of a command.
        port: that the app is to listen on.
    """

    root: Path
    prefix: tuple[str, ...]
    variables: dict[str, str]
    port: int

    @property
    def app(self) -> Path:
        """The folder of the code, the image's WORKDIR."""
        return self.root / "app"

    def run(self, arguments: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [*self.prefix, *arguments],
            cwd=self.app,
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=240,
        )


@pytest.fixture(scope="module")
def container() -> Iterator[Container]:
    """The requirements in a fresh environment, the files where they cannot be written, a home that can be."""
    is_root = os.geteuid() == 0
    interpreter = readable_interpreter() if is_root else sys.executable
    if interpreter is None:
        pytest.skip("the only Python 3.11 here is one that other users cannot start")
    # Not in pytest's folder, into which other users cannot look.
    root = Path(tempfile.mkdtemp(prefix="second-look-"))
    try:
        root.chmod(0o755)
        venv = root / "venv"
        subprocess.run([interpreter, "-m", "venv", "--without-pip", venv], check=True)
        build = root / "build"
        build.mkdir()
        for name in ("requirements-serve.txt", "constraints.txt"):
            shutil.copyfile(PROJECT / name, build / name)
        (install,) = (line for line in instruction("RUN") if "requirements" in line)
        pip = [sys.executable, "-m", "pip", "--python", str(venv / "bin" / "python")]
        install = install.replace("pip install", f"{shlex.join(pip)} install --quiet")
        subprocess.run(install, shell=True, cwd=build, check=True)
        for path in image_files():
            target = root / "app" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(PROJECT / path, target)
        subprocess.run(["chmod", "-R", "a-w,a+rX", root / "app"], check=True)
        home = root / "home"
        home.mkdir()
        if is_root:
            os.chown(home, UID, UID)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        variables = {
            name: value.replace("/home/user", str(home)) for name, value in environment().items()
        }
        variables |= {
            "PATH": f"{venv / 'bin'}:/usr/local/bin:/usr/bin:/bin",
            "STREAMLIT_SERVER_PORT": str(port),
        }
        prefix = ("setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "--no-new-privs")
        yield Container(root, prefix if is_root else (), variables, port)
    finally:
        subprocess.run(["chmod", "-R", "u+w", root], check=False)
        shutil.rmtree(root)


def readable_interpreter() -> str | None:
    """Return a Python of the Dockerfile's version that every user can start."""
    (base,) = instruction("FROM")
    version = re.fullmatch(r"python:(\d+\.\d+)-slim-\w+", base)[1]
    for folder in ("/usr/local/bin", "/usr/bin"):
        if (found := Path(folder, f"python{version}")).exists():
            return str(found)
    return None


@pytest.mark.slow
@pytest.mark.release
def test_the_image_stays_within_its_size(container: Container):
    done = subprocess.run(
        ["du", "-s", "-B1000000", container.root], capture_output=True, text=True, check=True
    )
    megabytes = int(done.stdout.split()[0])
    assert megabytes < AIM_MB - BASE_MB


@pytest.mark.slow
@pytest.mark.release
def test_serving_needs_no_training_framework(container: Container):
    probe = "import importlib.util as u; print([u.find_spec(n) for n in ('tensorflow', 'keras', 'jax')])"
    assert container.run(["python", "-c", probe]).stdout.strip() == "[None, None, None]"


@pytest.mark.slow
@pytest.mark.release
def test_the_command_line_answers_as_the_containers_user(container: Container):
    done = container.run(
        ["python", "-m", "fer_core", "analyze", "pages/shared/examples/astronaut.png"]
    )
    assert done.returncode == 0, done.stderr
    (face,) = json.loads(done.stdout)["faces"]
    assert {name: p["expression"] for name, p in face["predictions"].items()} == {
        "cnn_photos": "happy",
        "dual_photos": "happy",
    }


@pytest.mark.slow
@pytest.mark.release
def test_the_containers_command_serves_every_page(container: Container):
    server = subprocess.Popen(
        [*container.prefix, *command("CMD")],
        cwd=container.app,
        env=container.variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while (health := container.run(command("HEALTHCHECK"))).returncode:
            assert server.poll() is None
            assert time.monotonic() < deadline, health.stderr
            time.sleep(0.5)
        with urllib.request.urlopen(f"http://127.0.0.1:{container.port}/") as response:
            assert b"<title>Streamlit</title>" in response.read()
        probe = (
            "from streamlit.testing.v1 import AppTest\n"
            "page = AppTest.from_file('pages/shared/navigation.py', default_timeout=120).run()\n"
            "page.button[0].click().run()\n"
            "assert page.metric\n"
            "for name in ('analyze', 'landmarks', 'compare', 'evaluation', 'studies', 'models'):\n"
            "    page.switch_page(f'../{name}.py').run()\n"
            "    assert not page.exception and not page.error, name\n"
            "print(page.title[0].value)\n"
        )
        done = container.run(["python", "-c", probe])
        assert done.stdout.strip() == "Models", done.stderr[-2000:]
    finally:
        server.terminate()
        server.wait(20)
    # Python's libraries may cache in the home; the code cannot have been touched.
    assert not list(container.app.rglob("__pycache__"))
