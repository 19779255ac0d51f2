"""Images per second of training `cnn` with `training.loop.fit`, by backend, beside a plain Keras `fit`.

FER_DATA=~/fer-data python -m tests.benchmarks.training [STEPS] [RECIPE]

The plain one is what the documentation of Keras shows: the same network, loss, optimiser, batch size and
dtype policy, fed by `tf.data` that has nothing to decode and augments nothing, under TensorFlow with XLA,
which is Keras's own choice, and without. Ratios are to the faster one. Ours augments, averages the weights,
prepares its batches in the process that trains, and normalises in one operation
(`training.networks.fast_layers`). Each is a fresh process; the first steps, in which everything is compiled,
do not count. Backends that are not installed are left out.
"""

import importlib.util
import json
import os
import subprocess
import sys
from typing import Final

from tests.benchmarks.measuring import PROJECT, print_table

STEPS: Final = 200
#: Steps before the clock starts.
WARM_UP: Final = 20
BACKENDS: Final = ("tensorflow", "jax", "torch")

#: What both programs begin with: the recipe's task, its optimiser, and a clock.
_COMMON: Final = """
import json, sys, time
import keras
from training.loop.fit import _compiled, _optimizer
from training.schema.recipe import get_recipe
from training.tasks.of_recipe import task_of
from training.tasks.parents import parents_of

steps, warm_up, name = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
recipe = get_recipe(name)
keras.utils.set_random_seed(recipe.seed)
keras.config.set_dtype_policy(recipe.dtype_policy)
task = task_of(recipe, parents_of(recipe))
optimizer = _optimizer(recipe, task.network, steps_per_epoch=len(task.train))

class Clock(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        # The loss is on the device until it is read: a step is done when it is known.
        if batch + 1 in (warm_up, warm_up + steps):
            float(logs["loss"])
        if batch + 1 == warm_up:
            self.began = time.perf_counter()
        if batch + 1 == warm_up + steps:
            self.seconds = time.perf_counter() - self.began
            self.model.stop_training = True

clock = Clock()
"""
_OURS: Final = """
model = _compiled(task.phases[0].enter(task.network), task, optimizer)
task.train.shuffle(recipe.seed, 0)
model.fit(task.train, shuffle=False, verbose=0, callbacks=[clock])
"""
_PLAIN: Final = """
import numpy as np
import tensorflow as tf
from training.tasks.batches import load_labelled
from training.sources import Split
from training.tasks.targets import one_hot

samples = load_labelled(recipe, Split.TRAIN)
margin = (48 - recipe.augment.crop_pixels) // 2
end = 48 - margin
images = samples.images[:, margin:end, margin:end, None]
data = tf.data.Dataset.from_tensor_slices((images, one_hot(samples)))
data = data.shuffle(len(samples)).batch(recipe.batch_size).prefetch(tf.data.AUTOTUNE)
image = keras.Input(images.shape[1:], dtype="uint8")
network = recipe.architecture.build(len(samples.label_space), side=None)
model = keras.Model(image, network(keras.ops.cast(image, "float32")))
plain = keras.optimizers.SGD(
    recipe.optimizer.peak_learning_rate, momentum=recipe.optimizer.momentum, nesterov=True
)
model.compile(
    plain,
    keras.losses.CategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
    jit_compile=JIT,
)
model.fit(data, verbose=0, callbacks=[clock])
"""
_REPORT: Final = """
print(json.dumps({"images_per_second": steps * recipe.batch_size / clock.seconds}))
"""


def main() -> None:
    """Measure and print."""
    # All steps are of one epoch, which has 224 for `cnn`.
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else STEPS
    recipe = sys.argv[2] if len(sys.argv) > 2 else "cnn"
    plain = {
        jit: _speed("tensorflow", f"JIT = {jit!r}\n{_PLAIN}", steps, recipe)
        for jit in ("auto", False)
    }
    best = max(plain.values())
    rows = [
        (
            f"plain Keras `fit` with `tf.data`, {how}",
            f"{plain[jit]:.0f}",
            f"{plain[jit] / best:.2f}",
        )
        for jit, how in (("auto", "TensorFlow with XLA"), (False, "TensorFlow without XLA"))
    ]
    for backend in BACKENDS:
        if importlib.util.find_spec(backend) is None:
            continue
        ours = _speed(backend, _OURS, steps, recipe)
        rows.append((f"`training.loop.fit`, {backend}", f"{ours:.0f}", f"{ours / best:.2f}"))
    print_table(
        f"Training `{recipe}`, {steps} steps each", ("how", "images per second", "ratio"), rows
    )


def _speed(backend: str, program: str, steps: int, recipe: str) -> float:
    finished = subprocess.run(
        [sys.executable, "-c", _COMMON + program + _REPORT, str(steps), str(WARM_UP), recipe],
        cwd=PROJECT,
        env={**os.environ, "KERAS_BACKEND": backend, "TF_ENABLE_ONEDNN_OPTS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(finished.stdout.splitlines()[-1])["images_per_second"]


if __name__ == "__main__":
    main()
