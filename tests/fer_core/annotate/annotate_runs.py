"""What the tests of bulk annotation share: inputs, runs of the command, and photos that do as they are told.

A worker whose PYTHONPATH holds `PATCH` kills itself over a photo that ends in KILLS, and waits over one that
ends in WAITS until the file that WAITS_FOR names is gone: so a kill comes in the middle of a run.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import psutil
import pyarrow.parquet as pq

from tests.conftest import PROJECT

KILLS, WAITS = b"kills its process", b"waits"
PATCH = f"""
import os, signal, sys, time
from pathlib import Path
if "fer_core.batch.worker" in sys.orig_argv:
    from fer_core.photos import decode as module
    decode = module.decode
    def patched(content):
        if content.endswith({KILLS!r}):
            os.kill(os.getpid(), signal.SIGKILL)
        if content.endswith({WAITS!r}):
            gate = Path(os.environ["WAITS_FOR"])
            gate.with_suffix(".reached").touch()
            while gate.exists():
                time.sleep(0.01)
        return decode(content)
    module.decode = patched
"""


def patched_environment(folder: Path) -> dict[str, str]:
    """Return variables under which workers are patched, the gate shut; files go to `folder`."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(PATCH)
    (folder / "gate").touch()
    return {"PYTHONPATH": str(folder), "WAITS_FOR": str(folder / "gate")}


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "fer_core", "annotate", "--models", "cnn", *map(str, arguments)]


def annotate(
    *arguments: object, seconds: float = 100, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env=os.environ | environment,
        timeout=seconds,
    )


def begin(*arguments: object, **environment: str) -> subprocess.Popen[str]:
    """Start the command."""
    return subprocess.Popen(
        command(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
        env=os.environ | environment,
    )


def result(run: subprocess.CompletedProcess[str]) -> dict[str, int]:
    assert run.stdout, run.stderr
    return json.loads(run.stdout)


def rows(output: Path) -> pd.DataFrame:
    """Return all rows in the order of photos and faces."""
    return pq.read_table(output).to_pandas().sort_values(["photo", "face"], ignore_index=True)


def workers_of(driver: psutil.Process) -> list[psutil.Process]:
    """Return the processes that annotate, with Ray those below its own."""
    return [p for p in driver.children(recursive=True) if "fer_core.batch.worker" in p.cmdline()]


def wait_until(condition: Callable[[], object], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "this did not come to pass in time"
        time.sleep(0.01)
