"""Showing one face's landmarks: overlays, a mesh to turn, head pose, measures and blendshapes."""

from typing import TYPE_CHECKING, Final

import streamlit as st

from fer_core.errors import FerError
from pages.shared.charts import PLAIN_CHART
from pages.shared.models import load_keypoint_finder
from pages.shared.photo_intake import ChosenPhoto
from pages.shared.verbatim import message_as_text

if TYPE_CHECKING:
    from fer_core.faces.finder import Face
    from fer_core.faces.mediapipe_models import FaceMesh
    from fer_core.networks.keypoints import KeypointFinder, KeypointSpec

#: Side in pixels at which a face with overlays is shown, and its frame over the networks' own.
_SHOWN_SIDE: Final = 720
_MARGIN: Final = 1.25
#: Degrees below which a head is not said to be turned.
_STRAIGHT: Final = 5


def show_overlays(photo: ChosenPhoto, face: "Face", mesh: "FaceMesh", number: int) -> None:
    """Show the face enlarged, with the overlays that the visitor switches on."""
    from fer_core.drawing import Overlay, draw_face_landmarks
    from fer_core.faces.crops import scaled_square

    finder = _keypoint_finder()
    overlays = st.pills(
        "Overlays",
        [o for o in Overlay if o is not Overlay.OWN_KEYPOINTS or finder is not None],
        format_func=str.capitalize,
        selection_mode="multi",
        default=[Overlay.CONTOURS, Overlay.IRISES],
        key="overlays",
    )
    own = finder if Overlay.OWN_KEYPOINTS in overlays else None
    names = ", ".join(overlays) or "no overlay"
    st.image(
        draw_face_landmarks(
            photo.photo.rgb,
            mesh,
            overlays,
            box_xyxy=scaled_square(mesh.box_xyxy, _MARGIN),
            side=_SHOWN_SIDE,
            own_keypoints=own.find_in_photo(photo.photo.rgb, face) if own else None,
        ),
        width="stretch",
        alt=f"Face {number} with {names}",
    )
    if own:
        st.caption(_keypoints_sentence(own.bundle.spec))


def _keypoint_finder() -> "KeypointFinder | None":
    """Return the network that finds keypoints, None if it is missing or, which is then said, damaged."""
    try:
        return load_keypoint_finder()
    except FerError as error:
        st.warning(
            f"Our keypoints cannot be shown. {message_as_text(error)}", icon=":material/report:"
        )
        return None


def _keypoints_sentence(spec: "KeypointSpec") -> str:
    """Say whose points these are and how well they are measured to lie."""
    text = (
        "Violet: the 15 keypoints by our own network, which sees 96x96 grey pixels; MediaPipe's points of "
        "the same names are orange."
    )
    measured = spec.metrics.get("keypoints:test")
    if measured is None:
        return text
    whom = "" if measured.persons is None else f" of {measured.persons} persons it never saw"
    return (
        f"{text} On {measured.n:,} test images{whom}, its points lie on average "
        f"{measured.normalized_mean_error:.1%} of the eyes' distance from the labelled ones."
    )


def show_mesh(mesh: "FaceMesh", number: int) -> None:
    """Show the landmarks in depth, as a figure to turn."""
    from fer_core.faces.landmarks import upright_points
    from fer_core.views.faces import mesh_3d

    is_upright = st.toggle("Turned to face the camera", key="upright_mesh")
    points = upright_points(mesh) if is_upright else mesh.landmarks - mesh.landmarks.mean(axis=0)
    st.plotly_chart(
        mesh_3d(points),
        width="stretch",
        key="mesh",
        config=PLAIN_CHART,
        alt=f"Mesh of face {number} in three dimensions",
    )
    st.caption("Drag to turn. Depth is MediaPipe's estimate from one picture.")


def show_pose_and_measures(mesh: "FaceMesh") -> None:
    """Show how the head is turned, and a few distances."""
    from fer_core.faces.landmarks import geometry

    pose, measured = mesh.head_pose, geometry(mesh.landmarks)
    st.subheader("Head and features")
    values = {
        "Head turned": _turn(pose.yaw, "to the right of the picture", "to the left"),
        "Head tilted": _turn(pose.roll, "clockwise", "counter-clockwise"),
        "Head nodded": _turn(pose.pitch, "down", "up"),
        "Eyes open": _pair(measured.left_eye_opening, measured.right_eye_opening),
        "Brows above lids": _pair(measured.left_brow_height, measured.right_brow_height),
        "Mouth open": f"{measured.mouth_opening:.0%}",
        "Mouth wide": f"{measured.mouth_width:.0%}",
    }
    with st.container(horizontal=True):
        for label, value in values.items():
            with st.container(width=150, gap="xxsmall"):
                st.caption(label)
                st.markdown(f"**{value}**")
    st.caption(
        "Eyes: distance of the lids over the eye's width, the person's left and right. Mouth open: "
        "distance of the lips over the mouth's width. Brows and mouth's width: over the distance of the "
        "eyes' centres."
    )


def show_blendshapes(mesh: "FaceMesh", number: int) -> None:
    """Show the strongest movements of the face."""
    from fer_core.faces.blendshapes import strongest_blendshapes
    from fer_core.views.faces import blendshapes_bar

    st.subheader("Strongest movements")
    strongest = ", ".join(word for word, _ in strongest_blendshapes(mesh.blendshapes, n=3))
    st.plotly_chart(
        blendshapes_bar(mesh.blendshapes),
        width="stretch",
        key="blendshapes",
        config=PLAIN_CHART,
        alt=f"Strongest movements of face {number}: {strongest}",
    )
    st.caption(
        "MediaPipe's blendshapes from 0, not made, to 1, made fully; left and right are the person's."
    )


def _turn(degrees: float, positive: str, negative: str) -> str:
    if abs(degrees) < _STRAIGHT:
        return "straight"
    return f"{abs(degrees):.0f}\u00b0 {positive if degrees > 0 else negative}"


def _pair(left: float, right: float) -> str:
    return f"{left:.0%} / {right:.0%}"
