"""The errors that Second Look raises on purpose.

Each message says what came, what was expected and the mend, in words for whoever meets it: a visitor
of a page sees it as it is, and so does the reader of a terminal.
"""


class FerError(Exception):
    """Base of every error with a message that is fit to be shown to a user."""


class ImageDecodeError(FerError):
    """The bytes are not an image that we read, or damaged, or the image is too large."""


class NotAnImageError(ImageDecodeError):
    """The bytes are of another kind than the images that we read."""


class ImageTooLargeError(ImageDecodeError):
    """The image has more pixels or parts than are read, or takes too long to read."""


class ImageMemoryError(ImageDecodeError):
    """There was not enough memory to read the image."""


class InputError(FerError):
    """A function of the Python API was given something that it does not take."""


class BusyError(FerError):
    """More was asked at once than can be waited for."""


class AnalysisError(FerError):
    """A photo was read and then could not be looked at, for instance for want of memory."""


class VideoDecodeError(FerError):
    """The bytes are not a video that we read, or the video is too long or too large."""


class BundleError(FerError):
    """A model bundle is missing, incomplete or damaged."""


class HubError(BundleError):
    """Weights cannot be had from the Hugging Face Hub, or a setting that names them is wrong."""


class DataError(FerError):
    """A data set is missing, incomplete or malformed."""


class UnknownNameError(FerError):
    """A name that stands for nothing: of a label, a model, a source or a recipe."""


class SettingError(FerError):
    """A setting from the environment has a form that we do not understand."""


class JobError(FerError):
    """A bulk run cannot be begun, resumed or carried to its end."""
