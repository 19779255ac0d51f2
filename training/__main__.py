"""The command line of training: `python -m training --help`."""

import logging
import os
import sys

# Before anything imports Keras or TensorFlow, which read these once.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# Without AVX-512 TensorFlow leaves oneDNN off, and then trains at 90 instead of 165 images per second.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import typer

from fer_core.commands.encoding import show_what_cannot_be_encoded
from fer_core.commands.version import VersionOption
from training.commands.action_units import action_units
from training.commands.campaign import campaign
from training.commands.compare import compare
from training.commands.data import data
from training.commands.describe import describe
from training.commands.evaluate import evaluate
from training.commands.explained import explained
from training.commands.face_shape import face_shape
from training.commands.faithfulness import faithfulness
from training.commands.fit import fit
from training.commands.human_ceiling import human_ceiling
from training.commands.landmarks import landmarks
from training.commands.photos import photos
from training.commands.publish import publish
from training.commands.regenerate import regenerate
from training.commands.report import report
from training.commands.robustness import robustness
from training.commands.study import study
from training.commands.thumbnails import thumbnails
from training.commands.tune import tune

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Train and measure the networks of Second Look. Data sets are read from the folder in the "
    "environment variable FER_DATA. Progress goes to standard error, results to standard "
    "output.",
)

#: In the order of the help.
COMMANDS = (
    data,
    landmarks,
    face_shape,
    fit,
    study,
    campaign,
    tune,
    evaluate,
    regenerate,
    describe,
    compare,
    robustness,
    faithfulness,
    action_units,
    publish,
    thumbnails,
    human_ceiling,
    photos,
    report,
)


@app.callback()
def _start(_version: VersionOption = False) -> None:
    show_what_cannot_be_encoded()
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(message)s", stream=sys.stderr, force=True
    )
    logging.getLogger("training").setLevel(logging.INFO)


for command in COMMANDS:
    app.command()(explained(command))

if __name__ == "__main__":
    app(prog_name="python -m training")
