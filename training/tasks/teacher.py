"""A teacher's answers to training images (Hinton et al. 2015, arXiv:1503.02531)."""

from pathlib import Path

import numpy as np

from fer_core.files import replace_file
from fer_core.networks.bundles import SERVING_FILE, Bundle, resolve
from fer_core.networks.classifier import Classifier
from fer_core.networks.softmax import softmax
from fer_core.settings import cache_root
from training.errors import TrainingError
from training.sources import Samples, sha256_of_arrays
from training.sources.landmark_cache import with_landmarks


def teacher_answers(samples: Samples, name: str, *, temperature: float = 1.0) -> np.ndarray:
    """Return a bundle's calibrated probabilities, float32 (N, classes), in the samples' label order.

    Of a teacher that knows further classes they are those among the samples' classes. Its calibrated logits
    are divided by `temperature` once more.

    Raises:
        TrainingError: it lacks one of the samples' classes.
        BundleError: it is not there or damaged.
    """
    bundle = _teacher(samples, name)
    kept = _answers_path(bundle, samples)
    logits = np.load(kept, allow_pickle=False) if kept.is_file() else _asked(bundle, samples)
    theirs = bundle.spec.labels
    ours = [theirs.index(label) for label in samples.label_space.labels]
    return softmax(logits[:, ours], temperature=bundle.spec.temperature * temperature)


def keep_answers(samples: Samples, name: str) -> Path:
    """Write a bundle's logits under the cache, for a machine that cannot ask it, and return the file.

    There `teacher_answers` needs of the bundle its spec alone.

    Raises:
        TrainingError: it lacks one of the samples' classes.
        BundleError: it is not there or damaged.
    """
    bundle = _teacher(samples, name)
    path = _answers_path(bundle, samples)
    path.parent.mkdir(parents=True, exist_ok=True)
    logits = _asked(bundle, samples)
    replace_file(path, lambda file: np.save(file, logits, allow_pickle=False))
    return path


def _teacher(samples: Samples, name: str) -> Bundle:
    bundle = resolve(name)
    if lacking := set(samples.label_space.labels) - set(bundle.spec.labels):
        raise TrainingError(
            f"The teacher {name} lacks classes of {samples.source}: {', '.join(sorted(lacking))}. It knows "
            f"{', '.join(bundle.spec.labels)}. Learn without it: --set teacher=null --set teacher_share=0."
        )
    return bundle


def _answers_path(bundle: Bundle, samples: Samples) -> Path:
    """Return where logits, float32 (N, classes), of this very file to these very images would lie."""
    by, to = bundle.spec.sha256[SERVING_FILE], sha256_of_arrays(samples.images)
    return cache_root() / "teachers" / f"{by[:16]}-{to[:16]}.npy"


def _asked(bundle: Bundle, samples: Samples) -> np.ndarray:
    if bundle.spec.landmark_features is not None:
        samples = with_landmarks(samples)
    logits, _ = Classifier(bundle).logits(samples.images, samples.landmarks)
    return logits
