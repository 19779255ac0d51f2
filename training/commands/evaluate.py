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
            help="A source of `python -m training data` with train, valid or test (the default), or "
            "folder:PATH, a folder with one sub-folder of face crops per class, or with train, validation "
            "and test folders of such; of these the test split, or validation if there is none.",
        ),
    ],
) -> None:
    """Measure a bundle with the file that serves users; print one line of JSON last.

    On the validation and test splits of the known sources, the bundle's predictions, metrics and card
    are rewritten (unchanged weights give unchanged files). A folder: leaves the bundle alone.

    \b
    Examples:
      python -m training evaluate models/cnn --data fer2013:test
      python -m training evaluate models/cnn --data ckplus
      python -m training evaluate cnn --data folder:~/my-faces
      python -m training evaluate cnn --data folder:~/my-faces:train
      python -m training evaluate keypoints --data keypoints:test
    """
    measure_and_print(find_folder(bundle), data)
