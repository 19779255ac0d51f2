"""Exit codes of the commands."""

from typing import Final

EXIT_SOME_FAILED: Final = 1
EXIT_USAGE: Final = 2
