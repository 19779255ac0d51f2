"""The list of networks over HTTP."""

import json
import shutil

from fer_core.networks import bundles
from fer_core.networks.bundles import DEFAULT_PAIR, SPEC_FILE, Bundle, bundle_names, resolve
from pages.server.api.answers import Networks


def listed(client) -> dict[str, dict]:
    answered = client.get("/api/networks")
    assert answered.status_code == 200
    return {network["name"]: network for network in answered.json()["networks"]}


def test_every_network_is_listed_with_what_it_was_measured_to_be_worth(client):
    found = listed(client)
    assert list(found) == bundle_names()
    assert {name for name, network in found.items() if network["is_default"]} == {*DEFAULT_PAIR}
    spec = resolve("dual").spec
    dual = found["dual"]
    assert dual["labels"] == list(spec.labels)
    assert (dual["sees_pixels"], dual["sees_landmarks"]) == (True, True)
    assert not found["landmarks_only"]["sees_pixels"]
    measured = dual["measured"]["fer2013:test"]
    assert measured["accuracy"] == spec.metrics["fer2013:test"].accuracy
    assert measured["n"] == spec.metrics["fer2013:test"].n


def test_the_answer_has_the_described_fields_and_no_others(client):
    answered = client.get("/api/networks")
    assert Networks.model_validate_json(answered.content, extra="forbid").networks


def test_each_can_be_asked(client, portrait):
    names = list(listed(client))
    asked = client.post(f"/api/analyze?networks={','.join(names)}", content=portrait)
    assert list(asked.json()["faces"][0]["predictions"]) == names


def test_the_default_is_what_the_settings_name(client_of):
    found = listed(client_of(FER_NETWORKS="dual"))
    assert [name for name, network in found.items() if network["is_default"]] == ["dual"]


def test_one_that_is_damaged_is_left_out_and_asking_it_says_why(client_of, portrait, tmp_path):
    for name in ("landmarks_only", "dual"):
        folder = tmp_path / name
        folder.mkdir()
        shutil.copy(resolve(name).path / SPEC_FILE, folder)
    (tmp_path / "dual" / SPEC_FILE).write_text(json.dumps({"name": "dual"}))
    client = client_of(FER_MODELS=str(tmp_path))
    assert list(listed(client)) == ["landmarks_only"]
    for name, words in (("dual", "not a valid bundle spec"), ("landmarks_only", "is missing")):
        asked = client.post(f"/api/analyze?networks={name}", content=portrait)
        assert asked.status_code == 503
        assert words in asked.json()["error"]


def test_the_names_are_those_to_ask_for_also_of_a_copied_folder(client_of, tmp_path):
    for name in ("cnn", "cnn_copy"):
        shutil.copytree(resolve("cnn").path, tmp_path / name)
    found = listed(client_of(FER_MODELS=str(tmp_path), FER_NETWORKS="cnn_copy"))
    assert list(found) == ["cnn", "cnn_copy"]
    assert [name for name, network in found.items() if network["is_default"]] == ["cnn_copy"]


def test_a_default_by_its_earlier_name_is_marked(client_of):
    found = listed(client_of(FER_NETWORKS="dual_wild"))
    assert [name for name, network in found.items() if network["is_default"]] == ["dual_photos"]


def test_one_that_always_abstains_hides_no_other(client_of, tmp_path):
    for name in ("cnn", "landmarks_only"):
        (tmp_path / name).mkdir()
        shutil.copy(resolve(name).path / SPEC_FILE, tmp_path / name)
    spec = tmp_path / "cnn" / SPEC_FILE
    spec.write_text(json.dumps(json.loads(spec.read_text()) | {"abstention_threshold": 1.1}))
    client = client_of(FER_MODELS=str(tmp_path))
    assert listed(client)["cnn"]["abstention_threshold"] == 1.1
    assert Networks.model_validate_json(client.get("/api/networks").content, extra="forbid")


def test_the_reason_for_local_weights_is_plain_text(client, monkeypatch):
    why = "x cannot be reached ([Errno 111] refused, https://a.b). Try later."
    cnn = resolve("cnn")
    stand_in = Bundle(cnn.path, cnn.spec, missed=why)
    monkeypatch.setattr(bundles, "resolve", lambda name: stand_in)
    assert listed(client)["cnn"]["not_from_hub"] == why
