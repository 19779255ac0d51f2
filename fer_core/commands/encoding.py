"""Output in the encoding of the terminal or its environment."""

import io
import sys


def show_what_cannot_be_encoded() -> None:
    r"""Make standard output escape characters that its encoding lacks (`\xfc`) instead of raising.

    Names of files hold any character, and an environment such as PYTHONIOENCODING=ascii only a few. Standard
    error does so by itself.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
