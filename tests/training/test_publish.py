"""Publishing over real HTTP: what is uploaded comes back the same, and what does not agree stays here."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from fer_core.evaluation.predictions import EvaluationResult, predictions_path, write_predictions
from fer_core.networks import hub as weights
from fer_core.networks.bundles import open_bundle, resolve
from tests.conftest import PROJECT
from tests.hub_server import TOKEN, HubServer, sha256
from training.__main__ import app
from training.bundle.card import write_card
from training.publish import check_card

REPO = "somebody/faces"
SHIPPED = PROJECT / "models" / "cnn"
ROWS, RIGHT = 40, 30


def predictions(right: int) -> EvaluationResult:
    """Answers of which the first `right` are as labelled."""
    spec = open_bundle(SHIPPED).spec
    labels = np.arange(ROWS) % len(spec.labels)
    answers = np.where(np.arange(ROWS) < right, labels, (labels + 1) % len(spec.labels))
    seen = np.ones(ROWS, bool)
    probabilities = np.eye(len(spec.labels), dtype=np.float32)[answers]
    return EvaluationResult(spec.labels, np.arange(ROWS), labels, probabilities, seen, seen)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle of a few kB, whole but for its weights, which nothing loads."""
    folder = tmp_path / "models" / "cnn"
    folder.mkdir(parents=True)
    monkeypatch.setenv("FER_MODELS", str(folder.parent))
    weights_files = {"model.tflite": b"serving" * 300, "model.keras": b"keras" * 300}
    for name, content in weights_files.items():
        (folder / name).write_bytes(content)
    for name in ("layers.csv", "history.csv"):
        shutil.copy(SHIPPED / name, folder)
    spec = json.loads((SHIPPED / "spec.json").read_text())
    spec["sha256"] = {name: sha256(content) for name, content in weights_files.items()}
    measured = {"n": ROWS, "accuracy": RIGHT / ROWS}
    spec["metrics"] = {
        data: spec["metrics"][data] | measured for data in ("fer2013:test", "fer2013:valid")
    }
    (folder / "spec.json").write_text(json.dumps(spec))
    for split in ("valid", "test"):
        write_predictions(predictions(RIGHT), predictions_path(folder, "fer2013", split))
    write_card(open_bundle(folder))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def publish(*arguments: str, bundle: str = "cnn") -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["publish", bundle, "--repo", REPO, *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def published(*arguments: str) -> str:
    """Publish and return the commit that is printed last."""
    code, out, err = publish(*arguments)
    assert code == 0, err
    setting = out.splitlines()[-1]
    assert setting.startswith(f"FER_HUB_REPO_CNN={REPO}@")
    return setting.rpartition("@")[2]


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch, hub: HubServer) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)


@pytest.mark.usefixtures("token")
def test_what_is_published_comes_back_as_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("FER_HUB_REPO_CNN", f"{REPO}@{published()}")
    monkeypatch.setenv("FER_MODELS", str(tmp_path / "none"))
    bundle = resolve("cnn")
    bundle.verify("model.keras")
    assert contents(bundle.path) == contents(folder)


@pytest.mark.usefixtures("token")
def test_one_commit_holds_the_bundles_own_files_and_no_others(folder: Path, hub: HubServer):
    expected = contents(folder)
    (folder / "checkpoint").mkdir()
    (folder / "checkpoint" / "state.weights.h5").write_bytes(b"state")
    (folder / ".env").write_text("HF_TOKEN=secret")
    (folder / "predictions" / "notes.txt").write_text("mine")
    revision = published()
    assert len(hub.repos[REPO].commits) == 2
    files = dict(hub.repos[REPO].commits[revision])
    assert files.pop(".gitattributes")
    assert files == expected


@pytest.mark.usefixtures("token")
def test_a_later_bundle_takes_the_place_of_the_earlier_one_alone(folder: Path, hub: HubServer):
    hub.add(REPO, {"LICENSE": b"mine", "predictions/fer2013-old.parquet": b"of other weights"})
    first = published()
    assert "predictions/fer2013-old.parquet" not in hub.repos[REPO].commits[first]
    assert hub.repos[REPO].commits[first]["LICENSE"] == b"mine"
    assert published() == first, "nothing has changed"


@pytest.mark.usefixtures("token")
def test_an_old_name_publishes_the_files_of_the_bundle_that_replaced_it(
    folder: Path, hub: HubServer
):
    expected = contents(folder.rename(folder.with_name("cnn_photos")))
    code, _, err = publish(bundle="cnn_wild")
    assert code == 0, err
    files = dict(hub.repos[REPO].commits[hub.repos[REPO].head])
    assert files.pop(".gitattributes")
    assert files == expected


@pytest.mark.usefixtures("token")
def test_private_means_private(folder: Path, hub: HubServer):
    published("--private")
    assert hub.repos[REPO].private
    hub.repos[REPO].private = False
    before = hub.repos[REPO].head
    code, _, err = publish("--private")
    assert code == 1
    assert "can be seen by all" in err
    assert hub.repos[REPO].head == before


def test_a_dry_run_prints_files_and_card_and_talks_to_nobody(folder: Path, hub: HubServer):
    code, out, _ = publish("--dry-run")
    assert code == 0
    for name, content in contents(folder).items():
        assert f"{len(content):,} {name}" in out
    assert out.endswith((folder / "README.md").read_text())
    assert hub.requests == []


@pytest.mark.usefixtures("token")
def test_where_a_users_folders_lie_is_not_published(folder: Path, hub: HubServer):
    spec = json.loads((folder / "spec.json").read_text())
    source = "folder:/home/alice/patients/faces"
    spec["recipe"]["data"]["source"] = source
    spec["training_data"] |= {"source": source, "inherited": ["folder:/home/alice/others"]}
    (folder / "spec.json").write_text(json.dumps(spec))
    write_card(open_bundle(folder))
    mine = (folder / "spec.json").read_bytes()
    revision = published()
    files = hub.repos[REPO].commits[revision]
    assert [name for name, content in files.items() if b"alice" in content] == []
    assert json.loads(files["spec.json"])["training_data"]["source"] == "folder:faces"
    assert b"rows of the folder faces train" in files["README.md"]
    assert files["README.md"] == (folder / "README.md").read_bytes()
    assert (folder / "spec.json").read_bytes() == mine


def damage(file: str) -> Callable[[Path], object]:
    return lambda folder: (folder / file).write_bytes(b"other")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (damage("model.keras"), "model.keras is damaged"),
        (lambda folder: (folder / "model.tflite").unlink(), "model.tflite is missing"),
        (damage("layers.csv"), "layers.csv is"),
        (lambda folder: (folder / "history.csv").unlink(), "lacks history.csv"),
        (
            lambda folder: predictions_path(folder, "fer2013", "test").unlink(),
            "fer2013-test.parquet is missing",
        ),
        (damage("predictions/fer2013-test.parquet"), "not a readable parquet file"),
        (
            lambda folder: write_predictions(
                predictions(RIGHT - 1), predictions_path(folder, "fer2013", "test")
            ),
            "72.5000% of its 40 predictions are right, in the spec 75.0000% of 40",
        ),
        (
            lambda folder: write_predictions(
                predictions(RIGHT), predictions_path(folder, "ckplus", "test")
            ),
            "does not name: ckplus:test",
        ),
        (lambda folder: (folder / "spec.json").unlink(), "contains no spec.json"),
    ],
)
@pytest.mark.usefixtures("token")
def test_a_bundle_that_is_not_what_its_spec_says_is_refused(
    change: Callable[[Path], object], message: str, folder: Path, hub: HubServer
):
    change(folder)
    code, _, err = publish()
    assert code == 1
    assert message in err
    assert hub.requests == []


@pytest.mark.usefixtures("token")
def test_a_bundle_that_is_not_there_is_bad_usage(folder: Path, hub: HubServer):
    folder.rename(folder.with_name("cnn2"))
    code, _, err = publish()
    assert code == 2
    assert "Did you mean cnn2" in err
    assert hub.requests == []


@pytest.mark.parametrize("repo", ["faces", "a/b/c", "a/b--c", "a/..", "https://huggingface.co/a/b"])
def test_what_is_no_repository_is_refused(repo: str, folder: Path):
    result = CliRunner().invoke(app, ["publish", "cnn", "--repo", repo, "--dry-run"])
    assert result.exit_code == 1
    assert "OWNER/NAME" in result.stderr


@pytest.mark.parametrize(
    ("status", "message"),
    [(401, "Make a new one"), (403, "refuses this token"), (404, "does not exist"), (500, "500")],
)
@pytest.mark.usefixtures("token")
def test_a_refusal_says_what_to_do(status: int, message: str, folder: Path, hub: HubServer):
    hub.refusal = status, "no"
    code, out, err = publish()
    assert (code, out) == (1, "")
    assert message in err
    assert "Traceback" not in err


def test_without_a_token_nobody_is_asked(folder: Path, hub: HubServer):
    code, _, err = publish()
    assert code == 1
    assert "https://huggingface.co/settings/tokens" in err
    assert hub.requests == []


@pytest.mark.usefixtures("token")
def test_no_network_and_offline_are_told(
    folder: Path, hub: HubServer, monkeypatch: pytest.MonkeyPatch
):
    from huggingface_hub import constants

    hub.shutdown()
    hub.server_close()
    assert "cannot be reached" in publish()[2]
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE is set" in publish()[2]


def test_every_shipped_card_is_one_that_the_hub_takes():
    for card in sorted((PROJECT / "models").glob("*/README.md")):
        check_card(card.read_text())
    assert weights.variable_of("cnn-ferplus") == "FER_HUB_REPO_CNN_FERPLUS"
