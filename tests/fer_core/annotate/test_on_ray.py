"""Bulk annotation on Ray: the rows of the engine local, also when a process or the driver is killed.

Slow, since each run starts a Ray of its own.
"""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.conftest import PROJECT
from tests.fer_core.annotate.annotate_runs import (
    WAITS,
    annotate,
    begin,
    patched_environment,
    result,
    rows,
    wait_until,
    workers_of,
)

pytestmark = pytest.mark.slow
SECONDS = 240


@pytest.fixture
def photos(tmp_path: Path, astronaut_png: bytes, no_face_png: bytes) -> Path:
    """Faces, none, no image; a worker waits over the sixth."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for i, content in enumerate([astronaut_png, no_face_png, b"no photo", astronaut_png] * 3):
        (folder / f"{i:02d}.png").write_bytes(content + (WAITS if i == 5 else b""))
    return folder


def _started(photos: Path, out: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    """Start a run on Ray and return it when a worker waits in the third partition."""
    driver = begin(
        *("--engine", "ray", "--jobs", 1, "--partition-size", 2, photos, out), **environment
    )
    reached = Path(environment["WAITS_FOR"]).with_suffix(".reached")
    wait_until(lambda: reached.exists() or driver.poll() is not None, SECONDS)
    assert driver.poll() is None, driver.communicate()
    assert (out / "part-000000.parquet").exists()
    return driver


@pytest.mark.release
@pytest.mark.parametrize("victim", ["worker", "actor"])
def test_local_and_ray_give_the_same_rows_though_a_process_is_killed(photos, tmp_path, victim):
    environment = patched_environment(tmp_path / "patch")
    out, here = tmp_path / "ray", tmp_path / "local"
    driver = _started(photos, out, environment)
    (worker,) = workers_of(psutil.Process(driver.pid))
    (worker if victim == "worker" else worker.parent()).kill()
    Path(environment["WAITS_FOR"]).unlink()
    _, stderr = driver.communicate(timeout=SECONDS)
    assert driver.returncode == 1, stderr  # three of the files are no photos
    assert annotate("--jobs", 2, "--partition-size", 2, photos, here).returncode == 1
    assert rows(out).equals(rows(here))
    assert sorted(f.name for f in out.iterdir()) == sorted(f.name for f in here.iterdir())
    # Not only the rows: the files too.
    for file in out.glob("part-*"):
        assert file.read_bytes() == (here / file.name).read_bytes()


@pytest.mark.release
def test_a_driver_that_is_killed_takes_its_actors_along_and_can_be_resumed(photos, tmp_path):
    environment = patched_environment(tmp_path / "patch")
    out, here = tmp_path / "ray", tmp_path / "local"
    driver = _started(photos, out, environment)
    (worker,) = workers_of(psutil.Process(driver.pid))
    both = [worker, worker.parent()]
    driver.kill()
    driver.communicate()
    Path(environment["WAITS_FOR"]).unlink()
    _, alive = psutil.wait_procs(both, timeout=60)
    assert not [p for p in alive if p.status() != psutil.STATUS_ZOMBIE]
    done_before = len(list(out.glob("part-*")))
    again = annotate("--jobs", 1, "--partition-size", 2, photos, out)
    assert result(again)["partitions_done_before"] == done_before
    assert annotate("--jobs", 2, "--partition-size", 2, photos, here).returncode == 1
    assert rows(out).equals(rows(here))


def test_ray_tells_its_makers_nothing():
    code = (
        "import sys\n"
        "from fer_core.annotate.on_ray import annotate_on_ray\n"
        "sys.modules['ray'] = None\n"
        "try: list(annotate_on_ray(None, [], jobs=1, address=None))\n"
        "except Exception: del sys.modules['ray']\n"
        "from ray._common.usage import usage_lib\n"
        "print(usage_lib.usage_stats_enabled())\n"
    )
    probe = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT, timeout=SECONDS
    )
    assert probe.stdout == "False\n", probe.stderr


def test_the_clusters_description_in_the_docs_is_one_that_ray_accepts(tmp_path):
    import yaml
    from ray.autoscaler._private.util import prepare_config, validate_config

    text = (PROJECT / "docs" / "scale.md").read_text(encoding="utf-8")
    (block,) = [part.partition("```")[0] for part in text.split("```yaml\n")[1:]]
    config = prepare_config(yaml.safe_load(block))
    validate_config(config)
    assert config["head_node_type"] in config["available_node_types"]
    for command in ("head_start_ray_commands", "worker_start_ray_commands"):
        assert any("ray start" in line for line in config[command])
