"""Ctrl-C between training steps, never within one. Importing this module starts Keras."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

import keras


class _AfterTheStep(keras.callbacks.Callback):
    """Raise KeyboardInterrupt after the step in which Ctrl-C was pressed."""

    #: Keras need not wait for a step's figures before it starts the next one.
    async_safe = True

    def __init__(self) -> None:
        super().__init__()
        self._is_asked = False

    def ask(self, number: int, frame: FrameType | None) -> None:
        # A second Ctrl-C stops at once.
        if self._is_asked:
            raise KeyboardInterrupt
        self._is_asked = True

    def raise_if_asked(self) -> None:
        if self._is_asked:
            raise KeyboardInterrupt

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self.raise_if_asked()

    def on_test_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self.raise_if_asked()


@contextlib.contextmanager
def interrupts_between_steps() -> Iterator[keras.callbacks.Callback]:
    """Give a callback for `fit` that delays Ctrl-C until the current step and file writes are finished.

    A step of JAX takes over the memory of the weights that it is given: stopped within one, Keras fails
    while it cleans up, and its error hides the KeyboardInterrupt.
    """
    callback = _AfterTheStep()
    # Only the main thread may set handlers, and a process that ignores Ctrl-C must continue to.
    is_ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if not is_ours:
        yield callback
        return
    signal.signal(signal.SIGINT, callback.ask)
    try:
        yield callback
        callback.raise_if_asked()
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
