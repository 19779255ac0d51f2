"""The list of networks over HTTP."""

import json
import shutil

from fer_core.networks.bundles import DEFAULT_PAIR, SPEC_FILE, bundle_names, resolve
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
