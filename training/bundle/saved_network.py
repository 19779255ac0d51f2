"""Open the Keras file of a bundle, which is untrusted, without running code in it."""

from typing import TYPE_CHECKING, Any

from fer_core.networks.bundles import KERAS_FILE, BaseBundle
from training.errors import TrainingError

if TYPE_CHECKING:
    import keras


def open_network(bundle: BaseBundle[Any]) -> "keras.Model":
    """Return a bundle's network, uncompiled.

    Raises:
        BundleError: the file is missing or not the one that the spec tells of.
        TrainingError: it holds code (a Lambda layer), or is no network of plain Keras layers.
    """
    import keras

    path = bundle.verify(KERAS_FILE)
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except (ImportError, KeyError, OSError, TypeError, ValueError) as error:
        raise TrainingError(
            f"{path} is refused: it holds code, such as a Lambda layer, or layers that are not Keras's own. "
            f"Keras says: {str(error).strip().splitlines()[0] if str(error).strip() else error!r}"
        ) from error
