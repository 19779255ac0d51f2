"""Shared parts of all model cards: metadata for the Hugging Face Hub, and writing."""

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from fer_core.files import replace_text
from fer_core.networks.bundles import CARD_FILE, BaseSpec
from training.errors import TrainingError
from training.sources import is_own_folder, parts_of, without_path

if TYPE_CHECKING:
    from huggingface_hub import EvalResult


S = TypeVar("S", bound=BaseSpec)

#: The longest line of a list item.
_LINE: Final = 107


def without_paths(spec: S) -> S:
    """Return a spec for publication: a user's folders by their names, without their paths."""
    data, settings = spec.training_data, spec.recipe["data"]
    shown = data.model_copy(
        update={
            "source": without_path(data.source),
            "inherited": tuple(without_path(name) for name in data.inherited),
        }
    )
    recipe = spec.recipe | {"data": settings | {"source": without_path(settings["source"])}}
    return spec.model_copy(update={"training_data": shown, "recipe": recipe})


def origin_item(origin: str) -> str:
    """Return a card's list item with the origin of training images.

    Args:
        origin: `DataSet.origin`.
    """
    item = f"- The training images are {origin}."
    return textwrap.fill(
        item, _LINE, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


def write_card_file(folder: Path, text: str) -> None:
    """Write a card into a bundle's folder, atomically."""
    replace_text(folder / CARD_FILE, text)


def front_matter(
    spec: BaseSpec, *, task: str, topic: str, metrics: list[str], results: "list[EvalResult]"
) -> str:
    """Return a card's YAML front matter, validated by huggingface_hub.

    Args:
        spec: of the bundle.
        task: the Hub's name of what the network does.
        topic: a tag.
        metrics: the Hub's names of the chief ones.
        results: measured; may be empty.

    Raises:
        TrainingError: huggingface_hub does not accept the metadata.
    """
    from huggingface_hub import ModelCardData

    source = spec.training_data.source
    try:
        data = ModelCardData(
            model_name=spec.name,
            library_name="keras",
            pipeline_tag=task,
            license=spec.license.lower(),
            tags=[topic, "keras", "litert", spec.architecture],
            metrics=metrics,
            # A user's own folder is not a data set on the Hub.
            datasets=None if is_own_folder(source) else list(parts_of(source)),
            eval_results=results or None,
        )
        text = data.to_yaml(line_break="\n")
    except ValueError as error:
        raise TrainingError(f"The card's metadata is not valid: {error}") from error
    return f"---\n{text.strip()}\n---"
