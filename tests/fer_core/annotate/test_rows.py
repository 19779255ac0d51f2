"""The columns of annotated rows are those of the other tables, and those that docs/scale.md describes."""

import re

from fer_core.annotate.rows import row_schema
from fer_core.expressions import FER2013
from fer_core.records import FACE_COLUMNS
from tests.conftest import PROJECT

COLUMNS = row_schema({"NETWORK": FER2013.labels}).names


def test_a_face_has_the_columns_of_every_table():
    first = COLUMNS.index(FACE_COLUMNS[0])
    assert tuple(COLUMNS[first : first + len(FACE_COLUMNS)]) == FACE_COLUMNS


def test_the_document_has_all_columns_in_their_order():
    text = (PROJECT / "docs" / "scale.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[^|]+) \| [a-z]+\d* ?[a-z ]*\| ", text, re.MULTILINE)
    described = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    without_measures = [name for name in described if name not in ("AU01", "y_67")]
    expected = dict.fromkeys(re.sub(r"_p_\w+", "_p_CLASS", name) for name in COLUMNS)
    assert without_measures == list(expected)
