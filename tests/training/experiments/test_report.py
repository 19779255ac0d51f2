"""The report holds what the pages show, in one file that asks nothing of a network."""

import re
import shutil
from pathlib import Path

import pytest

from fer_core.errors import DataError
from fer_core.networks.bundles import resolve
from training.experiments.report import write_report

MODELS = Path(__file__).resolve().parents[3] / "models"


@pytest.fixture
def one_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder of models with `cnn` alone, measured on one split, and the studies."""
    shutil.copytree(MODELS / "cnn", tmp_path / "cnn")
    for file in (tmp_path / "cnn" / "predictions").glob("*.parquet"):
        if file.stem != "fer2013-test":
            file.unlink()
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    return tmp_path


def test_the_report_says_the_recorded_accuracy_and_asks_nothing_of_a_network(
    one_network: Path, tmp_path: Path
):
    write_report(tmp_path / "out" / "report.html")
    text = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    recorded = resolve("cnn").spec.metrics["fer2013:test"]
    for accuracy in (recorded.accuracy, recorded.accuracy_clean):
        assert re.search(rf"Accuracy \(%\)\s*</td>.*?>\s*{100 * accuracy:.1f} \[", text)
    # Plotly's own code, in the head, holds a link of its licence's.
    assert not re.search(r'(src|href)="https?:', text.partition("</head>")[2])
    assert text.count("Plotly.newPlot(") >= 8
    ids = re.findall(r'<div id="([^"]+)" class="plotly-graph-div"', text)
    assert len(ids) == len(set(ids))


def test_a_damaged_network_is_left_out_and_named(
    one_network: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    (one_network / "broken").mkdir()
    (one_network / "broken" / "spec.json").write_text("{}")
    write_report(tmp_path / "report.html")
    assert "broken" in caplog.text
    assert "Network: cnn" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_networks_of_other_expressions_have_a_section_of_their_own(
    one_network: Path, tmp_path: Path
):
    resnet5 = one_network / "resnet5"
    shutil.copytree(MODELS / "resnet5", resnet5)
    write_report(tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    seven, five = text.index("(test), 7 expressions"), text.index("(test), 5 expressions")
    recorded = resolve("resnet5").spec.metrics["fer2013:test"].accuracy
    assert seven < five < text.index(f"{100 * recorded:.1f} [")


def test_without_predictions_nothing_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    with pytest.raises(DataError, match="python -m training evaluate"):
        write_report(tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()
