"""Teachers, whose predictions are part of targets (Hinton et al. 2015, arXiv:1503.02531)."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from fer_core.files import replace_file
from fer_core.networks.bundles import SERVING_FILE, SPEC_FILE, Bundle, resolve
from fer_core.networks.classifier import Classifier
from fer_core.networks.softmax import softmax
from fer_core.settings import cache_root
from training.errors import TrainingError
from training.sources import Samples, sha256_of_arrays
from training.sources.ancestors import Ancestor
from training.sources.landmark_cache import with_landmarks

if TYPE_CHECKING:
    from training.schema.recipe import Recipe


class Teacher(ABC):
    """The loaded teacher of a recipe."""

    @property
    @abstractmethod
    def ancestor(self) -> Ancestor:
        """The record of it in a run."""

    @abstractmethod
    def soft_targets(self, samples: Samples, *, temperature: float = 1.0) -> np.ndarray:
        """Return calibrated probabilities, float32 (N, classes), in the samples' label order.

        Args:
            samples: training rows.
            temperature: the calibrated logits are divided by it once more.

        Raises:
            TrainingError: it lacks one of the samples' classes, or logits of a row.
            FerError: its network or its stored logits are missing or damaged.
        """

    def objection(self, recipe: "Recipe") -> str | None:
        """Return the reason why a recipe must not learn from it, in sentences; None if it may."""
        return None

    @abstractmethod
    def files(self, rows: Callable[[], Samples]) -> dict[Path, str]:
        """Return the files with predictions for a machine without the teacher's network, made if missing.

        Args:
            rows: reads the training rows to predict.

        Returns:
            Their places by file, under "cache/" (FER_CACHE) or "models/" (FER_MODELS).
        """


@dataclass(frozen=True, slots=True)
class BundleTeacher(Teacher):
    """A bundle that teaches.

    Attributes:
        name: as the recipe has it.
        bundle: of that name.
    """

    name: str
    bundle: Bundle

    @classmethod
    def named(cls, name: str) -> Self:
        """Return the teacher of that name; raise BundleError if the bundle is not there or damaged."""
        return cls(name, resolve(name))

    @property
    def ancestor(self) -> Ancestor:
        """The record of it in a run."""
        return Ancestor.of(self.bundle)

    def soft_targets(self, samples: Samples, *, temperature: float = 1.0) -> np.ndarray:
        """Return calibrated probabilities, float32 (N, classes), in the samples' label order.

        A correction of its priors is undone (`BundleSpec.prior_offsets`). Of a teacher that knows further
        classes they are those among the samples' classes. Where its logits
        are kept (`store_logits`), its spec alone is needed.

        Raises:
            TrainingError: it lacks one of the samples' classes.
            BundleError: its serving file is not there or damaged.
        """
        self._require_classes(samples)
        kept = self._logits_path(samples)
        logits = np.load(kept, allow_pickle=False) if kept.is_file() else self._asked(samples)
        spec = self.bundle.spec
        if spec.prior_offsets:
            # Else the student would learn its teacher's correction and then get its own.
            logits = logits + np.array(spec.prior_offsets, np.float32)
        ours = [spec.labels.index(label) for label in samples.label_space.labels]
        return softmax(logits[:, ours], temperature=spec.temperature * temperature)

    def store_logits(self, samples: Samples) -> Path:
        """Write the bundle's logits under the cache, for a machine that cannot run it; return the file.

        Raises:
            TrainingError: it lacks one of the samples' classes.
            BundleError: its serving file is not there or damaged.
        """
        self._require_classes(samples)
        path = self._logits_path(samples)
        logits = self._asked(samples)
        replace_file(path, lambda file: np.save(file, logits, allow_pickle=False))
        return path

    def files(self, rows: Callable[[], Samples]) -> dict[Path, str]:
        """Return the files with its stored logits for the rows, and its spec."""
        logits = self.store_logits(rows())
        return {
            logits: f"cache/{logits.relative_to(cache_root())}",
            self.bundle.path / SPEC_FILE: f"models/{self.name}/{SPEC_FILE}",
        }

    def _require_classes(self, samples: Samples) -> None:
        knows = self.bundle.spec.labels
        if lacking := set(samples.label_space.labels) - set(knows):
            raise TrainingError(
                f"The teacher {self.name} lacks classes of {samples.source}: {', '.join(sorted(lacking))}. "
                f"It knows {', '.join(knows)}. Learn without it: --set teacher=null --set teacher_share=0."
            )

    def _logits_path(self, samples: Samples) -> Path:
        """Return the path of the logits, float32 (N, classes), of this file for these images."""
        by, to = self.bundle.spec.sha256[SERVING_FILE], sha256_of_arrays(samples.images)
        return cache_root() / "teachers" / f"{by[:16]}-{to[:16]}.npy"

    def _asked(self, samples: Samples) -> np.ndarray:
        if self.bundle.spec.landmark_features is not None:
            samples = with_landmarks(samples)
        logits, _ = Classifier(self.bundle).logits(samples.images, samples.landmarks)
        return logits
