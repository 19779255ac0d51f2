"""What is said of a photo or video over which a library failed in a way that nobody foresaw."""

from fer_core.photos.decode import NO_MEMORY


def unexpected(error: Exception) -> str:
    """Return the sentence for one file's record; the run goes on with the next file."""
    if isinstance(error, MemoryError):
        return NO_MEMORY
    return f"The analysis failed ({type(error).__name__}: {error})."
