"""Predictions files keep what was written, refuse what no evaluation writes, and are measured right."""

import dataclasses
import io
import math
import subprocess
import sys
import tracemalloc

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from fer_core.errors import DataError
from fer_core.evaluation import metrics, user_tables
from fer_core.evaluation.predictions import (
    EvaluationResult,
    compare,
    measure,
    measure_landmarks,
    on_common_ground,
    predictions_of,
    predictions_path,
    read_predictions,
    write_predictions,
)
from fer_core.evaluation.user_predictions import parse_predictions
from fer_core.expressions import FER2013, FIVE, Expression
from fer_core.networks.softmax import softmax


@pytest.fixture
def result():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 7, 300)
    logits = rng.normal(0, 2, (300, 7))
    logits[np.arange(300), labels] += 2
    return EvaluationResult(
        expressions=FER2013.labels,
        rows=np.arange(1000, 1300),
        labels=labels,
        probabilities=softmax(logits),
        found_face=rng.random(300) < 0.9,
        clean=rng.random(300) < 0.8,
    )


def test_what_was_written_is_read(result, tmp_path):
    path = tmp_path / "predictions" / "x-test.parquet"
    write_predictions(result, path)
    found = read_predictions(path)
    assert found.expressions == result.expressions
    for name in ("rows", "labels", "probabilities", "found_face", "clean"):
        np.testing.assert_array_equal(getattr(found, name), getattr(result, name))
        assert getattr(found, name).dtype == getattr(result, name).dtype
    assert [path.name for path in path.parent.iterdir()] == ["x-test.parquet"]


def test_the_columns_are_those_of_the_contract(result, tmp_path):
    write_predictions(result, tmp_path / "p.parquet")
    assert pq.read_schema(tmp_path / "p.parquet").names == [
        "row",
        "label",
        *(f"p_{label}" for label in FER2013.labels),
        "found_face",
        "clean",
    ]


def test_equal_results_give_equal_bytes(result, tmp_path):
    for name in ("a.parquet", "b.parquet"):
        write_predictions(result, tmp_path / name)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def _spoiled(result, tmp_path, **columns):
    """A predictions file with some columns replaced, or dropped where None."""
    path = tmp_path / "p.parquet"
    write_predictions(result, path)
    table = pq.read_table(path)
    for name, values in columns.items():
        place = table.column_names.index(name)
        table = table.remove_column(place)
        if values is not None:
            table = table.add_column(place, name, pa.array(values))
    pq.write_table(table, path)
    return path


@pytest.mark.parametrize("column", ["row", "label", "found_face", "clean"])
def test_a_missing_column_is_named(result, tmp_path, column):
    with pytest.raises(DataError, match=f"lacks the column {column}"):
        read_predictions(_spoiled(result, tmp_path, **{column: None}))


def test_a_missing_probability_is_noticed_by_the_sum(result, tmp_path):
    with pytest.raises(DataError, match="sum to"):
        read_predictions(_spoiled(result, tmp_path, p_happy=None))


@pytest.mark.parametrize("value", [float("nan"), -0.25, 1.5])
def test_a_value_that_is_no_probability_is_named(result, tmp_path, value):
    column = result.probabilities[:, 3].copy()
    column[17] = value
    with pytest.raises(DataError, match=r"p_happy is .* at position 17"):
        read_predictions(_spoiled(result, tmp_path, p_happy=column))


def test_an_empty_value_is_named(result, tmp_path):
    column = [None, *result.probabilities[1:, 3].tolist()]
    with pytest.raises(DataError, match="p_happy has empty values"):
        read_predictions(_spoiled(result, tmp_path, p_happy=column))


def test_a_label_beyond_the_classes_is_named(result, tmp_path):
    labels = result.labels.copy()
    labels[3] = 7
    with pytest.raises(DataError, match="label is 7 at position 3"):
        read_predictions(_spoiled(result, tmp_path, label=labels))


def test_a_column_of_words_is_refused(result, tmp_path):
    with pytest.raises(DataError, match="wrong kind"):
        read_predictions(_spoiled(result, tmp_path, label=["happy"] * 300))


def test_a_missing_file_and_a_file_of_another_kind_say_so(tmp_path):
    with pytest.raises(DataError, match="There is no predictions file"):
        read_predictions(tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("not parquet")
    with pytest.raises(DataError, match="not a readable parquet file"):
        read_predictions(tmp_path / "text.parquet")


def test_what_is_predicted_and_how_surely_follows_from_the_probabilities(result):
    said = dataclasses.replace(result.select(np.arange(300) < 2), labels=np.array([3, 6]))
    said.probabilities[:] = [[0.1, 0, 0, 0.6, 0.3, 0, 0], [0, 0.9, 0, 0, 0, 0.1, 0]]
    assert said.predicted.tolist() == [3, 1]
    assert said.is_right.tolist() == [True, False]
    np.testing.assert_allclose(said.confidence, [0.6, 0.9])


def test_measure_separates_whole_and_clean(result):
    found = measure(result, 0.6)
    right = result.probabilities.argmax(axis=1) == result.labels
    assert (found.n, found.n_clean) == (300, int(result.clean.sum()))
    assert found.accuracy == pytest.approx(right.mean(), abs=1e-6)
    assert found.accuracy_clean == pytest.approx(right[result.clean].mean(), abs=1e-6)
    assert found.accuracy != found.accuracy_clean
    answered = result.probabilities.max(axis=1) >= 0.6
    assert found.coverage == pytest.approx(answered.mean(), abs=1e-6)
    assert found.selective_accuracy == pytest.approx(right[answered].mean(), abs=1e-6)


def test_measure_leaves_absent_classes_out_and_has_no_nan(result):
    without_fear = result.select(result.labels != FER2013.index("fear"))
    found = measure(without_fear.select(~without_fear.clean), metrics.NEVER)
    assert Expression.FEAR not in found.per_class_recall
    assert len(found.per_class_recall) == 6
    assert (found.n_clean, found.accuracy_clean) == (0, 0.0)
    assert (found.coverage, found.selective_accuracy) == (0.0, 0.0)
    # A NaN would be written as null, which the spec's reader refuses.
    assert type(found).model_validate_json(found.model_dump_json()) == found


def test_measure_refuses_nothing(result):
    with pytest.raises(DataError, match="no rows"):
        measure(result.select(np.zeros(300, bool)), 0.5)


def answering(result, right):
    """Return the result with answers that are right exactly where the mask says so."""
    answers = np.where(right, result.labels, (result.labels + 1) % 7)
    return dataclasses.replace(result, probabilities=np.eye(7, dtype=np.float32)[answers])


def test_a_paired_comparison_counts_who_is_right(result):
    n = len(result)
    first = answering(result, np.arange(n) < 200)
    second = answering(result, (np.arange(n) >= 20) & (np.arange(n) < 250))
    found = compare(first, second)
    assert (found.both, found.only_first, found.only_second, found.neither) == (180, 20, 50, 50)
    assert found.accuracies == (200 / n, 230 / n)
    assert found.difference == pytest.approx(0.1)
    # Twenty heads or fewer, or as many tails, of seventy tosses.
    expected = 2 * sum(math.comb(70, k) for k in range(21)) / 2**70
    assert found.p_value == pytest.approx(expected)
    low, high = found.interval
    # The normal approximation of a paired difference.
    spread = 1.96 * math.sqrt((70 / n - 0.1**2) / n)
    assert (low, high) == pytest.approx((0.1 - spread, 0.1 + spread), abs=0.006)


def test_equal_networks_are_not_told_apart(result):
    found = compare(result, result)
    assert found.p_value == 1
    assert found.interval == (0, 0)


def test_predictions_of_other_rows_or_labels_are_not_compared(result):
    with pytest.raises(DataError, match="same rows"):
        compare(result, result.select(np.arange(len(result)) > 0))
    other = dataclasses.replace(result, labels=(result.labels + 1) % 7)
    with pytest.raises(DataError, match="have different labels for the same rows"):
        compare(result, other)


def test_what_landmarks_do_is_told_apart_by_where_they_were_found(result):
    opposite = dataclasses.replace(result, probabilities=result.probabilities[:, ::-1].copy())
    measured = measure_landmarks(result, opposite)
    right = result.probabilities.argmax(axis=1) == result.labels
    found = result.found_face
    assert (measured.n_found, measured.n_not_found) == (found.sum(), (~found).sum())
    assert measured.accuracy_found == pytest.approx(right[found].mean(), abs=1e-6)
    assert measured.accuracy_not_found == pytest.approx(right[~found].mean(), abs=1e-6)
    other = opposite.probabilities.argmax(axis=1) == result.labels
    assert measured.accuracy_withheld == pytest.approx(other.mean(), abs=1e-6)
    everywhere = dataclasses.replace(result, found_face=np.ones(300, bool))
    assert measure_landmarks(everywhere, everywhere).accuracy_not_found is None


def as_csv(result) -> str:
    table = {"row": result.rows, "label": result.labels}
    table |= {f"p_{e}": result.probabilities[:, i] for i, e in enumerate(result.expressions)}
    table |= {"found_face": result.found_face, "clean": result.clean}
    return pd.DataFrame(table).to_csv(index=False)


def test_own_predictions_are_read_from_csv_and_parquet_alike(result, tmp_path):
    write_predictions(result, tmp_path / "own.parquet")
    for name, content in (
        ("own.csv", as_csv(result).encode()),
        ("Own.PARQUET", (tmp_path / "own.parquet").read_bytes()),
    ):
        found = parse_predictions(content, name)
        np.testing.assert_allclose(found.probabilities, result.probabilities, atol=1e-7)
        for column in ("rows", "labels", "found_face", "clean"):
            np.testing.assert_array_equal(getattr(found, column), getattr(result, column))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.drop(columns="clean"), "lacks the column clean"),
        (lambda t: t.drop(columns=[c for c in t if c.startswith("p_")]), "lacks the column p_<"),
        (lambda t: t.assign(p_sad=t["p_sad"].mask(t.index == 7)), r"p_sad has empty .* position 7"),
        (lambda t: t.assign(p_sad=0.0), r"p_angry \.\.\. p_neutral sum to 0\."),
        (lambda t: t.assign(p_sad=-1.0), "p_sad is -1.0 at position 0, not a probability"),
        (lambda t: t.assign(label=9), "label is 9 at position 0"),
        (lambda t: t.assign(label="bored"), "label at position 0: No expression is called 'bored'"),
        (lambda t: t.assign(label=t["label"] + 0.5), r"label is \d\.5 at position 0, not a whole"),
        (
            lambda t: t.assign(clean="maybe"),
            "clean is 'maybe' at position 0, neither true nor false",
        ),
        (lambda t: t.assign(clean=2), "clean is 2 at position 0, neither true nor false"),
        (lambda t: t.assign(p_sad=0.9), r"p_neutral sum to 1\."),
        (lambda t: pd.concat([t, t[["p_sad"]]], axis=1), "two columns of the same name"),
        # Found by tests.fuzz.
        (lambda t: t.assign(row="9" * 30), r"row is 1e\+30 at position 0, not a whole number"),
        (lambda t: t.assign(p_sad=1e300), "p_sad is inf at position 0, not a probability"),
        (lambda t: t.rename(columns={"p_sad": "p_bored"}), "No expression is called 'bored'"),
        (lambda t: t.rename(columns={"p_sad": "p_anger"}), "two columns for the same expression"),
        (lambda t: t.iloc[:0], "no rows"),
    ],
)
def test_own_predictions_with_a_fault_are_refused_with_its_place(result, change, said):
    table = pd.read_csv(io.StringIO(as_csv(result)))
    with pytest.raises(DataError, match=said) as error:
        parse_predictions(change(table).to_csv(index=False).encode(), "own.csv")
    assert "own.csv" in str(error.value)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00rubbish", b"PAR1rubbishPAR1"])
@pytest.mark.parametrize("name", ["own.csv", "own.parquet"])
def test_a_file_that_is_neither_csv_nor_parquet_is_refused(content, name):
    with pytest.raises(DataError, match=r"The columns are|lacks the column"):
        parse_predictions(content, name)


def test_a_bundles_predictions_are_found_by_data_set_and_split(result, tmp_path):
    write_predictions(result, predictions_path(tmp_path, "fer2013", "test"))
    write_predictions(result, predictions_path(tmp_path, "my-own", "valid"))
    found = predictions_of(tmp_path)
    assert list(found) == ["fer2013:test", "my-own:valid"]
    assert all(path.is_file() for path in found.values())
    assert predictions_of(tmp_path / "none") == {}


def test_a_small_file_that_unfolds_to_too_many_rows_is_refused_before_it_does():
    table = pa.table(
        {name: pa.array([0]).take(pa.array([0] * 1_000_001)) for name in ("row", "label")}
    )
    content = io.BytesIO()
    pq.write_table(table, content, compression="zstd")
    assert len(content.getvalue()) < 100_000
    with pytest.raises(DataError, match="at most 1,000,000"):
        parse_predictions(content.getvalue(), "own.parquet")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"row," * 25_001, "first line has 100,004 characters; at most 100,000"),
        (b"," * 30_000_000, "first line has 30,000,000 characters"),
        (b"row,label\n" + b"1,\n" * 2_000_000, "has 2,000,001 lines; at most 1,000,000 rows"),
        (b"row,label\r" + b"1,\r" * 2_000_000, "has 2,000,001 lines; at most 1,000,000 rows"),
    ],
    ids=["long header", "one line", "many lines", "many lines of old Macs"],
)
def test_a_csv_that_is_too_much_is_refused_before_it_is_parsed(content, said):
    tracemalloc.start()
    with pytest.raises(DataError, match=said):
        parse_predictions(content, "own.csv")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # The text, its bytes, and a copy.
    assert peak < 3 * len(content) + 1_000_000


def test_of_many_columns_only_ours_are_made(result, monkeypatch):
    lines = as_csv(result).splitlines()
    many = [",".join(f"x{i}" for i in range(1_000)), *["," * 999] * len(result)]
    content = "\n".join(f"{line},{more}" for line, more in zip(lines, many, strict=True)).encode()
    made = []
    read = pa_csv.read_csv
    monkeypatch.setattr(
        pa_csv, "read_csv", lambda *a, **k: made.append(table := read(*a, **k)) or table
    )
    assert_same(parse_predictions(content, "own.csv"), result, atol=1e-7)
    # The first is of the names alone.
    assert [table.shape for table in made] == [(0, 1_011), (300, 11)]


def test_columns_of_a_parquet_file_are_unpacked_one_at_a_time(tmp_path):
    texts = pa.array(["x" * 100_000] * 100)
    table = pa.table(dict.fromkeys(("row", "label", "p_sad", "clean", "found_face"), texts))
    pq.write_table(
        table,
        tmp_path / "p.parquet",
        compression="zstd",
        use_dictionary=False,
        data_page_size=2**30,
    )
    # Arrow counts the memory of its pages since the start of the process.
    probe = """
import sys
from pathlib import Path
import pyarrow as pa
from fer_core.errors import DataError
from fer_core.evaluation.user_predictions import parse_predictions
try:
    parse_predictions(Path(sys.argv[1]).read_bytes(), "own.parquet")
except DataError as error:
    print(pa.default_memory_pool().max_memory(), error)
"""
    command = [sys.executable, "-c", probe, str(tmp_path / "p.parquet")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "a text of 100,000 characters" in said
    assert int(said.split()[0]) < 1.5 * texts.nbytes


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_more_columns_than_a_network_can_have_are_refused(result, form):
    table = pd.read_csv(io.StringIO(as_csv(result)))
    many = table.assign(**{f"p_{i}": 0.0 for i in range(50)})
    content = many.to_csv(index=False).encode() if form == "csv" else many.to_parquet(index=False)
    with pytest.raises(DataError, match=r"has 61 columns .* at most 20 are"):
        parse_predictions(content, f"own.{form}")


def parquet(result, *, of_pages: bool = False, **columns: pa.Array) -> bytes:
    """Return a result as a parquet file with some columns replaced, its texts in dictionaries or pages."""
    table = pa.Table.from_pandas(pd.read_csv(io.StringIO(as_csv(result))))
    for name, column in columns.items():
        table = table.set_column(table.column_names.index(name), name, column)
    content = io.BytesIO()
    pq.write_table(table, content, compression="zstd", use_dictionary=not of_pages)
    return content.getvalue()


@pytest.mark.parametrize("of_pages", [False, True])
@pytest.mark.parametrize("column", ["p_happy", "clean"])
def test_a_long_text_is_refused_before_it_is_copied_for_each_row(result, column, of_pages):
    texts = pa.array(["x" * 10_000] * len(result))
    content = parquet(result, of_pages=of_pages, **{column: texts})
    assert len(content) < 50_000
    with pytest.raises(DataError, match=f"{column} has a text of 10,000 characters; at most 40"):
        parse_predictions(content, "own.parquet")


def test_a_parquet_file_with_two_columns_of_the_same_name_is_refused(result):
    table = pa.Table.from_pandas(pd.read_csv(io.StringIO(as_csv(result))))
    content = io.BytesIO()
    pq.write_table(table.append_column("p_sad", table["p_happy"]), content)
    with pytest.raises(DataError, match="two columns of the same name"):
        parse_predictions(content.getvalue(), "own.parquet")


def test_large_pages_and_values_of_other_kinds_are_refused_unread(result, monkeypatch):
    lists = pa.array([[0.5]] * len(result))
    with pytest.raises(DataError, match=r"p_sad is of the type list<.*; numbers, true and false,"):
        parse_predictions(parquet(result, p_sad=lists), "own.parquet")
    with pytest.raises(DataError, match="p_sad is 'low' at position 0, not a number"):
        parse_predictions(parquet(result, p_sad=pa.array(["low"] * len(result))), "own.parquet")
    monkeypatch.setattr(user_tables, "_MOST_UNPACKED", 1_000)
    with pytest.raises(DataError, match="unpacks to more than"):
        parse_predictions(parquet(result), "own.parquet")


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
def test_words_for_true_are_read_from_every_kind_of_text(result, kind):
    words = pa.array(["yes" if clean else "no" for clean in result.clean], kind)
    assert_same(parse_predictions(parquet(result, clean=words), "own.parquet"), result, 1e-7)
    if kind != pa.string_view():
        packed = parquet(result, clean=words.dictionary_encode())
        assert_same(parse_predictions(packed, "own.parquet"), result, 1e-7)


def test_columns_that_nobody_asked_for_are_not_read(result):
    table = pa.Table.from_pandas(pd.read_csv(io.StringIO(as_csv(result))))
    content = io.BytesIO()
    pq.write_table(table.append_column("note", pa.nulls(len(result))), content)
    assert len(parse_predictions(content.getvalue(), "own.parquet")) == len(result)


def test_networks_of_five_and_seven_expressions_are_compared_on_what_both_know(result):
    five = result.within(FIVE.labels)
    found = on_common_ground({"seven": result, "five": five})
    check = [FER2013.labels.index(label) for label in FIVE.labels]
    kept = np.isin(result.labels, check)
    assert len(found["seven"]) == len(found["five"]) == kept.sum() < len(result)
    seven = found["seven"]
    np.testing.assert_array_equal(seven.rows, result.rows[kept])
    assert [seven.expressions[label] for label in seven.labels[:20]] == [
        FER2013.labels[label] for label in result.labels[kept][:20]
    ]
    np.testing.assert_allclose(seven.probabilities.sum(axis=1), 1, atol=1e-6)
    said = result.probabilities[kept][:, [FER2013.labels.index(e) for e in seven.expressions]]
    np.testing.assert_array_equal(
        seven.probabilities.argsort(axis=1), said.argsort(axis=1, kind="stable")
    )
    assert compare(*found.values()).neither == (said.argmax(axis=1) != seven.labels).sum()


def test_networks_of_the_same_expressions_keep_all_their_answers(result):
    assert on_common_ground({"one": result, "two": result}) == {"one": result, "two": result}


def test_what_was_said_for_others_alone_is_shared_out_evenly(result):
    sure = np.zeros_like(result.probabilities)
    sure[:, FER2013.labels.index(Expression.FEAR)] = 1
    five = dataclasses.replace(result, probabilities=sure).within(FIVE.labels)
    np.testing.assert_allclose(five.probabilities, 0.2)


def test_networks_with_nothing_in_common_are_refused(result):
    one = result.within((Expression.HAPPY, Expression.SAD))
    two = result.within((Expression.HAPPY, Expression.FEAR))
    with pytest.raises(DataError, match="one and two share fewer than two expressions"):
        on_common_ground({"one": one, "two": two})


def assert_same(found: EvaluationResult, result: EvaluationResult, atol: float) -> None:
    np.testing.assert_allclose(found.probabilities, result.probabilities, atol=atol)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, atol=1e-6)
    for column in ("rows", "labels", "found_face", "clean"):
        np.testing.assert_array_equal(getattr(found, column), getattr(result, column))


@pytest.mark.parametrize("form", ["%.1f", "%.2f", "%.3f", "%.4f", "%.3g", "%.4g", "%.2e"])
def test_rounded_probabilities_are_made_to_sum_to_one(result, form):
    table = pd.read_csv(io.StringIO(as_csv(result)))
    content = table.to_csv(index=False, float_format=form).encode()
    sums = pd.read_csv(io.BytesIO(content)).filter(like="p_").sum(axis=1)
    assert (sums - 1).abs().max() > 1e-4
    step = {"%.1f": 0.1, "%.2f": 0.01, "%.3g": 0.001, "%.2e": 0.001}.get(form, 0.001)
    assert_same(parse_predictions(content, "own.csv"), result, atol=4 * step)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_probabilities_of_16_bits_are_made_to_sum_to_one(result, form):
    table = pd.read_csv(io.StringIO(as_csv(result)))
    columns = [name for name in table if name.startswith("p_")]
    half = table.astype(dict.fromkeys(columns, np.float16))
    assert (half[columns].astype(float).sum(axis=1) - 1).abs().max() > 2e-4
    content = half.to_csv(index=False).encode() if form == "csv" else half.to_parquet(index=False)
    assert_same(parse_predictions(content, f"own.{form}"), result, atol=2e-3)


def test_more_than_rounding_explains_is_refused(result):
    table = pd.read_csv(io.StringIO(as_csv(result)))
    for name in [name for name in table if name.startswith("p_")]:
        table[name] = table[name].round(4)
    table.loc[5, "p_sad"] += 0.002
    with pytest.raises(DataError, match=r"sum to 1\.00\d+ at position 5, not to 1"):
        parse_predictions(table.to_csv(index=False).encode(), "own.csv")
    sure = table.assign(**{name: 0 for name in table if name.startswith("p_")})
    with pytest.raises(DataError, match=r"sum to 0\.000000 at position 0, not to 1"):
        parse_predictions(sure.to_csv(index=False).encode(), "own.csv")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_any_usual_separator_and_encoding_is_read(result, separator, encoding):
    table = pd.read_csv(io.StringIO(as_csv(result))).assign(note="für Jörg")
    content = table.to_csv(index=False, sep=separator).encode(encoding)
    assert_same(parse_predictions(content, "own.csv"), result, atol=1e-7)


@pytest.mark.parametrize("separator", [";", "\t", ","])
def test_a_table_that_german_excel_saved_is_read(result, separator):
    table = pd.read_csv(io.StringIO(as_csv(result)))
    for name in ("found_face", "clean"):
        table[name] = table[name].map({True: "WAHR", False: "FALSCH"})
    text = table.to_csv(index=False, sep=separator, decimal=",", lineterminator="\r\n")
    below = separator * (len(table.columns) - 1) + "\r\n"
    for content in (text, text + 2 * below, f"sep={separator}\r\n{text}"):
        assert_same(parse_predictions(content.encode("utf-8-sig"), "own.csv"), result, atol=1e-7)


@pytest.mark.parametrize(
    ("true", "false"), [(1, 0), (1.0, 0.0), ("True", "False"), ("TRUE", "FALSE"), ("yes", "no")]
)
def test_other_ways_to_say_true_are_understood(result, true, false):
    table = pd.read_csv(io.StringIO(as_csv(result)))
    for name in ("found_face", "clean"):
        table[name] = table[name].map({True: true, False: false})
    for name, content in (
        ("own.csv", table.to_csv(index=False).encode()),
        ("own.parquet", table.to_parquet(index=False)),
    ):
        assert_same(parse_predictions(content, name), result, atol=1e-7)


def test_content_decides_and_not_the_name_of_the_file(result, tmp_path):
    write_predictions(result, tmp_path / "p.parquet")
    assert_same(parse_predictions((tmp_path / "p.parquet").read_bytes(), "a.csv"), result, 1e-6)
    assert_same(parse_predictions(as_csv(result).encode(), "a.parquet"), result, 1e-7)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        # Decimal commas between commas: nobody can tell them apart.
        (lambda text: text.replace("0.", "0,"), "Expected 11 columns, got 18"),
        (lambda text: "PK\x03\x04" + text, "Excel workbook"),
        (lambda text: "\n", "it is empty"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_with_the_true_reason(result, change, said):
    with pytest.raises(DataError, match=said):
        parse_predictions(change(as_csv(result)).encode(), "own.csv")
