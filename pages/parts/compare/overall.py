"""Which of two networks is right more often on all test faces, whatever they predict."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from fer_core.data_names import caution_of, data_name, split_of
from fer_core.errors import FerError
from fer_core.networks.bundles import resolve
from fer_core.studies.plans import study_names
from pages.parts.glossary import defined
from pages.shared.predictions import stored_predictions
from pages.shared.titles import label_of

if TYPE_CHECKING:
    from fer_core.evaluation.predictions import PairedComparison

#: Key of the expander, whose content is read when it is opened.
_OPEN: Final = "overall_is_open"
_TEST: Final = "test"
#: The study of networks that differ in landmarks alone.
_CONTROL: Final = "second_expert"


# So that opening it computes no heat maps anew.
@st.fragment
def show_overall(first: str, second: str) -> None:
    """Offer a table of two networks on the test faces of every data set that both were measured on."""
    with st.expander(
        "All test faces, whatever the networks predict",
        icon=":material/table:",
        key=_OPEN,
        on_change="rerun",
    ) as opened:
        if not opened.open:
            return
        titles = label_of(first), label_of(second)
        compared = dict(_comparisons(first, second))
        rows = [_row(data, found, titles) for data, found in compared.items()]
        if not rows:
            st.caption("There is no data set on which both networks were measured.")
            return
        st.dataframe(rows, hide_index=True)
        st.caption(
            "Test faces without a duplicate in the training data, with a label that both networks know. "
            "In brackets the 95% bootstrap interval. A small p means that chance does not explain the "
            + " ".join(["difference.", *filter(None, map(caution_of, compared))]),
            help=defined("McNemar's test", "Bootstrap interval"),
        )
        if _CONTROL in study_names():
            st.page_link(
                "../studies.py",
                label="What landmarks add, against a control without them",
                icon=":material/experiment:",
                query_params={"study": _CONTROL},
            )


def _comparisons(first: str, second: str) -> "Iterator[tuple[str, PairedComparison]]":
    """Yield each common test split, as "SOURCE:SPLIT", with the comparison on its clean rows."""
    from fer_core.evaluation.predictions import compare_clean, on_common_ground, predictions_of

    files = [predictions_of(resolve(name).path) for name in (first, second)]
    for data in files[0]:
        if split_of(data) != _TEST or data not in files[1]:
            continue
        try:
            results = {
                name: stored_predictions(of[data])
                for name, of in zip((first, second), files, strict=True)
            }
            found = compare_clean(*on_common_ground(results).values())
        except FerError:
            # Damaged, or of other faces or expressions: there is nothing to compare.
            continue
        if found.n:
            yield data, found


def _row(data: str, found: "PairedComparison", titles: tuple[str, str]) -> dict[str, Any]:
    return {
        "Data set": data_name(data),
        "Difference (points)": found.in_points(digits=1),
        "McNemar's exact p": found.p_in_words,
        **{title: f"{share:.1%}" for title, share in zip(titles, found.accuracies, strict=True)},
        "Faces": f"{found.n:,}",
    }
