"""Weights from the Hub over real HTTP: the pinned ones answer, or the embedded ones and the reason why."""

import gc
import json
import os
import subprocess
import sys
import textwrap
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fer_core.errors import BundleError, HubError
from fer_core.networks import hub as weights
from fer_core.networks.bundles import RENAMED, Bundle, all_names, bundle_names, resolvable, resolve
from fer_core.networks.keypoints import resolve_keypoints
from fer_core.settings import models_root
from tests.conftest import PROJECT
from tests.hub_server import TOKEN, Fault, HubServer, sha256

REPO = "somebody/faces"
SERVING = "model.tflite"
#: What comes in one go; the Keras file does not.
PULLED = {
    *("spec.json", SERVING, "README.md", "layers.csv", "history.csv"),
    "predictions/fer2013-test.parquet",
}


def bundle_files(seed: int, name: str = "cnn") -> dict[str, bytes]:
    """A bundle of a few kB: a true spec, and weights that nothing loads."""
    spec = json.loads((PROJECT / "models" / name / "spec.json").read_text())
    content = {SERVING: b"serving %d" % seed * 300, "model.keras": b"keras %d" % seed * 300}
    spec["sha256"] = {file: sha256(data) for file, data in content.items()}
    spec["metrics"].pop("fer2013:valid", None)
    return content | {
        "spec.json": json.dumps(spec).encode(),
        "README.md": b"---\nlicense: apache-2.0\n---\n# a card\n",
        "layers.csv": b"stage\n",
        "history.csv": b"epoch\n",
        "predictions/fer2013-test.parquet": b"predictions" * 100,
        "surprise.pkl": b"never wanted",
    }


def write(files: dict[str, bytes], folder: Path) -> None:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


def fetched(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def restart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what this process knows of pulls, as a new process would."""
    monkeypatch.setattr(weights, "_pulls", {})


@pytest.fixture
def embedded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle root of our own with a `cnn` in it, whose weights differ from those on the Hub."""
    write(bundle_files(0), tmp_path / "models" / "cnn")
    monkeypatch.setenv("FER_MODELS", str(tmp_path / "models"))
    return tmp_path / "models" / "cnn"


@pytest.fixture
def published(hub: HubServer, embedded: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A commit on the Hub that the settings want for `cnn`; an older one holds nothing of use."""
    hub.add(REPO, {"README.md": b"soon"})
    revision = hub.add(REPO, bundle_files(1))
    monkeypatch.setenv("FER_HUB_REPO_CNN", f"{REPO}@{revision}")
    return revision


def serving(bundle: Bundle) -> bytes:
    return bundle.verify(SERVING).read_bytes()


def assert_embedded(reason: str, embedded: Path) -> Bundle:
    bundle = resolve("cnn")
    assert bundle.path == embedded
    assert bundle.pin is None
    assert bundle.missed is not None
    assert reason in bundle.missed
    assert bundle.origin == f"the folder {embedded}"
    assert serving(bundle) == bundle_files(0)[SERVING]
    return bundle


def test_without_a_setting_nothing_is_asked(hub: HubServer, embedded: Path):
    assert resolve("cnn").path == embedded
    assert resolve("cnn").missed is None
    assert hub.requests == []


def test_the_pinned_commit_answers_and_is_asked_for_once(
    hub: HubServer, published: str, monkeypatch: pytest.MonkeyPatch
):
    hub.add(REPO, bundle_files(2))
    bundle = resolve("cnn")
    assert serving(bundle) == bundle_files(1)[SERVING]
    assert bundle.origin == f"the Hub, {REPO} at {published[:7]}"
    assert bundle.missed is None
    assert fetched(bundle.path) == PULLED
    asked = len(hub.requests)
    assert resolve("cnn") == bundle
    restart(monkeypatch)
    assert resolve("cnn") == bundle
    assert len(hub.requests) == asked


def test_the_keras_file_comes_when_it_is_asked_for(published: str):
    bundle = resolve("cnn")
    assert not (bundle.path / "model.keras").exists()
    assert bundle.verify("model.keras").read_bytes() == bundle_files(1)["model.keras"]


def test_a_former_name_means_the_weights_that_the_settings_want(
    published: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(RENAMED, "old_cnn", "cnn")
    assert resolve("old_cnn").pin == resolve("cnn").pin is not None
    # A bundle of that name is nobody's former one.
    write(bundle_files(0), models_root() / "old_cnn")
    assert resolve("old_cnn").pin is None


def test_a_name_that_is_not_embedded_resolves_too(
    hub: HubServer, published: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FER_HUB_REPO_MY_NET", f"{REPO}@{published}")
    assert bundle_names() == all_names() == ["cnn", "my_net"]
    assert resolve("my_net").path == resolve("cnn").path


def test_keypoints_come_from_the_hub_and_pass_for_no_opinion(
    hub: HubServer, embedded: Path, monkeypatch: pytest.MonkeyPatch
):
    revision = hub.add(REPO, bundle_files(1, "keypoints"))
    monkeypatch.setenv("FER_HUB_REPO_KEYPOINTS", f"{REPO}@{revision}")
    assert bundle_names() == ["cnn"]
    found = resolve_keypoints()
    assert found is not None
    assert found.origin.startswith("the Hub")


@pytest.mark.parametrize(
    "value", [f"{REPO}@main", REPO, f"{REPO}@1234567", "faces@" + "0" * 40, "a/b/c@" + "0" * 40]
)
def test_what_is_no_commit_is_refused(
    value: str, hub: HubServer, embedded: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FER_HUB_REPO_CNN", value)
    with pytest.raises(HubError, match=r"FER_HUB_REPO_CNN is .*OWNER/NAME@COMMITHASH"):
        resolve("cnn")
    assert isinstance(next(iter(resolvable().values())), HubError)
    assert hub.requests == []


def test_a_name_that_the_hub_forbids_is_a_reason(
    hub: HubServer, embedded: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FER_HUB_REPO_CNN", f"../faces@{'0' * 40}")
    assert_embedded("../faces", embedded)
    assert hub.requests == []


def test_a_missing_repository_commit_or_file_is_a_reason(
    hub: HubServer, published: str, embedded: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    for repo, revision, reason in (
        ("some/other", published, "some/other on 127.0.0.1 does not exist"),
        (REPO, "0" * 40, "no such commit"),
        (REPO, next(iter(hub.repos[REPO].commits)), "has no spec.json at that commit"),
    ):
        monkeypatch.setenv("FER_HUB_REPO_CNN", f"{repo}@{revision}")
        assert_embedded(reason, embedded)


def test_without_embedded_weights_the_reason_is_the_error(
    hub: HubServer, embedded: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FER_HUB_REPO_MY_NET", f"some/other@{'0' * 40}")
    with pytest.raises(BundleError, match="no such repository"):
        resolve("my_net")


def test_a_private_repository_wants_the_right_token(
    hub: HubServer, published: str, embedded: Path, monkeypatch: pytest.MonkeyPatch
):
    hub.repos[REPO].private = True
    assert_embedded("set HF_TOKEN", embedded)
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    restart(monkeypatch)
    assert_embedded("does not accept the token", embedded)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    restart(monkeypatch)
    assert resolve("cnn").missed is None


def test_a_failed_pull_is_remembered_for_a_while(
    hub: HubServer, published: str, embedded: Path, monkeypatch: pytest.MonkeyPatch
):
    hub.repos[REPO].private = True
    assert_embedded("set HF_TOKEN", embedded)
    asked = len(hub.requests)
    hub.repos[REPO].private = False
    assert_embedded("set HF_TOKEN", embedded)
    assert len(hub.requests) == asked
    monkeypatch.setattr(weights, "RETRY_SECONDS", 0.0)
    assert resolve("cnn").missed is None


def test_a_failed_pull_keeps_nothing_of_its_callers(hub: HubServer, published: str):
    """An error that is raised again and again would keep the frames of all who got it."""
    hub.repos[REPO].private = True

    def asked_beside_a_photo() -> weakref.ref[np.ndarray]:
        photo = np.zeros(9, np.uint8)
        assert resolve("cnn").missed is not None
        return weakref.ref(photo)

    photos = [asked_beside_a_photo() for _ in range(3)]
    gc.collect()
    assert [photo() for photo in photos] == [None] * 3


def test_too_many_requests_are_waited_for(hub: HubServer, published: str):
    # The first look, the download's own, and the try after it.
    hub.order("spec.json", Fault.TOO_MANY, times=3)
    assert resolve("cnn").missed is None
    assert hub.faults == []


def test_a_download_that_breaks_off_goes_on_where_it_was(hub: HubServer, published: str):
    hub.order(SERVING, Fault.CUT)
    assert serving(resolve("cnn")) == bundle_files(1)[SERVING]
    assert hub.faults == []


@pytest.mark.parametrize("file", [SERVING, "spec.json"])
def test_a_wrong_file_is_fetched_again_once(hub: HubServer, published: str, file: str):
    hub.order(file, Fault.WRONG)
    assert serving(resolve("cnn")) == bundle_files(1)[SERVING]
    assert hub.faults == []


@pytest.mark.parametrize("file", [SERVING, "spec.json"])
def test_a_file_that_stays_wrong_never_answers(
    hub: HubServer, published: str, embedded: Path, file: str
):
    hub.order(file, Fault.WRONG, times=3)
    assert_embedded(f"{file} of {REPO} at {published[:7]} was downloaded again and is", embedded)
    assert len(hub.faults) == 1, "it was fetched more than twice"


def test_a_file_that_was_damaged_in_the_cache_is_mended(
    hub: HubServer, published: str, monkeypatch: pytest.MonkeyPatch
):
    blob = resolve("cnn").serving_file.resolve()
    blob.write_bytes(blob.read_bytes()[:-1])
    restart(monkeypatch)
    assert serving(resolve("cnn")) == bundle_files(1)[SERVING]
    # And where the process has it from before, by the one who loads it.
    blob.unlink()
    assert serving(resolve("cnn")) == bundle_files(1)[SERVING]


def test_what_is_told_of_the_weights_may_be_missing(hub: HubServer, published: str):
    hub.order("layers.csv", Fault.NOT_FOUND, times=3)
    bundle = resolve("cnn")
    assert bundle.missed is None
    assert fetched(bundle.path) == PULLED - {"layers.csv"}


def test_a_silent_server_is_given_up(hub: HubServer, published: str, embedded: Path):
    hub.order("spec.json", Fault.SILENT)
    assert_embedded("does not answer in time", embedded)


def test_a_slow_server_is_not_waited_for_but_answers_later(
    hub: HubServer, published: str, embedded: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(weights, "WAIT_SECONDS", 0.8)
    hub.order("spec.json", Fault.TRICKLE)
    assert_embedded("did not arrive within 0.8 seconds. The download continues", embedded)
    hub.stopped.set()
    pull = weights._pulls[weights.Pin(REPO, published)]
    pull._future.result(timeout=20)
    assert resolve("cnn").missed is None


def test_no_network_is_known_at_once(published: str, embedded: Path, hub: HubServer):
    hub.shutdown()
    hub.server_close()
    assert_embedded("cannot be reached", embedded)


def test_offline_the_cache_answers_if_it_is_filled(
    hub: HubServer, published: str, embedded: Path, monkeypatch: pytest.MonkeyPatch
):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert_embedded("HF_HUB_OFFLINE prevents", embedded)
    assert hub.requests == []
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    restart(monkeypatch)
    resolve("cnn")
    asked = len(hub.requests)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    restart(monkeypatch)
    assert serving(resolve("cnn")) == bundle_files(1)[SERVING]
    assert len(hub.requests) == asked


def test_a_cache_that_may_not_be_written_to_is_a_reason(
    published: str, embedded: Path, monkeypatch: pytest.MonkeyPatch
):
    from huggingface_hub import constants

    # Nobody makes a folder there, not even root, whom permissions do not stop.
    monkeypatch.setattr(constants, "HF_HUB_CACHE", "/sys/second-look")
    assert_embedded("cannot be kept in /sys/second-look", embedded)


Elsewhere = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def elsewhere(hub: HubServer, published: str, tmp_path: Path) -> Elsewhere:
    """Start a process that resolves `cnn` after some lines of its own, and prints what it got."""
    environment = {
        "HF_ENDPOINT": hub.url,
        "HF_HUB_CACHE": str(tmp_path / "cache"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }

    def start(lines: str = "") -> "subprocess.Popen[str]":
        program = f"""
            {lines}
            import json
            from fer_core.networks.bundles import resolve
            bundle = resolve("cnn")
            content = bundle.verify("model.tflite").read_bytes().decode()
            print(json.dumps([bundle.origin, bundle.missed, content]))
        """
        return subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
            env=os.environ | environment,
        )

    return start


def answer_of(process: "subprocess.Popen[str]") -> list[str]:
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return json.loads(out)


def test_two_processes_pull_at_once(elsewhere: Elsewhere, published: str):
    processes = [elsewhere(), elsewhere()]
    expected = [f"the Hub, {REPO} at {published[:7]}", None, bundle_files(1)[SERVING].decode()]
    assert [answer_of(process) for process in processes] == [expected, expected]


def test_a_full_disk_is_a_reason(elsewhere: Elsewhere, embedded: Path):
    size = len(bundle_files(1)["spec.json"])
    assert size < 9_000
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))"
    origin, missed, content = answer_of(elsewhere(limit))
    assert origin == f"the folder {embedded}"
    assert "Make room there" in missed
    assert content == bundle_files(0)[SERVING].decode()


def test_bundles_load_no_hub_library():
    heavy = {"huggingface_hub", "httpx2"}
    modules = "fer_core.networks.bundles, fer_core.networks.hub"
    probe = f"import sys, {modules}; print({heavy!r} & set(sys.modules))"
    found = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=PROJECT
    )
    assert found.stdout.strip() == "set()"
