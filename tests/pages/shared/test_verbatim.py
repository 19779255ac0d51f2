"""Names and messages of others are shown as they are, on every page and in every download."""

import ast
import csv
import io
import json
import shutil
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from PIL import Image
from streamlit.testing.v1 import AppTest

from fer_core.drawing import encode_png
from fer_core.errors import BundleError
from fer_core.networks.bundles import SERVING_FILE, SPEC_FILE, resolve
from fer_core.settings import models_root
from pages.shared.verbatim import message_as_text, name_as_code, public_message
from tests.conftest import NAVIGATION, PROJECT
from tests.corpus import ORIENTATION

HOSTILE = [
    "**a**<img src=x>$x$.png",
    "[x](javascript:alert(1)).png",
    "![x](https://example.org/x.png).png",
    "`code` ``and`` more`.png",
    "`",
    "``",
    " spaced .png ",
    "a\\`b\\.png",
    ":smile: :red[x] :streamlit: -> :blue-badge[y].png",
    "# heading.png",
    "www.example.org a@example.org https://example.org.png",
    "~~a~~ __b__ _c_ <https://example.org> &amp; &#42; [^1].png",
    "Füße, 笑顔 и 👩\u200d🚀.png",
]
#: What shows text as Markdown.
MARKDOWN_CALLS = {
    *("badge", "button", "caption", "error", "expander", "header", "image", "info", "markdown"),
    *("metric", "status", "subheader", "success", "title", "toggle", "update", "warning", "write"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_becomes_one_piece_of_code(name):
    (block,) = MarkdownIt().parseInline(f"{name_as_code(name)}: it is damaged.")
    code, text = block.children
    assert (code.type, code.content) == ("code_inline", name)
    assert text.content == ": it is damaged."


def test_what_cannot_be_seen_in_a_name_is_marked():
    assert name_as_code("a\u202egpj.exe\n\n# b") == "`a\ufffdgpj.exe\ufffd\ufffd# b`"
    assert name_as_code("") == "` `"


@pytest.mark.parametrize(
    "text", [*HOSTILE, "- a", "+ a", "1. a", "1) a", "    a", "===", "a\n\n# b"]
)
def test_a_message_is_text_and_code_only(text):
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(message_as_text(text))
    assert [t.type for t in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert {t.type for t in tokens[1].children} <= {"text", "text_special", "code_inline"}
    shown = "".join(t.content for t in tokens[1].children).replace("\u2060", "")
    # Backticks that make code are not shown; others are.
    assert shown.replace("`", "").split() == text.replace("`", "").split()


def test_commands_in_messages_stay_code():
    message = message_as_text("p_<expression> is missing; `python -m training fit --set a_b=1`.")
    tokens = MarkdownIt().parseInline(message)[0].children
    assert tokens[-2].content == "python -m training fit --set a_b=1"
    assert "".join(t.content for t in tokens[:-2]) == "p_<expression> is missing; "


def test_pages_show_no_name_and_no_error_but_through_these():
    """An f-string of theirs that holds a name of a file or an error's text would be taken for Markdown."""
    raw = []
    for path in sorted((PROJECT / "pages").rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
                continue
            if call.func.attr in MARKDOWN_CALLS and ast.unparse(call.func.value) != "log":
                texts = [
                    *call.args,
                    *(k.value for k in call.keywords if k.arg in ("label", "caption")),
                ]
                raw += [f"{path.name}:{call.lineno}" for text in texts if is_raw(text)]
    assert raw == []


def is_raw(text: ast.expr) -> bool:
    """Whether it says an error or the name of a file as it is."""
    shown = [text]
    if isinstance(text, ast.BinOp | ast.JoinedStr):
        # A text in several parts may have conditions around them.
        shown = [part.value for part in ast.walk(text) if isinstance(part, ast.FormattedValue)]
    return any(
        (isinstance(part, ast.Name) and part.id in ("error", "missing", "problem"))
        or (isinstance(part, ast.Call) and ast.unparse(part) == "str(error)")
        or (isinstance(part, ast.Attribute) and ast.unparse(part) in ("file.name", "photo.name"))
        for part in shown
    )


@pytest.fixture(scope="module")
def portrait_with_exif(astronaut) -> bytes:
    """A photo whose metadata say where and by whom."""
    exif = Image.Exif()
    exif[ORIENTATION] = 1
    # Artist, ImageDescription.
    exif[0x013B], exif[0x010E] = "TellingArtist", "<script>TellingDescription</script>"
    buffer = io.BytesIO()
    Image.fromarray(astronaut).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def test_pages_show_hostile_names_as_code_and_nothing_of_exif(portrait_with_exif):
    page = AppTest.from_file(NAVIGATION, default_timeout=60).run()
    good, bad = HOSTILE[0], HOSTILE[1]
    files = [(good, portrait_with_exif, "image/jpeg"), (bad, b"no image", "image/png")]
    for where in ("../analyze.py", "../landmarks.py", "../compare.py"):
        page.switch_page(where).run()
        page.file_uploader[0].set_value(files).run()
        assert not page.exception
        assert page.error[0].value.startswith(f"{name_as_code(bad)}: ")
        kinds = (page.markdown, page.caption, page.info, page.warning, page.error)
        texts = "\n".join(element.value for kind in kinds for element in kind)
        texts += "\n".join(i.caption for image in page.get("image") for i in image.proto.imgs)
        assert "Telling" not in texts
        if where == "../analyze.py":
            assert f"{name_as_code(good)}: 1 face, " in texts
        for name in (good, bad):
            assert name not in texts.replace(name_as_code(name), "")


def test_downloads_hold_names_as_they_are_and_nothing_of_exif(portrait_with_exif):
    from functools import partial

    from fer_core.photos.decode import decode
    from pages.shared.loading import load_analyzer
    from pages.shared.results import _as_csv, _as_jpeg, _as_json, _records
    from pages.shared.visit_photos import ChosenPhoto, Intake, UnreadableFile

    photo = ChosenPhoto.of("a", HOSTILE[0], decode(portrait_with_exif))
    intake = Intake((photo,), (UnreadableFile("=cmd|'/c calc'!A1.png", "It is damaged."),))
    analysis = load_analyzer().analyze(photo.photo)
    records = partial(_records, intake, {"a": analysis})
    assert [r["path"] for r in json.loads(_as_json(records))] == [
        HOSTILE[0],
        "=cmd|'/c calc'!A1.png",
    ]
    labels = {name: p.labels for name, p in analysis.faces[0].predictions.items()}
    rows = list(csv.DictReader(io.StringIO(_as_csv(records, labels))))
    assert [row["path"] for row in rows] == [HOSTILE[0], "'=cmd|'/c calc'!A1.png"]
    annotated = _as_jpeg(photo, analysis)
    for content in (_as_json(records).encode(), _as_csv(records, labels).encode(), annotated):
        assert b"Telling" not in content
    assert dict(Image.open(io.BytesIO(annotated)).getexif()) == {}
    assert Image.open(io.BytesIO(encode_png(photo.photo.rgb))).info == {}


def test_a_public_message_shows_no_path_of_the_server():
    root = models_root()
    shown = public_message(
        f"{root / 'cnn' / 'spec.json'} is damaged; see /srv/app/cache/abc/x.csv."
    )
    assert shown == "models/cnn/spec.json is damaged; see abc/x.csv."
    assert public_message("photos/a/b/c.jpg and 1/2/3 stay") == "photos/a/b/c.jpg and 1/2/3 stay"


def test_a_missing_file_of_a_network_is_named_without_the_folder_of_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "my networks"
    (folder / "cnn").mkdir(parents=True)
    shutil.copy(resolve("cnn").path / SPEC_FILE, folder / "cnn")
    monkeypatch.setenv("FER_MODELS", str(folder))
    with pytest.raises(BundleError) as raised:
        resolve("cnn").verify(SERVING_FILE)
    assert str(tmp_path) in str(raised.value)
    shown = public_message(raised.value)
    assert shown.startswith("models/cnn/model.tflite is missing.")
    assert str(tmp_path) not in shown
