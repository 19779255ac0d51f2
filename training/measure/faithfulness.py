"""How faithful heat maps are: deletion and insertion (Petsiuk et al. 2018, "RISE", arXiv:1806.07421).

A map ranks the pixels of a face. If it is faithful, the probability of the network's answer falls fast when
the hottest pixels are taken away first, and rises fast when they are shown first. And it changes when the
network's weights are shuffled (Adebayo et al. 2018, "Sanity Checks for Saliency Maps", arXiv:1810.03292).
"""

import logging
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track

from fer_core.errors import DataError
from fer_core.evaluation.faithfulness import ROWS, Faithfulness
from fer_core.faces.crops import INPUT_SIZE, FaceInputs
from fer_core.faces.inpaint import region_mask, with_average_region
from fer_core.faces.landmarks import IN_CROP
from fer_core.faces.shape import FaceShape, Region, read_face_shape
from fer_core.networks.bundles import SERVING_FILE, Bundle, open_bundle, sha256_of
from fer_core.networks.classifier import Classifier
from fer_core.networks.explain import occlusion_map, without_details
from fer_core.settings import face_shape_path
from training.bundle.export import export
from training.bundle.staging import write_spec
from training.measure.activation_maps import activation_heatmap
from training.measure.evaluate import known_to
from training.measure.robustness import draw
from training.networks.saved_network import open_network
from training.sources import Samples
from training.sources.landmark_cache import with_landmarks

log = logging.getLogger(__name__)

#: Draws the faces.
SEED: Final = 0
#: Of the drawn faces, so many have maps of the network with shuffled weights as well.
SHUFFLED_ROWS: Final = 50
#: What the others are compared with.
ACTIVATION: Final = "class activation map"
#: Shares of the pixels at which a curve is sampled.
_SHARES: Final = np.linspace(0, 1, 13)
#: RISE's masks: their number, and the cells of which each is half of the time blurred.
_MASKS: Final = 128
_CELLS: Final = 7
#: Where faces have their middle in a crop, for the control.
_MIDDLE: Final = (26, 24)

#: Gives a map, float (48, 48), of the answer for one face; hotter counts more.
_Method: TypeAlias = Callable[[Classifier, FaceInputs], np.ndarray]


def measure_faithfulness(
    bundles: Sequence[Bundle], samples: Samples, *, rows: int = ROWS
) -> list[Faithfulness]:
    """Measure all kinds of maps of networks that see pixels, on the same random faces.

    Raises:
        DataError: no drawn sample has a class that a network knows, or a network sees no pixels or has no
            class activation maps.
        BundleError: a file is missing or damaged.
        TrainingError: Keras does not run on TensorFlow, which writes the network with shuffled weights.
    """
    classifiers = list(map(_with_maps, bundles))
    drawn = with_landmarks(draw(samples, rows, SEED))
    methods = _methods(read_face_shape(face_shape_path()))
    return [row for one in classifiers for row in _measure(one, drawn, methods)]


def _with_maps(bundle: Bundle) -> Classifier:
    """Return a network; raise DataError unless it sees pixels and has class activation maps."""
    if not bundle.spec.sees_pixels:
        raise DataError(f"{bundle.spec.name} sees no pixels. Leave it out.")
    classifier = Classifier(bundle)
    _, maps = classifier.logits(np.zeros((1, INPUT_SIZE, INPUT_SIZE), np.uint8))
    if maps is None:
        raise DataError(f"{bundle.spec.name} has no class activation maps. Leave it out.")
    return classifier


def _measure(
    classifier: Classifier, drawn: Samples, methods: Mapping[str, _Method]
) -> list[Faithfulness]:
    bundle = classifier.bundle
    known, _ = known_to(bundle, drawn)
    log.info("%s: maps of %d faces of %s", bundle.spec.name, len(known), known.source)
    faces = list(map(FaceInputs, known.images, np.asarray(known.landmarks, np.float32)))
    scores = np.array(
        [
            _scores(classifier, face, methods)
            for face in track(faces, bundle.spec.name, console=Console(stderr=True))
        ]
    )
    activation = scores[:, list(methods).index(ACTIVATION)]
    few = faces[:SHUFFLED_ROWS]
    shuffled = _shuffled(bundle)
    alike = {
        name: _mean_correlation(
            [(method(classifier, face), method(shuffled, face)) for face in few]
        )
        for name, method in methods.items()
    }
    return [
        Faithfulness(
            network=bundle.spec.name,
            weights_sha256=bundle.spec.sha256[SERVING_FILE],
            method=method,
            source=known.source,
            split=str(known.split),
            n=len(known),
            deletion=float(scores[:, i, 0].mean()),
            insertion=float(scores[:, i, 1].mean()),
            deletion_p=_p(scores[:, i, 0], activation[:, 0]),
            insertion_p=_p(scores[:, i, 1], activation[:, 1]),
            n_shuffled=len(few),
            shuffled_correlation=alike[method],
        )
        for i, method in enumerate(methods)
    ]


def _shuffled(bundle: Bundle) -> Classifier:
    """Return the network with the values of each of its arrays in random places."""
    network, rng = open_network(bundle), np.random.default_rng(SEED)
    network.set_weights(
        [rng.permutation(w.ravel()).reshape(w.shape) for w in network.get_weights()]
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        export(network, folder)
        sums = {**bundle.spec.sha256, SERVING_FILE: sha256_of(folder / SERVING_FILE)}
        write_spec(bundle.spec.model_copy(update={"sha256": sums}), folder)
        return Classifier(open_bundle(folder))


def _mean_correlation(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> float:
    """Return the mean of the rank correlations of pairs of maps; 0 for one without ranks."""
    from scipy.stats import spearmanr

    return float(
        np.mean(
            [
                spearmanr(a.ravel(), b.ravel()).statistic if np.ptp(a) and np.ptp(b) else 0.0
                for a, b in pairs
            ]
        )
    )


def _p(first: np.ndarray, second: np.ndarray) -> float:
    from scipy.stats import wilcoxon

    return float("nan") if (first == second).all() else float(wilcoxon(first, second).pvalue)


def _scores(
    classifier: Classifier, face: FaceInputs, methods: Mapping[str, _Method]
) -> list[tuple[float, float]]:
    """Return each method's areas under the curves of deletion and insertion, means of probabilities."""
    top = _top(classifier, face)
    return [
        (
            _area(classifier, face, top, curve(face.image, heat, _grey(face.image))),
            _area(classifier, face, top, curve(without_details(face.image), heat, face.image)),
        )
        for heat in (method(classifier, face) for method in methods.values())
    ]


def curve(image: np.ndarray, heat: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return an image whose hottest pixels are more and more those of another, uint8 (13, 48, 48)."""
    order = np.argsort(-heat.ravel(), kind="stable")
    images = np.repeat(image.reshape(1, -1), len(_SHARES), axis=0)
    for changed, share in zip(images, _SHARES, strict=True):
        hottest = order[: round(share * len(order))]
        changed[hottest] = other.ravel()[hottest]
    return images.reshape(-1, *image.shape)


def _area(classifier: Classifier, face: FaceInputs, top: int, images: np.ndarray) -> float:
    p = _probabilities(classifier, images, face, top)
    return float(np.trapezoid(p, dx=1 / (len(p) - 1)))


def _top(classifier: Classifier, face: FaceInputs) -> int:
    """Return the number of the most likely class."""
    return int(classifier.predict([face])[0].probabilities.argmax())


def _probabilities(
    classifier: Classifier, images: np.ndarray, face: FaceInputs, top: int
) -> np.ndarray:
    answers = classifier.predict([FaceInputs(image, face.landmarks) for image in images])
    return np.array([answer.probabilities[top] for answer in answers])


def _grey(image: np.ndarray) -> np.ndarray:
    return np.full_like(image, round(float(image.mean())))


def _methods(shape: FaceShape) -> dict[str, _Method]:
    """Return all kinds of maps; the last two are controls, which know nothing of the network."""
    masks = _rise_masks()
    y, x = np.mgrid[:INPUT_SIZE, :INPUT_SIZE]
    middle = -((y - _MIDDLE[0]) ** 2 + (x - _MIDDLE[1]) ** 2)
    rng = np.random.default_rng(SEED)

    def activation(classifier: Classifier, face: FaceInputs) -> np.ndarray:
        logits, maps = classifier.logits(face.image[None], face.landmarks[None])
        assert maps is not None
        view = classifier.bundle.spec.view_pixels
        return activation_heatmap(maps[0], int(logits[0].argmax()), view_pixels=view)

    def rise(classifier: Classifier, face: FaceInputs) -> np.ndarray:
        image, blurred = (
            face.image.astype(np.float32),
            without_details(face.image).astype(np.float32),
        )
        mixed = np.rint(masks * image + (1 - masks) * blurred).astype(np.uint8)
        p = _probabilities(classifier, mixed, face, _top(classifier, face))
        heat: np.ndarray = np.tensordot(p, masks - masks.mean(axis=0), axes=1)
        return heat

    def blurred(face: FaceInputs, region: Region) -> FaceInputs:
        mask = _region_mask(face, region, shape)
        return FaceInputs(np.where(mask, without_details(face.image), face.image), face.landmarks)

    def averaged(face: FaceInputs, region: Region) -> FaceInputs:
        return with_average_region(face, region, shape)

    def at_random(_classifier: Classifier, _face: FaceInputs) -> np.ndarray:
        return cv2.resize(
            rng.random((6, 6)), (INPUT_SIZE, INPUT_SIZE), interpolation=cv2.INTER_CUBIC
        )

    return {
        ACTIVATION: activation,
        "occlusion": occlusion_map,
        "RISE": rise,
        "regions, blurred": lambda c, face: _region_map(c, face, shape, blurred),
        "regions, average face": lambda c, face: _region_map(c, face, shape, averaged),
        "middle of the face (control)": lambda _classifier, _face: middle,
        "random (control)": at_random,
    }


def _rise_masks() -> np.ndarray:
    """Return RISE's masks, float32 (_MASKS, 48, 48) in [0, 1]: random cells, enlarged and shifted."""
    rng = np.random.default_rng(SEED)
    side = INPUT_SIZE + -(-INPUT_SIZE // _CELLS)
    masks = []
    for _ in range(_MASKS):
        cells = (rng.random((_CELLS, _CELLS)) < 0.5).astype(np.float32)
        large = cv2.resize(cells, (side, side), interpolation=cv2.INTER_LINEAR)
        top, left = rng.integers(0, side - INPUT_SIZE + 1, size=2)
        masks.append(large[top : top + INPUT_SIZE, left : left + INPUT_SIZE])
    return np.stack(masks)


def _region_mask(face: FaceInputs, region: Region, shape: FaceShape) -> np.ndarray:
    in_crop = face.landmarks[IN_CROP].reshape(-1, 2)
    return region_mask(in_crop, shape.region_points(region), INPUT_SIZE)


def _region_map(
    classifier: Classifier,
    face: FaceInputs,
    shape: FaceShape,
    without: Callable[[FaceInputs, Region], FaceInputs],
) -> np.ndarray:
    """Return what the answer loses without each region of the landmarks; 0 without landmarks."""
    heat = np.zeros((INPUT_SIZE, INPUT_SIZE), np.float32)
    if not face.landmarks_found:
        return heat
    answer, *replaced = classifier.predict([face, *(without(face, region) for region in Region)])
    top = int(answer.probabilities.argmax())
    for region, other in zip(Region, replaced, strict=True):
        lost = answer.probabilities[top] - other.probabilities[top]
        heat[_region_mask(face, region, shape)] = lost
    return heat
