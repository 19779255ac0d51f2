"""The errors that Second Look raises on purpose.

Each message says what was received, what was expected and how to fix it. Visitors of a page and readers of a
terminal see it as it is.
"""


class FerError(Exception):
    """Base of all errors whose message can be shown to users."""


class ImageDecodeError(FerError):
    """The bytes are not a supported image, or the image is damaged or too large."""


class NotAnImageError(ImageDecodeError):
    """The bytes are not an image in a supported format."""


class ImageTooLargeError(ImageDecodeError):
    """The image exceeds the limits on pixels, parts or reading time."""


class ImageMemoryError(ImageDecodeError):
    """There was not enough memory to read the image."""


class InputError(FerError):
    """A function of the Python API was given an argument of the wrong type, shape or value."""


class BusyError(FerError):
    """The queue is full."""


class AnalysisError(FerError):
    """A photo was read but could not be analyzed, for instance because memory was short."""


class TooManyFacesError(AnalysisError):
    """More places of a photo look like faces than are looked at; another try fails as well."""


class VideoDecodeError(FerError):
    """The bytes are not a supported video, or the video is too long or too large."""


class BundleError(FerError):
    """A model bundle is missing, incomplete or damaged."""


class HubError(BundleError):
    """Weights cannot be downloaded from the Hugging Face Hub, or a setting that names them is wrong."""


class DataError(FerError):
    """A data set is missing, incomplete or malformed."""


class UnknownNameError(FerError):
    """The name of a label, a model, a source or a recipe is unknown."""


class SettingError(FerError):
    """A setting in the environment is invalid."""


class JobError(FerError):
    """A bulk run cannot be started, resumed or finished."""
