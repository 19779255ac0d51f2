"""What tests have a server tell of itself: whom it asks, what it logs, and what is in its memory."""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

#: A file name that must stand in no log.
TELLING = "anna-at-the-clinic"
ATTEMPT = "ATTEMPT TO CONNECT TO"
#: Python starts with it: whatever would leave the machine is said and fails.
SITECUSTOMIZE = f'''
import ipaddress, os, socket

def guarded(method):
    def guard(self, *arguments):
        address = next((a for a in arguments if isinstance(a, tuple)), None)
        if address and self.family in (socket.AF_INET, socket.AF_INET6):
            if not ipaddress.ip_address(address[0]).is_loopback:
                os.write(2, f"{ATTEMPT} {{address}}\\n".encode())
                raise OSError("this test lets nothing out")
        return method(self, *arguments)
    return guard

for name in ("connect", "connect_ex", "sendto", "sendmsg"):
    setattr(socket.socket, name, guarded(getattr(socket.socket, name)))

look_up = socket.getaddrinfo

def local_only(host, *arguments, **options):
    if host not in (None, "", "localhost", b"localhost", "127.0.0.1", "::1", "0.0.0.0", "::"):
        os.write(2, f"{ATTEMPT} {{host}}\\n".encode())
        raise socket.gaierror("this test looks nothing up")
    return look_up(host, *arguments, **options)

socket.getaddrinfo = local_only
'''

#: Before what `watch_memory` has a server say.
ALIVE = "ALIVE NOW:"


def watch_memory(*kinds: str) -> str:
    """Return a sitecustomize.py that has Python say each second how many objects of some classes live.

    Args:
        kinds: "module.Class". Nothing is said before all of them are imported.
    """
    return f'''
import gc, os, sys, threading, time

def count():
    while True:
        time.sleep(1)
        paths = [kind.rpartition(".") for kind in {kinds}]
        classes = [getattr(sys.modules.get(module), name, None) for module, _, name in paths]
        if all(classes):
            # What was set aside is alive as well. Without gc.collect: so is what only a collector would find.
            gc.unfreeze()
            # An object refers to its class. gc.get_objects() would hold tuples that other threads are
            # building, which then fail with a SystemError (https://bugs.python.org/issue15108).
            counts = [sum(type(o) is kind for o in gc.get_referrers(kind)) for kind in classes]
            os.write(2, f"{ALIVE} {{' '.join(map(str, counts))}}\\n".encode())

threading.Thread(target=count, daemon=True).start()
'''


@dataclass
class Log:
    """What a server printed so far."""

    chunks: list[bytes] = field(default_factory=list)

    @property
    def text(self) -> str:
        return b"".join(self.chunks).decode(errors="replace")

    @property
    def alive(self) -> list[list[int]]:
        """How many of each kind were in memory, at each time that the watch of `watch_memory` said so."""
        said = [line for line in self.text.splitlines() if line.startswith(ALIVE)]
        return [[int(n) for n in line.removeprefix(ALIVE).split()] for line in said]


@contextlib.contextmanager
def kept_log() -> Iterator[tuple[Log, int]]:
    """Give a log and the file descriptor that fills it."""
    log, (reading, writing) = Log(), os.pipe()

    def keep() -> None:
        while chunk := os.read(reading, 65536):
            log.chunks.append(chunk)

    reader = threading.Thread(target=keep, daemon=True)
    reader.start()
    try:
        yield log, writing
    finally:
        os.close(writing)
        reader.join(10)
        os.close(reading)


def wait_for(condition: Callable[[], bool], *, seconds: float = 20) -> bool:
    """Return whether a condition came true in time."""
    deadline = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return met
