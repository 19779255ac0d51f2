"""The package: what its wheel asks for and holds, and that it works away from the checkout."""

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from typer.testing import CliRunner

import fer_core
from fer_core import settings
from fer_core.networks.bundles import DEFAULT_PAIR, SERVING_FILE, SPEC_FILE
from tests.conftest import PROJECT
from training.__main__ import app as training_app

PACKAGE = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PACKAGE["optional-dependencies"]
#: The most that the wheel may weigh.
LIMIT_MB = 40


def package_lists() -> tuple[set[str], dict[str, set[str]]]:
    """Return the names of the packages that the base install and each extra ask for."""
    return _names(PACKAGE["dependencies"]), {extra: _names(of) for extra, of in EXTRAS.items()}


def _names(lines: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in lines}


def _pinned(file: str) -> list[Requirement]:
    lines = (PROJECT / file).read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]


def _pinned_names(*files: str) -> set[str]:
    return {canonicalize_name(pin.name) for file in files for pin in _pinned(file)}


def test_the_package_and_the_requirement_files_name_the_same_packages():
    base, extras = package_lists()
    trained = _pinned_names("requirements.txt", "requirements-train.txt")
    assert base | extras["app"] == _pinned_names("requirements-serve.txt")
    assert trained <= extras["train"] <= trained | extras["app"]
    assert extras["scale"] == _pinned_names("requirements-scale.txt")
    assert extras["dev"] - {"second-look"} == _pinned_names("requirements-dev.txt")


def test_every_pin_is_a_version_that_the_package_accepts():
    accepted = [Requirement(line) for lines in EXTRAS.values() for line in lines]
    accepted += [Requirement(line) for line in PACKAGE["dependencies"]]
    pins = {
        canonicalize_name(pin.name): next(iter(pin.specifier)).version
        for file in PROJECT.glob("requirements*.txt")
        for pin in _pinned(file.name)
    }
    for requirement in accepted:
        if requirement.name != PACKAGE["name"]:
            assert requirement.specifier, f"{requirement.name} is accepted in any version"
            pin = pins[canonicalize_name(requirement.name)]
            assert requirement.specifier.contains(pin), f"{requirement} is not {pin}"


def test_the_extra_for_developers_has_all_others():
    (own,) = (Requirement(line) for line in EXTRAS["dev"] if line.startswith(PACKAGE["name"]))
    assert own.extras == EXTRAS.keys() - {"dev"}


def test_the_app_is_served_by_this_python_with_streamlits_options(tmp_path):
    (tmp_path / "streamlit.py").write_text("raise SystemExit('the one in the folder one is in')")
    done = subprocess.run(
        [sys.executable, "-m", "fer_core", "app", "--help-of-streamlit"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
    )
    assert "Usage: streamlit run" in done.stderr
    assert "No such option '--help-of-streamlit'" in done.stderr


def test_without_streamlit_the_command_says_how_to_install_it():
    probe = (
        "import sys; sys.modules['streamlit'] = None; sys.argv = ['second-look', 'app']\n"
        "from fer_core.__main__ import app\n"
        "app()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, cwd=PROJECT
    )
    assert done.returncode == 2
    assert 'pip install "second-look[app]"' in done.stderr


def test_a_checkout_finds_its_own_files():
    assert settings.project_root() == PROJECT
    assert not settings.shipped_root().exists()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel of this checkout, built as a user builds it."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder]
    subprocess.run([*command, PROJECT], check=True)
    (file,) = folder.glob("*.whl")
    return file


@pytest.mark.slow
def test_the_wheel_is_small_and_holds_what_serves(wheel: Path):
    assert wheel.name == f"second_look-{fer_core.__version__}-py3-none-any.whl"
    assert wheel.stat().st_size <= LIMIT_MB * 1e6
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    shipped = "fer_core/shipped"
    wanted = {
        *("fer_core/py.typed", "training/__main__.py"),
        *(f"{shipped}/app.py", f"{shipped}/pages/analyze.py", f"{shipped}/.streamlit/config.toml"),
        *(f"{shipped}/models/face_landmarker.task", f"{shipped}/models/face_shape.npz"),
        f"{shipped}/models/NOTICE",
        *(
            f"{shipped}/models/{name}/{file}"
            for name in DEFAULT_PAIR
            for file in (SPEC_FILE, SERVING_FILE, "README.md", "layers.csv")
        ),
        *(
            f"second_look-{fer_core.__version__}.dist-info/licenses/{n}"
            for n in ("LICENSE", "NOTICE")
        ),
    }
    assert wanted <= names
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"fer_core", "training", f"second_look-{fer_core.__version__}.dist-info"}
    assert not [
        name for name in names if "models/thumbnails" in name or name.endswith((".keras", ".pyc"))
    ]


@pytest.mark.slow
def test_what_the_wheel_holds_answers_away_from_the_checkout(wheel: Path, tmp_path, astronaut_png):
    site, away = tmp_path / "site-packages", tmp_path / "away"
    away.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    (away / "photo.png").write_bytes(astronaut_png)
    variables = {key: value for key, value in os.environ.items() if not key.startswith("FER_")}

    def run(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command],
            capture_output=True,
            text=True,
            check=True,
            cwd=away,
            env=variables | {"PYTHONPATH": str(site)},
        )
        return done.stdout

    (face,) = json.loads(run("-m", "fer_core", "analyze", "photo.png"))["faces"]
    assert face["predictions"]["dual_photos"]["expression"] == "happy"
    listed = run("-m", "fer_core", "models")
    assert str(site / "fer_core" / "shipped" / "models" / "dual_photos") in listed
    assert "compare" in run("-m", "training", "--help")
    page = (
        "import sys\n"
        "from fer_core.settings import project_root\n"
        "sys.path.insert(0, str(project_root()))\n"
        "from streamlit.testing.v1 import AppTest\n"
        "page = AppTest.from_file(project_root() / 'pages/shared/navigation.py', default_timeout=120).run()\n"
        "page.button[0].click().run()\n"
        "assert page.metric\n"
        "for name in ('landmarks', 'compare', 'evaluation', 'studies', 'models'):\n"
        "    page.switch_page(f'../{name}.py').run()\n"
        "    assert not page.exception and not page.error, name\n"
        "print(sys.modules['pages.shared.waiting'].__file__)\n"
    )
    assert run("-c", page).startswith(str(site))


def test_training_does_not_write_into_an_installed_package(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "shipped_root", lambda: tmp_path)
    monkeypatch.delenv("FER_MODELS", raising=False)
    refused = CliRunner().invoke(training_app, ["describe", "cnn"])
    assert refused.exit_code == 1
    assert "export FER_MODELS=" in refused.output
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    assert "FER_MODELS" not in CliRunner().invoke(training_app, ["describe", "cnn"]).output
