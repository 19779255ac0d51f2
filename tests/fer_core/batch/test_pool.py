"""The pool of processes by itself: order, memory, deaths, errors."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import psutil
import pytest

from fer_core.batch.pool import AHEAD, Work, Worker, run_jobs
from fer_core.errors import DataError, JobError
from tests.conftest import PROJECT


@dataclass(frozen=True)
class Acting(Work[str, str]):
    """Does what each job says, in steps with commas between."""

    died_at_start: ClassVar[str] = "{n} died ({how}) at the start"
    died_over_step: ClassVar[str] = "{n} died ({how})"

    def load(self):
        return act


def act(job, /, *, left_out, begins):
    said = []
    for number, step in enumerate(job.split(",")):
        if number in left_out:
            said.append(left_out[number])
            continue
        if step == "die before":
            os.kill(os.getpid(), signal.SIGKILL)
        begins(number)
        if step == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if step == "refuse":
            raise DataError("not these data")
        if step == "trip":
            raise ZeroDivisionError
        if step.startswith("make "):
            Path(step.removeprefix("make ")).touch()
        while step.startswith("wait ") and not Path(step.removeprefix("wait ")).exists():
            time.sleep(0.01)
            # Long enough for the one that made the file to end first.
            if Path(step.removeprefix("wait ")).exists():
                time.sleep(0.3)
        # What native code writes there must not reach the parent.
        os.write(1, b"noise")
        said.append(step)
    return f"{os.getpid()}:{','.join(said)}"


def said(answers):
    return [answer.partition(":")[2] for answer in answers]


def test_answers_come_in_the_order_of_the_jobs_or_as_they_are_ready(tmp_path):
    for in_order in (True, False):
        file = tmp_path / f"{in_order}"
        # The first ends after the last.
        jobs = [f"wait {file}", "a", f"make {file}"]
        found = said(run_jobs(Acting(), jobs, processes=2, in_order=in_order))
        assert found == (jobs if in_order else [*jobs[1:], jobs[0]])


def test_a_process_does_many_jobs_and_a_step_over_which_two_died_is_left_out():
    worker = Worker(Acting())
    first, second, third = (worker.do(job) for job in ("a", "b,die,c", "d,e"))
    assert said([first, second, third]) == ["a", "b,2 died (SIGKILL),c", "d,e"]
    pids = [int(answer.partition(":")[0]) for answer in (first, second, third)]
    assert pids[0] != pids[1] == pids[2]
    # One that dies while it has nothing to do is replaced too, and no step is blamed.
    psutil.Process(pids[2]).kill()
    assert said([worker.do("f")]) == ["f"]
    worker.stop()
    worker.close()


def test_processes_that_die_before_a_step_end_the_run():
    with pytest.raises(JobError, match=r"^3 died \(SIGKILL\) at the start$"):
        list(run_jobs(Acting(), ["die before"], processes=1, in_order=True))


def test_an_expected_error_comes_as_it_is_and_another_with_its_traceback():
    with pytest.raises(DataError, match=r"^not these data$"):
        list(run_jobs(Acting(), ["refuse"], processes=1, in_order=True))
    with pytest.raises(JobError, match="raise ZeroDivisionError"):
        list(run_jobs(Acting(), ["trip"], processes=1, in_order=True))


def test_only_so_many_jobs_are_on_their_way():
    """Memory stays flat however many jobs there are: they are taken as answers are."""
    taken = []

    def jobs():
        for number in range(300):
            taken.append(number)
            yield str(number)

    answers = run_jobs(Acting(), jobs(), processes=2, in_order=True)
    for number in range(100):
        assert said([next(answers)]) == [str(number)]
        assert len(taken) - number <= 2 * AHEAD
    answers.close()
    assert len(taken) < 300


def test_a_generator_that_is_closed_kills_its_processes():
    before = set(psutil.Process().children())
    jobs = ["a", *["wait /never"] * (2 * AHEAD)]
    answers = run_jobs(Acting(), jobs, processes=2, in_order=True)
    assert said([next(answers)]) == ["a"]
    assert set(psutil.Process().children()) > before
    answers.close()
    assert set(psutil.Process().children()) == before


def test_ctrl_c_ends_all_at_once():
    code = (
        # A shell lets what it starts in the background ignore Ctrl-C, also these tests and what they start.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from tests.fer_core.batch.test_pool import Acting, run_jobs\n"
        "jobs = ['a', 'wait /never', 'wait /never']\n"
        "for answer in run_jobs(Acting(), jobs, processes=2, in_order=False): print(answer, flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout.readline()
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    # As a terminal does: to all processes of the group.
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=20)
    assert stderr.rstrip().endswith("KeyboardInterrupt")
    _, alive = psutil.wait_procs(children, timeout=20)
    assert alive == []
