"""`python -m training evaluate`: measure a bundle on a data set."""

from typing import Annotated

import typer

from training.commands.arguments import BundleArgument, find_folder, measure_and_print


def evaluate(
    bundle: BundleArgument,
    data: Annotated[
        str,
        typer.Option(
            metavar="SOURCE[:SPLIT]",
            help="A source listed by `python -m training data`, with train, valid or test (default: test). "
            "Or folder:PATH: a folder with one sub-folder of face crops per class, or with train, "
            "validation and test folders that have such sub-folders (default: test, or validation if "
            "there is none).",
        ),
    ],
) -> None:
    """Measure a bundle on a data set, with the file that serves users.

    For validation and test splits of the listed sources, the bundle's predictions, metrics and card are
    rewritten; unchanged weights give unchanged figures. With folder:PATH nothing in the bundle changes. The
    last line of output is JSON.

    \b
    Examples:
      python -m training evaluate models/cnn --data fer2013:test
      python -m training evaluate models/cnn --data ckplus
      python -m training evaluate cnn --data folder:~/my-faces
      python -m training evaluate cnn --data folder:~/my-faces:train
      python -m training evaluate keypoints --data keypoints:test
    """
    measure_and_print(find_folder(bundle), data)
