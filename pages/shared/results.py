"""Showing an analysis: the photo with its boxes, a choice of faces, one face in full, downloads."""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from fer_core.networks.bundles import opinions
from pages.shared.charts import PLAIN_CHART
from pages.shared.downloads import offer_files
from pages.shared.models import spec_of, title_of
from pages.shared.photo_intake import EXAMPLE_CREDIT, EXAMPLE_NAME, ChosenPhoto, Intake
from pages.shared.verbatim import name_as_code

if TYPE_CHECKING:
    import numpy as np

    from fer_core.analysis import Analysis, FaceAnalysis
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
_LANDMARKS: Final = "show_landmarks"


def show_photo(photo: ChosenPhoto, analysis: "Analysis") -> None:
    """Show the photo with a numbered box around each face."""
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
    caption = f"{name_as_code(photo.name)}: {found} in {analysis.seconds:.2f} s."
    if photo.name == EXAMPLE_NAME:
        caption += f" {EXAMPLE_CREDIT}"
    st.image(
        shown, caption=caption, width="stretch", alt=f"{photo.name} with {found.lower()} marked"
    )
    if n:
        st.toggle("Show the 478 landmarks of each face", key=_LANDMARKS)


def choose_face(photo: ChosenPhoto, analysis: "Analysis") -> int | None:
    """Return the number, from 1, of the face to look at, with cards to choose from; None without."""
    chosen = st.session_state.setdefault(_FACES, {})
    n = len(analysis.faces)
    if n < 2:
        return n or None
    number = min(int(chosen.get(photo.key, 1)), n)
    scrolls = n > _FACES_BEFORE_SCROLLING
    with st.container(
        horizontal=True,
        height=_LIST_HEIGHT if scrolls else "content",
        border=scrolls,
        key="faces",
    ):
        for i, face in enumerate(analysis.faces, start=1):
            with st.container(width=_CARD_WIDTH, gap="xxsmall"):
                st.image(_crop(photo, face), width="stretch", alt=f"Face {i}")
                st.button(
                    f"{i}",
                    key=f"face_{photo.key}_{i}",
                    help=f"Show face {i}",
                    type="primary" if i == number else "secondary",
                    width="stretch",
                    on_click=partial(chosen.__setitem__, photo.key, i),
                )
                st.caption(_short_answer(next(reversed(face.predictions.values()))))
    return number


def show_face(photo: ChosenPhoto, analysis: "Analysis", number: int) -> None:
    """Show one face in full: crop, every network's answer and probabilities, reasons for caution."""
    face = analysis.faces[number - 1]
    with st.container(horizontal=True, vertical_alignment="center", wrap=False):
        st.image(_crop(photo, face), width=_CROP_WIDTH, alt=f"Face {number}")
        with st.container(gap="xxsmall"):
            for name, prediction in face.predictions.items():
                _show_answer(prediction, _heading(number, name, len(face.predictions)))
    if len(face.predictions) > 1:
        show_agreement(face)
    for note in face.quality:
        st.warning(note.sentence, icon=":material/visibility_off:")
    show_probabilities(face, number)


def show_agreement(face: "FaceAnalysis") -> None:
    """Say whether the networks name the same expression, as far as they answer."""
    predictions = face.predictions.values()
    if any(prediction.abstained for prediction in predictions):
        st.badge("Not every opinion is sure", icon=":material/question_mark:", color="gray")
    elif len({prediction.expression for prediction in predictions}) == 1:
        st.badge("The opinions agree", icon=":material/check:", color="green")
    else:
        st.badge("The opinions differ", icon=":material/call_split:", color="orange")


def show_probabilities(face: "FaceAnalysis", number: int) -> None:
    """Show every network's probabilities in one chart."""
    from fer_core.views.faces import probabilities_bar

    st.plotly_chart(
        probabilities_bar({title_of(n): p for n, p in face.predictions.items()}),
        width="stretch",
        key="probabilities",
        config=PLAIN_CHART,
        alt=f"Probability of each expression for face {number}",
    )


def offer_downloads(photo: ChosenPhoto, intake: Intake, analyses: Mapping[str, "Analysis"]) -> None:
    """Offer the results of all photos as JSON and CSV, and the current photo with its boxes."""
    records = partial(_records, intake, analyses)
    stem = PurePath(photo.name).stem
    with st.container(horizontal=True):
        offer_files(
            (
                ("JSON", partial(_as_json, records), "second_look.json", "application/json"),
                ("CSV", partial(_as_csv, records), "second_look.csv", "text/csv"),
                (
                    "Annotated PNG",
                    partial(_as_png, photo, analyses[photo.key]),
                    f"{stem}_annotated.png",
                    "image/png",
                ),
            )
        )


def answer(prediction: "Prediction") -> str:
    """Return the expression in words, or that the model is not sure."""
    return "Not sure" if prediction.abstained else str(prediction.expression).capitalize()


def _heading(number: int, name: str, n_opinions: int) -> str:
    if n_opinions == 1:
        return f"Face {number}: apparent expression"
    return f"Face {number}: {title_of(name)}"


def _show_answer(prediction: "Prediction", heading: str) -> None:
    st.metric(heading, answer(prediction))
    if prediction.is_doubtful:
        st.caption(f"Closest is {prediction.expression} with {prediction.confidence:.0%}.")
    elif prediction.abstained:
        st.caption(
            f"Closest is {prediction.expression} with {prediction.confidence:.0%}; an answer needs "
            f"{prediction.abstention_threshold:.0%}."
        )
    else:
        st.caption(f"{prediction.confidence:.0%} confidence, calibrated")


def _short_answer(prediction: "Prediction") -> str:
    if prediction.abstained:
        return answer(prediction)
    return f"{answer(prediction)} {prediction.confidence:.0%}"


def _crop(photo: ChosenPhoto, face: "FaceAnalysis") -> "np.ndarray":
    """Return the face in colour, framed like the network's input."""
    from fer_core.faces.crops import cut, frame_square

    return cut(photo.photo.rgb, frame_square(face.face.box_xyxy))


def _records(intake: Intake, analyses: Mapping[str, "Analysis"]) -> list[dict[str, Any]]:
    from fer_core.records import error_record, to_record

    return [to_record(photo.name, analyses[photo.key]) for photo in intake.photos] + [
        error_record(file.name, file.message) for file in intake.unreadable
    ]


def _as_json(records: partial[list[dict[str, Any]]]) -> str:
    return json.dumps(records(), indent=2, ensure_ascii=False)


def _as_csv(records: partial[list[dict[str, Any]]]) -> str:
    from fer_core.records import csv_lines

    specs = {name: spec_of(name) for name in opinions()}
    return "".join(csv_lines(records(), {n: spec.labels for n, spec in specs.items() if spec}))


def _as_png(photo: ChosenPhoto, analysis: "Analysis") -> bytes:
    from fer_core.drawing import draw_faces, encode_png

    return encode_png(draw_faces(photo.photo.rgb, analysis))
