"""The Keras file of a bundle: written small, and opened without running the code that it may bring along."""

import io
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import h5py

from fer_core.networks.bundles import KERAS_FILE, BaseBundle
from training.errors import TrainingError

if TYPE_CHECKING:
    import keras

_WEIGHTS: Final = ".weights.h5"


def save_network(network: "keras.Model", path: Path) -> None:
    """Write a network to a Keras file, its weights compressed.

    HDF5's shuffle filter puts the first bytes of all weights together, then the second ones, and so on. First
    bytes are much alike, so the file is a fifth smaller than by compression alone. No weight is changed.
    """
    with tempfile.TemporaryDirectory() as folder:
        stored = Path(folder) / KERAS_FILE
        network.save(stored)
        with (
            zipfile.ZipFile(stored) as given,
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as written,
        ):
            for name in given.namelist():
                content = given.read(name)
                written.writestr(name, _compressed(content) if name.endswith(_WEIGHTS) else content)


def _compressed(content: bytes) -> bytes:
    """Return an HDF5 file with each of its arrays in one compressed block."""
    target = io.BytesIO()
    with h5py.File(io.BytesIO(content)) as given, h5py.File(target, "w") as written:

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Group):
                copied = written.require_group(name)
            else:
                # A single number is stored as it is: HDF5 has no filters for it.
                filters = {"chunks": item.shape, "shuffle": True, "compression": "gzip"}
                copied = written.create_dataset(
                    name, data=item[()], **(filters if item.size > 1 else {})
                )
            copied.attrs.update(item.attrs)

        given.visititems(copy)
        written.attrs.update(given.attrs)
    return target.getvalue()


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
