"""Second Look's core: find every face in a photo and predict its apparent expression.

    >>> import fer_core
    >>> analysis = fer_core.analyze("photo.jpg")
    >>> [face.main.expression for face in analysis.faces]

Importing this package loads neither Streamlit nor TensorFlow nor Keras, and no library of the pipeline
either: these are loaded when one of the names below is first used.
"""

from typing import TYPE_CHECKING

from fer_core.errors import (
    AnalysisError,
    BundleError,
    FerError,
    ImageDecodeError,
    InputError,
    VideoDecodeError,
)

if TYPE_CHECKING:
    from fer_core.api import Analysis, OpenAnalyzer, analyze, analyze_video, open_analyzer

__all__ = [
    "Analysis",
    "AnalysisError",
    "BundleError",
    "FerError",
    "ImageDecodeError",
    "InputError",
    "OpenAnalyzer",
    "VideoDecodeError",
    "analyze",
    "analyze_video",
    "open_analyzer",
    "__version__",
]

__version__ = "0.2.0"

if not TYPE_CHECKING:
    # Hidden from type checkers, which would otherwise accept every misspelt name.

    def __getattr__(name: str) -> object:
        """Return a name of the Python API on first use; its libraries take tenths of a second to load."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from fer_core import api

        return getattr(api, name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
