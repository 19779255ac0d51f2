"""Showing why two networks answer as they do on one face, which to trust, and what would change a mind."""

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from fer_core.bundles import PREDICTIONS_FOLDER, opinions, resolve
from fer_core.errors import FerError
from fer_core.settings import face_shape_path
from pages.shared.models import TITLES, load_analyzer
from pages.shared.photo_intake import ChosenPhoto

if TYPE_CHECKING:
    from fer_core.analysis import Analysis
    from fer_core.evaluation import EvaluationResult
    from fer_core.explain import Trust
    from fer_core.face_shape import FaceShape, Movement

#: Predictions that trust is counted on: the official test split, which no choice was made on.
_TRUST_FILE: Final = f"{PREDICTIONS_FOLDER}/fer2013-test.parquet"
_SHOWN_SIDE: Final = 480
_PLAIN_CHART: Final[dict[str, Any]] = {"displayModeBar": False}


def show_only_one() -> None:
    """Say that there is nothing to compare."""
    st.info(
        "Only one network is installed here. Train the other one with `python -m training fit dual`, "
        "or copy its bundle into the folder of models.",
        icon=":material/looks_one:",
    )


def show_seconds(analysis: "Analysis") -> None:
    """Say how long each network took for a face."""
    n = max(1, len(analysis.faces))
    times = [
        f"{TITLES.get(name, name).lower()} {1000 * seconds / n:.1f} ms"
        for name, seconds in analysis.model_seconds.items()
    ]
    st.caption(f"Time of each network a face: {', '.join(times)}.")


def show_trust(analysis: "Analysis", number: int) -> None:
    """Show how often each network was right on test faces where both answered as they do here."""
    from fer_core.explain import who_to_trust

    first, second = opinions()
    predictions = analysis.faces[number - 1].predictions
    answers = predictions[first].expression, predictions[second].expression
    st.subheader("Whom to trust")
    try:
        results = _test_results(first), _test_results(second)
    except FerError as error:
        st.caption(f"The stored test predictions cannot be read: {error}")
        return
    trust = who_to_trust(*results, answers)
    said = (
        f"both networks said {answers[0]}"
        if answers[0] == answers[1]
        else f"the first said {answers[0]} and the second {answers[1]}, as here"
    )
    if trust.n == 0:
        st.markdown(f"On none of the {len(results[0]):,} test faces of FER2013 {said}.")
        return
    st.markdown(
        f"On {trust.n:,} of the {len(results[0]):,} test faces of FER2013 {said}. As labelled were:"
    )
    with st.container(horizontal=True):
        for i, name in enumerate((first, second)):
            if answers[0] == answers[1] and i:
                break
            title = "Both" if answers[0] == answers[1] else TITLES.get(name, name)
            with st.container(width=220, gap="xxsmall"):
                st.metric(title, f"{trust.right[i] / trust.n:.0%}")
                st.caption(_interval(trust, i))


def show_pixels(photo: ChosenPhoto, analysis: "Analysis", number: int) -> None:
    """Show where in the pixels each network's evidence lies."""
    from fer_core.crops import cut, frame_square
    from fer_core.drawing import draw_heatmap, fit_long_side
    from fer_core.explain import activation_heatmap

    st.subheader("What counted in the pixels")
    face = analysis.faces[number - 1]
    crop = cut(photo.photo.rgb, frame_square(face.face.box_xyxy))
    shown = fit_long_side(crop, smallest=_SHOWN_SIDE, largest=_SHOWN_SIDE)
    heatmaps = {
        (TITLES.get(name, name), prediction.expression): activation_heatmap(
            prediction, prediction.expression, view_pixels=resolve(name).spec.view_pixels
        )
        for name, prediction in face.predictions.items()
        if prediction.activation_maps is not None
    }
    with st.container(horizontal=True):
        for (title, expression), heatmap in heatmaps.items():
            st.image(
                draw_heatmap(shown, heatmap),
                caption=f"{title}: evidence for {expression}",
                width=300,
                alt=f"Activation map of {title.lower()} for {expression}",
            )
    st.caption(
        "Class activation maps: the warmer, the more the pixels there speak for the answer rather than "
        "for the other expressions. Both networks look at the pixels through the same layers, so the maps "
        "for one answer are alike."
    )


def show_regions(analysis: "Analysis", number: int) -> None:
    """Show how much each region's landmarks speak for the answer of the network that sees them."""
    from fer_core.explain import region_influence
    from fer_core.figures import influence_bar

    face = analysis.faces[number - 1]
    name = opinions()[-1]
    st.subheader("What counted in the landmarks")
    shape = _shape()
    if shape is None:
        return
    influence = region_influence(load_analyzer().classifiers[name], face.inputs, face.face, shape)
    st.plotly_chart(
        influence_bar({str(region): value for region, value in influence.items()}),
        width="stretch",
        key="influence",
        config=_PLAIN_CHART,
        alt=f"Influence of each region's landmarks on the answer for face {number}",
    )
    st.caption(
        f"How many points the probability of {face.predictions[name].expression} falls if a region's "
        "landmarks are replaced by the average face's. The pixels stay as they are."
    )


def show_what_if(photo: ChosenPhoto, analysis: "Analysis", number: int) -> None:
    """Let the visitor move the landmarks, and show what the network that sees them then answers."""
    from fer_core.crops import cut, scaled_square
    from fer_core.drawing import Overlay, draw_landmarks, fit_long_side
    from fer_core.explain import what_if
    from fer_core.face_shape import Movement
    from fer_core.figures import probabilities_bar

    shape = _shape()
    if shape is None:
        return
    st.subheader("What if the landmarks moved?")
    face = analysis.faces[number - 1]
    name = opinions()[-1]
    left, middle, right = st.columns([3, 3, 4], gap="medium")
    with left:
        amounts = {movement: _slider(movement) for movement in Movement}
        st.button("Back to the face as it is", on_click=_reset, icon=":material/undo:")
    moved, answer = what_if(
        load_analyzer().classifiers[name], face.inputs, face.face, shape, amounts
    )
    with middle:
        square = scaled_square(face.face.box_xyxy, 1.25)
        crop = cut(photo.photo.rgb, square)
        shown = fit_long_side(crop, smallest=_SHOWN_SIDE, largest=_SHOWN_SIDE)
        points = (moved.landmarks[:, :2] - square[:2]) * (len(shown) / len(crop))
        st.image(
            draw_landmarks(shown // 2, points, [Overlay.MESH, Overlay.CONTOURS]),
            width="stretch",
            alt=f"Moved landmarks of face {number}",
        )
    with right:
        before = face.predictions[name]
        st.plotly_chart(
            probabilities_bar({"As it is": before, "Landmarks moved": answer}),
            width="stretch",
            key="what_if",
            config=_PLAIN_CHART,
            alt="Probabilities before and after the landmarks moved",
        )
    st.caption(
        "Only the landmarks move, in the directions that they take in FER2013's faces; the network still "
        "sees the same pixels. This shows what it makes of landmarks, not what a face would do."
    )


def _slider(movement: "Movement") -> float:
    return st.slider(
        str(movement).capitalize(), -1.0, 1.0, 0.0, step=0.1, key=f"what_if_{movement.name}"
    )


def _reset() -> None:
    for key in st.session_state:
        if str(key).startswith("what_if_"):
            st.session_state[key] = 0.0


def _shape() -> "FaceShape | None":
    """Return the average face, or say why there is none."""
    try:
        return _load_shape()
    except FerError as error:
        st.warning(str(error), icon=":material/report:")
        return None


@st.cache_resource(show_spinner=False)
def _load_shape() -> "FaceShape":
    from fer_core.face_shape import read_face_shape

    return read_face_shape(face_shape_path())


def _test_results(name: str) -> "EvaluationResult":
    bundle = resolve(name)
    return _read_results(str(bundle.path / _TRUST_FILE), str(bundle.spec.sha256))


# The checksums of the weights stand for the content, which changes only with them.
@st.cache_resource(show_spinner=False, max_entries=8)
def _read_results(path: str, sha256: str) -> "EvaluationResult":
    from pathlib import Path

    from fer_core.evaluation import read_predictions

    return read_predictions(Path(path))


def _interval(trust: "Trust", i: int) -> str:
    low, high = trust.intervals[i]
    return f"{trust.right[i]:,} of {trust.n:,} faces; 95 % interval {low:.0%} to {high:.0%}"
