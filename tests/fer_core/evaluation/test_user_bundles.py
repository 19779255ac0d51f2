"""A bundle that somebody gives as a zip is read in memory, and what is wrong with it is said."""

import hashlib
import io
import json
import zipfile

import numpy as np
import pytest

from fer_core.errors import DataError
from fer_core.evaluation import user_bundles
from fer_core.evaluation.predictions import EvaluationResult, measure, write_predictions
from fer_core.evaluation.user_bundles import parse_user_bundle
from fer_core.networks.bundles import resolve
from tests.fer_core.batch.test_inputs import beyond_every_file

WEIGHTS = b"weights"
PREDICTIONS = "predictions/ferplus-test.parquet"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The files of a small bundle by their paths."""
    spec = resolve("cnn").spec
    rng = np.random.default_rng(0)
    n = 40
    result = EvaluationResult(
        expressions=spec.labels,
        rows=np.arange(n),
        labels=rng.integers(0, 7, n),
        probabilities=rng.dirichlet(np.ones(7), n).astype(np.float32),
        found_face=np.ones(n, bool),
        clean=np.arange(n) % 4 > 0,
    )
    file = tmp_path_factory.mktemp("bundle") / "table.parquet"
    write_predictions(result, file)
    told = spec.model_dump(mode="json") | {
        "name": "mine",
        "sha256": {"model.tflite": hashlib.sha256(WEIGHTS).hexdigest(), "model.keras": "0" * 64},
        "metrics": {"ferplus:test": measure(result, 0.5).model_dump(mode="json")},
    }
    return {
        "spec.json": json.dumps(told).encode(),
        PREDICTIONS: file.read_bytes(),
        "model.tflite": WEIGHTS,
    }


def zipped(files, folder="", method=zipfile.ZIP_DEFLATED):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for path, data in files.items():
            archive.writestr(folder + path, data)
    return content.getvalue()


def respecced(files, **changes):
    return files | {"spec.json": json.dumps(json.loads(files["spec.json"]) | changes).encode()}


@pytest.mark.parametrize("folder", ["", "mine/"])
def test_a_bundle_gives_its_spec_and_its_predictions(files, folder):
    bundle = parse_user_bundle(zipped(files | {"README.md": b"card"}, folder), "mine.zip")
    assert bundle.spec.name == "mine"
    assert bundle.verified == ("model.tflite",)
    (data,) = bundle.results
    assert data == "ferplus:test"
    assert len(bundle.results[data]) == 40


def test_spec_and_predictions_are_enough(files):
    some = {path: data for path, data in files.items() if path != "model.tflite"}
    assert parse_user_bundle(zipped(some), "mine.zip").verified == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: {**f, "model.tflite": b"others"}, "sha256 of model.tflite is not"),
        (lambda f: {PREDICTIONS: f[PREDICTIONS]}, "contains no spec.json"),
        (lambda f: {"spec.json": f["spec.json"]}, "holds no predictions"),
        (lambda f: {**f, "spec.json": b"{}"}, "is not the spec of a network"),
        (lambda f: {**f, PREDICTIONS: b"PAR1 no"}, "cannot be read"),
        (lambda f: respecced(f, temperature=-1), "temperature"),
        (lambda f: respecced(f, name="<b>mine</b>"), "letters, digits"),
        (lambda f: respecced(f, labels=["happy", "sad"]), "other expressions"),
        (lambda f: {**f, "../evil": b""}, "unsafe name"),
        (lambda f: {**f, "/etc/evil": b""}, "unsafe name"),
        (lambda f: {**f, "a\\b": b""}, "unsafe name"),
        (lambda f: {**f, **{str(i): b"" for i in range(200)}}, "at most 200"),
    ],
)
def test_what_is_wrong_is_said(files, change, said):
    with pytest.raises(DataError, match=said):
        parse_user_bundle(zipped(change(files)), "mine.zip")


def test_figures_that_the_predictions_do_not_have_are_refused(files):
    metrics = json.loads(files["spec.json"])["metrics"]
    metrics["ferplus:test"]["accuracy"] = 0.99
    with pytest.raises(DataError, match=r"the spec says 99\.0%"):
        parse_user_bundle(zipped(respecced(files, metrics=metrics)), "mine.zip")


def test_a_zip_that_is_none_or_cut_or_packed_otherwise_is_refused(files):
    whole = zipped(files)
    for content in (b"no zip", b"PK\x03\x04 no", whole[: len(whole) // 2]):
        with pytest.raises(DataError, match="not a readable zip"):
            parse_user_bundle(content, "mine.zip")
    wrong_name = whole.replace(b"predictions/", b"predict\xff\xffns/")
    flagged = wrong_name.replace(b"PK\x01\x02\x14\x03\x14\0\0\0", b"PK\x01\x02\x14\x03\x14\0\0\x08")
    stored = zipped(files | {"README.md": bytes(2_000)}, method=zipfile.ZIP_STORED)
    for content in (flagged, stored[1_000:]):
        with pytest.raises(DataError, match="not a readable zip"):
            parse_user_bundle(content, "mine.zip")
    with pytest.raises(DataError, match="compressed in an unusual way"):
        parse_user_bundle(zipped(files, method=zipfile.ZIP_BZIP2), "mine.zip")
    stored = zipped(files, method=zipfile.ZIP_STORED)
    damaged = stored.replace(files[PREDICTIONS][100:140], b"x" * 40)
    with pytest.raises(DataError, match="not a readable zip"):
        parse_user_bundle(damaged, "mine.zip")


def test_a_member_without_a_name_is_passed_over(files):
    content = zipped(files | {"a.jpg": b""}).replace(b"a.jpg", b"\0.jpg")
    assert parse_user_bundle(content, "mine.zip").spec.name == "mine"


def test_a_member_beyond_every_file_is_damage(files):
    with pytest.raises(DataError, match="not a readable zip"):
        parse_user_bundle(beyond_every_file(zipped({"spec.json": b"{}"})), "mine.zip")


def test_members_are_counted_before_they_are_listed(files, monkeypatch):
    content = zipped(files | {str(i): b"" for i in range(200)})
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(DataError, match="holds too many files; at most 200"):
        parse_user_bundle(content, "mine.zip")


def test_what_is_too_large_is_refused(files, monkeypatch):
    bomb = zipped(files | {"zeros": bytes(1_000_000)})
    monkeypatch.setattr(user_bundles, "_MOST_UNPACKED", 500_000)
    with pytest.raises(DataError, match="unpacks to"):
        parse_user_bundle(bomb, "mine.zip")
    monkeypatch.setattr(user_bundles, "_MOST_ROWS", 10)
    with pytest.raises(DataError, match="more than 10 rows"):
        parse_user_bundle(zipped(files), "mine.zip")
    monkeypatch.setattr(user_bundles, "MOST_BYTES", 100)
    with pytest.raises(DataError, match="are read"):
        parse_user_bundle(zipped(files), "mine.zip")


@pytest.mark.parametrize("name", ["landmarks_only", "resnet5"])
def test_a_shipped_bundle_is_one(name):
    folder = resolve(name).path
    files = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in [folder / "spec.json", *folder.glob("predictions/*.parquet")]
    }
    bundle = parse_user_bundle(zipped(files, f"{name}/"), f"{name}.zip")
    assert bundle.spec == resolve(name).spec
