"""The cores that this process may use."""

import math
import os
import sys
from functools import cache
from pathlib import Path
from typing import Final

#: Where a container sees its limit on processor time, of cgroups v2 and v1: microseconds in each period.
_QUOTA: Final = Path("/sys/fs/cgroup/cpu.max")
_OLD_QUOTA: Final = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
_OLD_PERIOD: Final = Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")


@cache
def available_cores() -> int:
    """Return the number of cores that this process may use.

    A container may be limited to fewer than the machine has, to some of its cores (`docker run
    --cpuset-cpus`) or to a share of their time (`--cpus`). Only Linux tells; elsewhere it is all of them.
    """
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    return min(len(os.sched_getaffinity(0)), _cores_of_quota())


def _cores_of_quota() -> int:
    """Return the cores whose whole time the container's limit gives, rounded up; many without a limit."""
    try:
        quota, period = _QUOTA.read_text().split()
    except (OSError, ValueError):
        try:
            quota, period = _OLD_QUOTA.read_text(), _OLD_PERIOD.read_text()
        except OSError:
            quota, period = "max", "1"
    # No limit is "max" in v2 and -1 in v1.
    limited = quota.strip().isdecimal() and period.strip().isdecimal()
    return math.ceil(int(quota) / int(period)) if limited else sys.maxsize
