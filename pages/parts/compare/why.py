"""Explanations of predictions for one face: where pixels count, and the influence of features."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import streamlit as st

from fer_core.errors import FerError
from fer_core.listing import listed
from fer_core.networks.bundles import resolve
from fer_core.settings import face_shape_path
from pages.parts.compare.bars import show_influence
from pages.parts.compare.networks import pair_of
from pages.shared.loading import load_classifiers
from pages.shared.titles import title_of
from pages.shared.verbatim import public_message
from pages.shared.visit_photos import ChosenPhoto

if TYPE_CHECKING:
    from fer_core.analysis import FaceAnalysis
    from fer_core.expressions import Expression
    from fer_core.faces.shape import FaceShape, Region

_SHOWN_SIDE: Final = 480
_WIDTH: Final = 300
#: Less in log-odds is no heat: a change by 2 %.
_LEAST_LOG_ODDS: Final = 0.02


def show_pixels(photo: ChosenPhoto, face: "FaceAnalysis", number: int) -> None:
    """Show where each network's answer depends on the pixels; takes a quarter of a second."""
    from fer_core.drawing import draw_heatmap, fit_long_side
    from fer_core.faces.crops import cut
    from fer_core.networks.explain import occlusion_map

    st.subheader("Where the network looked")
    crop = cut(photo.photo.rgb, face.square_xyxy)
    shown = fit_long_side(crop, smallest=_SHOWN_SIDE, largest=_SHOWN_SIDE)
    place = st.container(horizontal=True)
    classifiers = load_classifiers()[0]
    for name, prediction in pair_of(face).items():
        title, expression = title_of(name), prediction.expression
        if not resolve(name).spec.sees_pixels:
            place.caption(f"{title} sees no pixels.")
            continue
        lost = occlusion_map(classifiers[name], face.inputs)
        most = float(lost.max())
        place.image(
            draw_heatmap(shown, lost / most if most >= _LEAST_LOG_ODDS else 0 * lost),
            caption=f'{title}: odds of "{expression}" fall by up to {1 - math.exp(-max(0, most)):.0%}',
            width=_WIDTH,
            alt=f"Heat map on face {number}: where {title} loses {expression}",
        )
    st.caption("Warmer: the odds of the prediction fall more if this part of the face is blurred.")
    with st.expander("Details"):
        st.markdown(
            "Squares of the face are blurred one at a time (Zeiler and Fergus 2014, arXiv:1311.2901); the "
            "landmarks stay. Each map is scaled to its own maximum. The odds are the probability of the "
            "prediction over that of all others. They change visibly even if the probability is close to 1."
        )
        st.page_link(
            "../evaluation.py",
            label="How faithful are such maps?",
            icon=":material/analytics:",
            query_params={"view": "heat-maps"},
        )


def average_face() -> "FaceShape | None":
    """Return the average face; show an error if it cannot be read."""
    try:
        return _load_shape()
    except FerError as error:
        st.warning(public_message(error), icon=":material/report:")
        return None


def show_regions(face: "FaceAnalysis", number: int, shape: "FaceShape") -> None:
    """Show which regions of the face support each network's answer; the face needs landmarks."""
    from fer_core.networks.explain import region_influence

    st.subheader("Which features mattered")
    classifiers = load_classifiers()[0]
    pair = pair_of(face)
    influence = region_influence({name: classifiers[name] for name in pair}, face.inputs, shape)
    show_influence(influence, alt=f"Change in probability by region of face {number}")
    st.caption(
        "Percentage points by which the probability of the prediction falls when the region is replaced by "
        "the average face."
    )
    for name, values in influence.items():
        st.markdown(f"{title_of(name)}: {region_words(values, pair[name].expression)}")
    with st.expander("Details"):
        st.markdown(
            "One region at a time is replaced by the average face of FER2013, pixels and landmarks together. "
            "Below 0, the probability of the prediction rises without the region. If several regions support "
            "a prediction, no region alone changes much."
        )


def region_words(influence: Mapping["Region", float], expression: "Expression") -> str:
    """Return a sentence: "The mouth (+38 points) supports happy; the brows (-4) speak against it."

    Args:
        influence: what each region adds to the probability of the answer.
        expression: the answer.
    """
    points = {region: round(100 * value) for region, value in influence.items()}
    order = sorted(points, key=lambda region: -abs(points[region]))
    support = [(region, points[region]) for region in order if points[region] > 0]
    oppose = [(region, points[region]) for region in order if points[region] < 0]
    parts = []
    if support:
        parts.append(f"{_with_points(support)} support{_ending(support)} {expression}")
    if oppose:
        # Where both are told, the second part refers to the first.
        against = "it" if support else str(expression)
        parts.append(f"{_with_points(oppose)} speak{_ending(oppose)} against {against}")
    if not parts:
        return f"no region alone changes the probability of {expression} by a point."
    return "; ".join(parts) + "."


def _with_points(regions: Sequence[tuple["Region", int]]) -> str:
    """Return "the mouth (+38 points), the eyes (+3) and the nose (+1)"."""
    first, *others = [f"the {region} ({points:+d}" for region, points in regions]
    unit = " point)" if abs(regions[0][1]) == 1 else " points)"
    return listed([first + unit, *(f"{other})" for other in others)])


def _ending(regions: Sequence[tuple["Region", int]]) -> str:
    """Return the ending of a verb; "brows" and "eyes" are plural."""
    return "" if len(regions) > 1 or str(regions[0][0]).endswith("s") else "s"


@st.cache_resource(show_spinner=False)
def _load_shape() -> "FaceShape":
    from fer_core.faces.shape import read_face_shape

    return read_face_shape(face_shape_path())
