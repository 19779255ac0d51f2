"""What is said of a photo or video over which a library failed in a way that nobody foresaw."""


def unexpected(error: Exception) -> str:
    """Return the sentence for one file's record; the run goes on with the next file."""
    if isinstance(error, MemoryError):
        return "There was not enough memory for this file. Try it alone, or make it smaller."
    return f"The analysis failed ({type(error).__name__}: {error})."
