"""README and docs: what they show is current, and their English is plain."""

import ast
import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from fer_core.analysis import Analysis
from fer_core.networks.bundles import DEFAULT_PAIR
from fer_core.networks.levels import in_words
from fer_core.records import csv_lines
from fer_core.video.tables import error_record, frames_csv
from pages.shared.examples import EXAMPLES
from pages.shared.titles import title_of
from tests.conftest import PROJECT
from training.experiments import readme_table

DOCS = PROJECT / "docs"
README = (PROJECT / "README.md").read_text(encoding="utf-8")
#: README without the lines that a Space on the Hugging Face Hub reads.
BODY = README.split("---\n", 2)[2]
SHOWN = json.loads((DOCS / "screenshot.json").read_text(encoding="utf-8"))
PICTURE = DOCS / "screenshot.png"
AGAIN = "Start the app and run: python docs/screenshot.py"
MOST_WORDS = 900
MOST_WORDS_OF_A_SENTENCE = 30
#: Strings of pages that are programs or markup and no sentences.
CODE = re.compile(r"</?[a-z]+[ >]|^\s*(?:import|const|curl) |\bexport default\b", re.MULTILINE)
MOST_ROWS = 8
MOST_PICTURE_BYTES = 400_000
#: Prose that users and contributors read.
PROSE = sorted(
    [
        *DOCS.glob("*.md"),
        *(PROJECT / f"{name}.md" for name in ("README", "CONTRIBUTING", "PRIVACY", "SECURITY")),
    ]
)
#: Documents whose sentences are counted.
DOCUMENTS = [
    *PROSE,
    *sorted((PROJECT / "models").glob("*/README.md")),
    PROJECT / "tests" / "benchmarks" / "README.md",
    PROJECT / "training" / "gpu" / "README.md",
]
#: Modules with strings that visitors read.
PAGES = sorted((PROJECT / "pages").rglob("*.py"))
#: All text that is checked for replaced wordings. CHANGELOG.md tells what was, in the words of then.
TEXTS = sorted(
    [
        *DOCUMENTS,
        PROJECT / "pyproject.toml",
        *(
            file
            for folder in ("fer_core", "pages", "training")
            for kind in ("py", "js", "html", "css")
            for file in (PROJECT / folder).rglob(f"*.{kind}")
        ),
    ]
)
#: Wordings that were replaced by the field's own, as patterns: what an engineer would not say.
REPLACED = (
    r"Every face gets a number",
    r"how sure the model is",
    r"The weights \W?cnn\W? agree with",
    r"solid bars answer from",
    r"Closest is \w+ with",
    r"an answer needs \d",
    r"Whom to trust",
    r"As labelled were",
    r"What counted in the (pixels|landmarks)",
    r"How many points the probability",
    r"Back to the face as it is",
    r"\bAs it is\b",
    r"Turned to face the camera",
    r"Head nodded",
    r"\b[Oo]ur (own )?(15 )?points\b",
    r"Frames a second",
    r"Why a file could not be read stands",
    r"Take away",
    r"brings? (it )?back( what you see)?",
    r"What is taken for what",
    r"On other faces\?",
    r"Which faces\?",
    r"Without copies|without a copy in",
    r"[Ww]hat abstaining buys",
    r"learning by heart|learnt by heart",
    r"gives the page no camera",
    r"(photo is|photos are) before this one",
    r"(is|has) too much to do",
    r"eight times the same",
    r"[Dd]oes what is left of it",
    # "A second" and its like for "per second".
    r"\b(rows?|frames|photos?|images|faces|objects?|files?|one|actors|ms|bytes|times|once|requests?|lines?) "
    r"an? (second|minute|face|line|frame|core|photo|pixel|request|row|page|visit|partition)\b",
)
ANY_REPLACED = re.compile("|".join(REPLACED))


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    """The example photo of the screenshot, as the app sees it without settings."""
    import fer_core

    (example,) = (e for e in EXAMPLES if e.title == SHOWN["photo"])
    return fer_core.analyze(example.file, list(DEFAULT_PAIR))


def test_the_screenshot_has_todays_menu():
    script = (PROJECT / "pages" / "shared" / "navigation.py").read_text(encoding="utf-8")
    calls = [node for node in ast.walk(ast.parse(script)) if isinstance(node, ast.Call)]
    pages = [call for call in calls if ast.unparse(call.func).endswith(".Page")]
    titles = [k.value for call in pages for k in call.keywords if k.arg == "title"]
    titles.sort(key=lambda title: (title.lineno, title.col_offset))
    assert SHOWN["pages"] == [ast.literal_eval(title) for title in titles], AGAIN
    for page in SHOWN["pages"]:
        assert re.search(rf"\b{page}\b", BODY), f"README names no page {page}."


def test_the_screenshot_has_todays_predictions(analysis):
    (face,) = analysis.faces
    predictions = {title_of(name): p for name, p in face.predictions.items()}
    assert SHOWN["networks"] == list(predictions), AGAIN
    assert SHOWN["prediction"].lower() == in_words(list(predictions.values())[-1]), AGAIN
    shown = {
        label.lower(): [
            {"<1%": 0, ">99%": 100}.get(share) or int(share.strip("<%")) - (share == "<1%")
            for share in row.split(" / ")
        ]
        for label, row in SHOWN["percentages"].items()
    }
    for i, prediction in enumerate(predictions.values()):
        for label, share in zip(prediction.labels, prediction.probabilities, strict=True):
            # Processors of another kind round otherwise in the last digits.
            assert shown[label][i] == pytest.approx(100 * share, abs=1.1), AGAIN


def test_the_screenshot_is_large_enough_to_read_and_small_enough_to_load():
    with Image.open(PICTURE) as picture:
        assert picture.size == (1400, 900)
    assert PICTURE.stat().st_size <= MOST_PICTURE_BYTES
    assert "](docs/screenshot.png)" in README


def test_the_badges_are_those_that_the_project_describes_and_are_shown():
    badges = runpy.run_path(str(DOCS / "badges.py"))["badges"]()
    there = {file.name: file.read_text(encoding="utf-8") for file in (DOCS / "badges").iterdir()}
    assert there == badges, "Run: python docs/badges.py"
    for name in badges:
        assert f"](docs/badges/{name})" in README
    assert "://img.shields.io" not in README


@pytest.mark.parametrize(
    ("file", "replaced", "section"),
    [
        ("README.md", readme_table.with_accuracy, "accuracy"),
        ("docs/results.md", readme_table.with_results, "results"),
    ],
)
def test_results_are_those_of_the_shipped_bundles(file, replaced, section):
    text = (PROJECT / file).read_text(encoding="utf-8")
    marker, _ = readme_table.marks(section)
    assert marker in text
    assert replaced(text, readme_table.shipped_bundles()) == text, (
        "Run: python -m training.experiments.readme_table"
    )
    with pytest.raises(ValueError, match="needs the lines"):
        replaced(text.replace(marker, ""), [])


def test_readmes_table_of_accuracy_is_short():
    begin, end = readme_table.marks("accuracy")
    table = BODY.partition(begin)[2].partition(end)[0]
    rows = [line for line in table.splitlines() if line.startswith("|")]
    assert 2 < len(rows) <= MOST_ROWS + 2


def test_readme_is_short():
    assert len(re.findall(r"\S*\w\S*", re.sub(r"<!--.*?-->", "", BODY))) <= MOST_WORDS


def sentences(markdown: str) -> Iterator[str]:
    """Yield the sentences of a Markdown text, without code blocks, tables, headings and comments."""
    prose = re.sub(r"```.*?```|<!--.*?-->", "\n\n", markdown, flags=re.DOTALL)
    prose = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", prose)
    for block in re.split(r"\n\s*\n|\n(?=\s*(?:[-|#] ?|\d+\. ))", prose):
        if not block.lstrip().startswith(("|", "#")):
            ends = r"(?<=[.!?])(?<!et al\.)\s+"
            yield from filter(None, re.split(ends, re.sub(r"\s+", " ", block).strip("- ")))


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: str(file.relative_to(PROJECT)))
def test_no_sentence_is_long(file):
    text = file.read_text(encoding="utf-8")
    # Without the metadata that the Hugging Face Hub reads.
    body = text.split("---\n", 2)[2] if text.startswith("---\n") else text
    assert [s for s in sentences(body) if len(s.split()) > MOST_WORDS_OF_A_SENTENCE] == []


@pytest.mark.parametrize("file", PAGES, ids=lambda file: str(file.relative_to(PROJECT)))
def test_no_sentence_of_a_page_is_long(file):
    long = [
        sentence
        for said in strings_of(file)
        if not CODE.search(said)
        for sentence in sentences(said)
        if len(sentence.split()) > MOST_WORDS_OF_A_SENTENCE
    ]
    assert long == []


def test_sentences_are_told_apart():
    text = (
        "# A title\n\nOne [link. Two](x.md). Three et al. 2015\nlines!\n\n- Point\n  - Next\n1. Last\n\n"
        "```\ncode. code\n```"
    )
    said = ["One link.", "Two.", "Three et al. 2015 lines!", "Point", "Next", "1.", "Last"]
    assert list(sentences(text)) == said


def test_strings_of_a_page_are_told_from_docstrings(tmp_path):
    page = tmp_path / "page.py"
    page.write_text(
        '"""Module."""\nSAID = "One " "two."\ndef f(n):\n    """Doc."""\n    st.info(f"{n} of {n + 1}")'
    )
    assert sorted(strings_of(page)) == ["One two.", "X of X"]


def test_texts_use_no_replaced_wording():
    found = [
        f"{file.relative_to(PROJECT)}: {m.group()}"
        for file in TEXTS
        for m in ANY_REPLACED.finditer(words_of(file))
    ]
    assert found == []


@pytest.mark.parametrize(
    "said",
    [
        "Frames a second: 10",
        "what it would bring back",
        "a table with a row a face",
        "3 ms a frame",
    ],
)
def test_replaced_wording_is_found(said):
    assert ANY_REPLACED.search(said)


def words_of(file: Path) -> str:
    """Return a text on one line, without the marks of comments and of strings that are joined."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".py":
        text = re.sub(r'"\s*\n\s*f?"|\n\s*#:? ?', " ", text)
    return re.sub(r"\s+", " ", text)


def strings_of(file: Path) -> Iterator[str]:
    """Yield the strings of a module that are not docstrings; X stands for what is put into them."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    defined = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    left_out = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, defined) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            left_out |= {id(part) for part in ast.walk(node)} - {id(node)}
            yield "".join(v.value if isinstance(v, ast.Constant) else "X" for v in node.values)
        is_string = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_string and id(node) not in left_out:
            yield node.value


@pytest.mark.parametrize("file", PROSE, ids=lambda file: file.name)
def test_links_lead_to_files_and_headings(file):
    text = file.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if target.startswith("https://"):
            continue
        path, _, heading = target.partition("#")
        page = file.parent / path if path else file
        assert page.exists(), target
        if heading:
            assert heading in anchors(page), target


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def names_after(comment: str) -> list[str]:
    """Return the names in the first column of the table behind a comment of docs/usage.md."""
    table = (DOCS / "usage.md").read_text("utf-8").partition(comment)[2].strip().split("\n\n")[0]
    rows = table.splitlines()[2:]
    return [name for row in rows for name in re.findall(r"`(.+?)`", row.split("|")[1])]


def test_the_columns_of_tables_are_those_of_usage_md():
    labels = {"NETWORK": ["CLASS"]}
    (header,) = csv_lines([], labels)
    assert names_after("<!-- columns of photos -->") == header.strip().split(",")
    (header,) = frames_csv([], labels)
    columns = header.strip().split(",")
    assert columns[:4] == ["path", "time_s", "frame", "track"]
    assert columns.index("NETWORK_smoothed_expression") > columns.index("NETWORK_p_CLASS")


def test_the_fields_of_frames_are_those_of_usage_md():
    assert names_after("<!-- fields of frames -->") == list(error_record("", ""))
