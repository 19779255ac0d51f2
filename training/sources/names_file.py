"""Write the data sets' information for dashboards to the file that `fer_core.data_names` reads.

python -m training.sources.names_file

`fer_core` does not import training, so the file lies in the repository; a test fails where it is out of date.
"""

import json
import logging
import sys
from dataclasses import asdict
from pathlib import Path

from fer_core.data_names import DataNames, names_path
from fer_core.files import replace_text
from training.sources import SOURCES, Source

log = logging.getLogger(__name__)


def names_of(source: Source) -> DataNames:
    """Return a source's information for dashboards."""
    return DataNames(
        title=source.title,
        is_whole=source.is_whole,
        official_splits={str(split): name for split, name in source.official_splits.items()},
        images_of=source.images_of,
        judge=source.judge,
        ceiling=source.ceiling,
        credit=source.credit,
        caution=source.caution,
    )


def names_text() -> str:
    """Return the content of the file: all sources, in the order of lists."""
    records = {name: asdict(names_of(source)) for name, source in SOURCES.items()}
    return json.dumps(records, indent=2) + "\n"


def main() -> None:
    """Write the file."""
    path: Path = names_path()
    replace_text(path, names_text())
    log.info("%s is up to date", path)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    main()
