"""What visitors must know: what the answers mean, how good they are, what they must not be used for."""

from typing import TYPE_CHECKING, Final

import streamlit as st

from fer_core.data_names import known_data_sets, source_name
from fer_core.networks.bundles import opinions
from pages.shared.models import bundle_of
from pages.shared.verbatim import message_as_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fer_core.analysis import Analysis
    from fer_core.networks.bundles import Bundle, BundleSpec

#: The official test split of the data set whose figures published networks have.
_SPLIT: Final = "fer2013:test"


def show_sidebar() -> None:
    """Show what the product is, in short, beside every page."""
    with st.sidebar:
        st.header("Second Look")
        st.markdown(
            "Finds every face in photos and videos and names the expression that it **appears** to show, "
            "with open models and figures that can be checked."
        )
        st.caption(
            "It does not tell what a person feels. Photos are processed in memory on this server and "
            "not stored."
        )
        st.markdown(
            "- [FER2013](https://arxiv.org/abs/1307.0414), [FER+](https://arxiv.org/abs/1608.01041) and "
            "[ExpW](https://arxiv.org/abs/1609.06426), the training data\n"
            "- [MediaPipe Face Landmarker]"
            "(https://ai.google.dev/edge/mediapipe/solutions/vision/face_landmarker), which finds faces"
        )


def show_limits() -> None:
    """Show what the answers mean, as they were measured with the very weights in use."""
    with st.container(border=True, key="limits"):
        st.markdown(
            "**Apparent expression, not feeling.** Second Look names what a face looks like in one "
            "picture. It does not tell what a person feels."
        )
        bundles = [bundle for name in opinions() if (bundle := bundle_of(name))]
        sentences = [sentence for b in bundles if (sentence := accuracy_sentence(b.spec))]
        if sentences:
            st.markdown(f"**Measured.** {' '.join(sentences)} Other photos can fare worse.")
        if origins := origin_sentences(bundles):
            st.markdown(f"**Weights.** {' '.join(origins)}")
        st.markdown(
            "**Not for** use on people at work, in education, in policing or in medicine.  \n"
            "**Private.** Photos are processed in memory on this server and not stored."
        )


def origin_sentences(bundles: "Sequence[Bundle]") -> list[str]:
    """Return which weights answer, and why not those that are wanted; nothing of those that are embedded."""
    sentences = []
    for bundle in bundles:
        if bundle.pin:
            sentences.append(f"`{bundle.spec.name}` is from {bundle.origin}.")
        elif bundle.missed:
            sentences.append(
                f"The embedded weights answer for `{bundle.spec.name}`: {message_as_text(bundle.missed)}"
            )
    return sentences


def accuracy_sentence(spec: "BundleSpec") -> str | None:
    """Return the measured accuracy in words; None if these weights were not measured."""
    if spec.references:
        return _accuracy_by_judges(spec)
    measured = spec.metrics.get(_SPLIT)
    if measured is None:
        return None
    return (
        f"The weights `{spec.name}` agree with the label of {measured.accuracy:.1%} of the "
        f"{measured.n:,} faces in FER2013's test split, and of {measured.accuracy_clean:.1%} of the "
        f"{measured.n_clean:,} that have no copy in the training data. They answer "
        f"{measured.coverage:.0%} of the faces, {measured.selective_accuracy:.1%} of them as labelled, "
        "and say \u201cnot sure\u201d to the others."
    )


def _accuracy_by_judges(spec: "BundleSpec") -> str | None:
    """Return the accuracy by each data set's labels, of those first whose validation faces chose the network.

    On test faces: no choice was made on these. None if none was measured.
    """
    known = known_data_sets()
    chosen_by = [reference.source for reference in spec.references]
    measured = {
        judge: spec.metrics[f"{source}:test"]
        for source in dict.fromkeys((*chosen_by, *known))
        if source in known and (judge := known[source].judge) and f"{source}:test" in spec.metrics
    }
    if not measured:
        return None
    parts = [f"{m.accuracy:.1%} of {m.n:,} faces by {judge}" for judge, m in measured.items()]
    judge, first = next(iter(measured.items()))
    return (
        f"`{spec.name}`, trained on {source_name(f'{spec.training_data.source}:')}, is right on "
        f"{', '.join(parts)}. Of the faces judged by {judge}, it answers {first.coverage:.0%}, is right on "
        f"{first.selective_accuracy:.1%} of these, and says \u201cnot sure\u201d to the others."
    )


def show_no_landmarks() -> None:
    """Say why there is nothing to see of a face that was found."""
    st.info(
        "**This face has no landmarks**, for instance because it is turned away or covered.",
        icon=":material/face_retouching_off:",
    )


def show_no_face(analysis: "Analysis") -> None:
    """Say what was searched for, and what to try when no face was found."""
    st.info(
        f"**No face found in this photo.** Every part of it was searched for faces of "
        f"{analysis.smallest_face_pixels} pixels and more, and turned to each side and upside down for large "
        "ones. What may help:\n"
        "- a face that looks towards the camera, with eyes and mouth in view\n"
        "- the original photo, if this is a reduced copy\n"
        "- more light",
        icon=":material/person_search:",
    )


def show_turned(analysis: "Analysis") -> None:
    """Say that a photo is shown turned, if it is."""
    if analysis.quarter_turns:
        turn = ("a quarter turn to the left", "half a turn", "a quarter turn to the right")
        st.info(
            f"**This photo was turned.** Its faces are upright after {turn[analysis.quarter_turns - 1]}.",
            icon=":material/rotate_90_degrees_ccw:",
        )
