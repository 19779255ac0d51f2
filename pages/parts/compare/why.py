"""Explanations of predictions for one face: class activation maps, and the influence of features."""

from typing import TYPE_CHECKING, Final

import streamlit as st

from fer_core.errors import FerError
from fer_core.networks.bundles import resolve
from fer_core.settings import face_shape_path
from pages.parts.compare.bars import show_influence
from pages.parts.compare.networks import pair_of
from pages.shared.models import load_classifiers
from pages.shared.photo_intake import ChosenPhoto
from pages.shared.titles import title_of
from pages.shared.verbatim import message_as_text

if TYPE_CHECKING:
    from fer_core.analysis import FaceAnalysis
    from fer_core.faces.shape import FaceShape

_SHOWN_SIDE: Final = 480
_WIDTH: Final = 300
#: Less is shown as 0.0 percentage points.
_LEAST_CHANGE: Final = 0.0005


def show_pixels(photo: ChosenPhoto, face: "FaceAnalysis", number: int) -> None:
    """Show each network's class activation map."""
    from fer_core.drawing import draw_heatmap, fit_long_side
    from fer_core.faces.crops import cut, frame_square
    from fer_core.networks.explain import activation_heatmap

    st.subheader("Where the network looked")
    crop = cut(photo.photo.rgb, frame_square(face.face.box_xyxy))
    shown = fit_long_side(crop, smallest=_SHOWN_SIDE, largest=_SHOWN_SIDE)
    with st.container(horizontal=True):
        for name, prediction in pair_of(face).items():
            title = title_of(name)
            if prediction.activation_maps is None:
                st.caption(f"{title} sees no pixels.")
                continue
            heatmap = activation_heatmap(
                prediction, prediction.expression, view_pixels=resolve(name).spec.view_pixels
            )
            st.image(
                draw_heatmap(shown, heatmap),
                caption=f"{title}: evidence for {prediction.expression}",
                width=_WIDTH,
                alt=f"Heat map on face {number}: evidence of {title} for {prediction.expression}",
            )
    st.caption("Warmer pixels count more for this answer than for the other expressions.")
    with st.expander("Details"):
        st.markdown(
            "These are class activation maps (Zhou et al. 2016, arXiv:1512.04150), less the mean of all "
            "expressions. Dual-input networks see the crop through their CNN's layers, so both maps look "
            "alike. What they see of the upright face is not drawn."
        )


def average_face() -> "FaceShape | None":
    """Return the average face; show an error if it cannot be read."""
    try:
        return _load_shape()
    except FerError as error:
        st.warning(message_as_text(error), icon=":material/report:")
        return None


def show_regions(face: "FaceAnalysis", number: int, shape: "FaceShape") -> None:
    """Show the influence of each region's landmarks on the networks that see landmarks."""
    from fer_core.networks.explain import region_influence

    st.subheader("Which features mattered")
    pair = pair_of(face)
    classifiers = load_classifiers()[0]
    influence = {
        name: region_influence(classifiers[name], face.inputs, face.face, shape)
        if resolve(name).spec.landmark_features
        else None
        for name in pair
    }
    show_influence(
        influence,
        alt=f"Change in probability by region of face {number}",
    )
    for name, values in influence.items():
        if values is None:
            st.caption(f"{title_of(name)} sees pixels only.")
        elif max(map(abs, values.values())) < _LEAST_CHANGE:
            st.caption(
                f'{title_of(name)}: no region alone changes the "{pair[name].expression}" probability.'
            )
        else:
            st.caption(
                f'{title_of(name)}: change in "{pair[name].expression}" probability when a region is '
                "replaced by the average face, in percentage points."
            )
    with st.expander("Details"):
        st.markdown(
            "One region's landmarks and blendshapes are replaced at a time, and the pixels stay. A negative "
            "change means that the region counts for the answer. The average face is FER2013's."
        )


@st.cache_resource(show_spinner=False)
def _load_shape() -> "FaceShape":
    from fer_core.faces.shape import read_face_shape

    return read_face_shape(face_shape_path())
