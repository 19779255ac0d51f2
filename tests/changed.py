"""The test files that mirror what was changed: `python -m tests.changed [BASE]`, for `make check`.

Prints the files, one a line: those that mirror the files changed since BASE (by default where the branch left
`main`), and those of the ground that everything stands on.
"""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

PROJECT = Path(__file__).resolve().parent.parent
GROUND = "tests/test_ground.py"


def mirrors_of(changed: Iterable[str]) -> list[str]:
    """Return the test files for changed files, sorted; paths are relative to the project.

    A module's own test file where it has one, otherwise those of its room, or of the nearest one above.
    """
    found = {GROUND}
    for name in changed:
        path = PurePosixPath(name)
        if path.suffix == ".py" and path.parts[0] in ("fer_core", "training", "pages"):
            found |= _mirror(path)
        elif path.name.startswith("test_") and (PROJECT / path).is_file():
            found.add(name)
    return sorted(found)


def _mirror(module: PurePosixPath) -> set[str]:
    own = PurePosixPath("tests", module.with_name(f"test_{module.name}"))
    if (PROJECT / own).is_file():
        return {str(own)}
    # Parts of a page are tested with their page.
    page = module.parts[2].removesuffix(".py") if module.parts[:2] == ("pages", "parts") else None
    if page and (PROJECT / f"tests/pages/test_{page}.py").is_file():
        return {f"tests/pages/test_{page}.py"}
    for room in own.parents:
        files = {str(file.relative_to(PROJECT)) for file in (PROJECT / room).glob("test_*.py")}
        if files:
            return files
    return set()


def _git(*arguments: str) -> list[str]:
    command = ["git", *arguments]
    found = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    return found.stdout.splitlines() if found.returncode == 0 else []


def _base() -> str:
    for main in ("origin/main", "main"):
        if found := _git("merge-base", "HEAD", main):
            return found[0]
    return "HEAD"


if __name__ == "__main__":
    base = sys.argv[1] if len(sys.argv) > 1 else _base()
    changed = _git("diff", "--name-only", base) + _git("ls-files", "--others", "--exclude-standard")
    sys.stdout.write("\n".join(mirrors_of(changed)) + "\n")
