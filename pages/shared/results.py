"""The display of an analysis: the photo with boxes, a choice of faces, one face in detail, downloads."""

import json
import shlex
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from fer_core.listing import capitalized, listed
from fer_core.networks.bundles import default_networks
from fer_core.percent import percent
from fer_core.settings import api_is_on, api_tokens
from pages.shared.address import api_address
from pages.shared.bars import show_bars
from pages.shared.downloads import File, offer_file, offer_files
from pages.shared.examples import EXAMPLES
from pages.shared.level_sentences import level_sentence
from pages.shared.networks import chosen_networks
from pages.shared.odds import agreement_sentence, odds_sentence
from pages.shared.photo_view import show_photo_with_faces
from pages.shared.titles import spec_of, title_of
from pages.shared.verbatim import name_as_code
from pages.shared.visit_photos import ChosenPhoto, Intake, example_key

if TYPE_CHECKING:
    import numpy as np

    from fer_core.analysis import Analysis, FaceAnalysis
    from fer_core.expressions import Expression
    from fer_core.networks.classifier import Prediction

#: Long side in pixels at which photos are shown: labels stay legible, pages light. Streamlit shrinks what is
#: wider than 1460 once more, and fails where that leaves no row.
_SHOWN_SIDES: Final = {"smallest": 800, "largest": 1460}
#: Above this many faces the list scrolls in a frame of its own.
_FACES_BEFORE_SCROLLING: Final = 8
_LIST_HEIGHT: Final = 420
_CARD_WIDTH: Final = 96
_CROP_WIDTH: Final = 128
_FACES: Final = "current_faces"
_DISAGREE: Final = "The networks disagree"
_DISAGREE_ICON: Final = ":material/call_split:"
_LANDMARKS: Final = "show_landmarks"
_FACES_STYLE: Final = Path(__file__).parent / "faces.css"


def show_photo(
    photo: ChosenPhoto,
    analysis: "Analysis",
    *,
    number: int | None,
    choose: Callable[[int], object],
) -> None:
    """Show the photo with a numbered box around each face.

    Args:
        photo: to show.
        analysis: of it.
        number: of the face that is looked at; None without any.
        choose: called with the number of a face that is clicked, before the page runs again. It outlives the
            visit, so it must hold no photo.
    """
    from fer_core.drawing import draw_faces, fit_long_side

    n = len(analysis.faces)
    # Drawn before its switch is shown: the switch belongs below the photo.
    landmarks = n > 0 and bool(st.session_state.get(_LANDMARKS))
    shown = draw_faces(
        fit_long_side(photo.photo.rgb, **_SHOWN_SIDES),
        analysis,
        landmarks=landmarks,
    )
    found = "No face" if n == 0 else "1 face" if n == 1 else f"{n} faces"
    show_photo_with_faces(
        shown,
        analysis,
        chosen=number or 0,
        choose=choose,
        alt=f"{photo.name} with {found.lower()} marked",
        key="photo_view",
    )
    counts = f" ({_counts(analysis)})" if n > 1 else ""
    st.caption(
        f"{name_as_code(photo.name)}: {found}{counts}, {analysis.seconds:.2f} s{_disputed(analysis)}"
        f"{_credit(photo)}"
    )
    if n:
        st.toggle("Show the 478 landmarks of each face", key=_LANDMARKS, persist_state="session")


def _counts(analysis: "Analysis") -> str:
    """Return how many faces have each main prediction: "27 neutral, 1 probably happy, 1 unclear"."""
    from fer_core.networks.levels import words_of

    # Between commas, the expressions that an unclear one may be would read as further ones.
    counts = Counter(words_of(face.main)[0] for face in analysis.faces)
    return ", ".join(f"{n} {words}" for words, n in counts.most_common())


def _disputed(analysis: "Analysis") -> str:
    """Return about which of several faces the networks disagree, to be put behind a caption."""
    n = len(analysis.faces)
    numbers = [str(i) for i, face in enumerate(analysis.faces, start=1) if not face.networks_agree]
    if n < 2 or not numbers:
        return ""
    kind = "face" if len(numbers) == 1 else "faces"
    return f". The networks disagree on {kind} {listed(numbers)}"


def _credit(photo: ChosenPhoto) -> str:
    return next((f". {e.credit}" for e in EXAMPLES if example_key(e) == photo.key), "")


def chosen_face(photo: ChosenPhoto, analysis: "Analysis") -> int | None:
    """Return the number, from 1, of the selected face; None without faces."""
    n = len(analysis.faces)
    return min(int(st.session_state.get(_FACES, {}).get(photo.key, 1)), n) or None


def remember_face(key: str, number: int) -> None:
    """Store the number of the selected face of the photo with a key."""
    st.session_state.setdefault(_FACES, {})[key] = number


def choose_face(photo: ChosenPhoto, analysis: "Analysis") -> int | None:
    """Show cards of the faces, and return the number, from 1, of the selected one; None without faces."""
    number = chosen_face(photo, analysis)
    n = len(analysis.faces)
    if n < 2:
        return number
    st.html(_FACES_STYLE)
    scrolls = n > _FACES_BEFORE_SCROLLING
    with st.container(
        horizontal=True,
        height=_LIST_HEIGHT if scrolls else "content",
        border=scrolls,
        key="faces",
    ):
        for i, face in enumerate(analysis.faces, start=1):
            with st.container(width=_CARD_WIDTH, gap="xxsmall", key=f"face_card_{i}"):
                st.image(_crop(photo, face, _CARD_WIDTH), width="stretch", alt="")
                st.button(
                    f"Face {i}",
                    key=f"face_{photo.key}_{i}",
                    help=f"Show face {i}",
                    type="primary" if i == number else "secondary",
                    width="stretch",
                    on_click=remember_face,
                    args=(photo.key, i),
                )
                st.caption(prediction_text(face.main))
                if not face.networks_agree:
                    st.badge("Disagree", icon=_DISAGREE_ICON, color="orange", help=_DISAGREE)
    return number


def show_face(
    photo: ChosenPhoto, analysis: "Analysis", number: int, *, links: bool = False
) -> None:
    """Show one face in detail: crop, prediction, agreement of the networks, reasons for caution, all bars.

    Args:
        photo: with the face.
        analysis: of it.
        number: of the face, from 1.
        links: link to the pages that show more of this face.
    """
    from fer_core.networks.levels import Level, level_of

    face = analysis.faces[number - 1]
    prediction, name = face.main, face.main_network
    with st.container(horizontal=True, vertical_alignment="center", wrap=False):
        st.image(_crop(photo, face, _CROP_WIDTH), width=_CROP_WIDTH, alt=f"Face {number}")
        st.metric(
            f"Face {number}: apparent expression",
            prediction_text(prediction),
            # Not first: a line that begins with ">" is a quotation in Markdown.
            f"{prediction.expression} {percent(prediction.confidence)}",
            delta_color="off",
            delta_arrow="off",
            # No test face is doubtful, so nothing is known of such predictions.
            help=None if prediction.is_doubtful else level_sentence(name, level_of(prediction)),
        )
    if len(face.predictions) > 1:
        show_agreement(face)
        # Compare says more of it, and nothing is known of doubtful faces.
        is_disputed = links and not face.networks_agree and not prediction.is_doubtful
        if is_disputed and (odds := odds_sentence(face.predictions)):
            st.caption(odds)
    _show_quality(face)
    if level_of(prediction) is Level.UNCLEAR and not face.quality:
        st.caption("Two expressions are close. A sharper photo from the front may help.")
    show_probabilities(face, number)
    if links:
        _link_to_more(face)


def _show_quality(face: "FaceAnalysis") -> None:
    """Show the reasons for caution."""
    from fer_core.faces.quality import QUALITY_WORDS

    if not face.quality:
        return
    with st.container(horizontal=True, gap="xsmall"):
        for note in face.quality:
            words = capitalized(QUALITY_WORDS[note.code])
            st.badge(words, icon=":material/visibility_off:", color="orange")
    st.caption(" ".join(note.sentence for note in face.quality))


def _link_to_more(face: "FaceAnalysis") -> None:
    """Link to the pages that explain a face's predictions and show its landmarks."""
    with st.container(horizontal=True):
        if len(face.predictions) > 1:
            label = (
                "Which one is right more often?"
                if not face.networks_agree
                else "Why this prediction?"
            )
            st.page_link("../compare.py", label=label, icon=":material/compare:")
        st.page_link("../landmarks.py", label="Landmarks", icon=":material/face:")


def show_agreement(face: "FaceAnalysis") -> None:
    """Show whether the networks agree; if not, show each prediction."""
    if face.networks_agree and face.face.mesh is None and _landmarks_matter(face):
        # The dual-input network then predicts by its pixel network, which may be the other one.
        st.badge("No landmarks: both networks see only pixels", color="gray")
        return
    if face.networks_agree:
        # No test face is doubtful, so nothing is known of such predictions.
        known = "" if face.main.is_doubtful else agreement_sentence(face.predictions)
        st.badge("Both networks agree", icon=":material/check:", color="green", help=known or None)
        return
    st.badge(_DISAGREE, icon=_DISAGREE_ICON, color="orange")
    st.caption(
        ". ".join(
            f"{title_of(name)}: {prediction_text(prediction).lower()}, "
            f"{percent(prediction.confidence)} {prediction.expression}"
            for name, prediction in face.predictions.items()
        )
        + "."
    )


def _landmarks_matter(face: "FaceAnalysis") -> bool:
    """Return whether a network that sees landmarks predicted."""
    specs = map(spec_of, face.predictions)
    return any(spec is not None and spec.landmark_features is not None for spec in specs)


def show_probabilities(face: "FaceAnalysis", number: int) -> None:
    """Show every network's probability of each expression."""
    show_bars(
        face.predictions,
        alt=f"Probability of each expression for face {number}",
    )


def offer_downloads(photo: ChosenPhoto, intake: Intake, analyses: Mapping[str, "Analysis"]) -> None:
    """Offer the results of all photos as JSON and CSV, and the current photo with its boxes."""
    analysis = analyses[photo.key]
    n = len(intake.photos) + len(intake.unreadable)
    of_all = f" ({n} files)" if n > 1 else ""
    records = partial(_records, intake, analyses)
    # Read now: where a file is made, there is no session.
    labels = {name: spec.labels for name in chosen_networks() if (spec := spec_of(name))}
    stem = PurePath(photo.name).stem
    files: list[File] = []
    if n > 1 or analysis.faces:
        files += [
            (f"JSON{of_all}", partial(_as_json, records), "second_look.json", "application/json"),
            (f"CSV{of_all}", partial(_as_csv, records, labels), "second_look.csv", "text/csv"),
        ]
    if analysis.faces:
        picture = partial(_as_jpeg, photo, analysis)
        files.append(("Annotated photo", picture, f"{stem}_annotated.jpg", "image/jpeg"))
    with st.container(horizontal=True):
        offer_files(files)
        if analysis.faces:
            with st.popover("As text", icon=":material/content_copy:"):
                st.code(as_text(analysis), language=None, wrap_lines=True)
        with st.popover("Use in code", icon=":material/code:"):
            show_code(photo)


def offer_full_record(photo: ChosenPhoto, analysis: "Analysis") -> None:
    """Offer all measures of a photo's faces as JSON."""

    def record() -> dict[str, Any]:
        from fer_core.face_columns import FaceColumns
        from fer_core.records import to_record

        return to_record(photo.name, analysis, columns=FaceColumns.FULL)

    offer_file(
        "All measures (JSON)",
        partial(_as_json, record),
        f"{PurePath(photo.name).stem}_measures.json",
        "application/json",
        help="Action units, blendshapes, gaze, openings of eyes and mouth, and 68 landmarks of each face.",
    )


def show_code(photo: ChosenPhoto) -> None:
    """Show code for the same result in Python, on the command line and over HTTP."""
    networks = chosen_networks()
    named = "" if networks == default_networks() else ",".join(networks)
    name = PurePath(photo.name).name
    st.code(
        "import fer_core\n\n"
        f"analysis = fer_core.analyze({name!r}{f', networks={named!r}' if named else ''})\n"
        "print(analysis)\n"
        "for face in analysis.faces:\n"
        "    print(face.main.expression, face.main.level)",
        language="python",
    )
    option = f" --networks {named}" if named else ""
    st.code(f"python -m fer_core analyze{option} {shlex.quote(name)}", language="shell")
    if api_is_on():
        query = f"?networks={named}" if named else ""
        url = f"{api_address()}/analyze{query}"
        token = '--header "Authorization: Bearer $TOKEN" ' if api_tokens() else ""
        st.code(f"curl {token}-F {_form_field(name)} {shlex.quote(url)}", language="shell")


def _form_field(name: str) -> str:
    """Return curl's form field for a file; a comma or semicolon in its name needs curl's own quotes."""
    if any(character in name for character in ',;"\\'):
        name = '"{}"'.format(name.replace("\\", "\\\\").replace('"', '\\"'))
    return f"file=@{shlex.quote(name)}"


def as_text(analysis: "Analysis") -> str:
    """Return a line for each face with each network's prediction."""
    lines = []
    for number, face in enumerate(analysis.faces, start=1):
        said = (
            f"{prediction_text(prediction).lower()}, {percent(prediction.confidence)} ({title_of(name)})"
            for name, prediction in face.predictions.items()
        )
        lines.append(f"Face {number}: {'; '.join(said)}")
    return "\n".join(lines)


def prediction_text(prediction: "Prediction") -> str:
    """Return a prediction in words, such as "Probably happy"."""
    from fer_core.networks.levels import in_words

    return capitalized(in_words(prediction))


def _crop(photo: ChosenPhoto, face: "FaceAnalysis", width: int) -> "np.ndarray":
    """Return the face in colour, cropped like the network's input, sharp enough for a width in CSS pixels."""
    from fer_core.drawing import fit_long_side
    from fer_core.faces.crops import cut

    return fit_long_side(cut(photo.photo.rgb, face.square_xyxy), smallest=1, largest=2 * width)


def _records(intake: Intake, analyses: Mapping[str, "Analysis"]) -> list[dict[str, Any]]:
    from fer_core.records import error_record, to_record

    return [to_record(photo.name, analyses[photo.key]) for photo in intake.photos] + [
        error_record(file.name, file.message) for file in intake.unreadable
    ]


def _as_json(make: Callable[[], object]) -> str:
    return json.dumps(make(), indent=2, ensure_ascii=False)


def _as_csv(
    records: partial[list[dict[str, Any]]], labels: Mapping[str, tuple["Expression", ...]]
) -> str:
    from fer_core.records import csv_lines

    return "".join(csv_lines(records(), labels))


def _as_jpeg(photo: ChosenPhoto, analysis: "Analysis") -> bytes:
    from fer_core.drawing import encode_jpeg, picture_of_faces

    return encode_jpeg(picture_of_faces(photo.photo.rgb, analysis))
