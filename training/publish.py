"""Upload of a bundle to the Hugging Face Hub in one commit, checked against its spec."""

import logging
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fer_core.errors import BundleError, HubError
from fer_core.listing import listed
from fer_core.networks import hub
from fer_core.networks.bundles import (
    CARD_FILE,
    HISTORY_FILE,
    KERAS_FILE,
    LAYERS_FILE,
    PREDICTIONS_FOLDER,
    ROBUSTNESS_FOLDER,
    SERVING_FILE,
    SPEC_FILE,
    BaseBundle,
    embedded,
)
from fer_core.networks.kinds import open_any_bundle
from fer_core.networks.layers import read_layers
from fer_core.settings import models_root
from training.bundle.card_file import without_paths
from training.bundle.staging import spec_text
from training.bundle.stored_predictions import check_predictions
from training.errors import TrainingError
from training.kinds import KINDS

log = logging.getLogger(__name__)

#: The files of a bundle beside its predictions. Whatever else lies in the folder stays here.
_FILES: Final = (SPEC_FILE, KERAS_FILE, SERVING_FILE, LAYERS_FILE, HISTORY_FILE, CARD_FILE)
_PREDICTIONS: Final = re.compile(
    rf"{PREDICTIONS_FOLDER}/({ROBUSTNESS_FOLDER}/)?[^/]+\.parquet", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Publication:
    """The content of an upload.

    Attributes:
        bundle: whose files they are.
        repo: "OWNER/NAME".
        files: content by path in the repository: a file, or the text of the card, or of the spec where that
            tells of a user's folder.
    """

    bundle: BaseBundle[Any]
    repo: str
    files: dict[str, Path | bytes]

    @property
    def sizes(self) -> dict[str, int]:
        """Bytes by path in the repository."""
        return {
            name: len(content) if isinstance(content, bytes) else content.stat().st_size
            for name, content in self.files.items()
        }

    @property
    def card(self) -> str:
        """The card's text."""
        content = self.files[CARD_FILE]
        assert isinstance(content, bytes)
        return content.decode()


def prepare(folder: Path, repo: str) -> Publication:
    """Collect a bundle's files and rewrite its card, without network access.

    Raises:
        BundleError: the bundle is not whole, or a file is not what its spec says.
        DataError: a file of predictions or layers is damaged or of other weights.
        TrainingError: the repository's name or the card is not one that the Hub takes.
    """
    _check_name(repo)
    missing = folder.parent == models_root() and not folder.is_dir()
    bundle = embedded(folder.name) if missing else open_any_bundle(folder)
    # An old name leads to another folder.
    folder = bundle.path
    for file in (KERAS_FILE, SERVING_FILE, *bundle.spec.sha256):
        bundle.verify(file)
    read_layers(bundle)
    check_predictions(bundle, KINDS[bundle.kind].check_split)
    text = KINDS[bundle.kind].card_text(bundle.spec)
    check_card(text)
    card = folder / CARD_FILE
    if card.is_file() and card.read_text(encoding="utf-8") != text:
        log.warning("%s is not what the spec tells; the card is published as it does", card)
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    names = {path.relative_to(folder).as_posix(): path for path in paths}
    files: dict[str, Path | bytes] = {n: p for n, p in names.items() if is_of_a_bundle(n)}
    files[CARD_FILE] = text.encode()
    if lacking := [name for name in _FILES if name not in files]:
        raise BundleError(
            f"{folder} lacks {listed(lacking)}. Restore what is missing and publish again."
        )
    if (shown := without_paths(bundle.spec)) != bundle.spec:
        files[SPEC_FILE] = spec_text(shown).encode()
    return Publication(bundle, repo, files)


def is_of_a_bundle(path: str) -> bool:
    """Return whether a path in a folder or repository belongs to a bundle."""
    return path in _FILES or _PREDICTIONS.fullmatch(path) is not None


def _check_name(repo: str) -> None:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(repo)
        whole = repo.count("/") == 1
    except HFValidationError:
        whole = False
    if not whole:
        raise TrainingError(
            f"{repo!r} is no name of a repository on the Hub. Give OWNER/NAME, of letters, digits, '-', '_' "
            "and '.'."
        )


def check_card(text: str) -> None:
    """Raise TrainingError unless huggingface_hub reads the expected values from a card's metadata."""
    from huggingface_hub import ModelCard, ModelCardData

    try:
        data = ModelCard(text).data
    except (TypeError, ValueError) as error:
        raise TrainingError(f"The card's metadata is not valid: {error}") from error
    assert isinstance(data, ModelCardData)
    wanted = ("license", "library_name", "pipeline_tag", "model_name", "tags")
    if missing := [name for name in wanted if not getattr(data, name)]:
        raise TrainingError(f"The card's metadata lacks {', '.join(missing)}.")
    for result in data.eval_results or []:
        if not (result.dataset_split and (result.dataset_args or {}).get("n")):
            raise TrainingError(
                f"The card's {result.metric_name} on {result.dataset_name} lacks the split, or how many "
                "rows it was measured on."
            )


def publish(publication: Publication, *, private: bool) -> hub.Pin:
    """Upload a bundle in one commit and return that commit; create the repository if needed.

    Files of an earlier bundle that this one lacks go, since they tell of other weights.

    Raises:
        HubError: the Hub refuses, or cannot be reached.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_token

    repo, files = publication.repo, publication.files
    if get_token() is None:
        raise HubError(
            f"Publishing needs a token that may write to {repo}. Make one at "
            "https://huggingface.co/settings/tokens and set HF_TOKEN to it."
        )
    api = HfApi()
    with hub.explained(repo), warnings.catch_warnings():
        # Predictions are parquet files, and belong beside the weights that made them.
        warnings.filterwarnings("ignore", message="It seems that you are about to commit a data")
        api.create_repo(repo, private=private or None, exist_ok=True)
        if private and not api.model_info(repo).private:
            raise TrainingError(
                f"{repo} is there already and can be seen by all. Publish without --private, or make it "
                "private in its settings first."
            )
        old = [path for path in api.list_repo_files(repo) if is_of_a_bundle(path)]
        commit = api.create_commit(
            repo,
            [
                *(CommitOperationDelete(path) for path in old if path not in files),
                *(CommitOperationAdd(name, content) for name, content in files.items()),
            ],
            commit_message=f"{publication.bundle.spec.name}, made by code at "
            f"{publication.bundle.spec.code_commit[:12]}",
        )
    return hub.Pin(repo, commit.oid)
