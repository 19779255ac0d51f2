"""Showing why two networks answer as they do on one face, which to trust, and what would change a mind."""

from typing import TYPE_CHECKING, Final

import streamlit as st

from fer_core.data_names import source_name
from fer_core.errors import FerError
from fer_core.networks.bundles import DEFAULT_PAIR, bundle_names, resolve
from fer_core.settings import face_shape_path
from pages.shared.charts import PLAIN_CHART
from pages.shared.models import load_classifiers
from pages.shared.photo_intake import ChosenPhoto
from pages.shared.titles import title_of
from pages.shared.verbatim import message_as_text

if TYPE_CHECKING:
    from fer_core.analysis import Analysis, FaceAnalysis
    from fer_core.evaluation.predictions import EvaluationResult
    from fer_core.evaluation.trust import Trust
    from fer_core.faces.shape import FaceShape, Movement
    from fer_core.networks.classifier import Prediction

_SHOWN_SIDE: Final = 480
#: How the face is framed where its landmarks are moved, over the networks' own frame.
_MARGIN: Final = 1.25


def show_only_one() -> None:
    """Say that there is nothing to compare, and what is missing."""
    missing = [name for name in DEFAULT_PAIR if name not in bundle_names()]
    if missing:
        commands = " and ".join(f"`python -m training fit {name}`" for name in missing)
        reason = (
            f"Missing here: {', '.join(missing)}; train with {commands}, or copy the bundle into the "
            "folder of models."
        )
    else:
        reason = "One of them cannot be loaded."
    st.info(f"Two networks are needed for a comparison. {reason}", icon=":material/looks_one:")


def show_seconds(analysis: "Analysis") -> None:
    """Say how long each network took for a face."""
    n = max(1, len(analysis.faces))
    times = [
        f"{title_of(name)} {1000 * seconds / n:.1f} ms"
        for name, seconds in analysis.model_seconds.items()
    ]
    st.caption(f"Time of each network a face: {', '.join(times)}.")


def show_trust(face: "FaceAnalysis") -> None:
    """Show how often each network was right on test faces where both answered as they do here."""
    from fer_core.evaluation.trust import who_to_trust

    (first, opinion), (second, other) = face.predictions.items()
    titles = [title_of(name) for name in (first, second)]
    st.subheader("Whom to trust")
    try:
        sources = _trust_sources(first, second)
        results = [
            (_clean_test_results(first, source), _clean_test_results(second, source))
            for source in sources
        ]
        trust = who_to_trust(results, (opinion.expression, other.expression))
    except FerError as error:
        st.caption(f"The stored test predictions cannot be used: {message_as_text(error)}")
        return
    agree = opinion.expression == other.expression
    closest = (
        f"both networks' closest answer was {opinion.expression}"
        if agree
        else f"{titles[0].lower()} came closest to {opinion.expression} and "
        f"{titles[1].lower()} to {other.expression}, as here"
    )
    faces = " and ".join(
        f"{len(result):,} of {source_name(f'{source}:test')}"
        for source, (result, _) in zip(sources, results, strict=True)
    )
    whole = f"the test faces without a copy in the training data ({faces})"
    if trust.n == 0:
        st.markdown(f"On none of {whole} {closest}.")
        return
    st.markdown(f"On {trust.n:,} of {whole}, {closest}. As labelled were:")
    with st.container(horizontal=True):
        for i, title in enumerate(["Both"] if agree else titles):
            with st.container(width=260, gap="xxsmall"):
                st.metric(title, f"{trust.right[i] / trust.n:.0%}")
                st.caption(_interval(trust, i))


def show_pixels(photo: ChosenPhoto, face: "FaceAnalysis") -> None:
    """Show where in the pixels each network's evidence lies."""
    from fer_core.drawing import draw_heatmap, fit_long_side
    from fer_core.faces.crops import cut, frame_square
    from fer_core.networks.explain import activation_heatmap

    st.subheader("What counted in the pixels")
    crop = cut(photo.photo.rgb, frame_square(face.face.box_xyxy))
    shown = fit_long_side(crop, smallest=_SHOWN_SIDE, largest=_SHOWN_SIDE)
    with st.container(horizontal=True):
        for name, prediction in face.predictions.items():
            if prediction.activation_maps is None:
                continue
            heatmap = activation_heatmap(
                prediction, prediction.expression, view_pixels=resolve(name).spec.view_pixels
            )
            title = title_of(name)
            st.image(
                draw_heatmap(shown, heatmap),
                caption=f"{title}: evidence for {prediction.expression}",
                width=300,
                alt=f"Activation map of {title} for {prediction.expression}",
            )
    st.caption(
        "Class activation maps: the warmer, the more the pixels there speak for the answer rather than "
        "for the other expressions. The second network looks at the crop as it is through the same layers as "
        "the first, so the maps for one answer are alike; its look at the face turned upright is not drawn."
    )


def average_face() -> "FaceShape | None":
    """Return the average face, or say why there is none."""
    try:
        return _load_shape()
    except FerError as error:
        st.warning(message_as_text(error), icon=":material/report:")
        return None


def show_regions(face: "FaceAnalysis", number: int, shape: "FaceShape") -> None:
    """Show how much each region's landmarks speak for the answer of the network that sees them."""
    from fer_core.networks.explain import region_influence
    from fer_core.views.faces import influence_bar

    st.subheader("What counted in the landmarks")
    name, prediction = _last(face)
    influence = region_influence(load_classifiers()[0][name], face.inputs, face.face, shape)
    words = ", ".join(f"{region} {100 * value:+.1f}" for region, value in influence.items())
    st.plotly_chart(
        influence_bar({str(region): value for region, value in influence.items()}),
        width="stretch",
        key="influence",
        config=PLAIN_CHART,
        alt=f"Points of probability that the landmarks of face {number} add: {words}",
    )
    st.caption(
        f"How many points the probability of {prediction.expression} falls if a region's landmarks and "
        "blendshapes are replaced by the average face's. The pixels stay as they are."
    )


def show_what_if(photo: ChosenPhoto, face: "FaceAnalysis", number: int, shape: "FaceShape") -> None:
    """Let the visitor move the landmarks, and show what the network that sees them then answers."""
    from fer_core.drawing import Overlay, draw_face_landmarks
    from fer_core.faces.crops import scaled_square
    from fer_core.faces.shape import Movement
    from fer_core.networks.explain import what_if
    from fer_core.views.faces import probabilities_bar

    st.subheader("What if the landmarks moved?")
    name, before = _last(face)
    left, middle, right = st.columns([3, 3, 4], gap="medium")
    with left:
        amounts = {movement: _slider(movement) for movement in Movement}
        st.button("Back to the face as it is", on_click=_reset, icon=":material/undo:")
    moved, answer = what_if(load_classifiers()[0][name], face.inputs, face.face, shape, amounts)
    with middle:
        st.image(
            draw_face_landmarks(
                photo.photo.rgb,
                moved,
                [Overlay.MESH, Overlay.CONTOURS],
                box_xyxy=scaled_square(face.face.box_xyxy, _MARGIN),
                side=_SHOWN_SIDE,
                dimmed=True,
            ),
            width="stretch",
            alt=f"Moved landmarks of face {number}",
        )
    with right:
        st.plotly_chart(
            probabilities_bar({"As it is": before, "Landmarks moved": answer}),
            width="stretch",
            key="what_if",
            config=PLAIN_CHART,
            alt="Probabilities before and after the landmarks moved",
        )
        st.markdown(
            f"As it is: {before.expression} {before.confidence:.0%}. Landmarks moved: "
            f"**{answer.expression} {answer.confidence:.0%}**."
        )
    st.caption(
        "Landmarks and blendshapes move as they go together in FER2013's faces; the network still sees "
        "the same pixels. This shows what it makes of landmarks, not what a face would do."
    )


def _last(face: "FaceAnalysis") -> "tuple[str, Prediction]":
    """Return the network that sees most, and its answer."""
    return next(reversed(face.predictions.items()))


def _slider(movement: "Movement") -> float:
    return st.slider(
        str(movement).capitalize(), -1.0, 1.0, 0.0, step=0.1, key=f"what_if_{movement.name}"
    )


def _reset() -> None:
    for key in st.session_state:
        if str(key).startswith("what_if_"):
            st.session_state[key] = 0.0


@st.cache_resource(show_spinner=False)
def _load_shape() -> "FaceShape":
    from fer_core.faces.shape import read_face_shape

    return read_face_shape(face_shape_path())


def _trust_sources(*names: str) -> tuple[str, ...]:
    """Return the data sets whose test faces tell how far to trust these networks.

    These are the data sets that all of them were calibrated on; FER2013 if there is none.
    """
    by_network = [[r.source for r in resolve(name).spec.references] for name in names]
    common = [source for source in by_network[0] if all(source in of for of in by_network)]
    return tuple(common) or ("fer2013",)


def _clean_test_results(name: str, source: str) -> "EvaluationResult":
    from fer_core.evaluation.predictions import predictions_path

    bundle = resolve(name)
    path = predictions_path(bundle.path, source, "test")
    return _read_clean_results(str(path), str(bundle.spec.sha256))


# The checksums of the weights stand for the content, which changes only with them.
@st.cache_resource(show_spinner=False, max_entries=8)
def _read_clean_results(path: str, sha256: str) -> "EvaluationResult":
    from pathlib import Path

    from fer_core.evaluation.predictions import read_predictions

    result = read_predictions(Path(path))
    return result.select(result.clean)


def _interval(trust: "Trust", i: int) -> str:
    low, high = trust.intervals[i]
    return f"{trust.right[i]:,} of {trust.n:,} faces; 95 % interval {low:.0%} to {high:.0%}"
