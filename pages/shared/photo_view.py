"""A photo whose faces can be clicked: a component with a button over each face."""

import base64
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import streamlit as st

if TYPE_CHECKING:
    import numpy as np

    from fer_core.analysis import Analysis

_FOLDER: Final = Path(__file__).parent

_view = st.components.v2.component(
    "photo_view",
    html='<div class="photo"><img><div class="faces"></div></div>',
    css=(_FOLDER / "photo_view.css").read_text(encoding="utf-8"),
    js=(_FOLDER / "photo_view.js").read_text(encoding="utf-8"),
)


def show_photo_with_faces(
    image_rgb: "np.ndarray",
    analysis: "Analysis",
    *,
    chosen: int,
    choose: Callable[[int], object],
    alt: str,
    key: str,
) -> None:
    """Show a photo with a button over each face.

    Args:
        image_rgb: uint8 (H, W, 3), the photo at any scale with boxes and labels drawn on it.
        analysis: of it.
        chosen: number of the face that is looked at, from 1; 0 for none.
        choose: called with the number of a face that is clicked, before the page runs again. It outlives the
            visit, so it must hold no photo.
        alt: text in place of the picture.
        key: of the component.
    """
    from fer_core.drawing import encode_jpeg, face_label

    picture = base64.b64encode(encode_jpeg(image_rgb)).decode("ascii")
    shares = (analysis.width, analysis.height)
    faces = []
    for number, face in enumerate(analysis.faces, start=1):
        left, top, right, bottom = (float(side) for side in face.face.box_xyxy)
        faces.append(
            {
                "number": number,
                "label": f"Face {number}: {face_label(face)[1]}",
                # In percent of the picture.
                "left": 100 * left / shares[0],
                "top": 100 * top / shares[1],
                "width": 100 * (right - left) / shares[0],
                "height": 100 * (bottom - top) / shares[1],
            }
        )
    _view(
        key=key,
        data={
            "picture": f"data:image/jpeg;base64,{picture}",
            "alt": alt,
            "faces": faces,
            "chosen": chosen,
        },
        on_face_change=partial(_choose_clicked, key, choose),
    )


def _choose_clicked(key: str, choose: Callable[[int], object]) -> None:
    if clicked := st.session_state[key].face:
        choose(int(clicked))
