"""The parts of the About page."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from fer_core.data_names import data_name, known_data_sets
from fer_core.errors import DataError
from fer_core.evaluation.photo_accuracy import read_photo_accuracy
from fer_core.listing import capitalized, listed
from fer_core.networks.bundles import BundleSpec
from pages.shared.level_sentences import judged_by, shares_by_level
from pages.shared.networks import chosen_networks
from pages.shared.titles import bundle_of, of_current_weights, origin_sentences, title_of

#: Of a network's expressions, how many are named as those that it misses most.
_MISSED: Final = 2


def show_meaning() -> None:
    """Explain what the app does and what a prediction is."""
    st.markdown(
        "Second Look finds every face in a photo, a video or a camera's picture and names its **apparent "
        "expression**: what the face looks like in one picture. That is not what the person feels.\n\n"
        "By default two networks predict for each face. The CNN sees the pixels; the dual-input network also "
        "sees where the landmarks are. It averages the CNN with a second expert, so their agreement says "
        "less than that of two independent opinions. Each prediction has one of three levels:\n"
        "- **Happy** (confident): the confidence is at or above the network's threshold.\n"
        "- **Probably happy** (probable): it is below, but one expression leads clearly.\n"
        "- **Unclear: angry or sad** (unclear): two expressions are close, or it is unknown which way "
        "up the face is."
    )


def show_accuracy() -> None:
    """Show how accurate the networks in use are, as measured with these weights."""
    st.header("Accuracy")
    bundles = [bundle for name in chosen_networks() if (bundle := bundle_of(name))]
    names = [bundle.spec.name for bundle in bundles]
    if rows := accuracy_rows([bundle.spec for bundle in bundles]):
        st.table(rows, border="horizontal", hide_index=True)
        st.caption("Duplicates are test faces that also occur in the training data.")
    _show_levels(names)
    st.markdown(f"{photos_sentences(names)}Other photos can be harder.")
    # A link in Markdown would open a new tab, without the visit's photos.
    st.page_link("../evaluation.py", label="All figures", icon=":material/analytics:")
    if origins := origin_sentences(bundles):
        st.markdown(" ".join(origins))


def accuracy_rows(specs: Sequence[BundleSpec]) -> list[dict[str, str]]:
    """Return a table of how often networks are right on test faces, on which no choice was made.

    A row for each data set's labels, with and without duplicates of training faces; those first whose
    validation faces chose a network. A column for each network. Empty if nothing was measured.
    """
    titles = [title_of(spec.name) for spec in specs]
    if len(set(titles)) < len(titles):
        titles = [spec.name for spec in specs]
    rows: dict[str, dict[str, str]] = {}
    for title, spec in zip(titles, specs, strict=True):
        for source in judged_by(spec, others=True):
            measured = spec.metrics[f"{source}:test"]
            judge = capitalized(known_data_sets()[source].judge or "")
            cells = {judge: _right(measured.accuracy, measured.n)}
            if measured.accuracy_clean is not None and measured.n_clean:
                clean = _right(measured.accuracy_clean, measured.n_clean)
                cells[f"{judge}, without duplicates"] = clean
            for label, cell in cells.items():
                rows.setdefault(label, dict.fromkeys(titles, ""))[title] = cell
    return [{"Right on test faces, by": label} | cells for label, cells in rows.items()]


def _right(share: float, n: int) -> str:
    return f"{share:.1%} of {n:,}"


def _show_levels(names: Sequence[str]) -> None:
    """Show how often each level of each network is right."""
    rows = []
    for name in names:
        for judge, shares in shares_by_level(name).items():
            cells = {
                str(level).capitalize(): _right(share.accuracy, share.n)
                for level, share in shares.items()
                if share.accuracy is not None
            }
            rows.append({"Right at each level": f"{title_of(name)}, by {judge}"} | cells)
    if rows:
        st.table(rows, border="horizontal", hide_index=True)
        st.caption("Test faces without duplicates.")


def photos_sentences(names: Sequence[str]) -> str:
    """Return sentences on the networks' accuracy and confidence on whole photos; empty if not measured."""
    try:
        rows = of_current_weights(read_photo_accuracy())
    except DataError:
        # Evaluation says what is wrong with the table.
        return ""
    whole = {row.network: row for row in rows if row.face_pixels is None}
    measured = [
        f"{title_of(name)} is right on {row.accuracy:.1%} of {row.n:,}; its mean confidence is "
        f"{row.mean_confidence:.1%}. "
        for name in names
        if (row := whole.get(name))
    ]
    if not measured:
        return ""
    return f"On whole press photos, {''.join(measured)}The default networks were chosen on these photos. "


def show_limits() -> None:
    """State for which faces predictions are less accurate, and what was not measured."""
    st.header("Limits")
    missed = [s for name in chosen_networks() if (s := _missed_sentence(name))]
    lines = [
        *missed,
        "Predictions for small, blurred, dark, covered, turned or drawn faces can be less accurate.",
        "The networks learnt from grey 48x48 images from the web. People often disagree about their labels.",
        "Age, gender and skin colour are not recorded in the data. So differences between groups of people "
        "were not measured.",
    ]
    st.markdown("\n".join(f"- {line}" for line in lines))


def _missed_sentence(name: str) -> str | None:
    """Return a sentence on the expressions that a network misses most; None if that was not measured.

    On the last data set that chose its threshold: for the default pair, that of photos.
    """
    bundle = bundle_of(name)
    sources = judged_by(bundle.spec) if bundle else []
    if bundle is None or not sources:
        return None
    data = f"{sources[-1]}:test"
    recall = bundle.spec.metrics[data].per_class_recall
    least = sorted(recall.items(), key=lambda item: item[1])[:_MISSED]
    missed = listed([f"{share:.0%} of the faces labelled {label}" for label, share in least])
    return f"On {data_name(data)}, {title_of(name)} finds only {missed}."


def show_fair_use() -> None:
    """State what predictions must not be used for."""
    st.header("Fair use")
    st.markdown(
        "Do not use predictions to decide about people: not at work, in school, in policing or in medicine. "
        "In the European Union, reading emotions at work and in schools is prohibited (Regulation 2024/1689, "
        "Article 5). Show only photos of people who agreed to it."
    )


def show_privacy() -> None:
    """State how photos are handled."""
    st.header("Privacy")
    st.markdown(
        "Photos, videos and camera pictures are processed in this server's memory. They are not stored, not "
        "logged and not used for training. They are deleted when your visit ends. Nothing is sent to others."
    )


def show_sources() -> None:
    """Name the data and the software that the app is built on."""
    st.header("Sources")
    st.markdown(
        "- Training data: [FER2013](https://arxiv.org/abs/1307.0414), "
        "[FER+](https://arxiv.org/abs/1608.01041) and [ExpW](https://arxiv.org/abs/1609.06426)\n"
        "- Faces and landmarks: [MediaPipe](https://ai.google.dev/edge/mediapipe/solutions/vision/face_landmarker)"
    )
