"""The 15-point model: its bundle, its points in a photo, and its errors.

Names and order are those of Kaggle's Facial Keypoints Detection; left and right are the person's.
"""

import threading
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Literal

import cv2
import numpy as np

from fer_core.faces.crops import cut, frame_square, pixel_box, resize_crop
from fer_core.faces.landmarks import KEYPOINTS
from fer_core.networks.bundles import (
    KEYPOINTS_NAME,
    KEYPOINTS_TASK,
    SERVING_FILE,
    BaseBundle,
    BaseSpec,
    Part,
    read_spec,
    resolve_kind,
)
from fer_core.networks.litert import ServingModel
from fer_core.settings import models_root

if TYPE_CHECKING:
    from fer_core.faces.face import Face

#: Side in pixels of the network's input: Kaggle's images.
KEYPOINT_SIZE: Final = 96
POINT_NAMES: Final = tuple(KEYPOINTS)
LEFT_EYE: Final = POINT_NAMES.index("left_eye_center")
RIGHT_EYE: Final = POINT_NAMES.index("right_eye_center")
LEFT_CORNER: Final = POINT_NAMES.index("left_eye_outer_corner")
RIGHT_CORNER: Final = POINT_NAMES.index("right_eye_outer_corner")


def mirror_points() -> np.ndarray:
    """Return int (15,), the point that replaces each point when the face is mirrored."""
    swap = {"left": "right", "right": "left"}
    mirrored = ["_".join(swap.get(word, word) for word in n.split("_")) for n in POINT_NAMES]
    # `mouth_left_corner` has its side in the middle, which the split sees as well.
    return np.array([POINT_NAMES.index(name) for name in mirrored])


class KeypointMetrics(Part):
    """What `training evaluate` measured on one split with these very weights.

    Attributes:
        n: images.
        persons: how many they show; None where the data does not tell.
        rmse: root of the mean squared error of all coordinates that are given, pixels of 96, as in
            Kaggle's challenge.
        normalized_mean_error: mean distance of points over the distance of the eyes' centres.
        interocular_mean_error: the same over the distance of the eyes' outer corners, as in the 300-W
            challenge (Sagonas et al. 2013).
        mean_error: by point, mean distance in pixels of 96.
        normalized_error: by point, mean distance over the distance of the eyes' centres.
    """

    n: int
    persons: int | None
    rmse: float
    normalized_mean_error: float
    interocular_mean_error: float
    mean_error: dict[str, float]
    normalized_error: dict[str, float]


def measure_keypoints(
    labelled: np.ndarray, found: np.ndarray, *, persons: int | None
) -> KeypointMetrics:
    """Compute the errors of found points.

    Args:
        labelled: float (N, 15, 2), pixels of 96, NaN where a point is not given.
        found: float (N, 15, 2).
        persons: in the images.
    """
    distance = np.linalg.norm(found - labelled, axis=2)

    def apart(a: int, b: int) -> np.ndarray:
        result: np.ndarray = np.linalg.norm(labelled[:, a] - labelled[:, b], axis=1)[:, None]
        return result

    normalized = distance / apart(LEFT_EYE, RIGHT_EYE)
    return KeypointMetrics(
        n=len(labelled),
        persons=persons,
        rmse=float(np.sqrt(np.nanmean((found - labelled) ** 2))),
        normalized_mean_error=float(np.nanmean(normalized)),
        interocular_mean_error=float(np.nanmean(distance / apart(LEFT_CORNER, RIGHT_CORNER))),
        mean_error=dict(zip(POINT_NAMES, np.nanmean(distance, axis=0).tolist(), strict=True)),
        normalized_error=dict(
            zip(POINT_NAMES, np.nanmean(normalized, axis=0).tolist(), strict=True)
        ),
    )


class KeypointSpec(BaseSpec):
    """The content of a keypoint bundle's `spec.json`.

    Attributes:
        task: tells it from bundles that name expressions.
        points: in the order of the outputs.
        metrics: by "source:split".
    """

    task: Literal["keypoints"] = KEYPOINTS_TASK
    points: tuple[str, ...]
    metrics: dict[str, KeypointMetrics]


class KeypointBundle(BaseBundle[KeypointSpec]):
    """A bundle whose network finds keypoints."""

    kind: ClassVar[str] = KEYPOINTS_TASK


def open_keypoint_bundle(path: Path) -> KeypointBundle:
    """Read the keypoint bundle in a folder; raise BundleError if there is none or it is damaged."""
    return KeypointBundle(path, read_spec(path, KeypointSpec))


def embedded_keypoints(name: str) -> KeypointBundle:
    """Return the keypoint bundle called `name` under the bundle root; raise BundleError without one."""
    return open_keypoint_bundle(models_root() / name)


def resolve_keypoints() -> KeypointBundle | None:
    """Return the keypoint bundle from the Hub or the bundle root, as `resolve` does; None without one.

    Raises:
        BundleError: it is damaged, or its setting is wrong.
    """
    if (wanted := resolve_kind(KEYPOINTS_NAME, KeypointBundle, KeypointSpec)) is not None:
        return wanted
    folder = models_root() / KEYPOINTS_NAME
    return open_keypoint_bundle(folder) if folder.is_dir() else None


class KeypointFinder:
    """A keypoint bundle's loaded network. Safe to share between threads."""

    def __init__(self, bundle: KeypointBundle) -> None:
        """Load and verify the bundle's serving file; raise BundleError if it is missing or damaged."""
        self.bundle = bundle
        self._lock = threading.Lock()
        self._model = ServingModel(bundle.verify(SERVING_FILE).read_bytes(), threads=1)

    def find(self, images: np.ndarray) -> np.ndarray:
        """Return float32 (N, 15, 2), pixels of the images, for crops uint8 (N, 96, 96), grey."""
        with self._lock:
            values = [self._model.run(image[None])[0] for image in images]
        return np.concatenate(values).reshape(len(images), -1, 2)

    def find_in_photo(self, image_rgb: np.ndarray, face: "Face") -> np.ndarray:
        """Return a face's points in its photo's coordinates, as landmarks have them, float32 (15, 2).

        The networks' own frame around the face puts the eyes within 0.02 of its side from where the
        training images have them.

        Args:
            image_rgb: uint8 (H, W, 3), the photo.
            face: in its coordinates.
        """
        square = frame_square(face.box_xyxy)
        left, top, right, _ = pixel_box(square)
        crop = cv2.cvtColor(cut(image_rgb, square), cv2.COLOR_RGB2GRAY)
        points = self.find(resize_crop(crop, KEYPOINT_SIZE)[None])[0]
        # The network counts from the middle of the first pixel, landmarks from the photo's edge.
        scale = (right - left) / KEYPOINT_SIZE
        result: np.ndarray = (points + 0.5) * scale + np.array([left, top], np.float32)
        return result
