"""Weights from the Hugging Face Hub: one pinned commit of a repository, kept in the Hub's local cache.

`FER_HUB_REPO_CNN=OWNER/NAME@COMMITHASH` names where the model `cnn` comes from. A commit never changes, so
what lies in the cache and agrees with its checksums is not asked for again. Without such a variable nothing
here loads `huggingface_hub` or opens a connection.
"""

import copy
import errno
import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from fer_core.errors import BundleError, HubError
from fer_core.settings import HUB_REPO_PREFIX, hub_repos

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError

log = logging.getLogger(__name__)

#: How long a visitor waits for a download. It continues afterwards, and the weights are used when it is done.
WAIT_SECONDS: Final = 20.0
#: How long a failed pull is remembered: until then the local weights are used without asking the Hub.
RETRY_SECONDS: Final = 300.0
_PIN: Final = re.compile(
    r"(?P<repo>[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+)@(?P<revision>[0-9a-f]{40})", re.IGNORECASE
)
#: A disk that takes no more: it is full, or files may not grow so large here.
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, slots=True)
class Pin:
    """One commit of a repository on the Hub.

    Attributes:
        repo: "OWNER/NAME".
        revision: the commit's hash, 40 hexadecimal digits.
    """

    repo: str
    revision: str

    def __str__(self) -> str:
        return f"{self.repo} at {self.revision[:7]}"


def variable_of(name: str) -> str:
    """Return the environment variable for a model's repository: FER_HUB_REPO_CNN for `cnn`."""
    return HUB_REPO_PREFIX + re.sub(r"[^A-Z0-9]", "_", name.upper())


def pin_of(name: str) -> Pin | None:
    """Return the commit that the settings name for a model; None without one.

    Raises:
        HubError: the setting is not OWNER/NAME@COMMITHASH.
    """
    variable = variable_of(name)
    value = hub_repos().get(variable.removeprefix(HUB_REPO_PREFIX))
    if value is None:
        return None
    if (match := _PIN.fullmatch(value)) is None:
        raise HubError(
            f"{variable} is `{value}`, and must be `OWNER/NAME@COMMITHASH` with the 40 hexadecimal digits of "
            "a commit. A branch, a tag or a shortened hash can come to mean other weights, so it is refused. "
            "Copy the hash from the repository's page: Files, History."
        )
    return Pin(match["repo"], match["revision"].lower())


def names_besides(known: Iterable[str]) -> list[str]:
    """Return the names of models that the settings take from the Hub and that are not in `known`."""
    taken = {variable_of(name) for name in known}
    return [name.lower() for name in hub_repos() if HUB_REPO_PREFIX + name not in taken]


def remembered(pin: Pin, pull: Callable[[], Path]) -> Path:
    """Return the file that `pull` downloaded from a commit, called once per process.

    The download runs in its own thread; the caller waits at most WAIT_SECONDS from its start. After a
    failure, the next call after RETRY_SECONDS tries again. If the file is gone, the next call does so at
    once.

    Raises:
        HubError: it failed, or is not done yet.
    """
    with _lock:
        known = _pulls.get(pin)
        if known is None or known.worth_another_try():
            known = _pulls[pin] = _Pull(pull)
    return known.file(pin)


class _Pull:
    """A download in progress or done, shared by all callers for the same commit."""

    def __init__(self, pull: Callable[[], Path]) -> None:
        self._future: Future[Path] = Future()
        self._started = time.monotonic()
        self._ended = float("inf")
        # A daemon thread, so that a command does not hang at exit because of a slow connection.
        threading.Thread(target=self._run, args=(pull,), daemon=True).start()

    def _run(self, pull: Callable[[], Path]) -> None:
        try:
            file = pull()
        except Exception as error:  # whatever it is belongs to those who wait, not to this thread
            log.warning("A download from the Hub failed: %s", error)
            self._ended = time.monotonic()
            self._future.set_exception(error)
        else:
            self._future.set_result(file)

    def worth_another_try(self) -> bool:
        """Return whether it failed long enough ago, or the downloaded file is gone."""
        if not self._future.done():
            return False
        if self._future.exception() is None:
            return not self._future.result().is_file()
        return time.monotonic() > self._ended + RETRY_SECONDS

    def file(self, pin: Pin) -> Path:
        left = self._started + WAIT_SECONDS - time.monotonic()
        try:
            failed = self._future.exception(timeout=max(0.0, left))
        except TimeoutError as error:
            raise HubError(
                f"{pin} did not arrive within {WAIT_SECONDS:g} seconds. The download continues. Try again in "
                "a few minutes."
            ) from error
        if failed is not None:
            # A copy: an error that was raised keeps the frames of all its callers, and with them a photo.
            raise copy.copy(failed) from failed.__cause__
        return self._future.result()


_lock = threading.Lock()
_pulls: dict[Pin, _Pull] = {}


def fetch(pin: Pin, file: str, check: Callable[[Path], object]) -> Path:
    """Return a file of a commit from the cache, else from the Hub; a wrong file is downloaded again once.

    Args:
        pin: the commit.
        file: its path in the repository.
        check: raises BundleError if a path does not hold what it should.

    Raises:
        HubError: it cannot be had, or is wrong again.
    """
    path = _cached(pin, file) or _download(pin, file)
    try:
        check(path)
        return path
    except BundleError as error:
        log.warning("%s of %s is replaced: %s", file, pin, error)
    path = _download(pin, file, replace=True)
    try:
        check(path)
    except BundleError as error:
        raise HubError(
            f"{file} of {pin} was downloaded again and is still wrong. {error} Publish the bundle again, or "
            "name another commit."
        ) from error
    return path


def fetch_if_there(pin: Pin, file: str) -> None:
    """Download a file of a commit into the cache, or record that the commit has no such file.

    Raises:
        HubError: it cannot be had for another reason.
    """
    from huggingface_hub.errors import RemoteEntryNotFoundError

    if _look_up(pin, file) is not None:
        return
    try:
        _download(pin, file)
    except HubError as error:
        if not isinstance(error.__cause__, RemoteEntryNotFoundError):
            raise


def _cached(pin: Pin, file: str) -> Path | None:
    path = _look_up(pin, file)
    return Path(path) if isinstance(path, str) else None


def _look_up(pin: Pin, file: str) -> object:
    """Return the cache's entry: a path, a mark that the commit has no such file, or None."""
    from huggingface_hub import try_to_load_from_cache

    with explained(pin.repo):
        return try_to_load_from_cache(pin.repo, file, revision=pin.revision)


def _download(pin: Pin, file: str, *, replace: bool = False) -> Path:
    """Download a file into the cache, replacing a wrong one if `replace`; raise HubError on failure."""
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError

    if constants.is_offline_mode():
        state = "damaged" if replace else "not in the cache"
        raise HubError(
            f"{file} of {pin} is {state} in {constants.HF_HUB_CACHE}, and HF_HUB_OFFLINE prevents the "
            "download. Start once without HF_HUB_OFFLINE, with network access."
        )
    with explained(pin.repo):
        # This detects a dead connection at once; `hf_hub_download` retries for half a minute or longer.
        url = hf_hub_url(pin.repo, file, revision=pin.revision)
        try:
            get_hf_file_metadata(url, timeout=constants.HF_HUB_ETAG_TIMEOUT)
        except HfHubHTTPError:
            # The server responded. The call below gets the same response, and knows which ones to retry.
            log.debug("no metadata of %s", url, exc_info=True)
        path = hf_hub_download(pin.repo, file, revision=pin.revision, force_download=replace)
    return Path(path)


@contextmanager
def explained(repo: str) -> Iterator[None]:
    """Convert errors of `huggingface_hub` into a HubError with advice and the original cause."""
    import httpx2

    try:
        yield
    except (httpx2.HTTPError, OSError, ValueError, RuntimeError) as error:
        cause = _first_cause(error)
        raise HubError(_explanation(cause, repo)) from cause


def _first_cause(error: BaseException) -> BaseException:
    """Return the first cause of an error that `huggingface_hub` wraps around a network error."""
    import httpx2

    while not isinstance(error, httpx2.HTTPError) and error.__cause__ is not None:
        error = error.__cause__
    return error


def _explanation(error: BaseException, repo: str) -> str:
    import httpx2
    from huggingface_hub import constants
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    # Not the whole address: pages show this to everybody, and HF_ENDPOINT may hold a password.
    host = urlsplit(constants.ENDPOINT).hostname
    where = f"{repo} on {host}"
    if isinstance(error, HfHubHTTPError):
        return _refusal(error, where)
    if isinstance(error, httpx2.TimeoutException):
        return f"{where} does not answer in time. Check the network, or try again later."
    if isinstance(error, httpx2.HTTPError):
        return (
            f"{where} cannot be reached ({error}). Check the network, and HF_ENDPOINT if it is set."
        )
    if isinstance(error, OfflineModeIsEnabled):
        return f"{where} cannot be reached while HF_HUB_OFFLINE is set. Unset it."
    if isinstance(error, OSError) and error.errno is not None:
        mend = (
            "Make room there, or set HF_HUB_CACHE to a folder with room."
            if error.errno in _FULL
            else "Set HF_HUB_CACHE to a folder that may be written to."
        )
        cache = constants.HF_HUB_CACHE
        return f"{repo} cannot be kept in {cache}: {error.strerror or error}. {mend}"
    said = str(error).replace(constants.ENDPOINT, str(host))
    if isinstance(error, ValueError):
        return f"{where} cannot be asked: {said.rstrip('.')}. Check its name."
    return f"{where} sent an unexpected response: {said.rstrip('.')}. Try again later."


def _refusal(error: "HfHubHTTPError", where: str) -> str:
    from huggingface_hub import get_token
    from huggingface_hub.errors import RemoteEntryNotFoundError, RevisionNotFoundError

    status = error.response.status_code
    if isinstance(error, RemoteEntryNotFoundError):
        file = error.response.url.path.rpartition("/")[2]
        return f"{where} has no {file} at that commit. Name a commit made by `python -m training publish`."
    if isinstance(error, RevisionNotFoundError):
        return f"{where} has no such commit. Copy the hash from its page: Files, History."
    if status == 401 and get_token() is None:
        return (
            f"{where} is private, or there is no such repository. Check its name, and set HF_TOKEN to a "
            "token that may see it."
        )
    if status == 401:
        return f"{where} does not accept the token. Make a new one, and set HF_TOKEN to it."
    if status == 403:
        return f"{where} refuses this token. Set HF_TOKEN to a token with the necessary permission."
    if status == 404:
        return f"{where} does not exist, or the token may not see it. Check its name and HF_TOKEN."
    if status == 429:
        return f"{where} asks for fewer requests (429). Try again later; with HF_TOKEN more are allowed."
    return f"{where} answered {status}. Try again later."
