"""The ground that the project stands on: commands, pins, directions of imports, what is shipped."""

import ast
import hashlib
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from fer_core import settings
from tests.conftest import tracked_files
from tests.test_package import package_lists

PROJECT = Path(__file__).resolve().parent.parent
README = (PROJECT / "README.md").read_text(encoding="utf-8")
RUN = (
    "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt "
    "&& .venv/bin/streamlit run app.py"
)
TEST = "python3 -m venv .venv && .venv/bin/pip install -r requirements-dev.txt && .venv/bin/pytest"
REQUIREMENTS = sorted(PROJECT.glob("requirements*.txt"))
ROOMS = ("fer_core", "training", "pages")
#: What fer_core must not load, so that the command line answers in a second and in little memory.
HEAVY = {"streamlit", "tensorflow", "keras"}
#: The direction of imports inside each package: each of these modules and rooms imports only itself and
#: those before it. `live.face` is the record that `drawing` draws and the rest of `live` fills.
FER_CORE = (
    *(
        "errors",
        "listing",
        "settings",
        "files",
        "closing",
        "cores",
        "quiet",
        "expressions",
        "face_columns",
        "palette",
        "percent",
        "data_names",
        "content",
    ),
    *("photos", "faces", "networks", "analysis", "records", "fex"),
    *("live.face", "drawing", "live"),
    *("video", "batch", "annotate", "api", "evaluation", "studies", "views", "commands"),
    "__main__",
)
TRAINING = (
    *("errors", "alone", "devices", "networks", "architectures", "sources", "schema", "teachers"),
    *("tasks", "loop", "bundle", "measure", "kinds", "publish"),
    *("campaign", "experiments", "gpu", "recipes", "commands", "__main__"),
)
PAGES = ("shared", "server", "parts")
#: Packages whose files are found by their names.
FOUND_BY_NAME = {"training.recipes", "training.recipes.studies", "training.recipes.campaigns"}


@pytest.mark.parametrize("command", [RUN, TEST])
def test_readme_gives_the_two_commands_each_as_one_line(command):
    assert command in README.splitlines()


def test_ci_runs_the_readmes_second_command_verbatim():
    lines = (PROJECT / ".ci" / "run").read_text().splitlines()
    assert TEST in lines
    assert (PROJECT / ".ci" / "run").stat().st_mode & 0o111


@pytest.mark.parametrize("file", [*REQUIREMENTS, PROJECT / "constraints.txt"], ids=lambda f: f.name)
def test_every_requirement_is_pinned_to_one_version(file):
    pin = re.compile(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==[0-9][A-Za-z0-9.+!]*")
    for line in _requirement_lines(file):
        assert pin.fullmatch(line), line


def test_no_package_is_pinned_twice():
    names = [
        _normalised(line.split("==")[0])
        for file in (*REQUIREMENTS, PROJECT / "constraints.txt")
        for line in _requirement_lines(file)
    ]
    assert sorted(names) == sorted(set(names))


def test_requirement_files_build_on_the_runtime_ones():
    for name, base in (
        ("requirements.txt", "requirements-serve.txt"),
        ("requirements-train.txt", "requirements.txt"),
        ("requirements-scale.txt", "requirements-serve.txt"),
        ("requirements-dev.txt", "requirements-train.txt"),
        ("requirements-dev.txt", "requirements-scale.txt"),
    ):
        assert f"-r {base}" in (PROJECT / name).read_text().splitlines()


def test_everything_that_the_project_imports_is_required_directly():
    """By pyproject.toml; that requirements*.txt say the same is held by test_package.py."""
    base, extras = package_lists()
    core = PROJECT / "fer_core"
    distributions = packages_distributions()
    own = {*ROOMS, "app"} | sys.stdlib_module_names
    for path in _python_files():
        # The extras with each of which, beside the base, a file must find what it imports.
        needed = [set()]
        if path == core / "annotate" / "on_ray.py":
            needed = [extras["scale"]]
        elif any(path.is_relative_to(core / room) for room in ("evaluation", "studies", "views")):
            needed = [extras["app"], extras["train"]]
        elif path.is_relative_to(PROJECT / "training") or path == core / "faces" / "shape.py":
            needed = [extras["train"]]
        elif not path.is_relative_to(core):
            needed = [extras["app"]]
        for module in _imports(path, anywhere=True):
            top = module.partition(".")[0]
            if top not in own:
                providers = {_normalised(name) for name in distributions.get(top, [])}
                for extra in needed:
                    assert providers & (base | extra), (
                        f"{path} imports {top}, which nothing requires"
                    )


def test_the_only_opencv_is_the_headless_one():
    assert packages_distributions().get("cv2") == ["opencv-python-headless"]


@pytest.mark.parametrize(
    ("room", "forbidden"),
    [
        ("fer_core", {"training", "pages", "app", "streamlit"}),
        ("training", {"pages", "app", "streamlit"}),
        ("pages", {"training"}),
    ],
)
def test_imports_go_pages_to_fer_core_and_training_to_fer_core(room, forbidden):
    for path in _files_of(room):
        tops = {module.partition(".")[0] for module in _imports(path, anywhere=True)}
        assert not tops & forbidden, f"{path} imports {tops & forbidden}"


@pytest.mark.parametrize(
    ("package", "order"), [("fer_core", FER_CORE), ("training", TRAINING), ("pages", PAGES)]
)
def test_imports_inside_a_package_go_to_rooms_below(package, order):
    modules = {_module(path): path for path in _files_of(package)}
    for module, path in modules.items():
        if module == package:
            continue
        for imported in _imports(path, anywhere=True) & modules.keys():
            # The package itself gives its version and its rooms to all.
            if imported == package or imported in FOUND_BY_NAME:
                continue
            places = [_place(name, package, order) for name in (imported, module)]
            assert places[0] <= places[1], f"{module} imports {imported}"


def _place(module: str, package: str, order: tuple[str, ...]) -> int:
    """Return the place in the order of a module of a package: its own, or else that of its room."""
    name = module.removeprefix(f"{package}.")
    for known in (name, name.partition(".")[0]):
        if known in order:
            return order.index(known)
    # A page, which is above all rooms.
    is_page = package == "pages" and "." not in name
    assert is_page, f"{module} has no place in the order of imports inside {package}"
    return len(order)


def test_settings_from_the_environment_are_read_in_one_place():
    read = re.compile(r"""environ(\.get\(|\[)["']FER_""")
    files = [
        *_files_of("fer_core"),
        *_files_of("training"),
        *_files_of("pages"),
        PROJECT / "app.py",
    ]
    readers = {path.name for path in files if read.search(path.read_text(encoding="utf-8"))}
    assert readers == {"settings.py"}


def test_fer_core_imports_no_training_framework_at_module_level():
    for path in _files_of("fer_core"):
        tops = {module.partition(".")[0] for module in _imports(path, anywhere=False)}
        assert not tops & HEAVY, f"{path} imports {tops & HEAVY}"


def test_all_of_fer_core_loads_neither_the_ui_nor_a_training_framework():
    modules = sorted(map(_module, _files_of("fer_core")))
    probe = f"import sys, {', '.join(modules)}\nprint(sorted({HEAVY!r} & set(sys.modules)))"
    found = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=PROJECT
    )
    assert found.stdout.strip() == "[]"


def test_every_page_is_in_the_navigation():
    pages = {path.name for path in (PROJECT / "pages").glob("*.py")}
    script = PROJECT / "pages" / "shared" / "navigation.py"
    calls = _calls(ast.parse(script.read_text(encoding="utf-8")))
    files = [call.args[0] for call in calls if _name(call) == "Page"]
    named = {ast.literal_eval(file.right) for file in files if isinstance(file, ast.BinOp)}
    assert pages == named, f"List each page of pages/ in {script.name}, and no other."


def _calls(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def _name(call: ast.Call) -> str:
    """Return the name of what is called, without what it is an attribute of."""
    return ast.unparse(call.func).rpartition(".")[2]


def test_what_is_tracked_stays_small():
    """Every clone has all of it. Keras files shrink by 6 MB in all when they are next written."""
    sizes = [(PROJECT / name).stat().st_size for name in tracked_files()]
    assert max(sizes) <= 16e6
    assert sum(sizes) <= 108e6


def test_face_landmarker_is_googles_file_and_named_in_the_notices():
    digest = hashlib.sha256(settings.landmarker_path().read_bytes()).hexdigest()
    assert digest == "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
    assert digest in (PROJECT / "NOTICE").read_text()
    assert digest in (PROJECT / "models" / "NOTICE").read_text()


def _requirement_lines(file: Path) -> list[str]:
    lines = (line.strip() for line in file.read_text().splitlines())
    return [line for line in lines if line and not line.startswith(("#", "-r ", "-c "))]


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.partition("[")[0]).lower()


def _python_files() -> list[Path]:
    return sorted([PROJECT / "app.py", *(path for room in ROOMS for path in _files_of(room))])


def _files_of(room: str) -> list[Path]:
    """Return the Python files of a room; fail where there are none, since a test over none passes."""
    files = sorted((PROJECT / room).rglob("*.py"))
    assert files, f"{room} has no Python files"
    return files


def _module(path: Path) -> str:
    """Return the name that a file of the project is imported by."""
    return ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")


def _imports(path: Path, *, anywhere: bool) -> set[str]:
    """Return the modules that a file imports: anywhere in it, or only when it is imported itself."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            # What is imported may be a module as well.
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        for child in ast.iter_child_nodes(node):
            lazy = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) or (
                isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING")
            )
            if anywhere or not lazy:
                pending.append(child)
    return found
