"""How soon the evaluation page answers: from a fresh process, from question to question, for a large file.

python -m tests.benchmarks.dashboard

Each figure is one run of the page's script by Streamlit's own test runner: what a browser then draws and the
network between them are not in it. The floor of a cold page is the import of what it cannot do without.
"""

import io
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from streamlit.testing.v1 import AppTest

from fer_core.evaluation.predictions import predictions_path
from fer_core.networks.bundles import resolve
from tests.benchmarks.measuring import print_table, run_child

AIM_COLD, AIM_WARM, AIM_LARGE = 2.0, 0.5, 2.0
LARGE_ROWS: Final = 100_000
APP: Final = Path(__file__).resolve().parents[2] / "pages/shared/navigation.py"
_COLD: Final = f"""
import time
from streamlit.testing.v1 import AppTest
app = AppTest.from_file("{APP}", default_timeout=60).run()
start = time.perf_counter()
page = app.switch_page("../evaluation.py").run()
assert not page.exception
print(time.perf_counter() - start)
"""
_LIBRARIES: Final = """
import time
import streamlit.testing.v1
start = time.perf_counter()
import plotly.graph_objects, pyarrow.parquet, scipy.special
print(time.perf_counter() - start)
"""


def main() -> None:
    """Measure and print."""
    rows = []
    for name, code, aim in (
        ("first view of a fresh process", _COLD, f"{AIM_COLD:.1f}"),
        ("of that, importing plotly, pyarrow and scipy", _LIBRARIES, ""),
    ):
        run_child([sys.executable, "-c", code])
        seconds = [float(run_child([sys.executable, "-c", code]).first_line) for _ in range(3)]
        rows.append([name, f"{statistics.median(seconds):.2f}", aim])
    questions = _questions()
    for title, content, aim in (
        ("3,589 rows, two networks", None, AIM_WARM),
        (f"and an own file of {LARGE_ROWS:,} rows", _large_file(), AIM_LARGE),
    ):
        page = AppTest.from_file(APP, default_timeout=60).run()
        page = page.switch_page("../evaluation.py").run()
        if content is not None:
            start = time.perf_counter()
            page.file_uploader[0].set_value(
                [("own.parquet", content, "application/x-parquet")]
            ).run()
            rows.append([f"{title}: taken in", f"{time.perf_counter() - start:.2f}", f"{aim:.1f}"])
        for question in questions:
            seconds = [_answer(page, question) for _ in range(3)]
            rows.append([f"{title}: {question}", f"{statistics.median(seconds):.2f}", f"{aim:.1f}"])
    print_table("The evaluation page, seconds of one run", ["what", "seconds", "aim"], rows)
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def _questions() -> list[str]:
    from pages.parts.evaluation.questions import QUESTIONS

    return list(QUESTIONS)


def _answer(page: AppTest, question: str) -> float:
    """Return the seconds of one run of the page with a question."""
    page.query_params["view"] = question
    start = time.perf_counter()
    page.run()
    seconds = time.perf_counter() - start
    assert not page.exception
    return seconds


def _large_file() -> bytes:
    """Return our own predictions repeated, in random order with other row numbers, as parquet."""
    table = pd.read_parquet(predictions_path(resolve("cnn").path, "fer2013", "test"))
    rng = np.random.default_rng(0)
    large = table.iloc[rng.integers(0, len(table), LARGE_ROWS)].assign(row=np.arange(LARGE_ROWS))
    content = io.BytesIO()
    large.to_parquet(content, index=False)
    return content.getvalue()


if __name__ == "__main__":
    main()
