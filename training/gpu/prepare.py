"""One folder with all that training needs on a machine that has JAX and no network.

python -m training.gpu.prepare OUT_DIR

It holds the code, the training and validation data, the bundles that recipes start from, their teachers'
answers, wheels of what such machines lack, and `run.sh`, the one command to run there. That machine has
Python 3.12 on x86-64, JAX for its accelerator, numpy, scipy, pandas, pyarrow, Pillow, scikit-learn, Typer,
OpenCV and h5py.
"""

import logging
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Final

import typer

from fer_core.bundles import KERAS_FILE, SPEC_FILE, resolve
from fer_core.errors import DataError, FerError
from fer_core.settings import cache_root
from training.errors import TrainingError
from training.expression_task import training_rows
from training.landmark_cache import cache_path
from training.recipe import BaseRecipe, Recipe, get_recipe
from training.sources import data_root
from training.teacher import keep_answers

log = logging.getLogger(__name__)

#: What is read of each source, under the data root.
DATA_FILES: Final = {
    "fer2013": ("fer2013/train.parquet", "fer2013/valid.parquet", "fer2013/leaks.csv"),
    # Persons are dealt out to splits from both files.
    "keypoints": ("keypoints/train.parquet", "keypoints/test.parquet"),
}
#: Packages that such a machine may lack, in the versions of requirements.txt and constraints.txt.
WHEELS: Final = (
    *("keras", "optree", "namex", "packaging", "filelock"),
    *("pydantic", "pydantic_core", "annotated-types", "typing-inspection", "typing_extensions"),
)
PYTHON: Final = "3.12"
_PLATFORMS: Final = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
#: In units of 1,000,000 bytes: what one transfer to such a machine may hold.
LIMIT_MB: Final = 60
_PROJECT: Final = Path(__file__).resolve().parents[2]
_CODE: Final = ("fer_core", "training")


def prepare(
    recipes: list[BaseRecipe], out: Path, *, wheels: bool = True, limit_mb: float = LIMIT_MB
) -> None:
    """Make the folder `out`, whole or not at all.

    Args:
        recipes: to be trained there.
        out: does not exist.
        wheels: fetch them from the package index.
        limit_mb: size of the folder that is an error to exceed.

    Raises:
        TrainingError: the folder is there, it would be too large, a wheel cannot be fetched, or a recipe's
            teacher knows other classes.
        DataError: a data file or the landmarks that a recipe sees are not there.
        BundleError: a bundle that a recipe starts from or learns from is not there.
    """
    if out.exists():
        raise TrainingError(f"{out} exists. Name a new folder.")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as temporary:
        folder = Path(temporary) / out.name
        for name in _CODE:
            shutil.copytree(
                _PROJECT / name,
                folder / "code" / name,
                ignore=shutil.ignore_patterns("__pycache__"),
            )
        shutil.copy2(Path(__file__).with_name("run.sh"), folder)
        for file, place in _files_of(recipes).items():
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, folder / place)
        if wheels:
            _fetch_wheels(folder / "wheels")
        _check_size(folder, limit_mb)
        folder.replace(out)


def _files_of(recipes: list[BaseRecipe]) -> dict[Path, str]:
    """Return the files that recipes need, each with its place in the folder."""
    files: dict[Path, str] = {}
    for recipe in recipes:
        source = recipe.data.source
        if source not in DATA_FILES:
            raise DataError(
                f"{recipe.name} learns from {source}; there are {', '.join(DATA_FILES)}."
            )
        for name in DATA_FILES[source]:
            if not (file := data_root() / name).is_file():
                raise DataError(
                    f"{file} is not there. Other layouts than the pack are not taken along."
                )
            files[file] = f"data/{name}"
        if isinstance(recipe, Recipe):
            files |= _beside_the_data(recipe)
    return files


def _beside_the_data(recipe: Recipe) -> dict[Path, str]:
    files: dict[Path, str] = {}
    if "landmarks" in recipe.architecture.inputs:
        if not (cache := cache_path(recipe.data.source)).is_file():
            raise DataError(
                f"{recipe.name} sees landmarks, and {cache} is not there. Make it with "
                f"`python -m training landmarks {recipe.data.source}`."
            )
        files[cache] = f"cache/landmarks/{cache.name}"
    if (
        first := recipe.starts_from or getattr(recipe.architecture, "trunk_bundle", None)
    ) is not None:
        bundle = resolve(first)
        files |= {
            path: f"code/models/{first}/{path.name}"
            for path in (bundle.path / SPEC_FILE, bundle.verify(KERAS_FILE))
        }
    if recipe.teacher is not None:
        # Its answers go along: that machine lacks LiteRT, which gives them.
        answers = keep_answers(training_rows(recipe)[0], recipe.teacher)
        files[answers] = f"cache/{answers.relative_to(cache_root())}"
        files[resolve(recipe.teacher).path / SPEC_FILE] = (
            f"code/models/{recipe.teacher}/{SPEC_FILE}"
        )
    return files


def _fetch_wheels(folder: Path) -> None:
    pinned = _pinned_versions()
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"),
        *("--python-version", PYTHON, "--implementation", "cp"),
        *(part for platform in _PLATFORMS for part in ("--platform", platform)),
        *("--dest", str(folder)),
        *(f"{name}=={pinned[name]}" for name in WHEELS),
    ]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise TrainingError(f"Wheels could not be fetched:\n{finished.stderr.strip()}")


def _pinned_versions() -> dict[str, str]:
    """Return the version of each package that requirements.txt or constraints.txt pins."""
    lines = "\n".join(
        (_PROJECT / name).read_text(encoding="utf-8")
        for name in ("requirements.txt", "constraints.txt")
    )
    return dict(re.findall(r"^([\w.-]+)==(\S+)", lines, flags=re.MULTILINE))


def _check_size(folder: Path, limit_mb: float) -> None:
    sizes = {
        path.relative_to(folder): path.stat().st_size / 1e6
        for path in folder.rglob("*")
        if path.is_file()
    }
    total = sum(sizes.values())
    largest = sorted(sizes, key=lambda path: -sizes[path])[:4]
    named = ", ".join(f"{path} {sizes[path]:.1f}" for path in largest)
    log.info("%.1f MB, of which %s", total, named)
    if total > limit_mb:
        raise TrainingError(
            f"The folder would have {total:.1f} MB, more than {limit_mb:g}: {named}. Leave recipes out, or "
            "raise --limit-mb if that machine takes more."
        )


def main(
    out: Annotated[Path, typer.Argument(metavar="OUT_DIR", help="The folder to make.")],
    recipe: Annotated[
        list[str] | None, typer.Option(help="To be trained there; may be repeated; by default cnn.")
    ] = None,
    wheels: Annotated[bool, typer.Option(help="Fetch wheels from the package index.")] = True,
    limit_mb: Annotated[float, typer.Option(help="Largest size of the folder.")] = LIMIT_MB,
) -> None:
    """Make a folder to train with on a machine that has JAX and no network.

    Copy it there and run OUT_DIR/run.sh RECIPE; that file says what to do with the result.
    """
    try:
        recipes = [get_recipe(name) for name in recipe or ["cnn"]]
        prepare(recipes, out, wheels=wheels, limit_mb=limit_mb)
    except FerError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(out)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    typer.run(main)
