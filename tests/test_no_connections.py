"""Nothing here connects to anybody: not the command line, not the app, not the libraries below them.

All runs in a network of its own that has no way out, where the kernel counts the packets that found none. It
sees what Python does not: MediaPipe and LiteRT are C++.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT

SECONDS = 180
#: Those beside the one that is open first.
PAGES = sorted({path.stem for path in (PROJECT / "pages").glob("*.py")} - {"analyze"})

_PROBE = '''
import fcntl, json, socket, struct, subprocess, sys, time, urllib.request

photo, project, *pages = sys.argv[1:]

def lost():
    """Packets without a way out, over IPv4 and IPv6."""
    lines = [line.split() for line in open("/proc/net/snmp") if line.startswith("Ip:")]
    six = dict(line.split() for line in open("/proc/net/snmp6"))
    return int(dict(zip(*lines))["OutNoRoutes"]) + int(six["Ip6OutNoRoutes"])

# Loopback up: SIOCSIFFLAGS with IFF_UP and IFF_RUNNING.
fcntl.ioctl(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 0x8914, struct.pack("16sh", b"lo", 0x41))
counts = {"before": lost()}

analyze = [sys.executable, "-m", "fer_core", "analyze", photo]
subprocess.run(analyze, cwd=project, check=True, stdout=subprocess.DEVNULL)
counts["command line"] = lost()

page = """
import sys
from streamlit.testing.v1 import AppTest
page = AppTest.from_file("pages/shared/navigation.py", default_timeout=60).run()
page.button[0].click().run()
assert page.metric and not page.exception
for name in sys.argv[1:]:
    assert not page.switch_page(f"../{name}.py").run().exception, name
"""
subprocess.run([sys.executable, "-c", page, *pages], cwd=project, check=True, stderr=subprocess.DEVNULL)
counts["pages"] = lost()

# Any address, as in a container, where Streamlit by default asks a server what its own is.
serve = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true"]
serve += ["--server.address=0.0.0.0", "--server.port=8501"]
server = subprocess.Popen(serve, cwd=project, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    for _ in range(300):
        try:
            urllib.request.urlopen("http://127.0.0.1:8501/_stcore/health").read()
            break
        except OSError:
            time.sleep(0.1)
    urllib.request.urlopen("http://127.0.0.1:8501/").read()
    # What it prints and asks for at the start comes after it answers.
    time.sleep(3)
    assert server.poll() is None
finally:
    server.terminate()
    server.wait()
counts["server"] = lost()

try:
    socket.create_connection(("192.0.2.1", 80), timeout=5)
except OSError:
    counts["an attempt"] = lost()
print(json.dumps(counts))
'''


@pytest.fixture(scope="module")
def alone() -> list[str]:
    """What a command needs in front to run in a network of its own."""
    prefix = ["unshare", "--net", "--map-root-user"]
    try:
        subprocess.run([*prefix, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine lets no test have a network of its own")
    return prefix


def test_no_packet_leaves(alone: list[str], tmp_path: Path, astronaut_png: bytes):
    photo = tmp_path / "photo.png"
    photo.write_bytes(astronaut_png)
    probe = [*alone, sys.executable, "-c", _PROBE, str(photo), str(PROJECT), *PAGES]
    done = subprocess.run(probe, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout.splitlines()[-1])
    # The last shows that the count would have told.
    assert counts.pop("an attempt") == 1
    assert set(counts.values()) == {0}, counts
