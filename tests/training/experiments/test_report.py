"""The report holds what the pages show, in one file that asks nothing of a network."""

import logging
import re
import shutil
from pathlib import Path

import pytest

from fer_core.errors import DataError
from fer_core.networks.bundles import open_bundle
from training.experiments.report import write_report

MODELS = Path(__file__).resolve().parents[3] / "models"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A report on `cnn`, measured on one split, `resnet5` and a damaged network, and what was logged."""
    root = tmp_path_factory.mktemp("models")
    for name in ("cnn", "resnet5"):
        shutil.copytree(MODELS / name, root / name)
    for file in (root / "cnn" / "predictions").glob("*.parquet"):
        if file.stem != "fer2013-test":
            file.unlink()
    (root / "broken").mkdir()
    (root / "broken" / "spec.json").write_text("{}")
    logged: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: logged.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("FER_MODELS", str(root))
            write_report(root / "out" / "report.html")
    finally:
        logging.getLogger().removeHandler(handler)
    return (root / "out" / "report.html").read_text(encoding="utf-8"), "\n".join(logged)


def accuracies(name: str) -> tuple[float, float]:
    """The accuracy of a network in the repository on FER2013's test rows, whole and clean."""
    recorded = open_bundle(MODELS / name).spec.metrics["fer2013:test"]
    return recorded.accuracy, recorded.accuracy_clean


def test_the_report_says_the_recorded_accuracy_and_asks_nothing_of_a_network(
    written: tuple[str, str],
):
    text, _ = written
    for accuracy in accuracies("cnn"):
        assert re.search(rf"Accuracy \(%\)\s*</td>.*?>\s*{100 * accuracy:.1f} \[", text)
    # Plotly's own code, in the head, holds a link of its licence's.
    assert not re.search(r'(src|href)="https?:', text.partition("</head>")[2])
    assert text.count("Plotly.newPlot(") >= 8
    ids = re.findall(r'<div id="([^"]+)" class="plotly-graph-div"', text)
    assert len(ids) == len(set(ids))


def test_a_damaged_network_is_left_out_and_named(written: tuple[str, str]):
    text, logged = written
    assert "broken" in logged
    assert "Network: cnn" in text


def test_networks_of_other_expressions_have_a_section_of_their_own(written: tuple[str, str]):
    text, _ = written
    seven, five = text.index("(test), 7 expressions"), text.index("(test), 5 expressions")
    assert seven < five < text.index(f"{100 * accuracies('resnet5')[0]:.1f} [")


def test_without_predictions_nothing_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("FER_MODELS", str(tmp_path))
    with pytest.raises(DataError, match="python -m training evaluate"):
        write_report(tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()
