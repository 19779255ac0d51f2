"""One face's landmarks: overlays, action units, head pose, gaze, measures, blendshapes, and a 3D mesh."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import streamlit as st

from fer_core.data_names import data_name
from fer_core.errors import FerError
from fer_core.listing import capitalized
from fer_core.palette import GUIDE_COLOR
from pages.shared.bars import row, share_bar, show_rows, track
from pages.shared.charts import PLAIN_CHART
from pages.shared.loading import load_keypoint_finder
from pages.shared.verbatim import public_message
from pages.shared.visit_photos import ChosenPhoto

if TYPE_CHECKING:
    from fer_core.faces.face import Face
    from fer_core.faces.mediapipe_models import FaceMesh
    from fer_core.networks.keypoints import KeypointFinder, KeypointSpec

#: Side in pixels at which a face with overlays is shown, and its frame over the networks' own.
_SHOWN_SIDE: Final = 720
_MARGIN: Final = 1.25
_MOVEMENTS: Final = 8
_MOVEMENT_FILL: Final = f"background:{GUIDE_COLOR};border-color:{GUIDE_COLOR}"
_NO_IRIS: Final = "eyes closed"
#: Degrees below which a head counts as straight.
_STRAIGHT: Final = 5


def show_overlays(photo: ChosenPhoto, face: "Face", mesh: "FaceMesh", number: int) -> None:
    """Show the enlarged face with the selected overlays."""
    from fer_core.drawing import Overlay, draw_face_landmarks
    from fer_core.faces.crops import scaled_square

    finder = _keypoint_finder()
    overlays = st.pills(
        "Overlays",
        [o for o in Overlay if o is not Overlay.OWN_KEYPOINTS or finder is not None],
        format_func=capitalized,
        selection_mode="multi",
        wrap=True,
        default=[Overlay.CONTOURS, Overlay.IRISES],
        key="overlays",
        persist_state="session",
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
        st.caption("Violet: the 15-point model. Orange: MediaPipe's landmarks of the same names.")
        with st.expander("Details"):
            st.markdown(_keypoints_sentence(own.bundle.spec))


def _keypoint_finder() -> "KeypointFinder | None":
    """Return the keypoint network; None if it is missing, or damaged, which is then shown."""
    try:
        return load_keypoint_finder()
    except FerError as error:
        st.warning(
            f"The 15-point model cannot be loaded. {public_message(error)}",
            icon=":material/report:",
        )
        return None


def _keypoints_sentence(spec: "KeypointSpec") -> str:
    """Return a sentence on the 15-point model and its measured error."""
    text = "The 15-point model is a network of this project, which sees 96x96 grey pixels."
    measured = spec.metrics.get("keypoints:test")
    if measured is None:
        return text
    whom = (
        ""
        if measured.persons is None
        else f" of {measured.persons} persons who are not in its training data"
    )
    return (
        f"{text} On {measured.n:,} test images{whom}, its mean error is "
        f"{measured.normalized_mean_error:.1%} of the distance between the eyes."
    )


def show_numbers_or_mesh(mesh: "FaceMesh", number: int) -> None:
    """Show action units, pose and measures, and in other tabs the blendshapes and the mesh."""
    numbers, shapes, in_3d = st.tabs(
        ["Action units", "Blendshapes", "3D mesh"], key="mesh_tab", on_change="rerun"
    )
    with numbers:
        _show_action_units(mesh, number)
        _show_pose_and_measures(mesh)
    with shapes:
        _show_blendshapes(mesh, number)
    # Only when asked for: the browser takes a while to load what draws it.
    if in_3d.open:
        with in_3d:
            _show_mesh(mesh, number)


def _show_mesh(mesh: "FaceMesh", number: int) -> None:
    """Show the landmarks in 3D, as a figure to rotate."""
    from fer_core.faces.landmarks import upright_points
    from fer_core.views.faces import VIEWPOINTS, mesh_3d

    # By keyboard as well; the figure itself can only be dragged.
    viewpoint = st.segmented_control(
        "Seen from",
        list(VIEWPOINTS),
        default="Front",
        required=True,
        key="mesh_viewpoint",
        persist_state="session",
    )
    is_upright = st.toggle(
        "Frontalized",
        key="upright_mesh",
        persist_state="session",
        help="Rotated to face the camera",
    )
    points = upright_points(mesh) if is_upright else mesh.landmarks - mesh.landmarks.mean(axis=0)
    st.plotly_chart(
        mesh_3d(points, str(viewpoint)),
        width="stretch",
        key="mesh",
        config=PLAIN_CHART,
        alt=f"3D mesh of face {number}, seen from: {str(viewpoint).lower()}",
    )
    st.caption("Drag to rotate. Depth is MediaPipe's estimate from one photo.")


def _show_pose_and_measures(mesh: "FaceMesh") -> None:
    """Show the head pose and a few ratios of distances."""
    from fer_core.faces.gaze import gaze
    from fer_core.faces.landmarks import geometry

    pose, looks, measured = mesh.head_pose, gaze(mesh), geometry(mesh.landmarks)
    st.subheader("Head pose, gaze and features")
    values = {
        "Yaw": _turn(pose.yaw, "right", "left"),
        "Roll": _turn(pose.roll, "clockwise", "counterclockwise"),
        "Pitch": _turn(pose.pitch, "down", "up"),
        "Gaze, sideways": _turn(looks.yaw, "right", "left") if looks else _NO_IRIS,
        "Gaze, up or down": _turn(looks.pitch, "down", "up") if looks else _NO_IRIS,
        "Eye opening (left / right), of the eye's width": _pair(
            measured.left_eye_opening, measured.right_eye_opening
        ),
        "Brow height (left / right), of the eyes' distance": _pair(
            measured.left_brow_height, measured.right_brow_height
        ),
        "Mouth opening, of its width": f"{measured.mouth_opening:.0%}",
        "Mouth width, of the eyes' distance": f"{measured.mouth_width:.0%}",
    }
    with st.container(horizontal=True):
        for label, value in values.items():
            with st.container(width=150, gap="xxsmall"):
                st.caption(label)
                st.markdown(f"**{value}**")
    st.caption(
        "Ratios of distances in 3D. Left and right are the person's; yaw and gaze are as seen in the photo."
    )
    with st.expander("Details"):
        st.markdown(
            "- Gaze: relative to the head, from the irises and the corners of the eyes. It is off by several "
            "degrees, more if the face is small or turned\n"
            "- Eye opening: distance between the lids over the eye's width\n"
            "- Brow height: distance from lid to brow over the distance between the eyes' centres\n"
            "- Mouth opening: distance between the lips over the mouth's width\n"
            "- Mouth width: over the distance between the eyes' centres"
        )


def _show_action_units(mesh: "FaceMesh", number: int) -> None:
    """Show the strongest action units of the face."""
    from fer_core.faces.action_units import ACTION_UNITS, action_units

    st.subheader("Strongest action units, estimated")
    found = action_units(mesh.blendshapes)
    strongest = sorted(ACTION_UNITS, key=lambda unit: -found[unit.code])[:_MOVEMENTS]
    _show_strengths(
        {f"{unit.code} {unit.name}": found[unit.code] for unit in strongest},
        alt=f"Strongest action units of face {number}",
    )
    st.caption("Estimated from MediaPipe's blendshapes, from 0 (none) to 1 (full).")
    with st.expander("Details"):
        unchecked = ", ".join(unit.code for unit in ACTION_UNITS if not unit.is_checked)
        st.markdown(
            "Action units are the movements of the Facial Action Coding System (FACS). The download below, "
            "the full columns of *Batch and video*, the API and the command line have all of them, with left "
            "and right. "
            f"{unchecked} were not checked: no expression of CK+ contains them."
        )
        _show_checks()


def _show_checks() -> None:
    """Show in which expressions the estimated action units rise, if that was measured."""
    from fer_core.evaluation.action_unit_checks import read_action_unit_checks
    from fer_core.faces.action_units import ACTION_UNITS

    try:
        rows = read_action_unit_checks()
    except FerError:
        return
    shown = {unit.code for unit in ACTION_UNITS}
    rows = [row for row in rows if row.unit in shown]
    if not rows:
        return
    st.markdown(
        "Faces of each posed expression in which the unit is above its average in "
        f"{rows[0].neutral_n:,} neutral faces of {data_name(rows[0].neutral_source)}:"
    )
    st.dataframe(
        {
            "Unit": [row.unit for row in rows],
            "Expression": [f"{row.expression} (n {row.n:,})" for row in rows],
            "Above": [f"{row.share_above:.0%}" for row in rows],
            "Neutral faces above": [f"{row.neutral_share_above:.0%}" for row in rows],
        },
        hide_index=True,
    )


def _show_blendshapes(mesh: "FaceMesh", number: int) -> None:
    """Show the strongest movements of the face."""
    from fer_core.faces.blendshapes import strongest_blendshapes

    st.subheader("Strongest blendshapes")
    _show_strengths(
        dict(strongest_blendshapes(mesh.blendshapes, n=_MOVEMENTS)),
        alt=f"Strongest blendshapes of face {number}",
    )
    st.caption(
        "MediaPipe's blendshapes, from 0 (none) to 1 (full). Left and right are the person's."
    )


def _show_strengths(strengths: Mapping[str, float], *, alt: str) -> None:
    """Show strengths in [0, 1] as bars."""
    show_rows(
        [],
        [
            row(words, [track(share_bar(_MOVEMENT_FILL, strength))], [f"{strength:.2f}"])
            for words, strength in strengths.items()
        ],
        alt=alt,
    )


def _turn(degrees: float, positive: str, negative: str) -> str:
    if abs(degrees) < _STRAIGHT:
        return "straight"
    return f"{abs(degrees):.0f}\u00b0 {positive if degrees > 0 else negative}"


def _pair(left: float, right: float) -> str:
    return f"{left:.0%} / {right:.0%}"
