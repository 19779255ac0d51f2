"""The test files to run for what was changed: `python -m tests.changed [BASE]`, for `make check`.

Prints the files, one a line: those of the modules changed since BASE (by default where the branch left
`main`), those of documents, and `tests/test_ground.py`, which checks the project as a whole.
"""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Final

PROJECT: Final = Path(__file__).resolve().parent.parent
GROUND: Final = "tests/test_ground.py"
DOCUMENTS: Final = "tests/test_docs.py"
#: Tests over all members of a list, by the folder or the file whose members they are.
OF_LISTS: Final = {
    "training/sources": ["tests/training/sources/test_registry.py"],
    "training/architectures": ["tests/training/architectures/test_architectures.py"],
    "training/recipes": ["tests/training/schema/test_recipe.py"],
    "training/recipes/studies": ["tests/training/experiments/test_study.py"],
    "training/recipes/campaigns": ["tests/training/campaign/test_campaign.py"],
    # Tests of these lie with what uses them.
    "training/teachers": [
        "tests/training/campaign/test_campaign.py",
        "tests/training/tasks/test_targets.py",
    ],
    "training/devices.py": ["tests/training/loop/test_backends.py"],
    "training/bundle": ["tests/training/loop/test_fit.py"],
    "fer_core/evaluation/measures.py": ["tests/fer_core/evaluation/test_intervals.py"],
    "fer_core/evaluation/metrics.py": ["tests/fer_core/evaluation/test_intervals.py"],
    # What documents say of them is compared.
    "fer_core/records.py": ["tests/test_docs.py", "tests/pages/server/api/test_openapi.py"],
    "pages/server/api/answers.py": ["tests/pages/server/api/test_examples.py"],
    "pages/shared/navigation.py": ["tests/test_docs.py"],
    "pages": ["tests/test_no_connections.py"],
    "app.py": ["tests/browser/test_first_visit.py"],
}


def mirrors_of(changed: Iterable[str]) -> list[str]:
    """Return the test files for changed files, sorted; paths are relative to the project.

    Of a module: its own test file and those over the list that it is in. Where it has neither, those of its
    folder, or of the nearest one above.
    """
    found = {GROUND}
    for name in changed:
        path = PurePosixPath(name)
        if path.suffix == ".py" and path.parts[0] in ("fer_core", "training", "pages", "app.py"):
            of_module = _own(path) | _of_list(path)
            found |= of_module or _of_folder(path)
        elif path.suffix == ".md":
            found.add(DOCUMENTS)
        elif path.name.startswith("test_") and (PROJECT / path).is_file():
            found.add(name)
    return sorted(found)


def _own(module: PurePosixPath) -> set[str]:
    # Parts of a page are tested with their page.
    parts = module.parts
    page = (
        f"tests/pages/test_{parts[2].removesuffix('.py')}.py" if parts[1:2] == ("parts",) else None
    )
    own = str(PurePosixPath("tests", module.with_name(f"test_{module.name}")))
    return {name for name in (own, page) if name and (PROJECT / name).is_file()}


def _of_list(module: PurePosixPath) -> set[str]:
    return {test for place in (module, module.parent) for test in OF_LISTS.get(str(place), ())}


def _of_folder(module: PurePosixPath) -> set[str]:
    for folder in PurePosixPath("tests", module).parents:
        files = {str(file.relative_to(PROJECT)) for file in (PROJECT / folder).glob("test_*.py")}
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
