"""The parts of the Experiments page. Plotly is imported on use, so that the page appears sooner."""

from typing import TYPE_CHECKING, Final

import streamlit as st

from fer_core.data_names import data_name, split_of
from fer_core.errors import DataError
from fer_core.files import version_of
from fer_core.listing import capitalized
from fer_core.studies.numbers import findings, measured_on, progress, runs_table
from fer_core.studies.plans import (
    SearchPlan,
    StudyPlan,
    StudyResults,
    answers_path,
    read_history,
    read_plan,
    read_search,
    read_study,
    table_path,
)
from pages.parts.glossary import column_help, defined
from pages.shared.downloads import offer_file
from pages.shared.links import linked
from pages.shared.verbatim import public_message
from pages.shared.views import show_view

if TYPE_CHECKING:
    import pandas as pd

    from fer_core.studies.pairs import Comparison

#: Splits by how much their faces say about new ones.
_SPLITS: Final = ("test", "valid", "train")
#: Learning curves that are shown together.
_CURVES: Final = {
    "validation": ("validation",),
    "training": ("training",),
    "both": ("validation", "training"),
}
_ALL: Final = "All faces"
_CLEAN: Final = "Without duplicates"
#: How numbers are rounded, by what their column's name ends with.
_FORMATS: Final = {
    "(%)": "%.1f",
    "macro F1": "%.3f",
    "log loss": "%.3f",
    "validation loss": "%.3f",
    "seconds": "%,.0f",
    "images per second": "%,.0f",
    "parameters": "%,d",
    "training rows": "%,d",
}


def study_title(name: str) -> str:
    """Return the title of a study or search; its name if its plan is damaged."""
    try:
        return read_plan(name).title
    except DataError:
        return name


def show_none() -> None:
    """Explain how to run the first experiment."""
    st.info("There are no experiments yet. Run one with:", icon=":material/experiment:")
    st.code("python -m training study conv_stages", language="bash")


def show_study(plan: StudyPlan) -> None:
    """Show a study: figure, findings, table, curves, recalls, command, references.

    Raises:
        DataError: its table is damaged.
    """
    results = read_study(plan)
    if results.runs.empty:
        _show_not_run(plan)
    else:
        comparisons, sentences = _compared(results)
        _show_accuracy(results, sentences)
        # Each chart takes the browser a while: only those of the open tab are drawn.
        variants, runs, learning, recalls, command = st.tabs(
            ["Variants", "Runs", "Learning curves", "Recall by class", "Reproduce"],
            key="tab",
            on_change="rerun",
            bind="query-params",
        )
        with variants:
            _show_variants(results, comparisons)
        with runs:
            _show_table(runs_table(results), plan.name)
        if learning.open:
            with learning:
                _show_learning(results)
        if recalls.open:
            with recalls:
                _show_recalls(results)
        with command:
            _show_command(plan)
    _show_references(plan)


def show_search(plan: SearchPlan) -> None:
    """Show a search: the trials as lines and as a table, the best so far, the command.

    Raises:
        DataError: its table is damaged.
    """
    results = read_search(plan)
    if results.trials.empty:
        _show_not_run(plan)
        return
    from fer_core.views.searches import best_so_far_view, paths_view, trials_table

    n = len(results.trials)
    st.markdown(f"{n} of {plan.planned} planned trials are done.")
    show_view(paths_view(results))
    show_view(best_so_far_view(results))
    st.subheader("Runs")
    _show_table(trials_table(results), plan.name)
    st.subheader("Reproduce")
    _show_command(plan)


def _show_not_run(plan: StudyPlan | SearchPlan) -> None:
    st.info(
        f"Planned, not run yet (0 of {plan.planned} runs). Run it with:",
        icon=":material/experiment:",
    )
    st.code(plan.command, language="bash")


def _show_accuracy(results: StudyResults, differences: list[str]) -> None:
    from fer_core.views.studies import accuracy_view

    st.markdown(progress(results))
    # Above the choice of faces, on which they do not depend.
    st.markdown("\n".join(f"- {sentence}" for sentence in [*findings(results), *differences]))
    kinds = {"all": _ALL, "clean": _CLEAN}
    on_change = linked("faces", kinds, _ALL, key="study_faces")
    faces = st.segmented_control(
        "Faces",
        list(kinds.values()),
        required=True,
        key="study_faces",
        on_change=on_change,
        help=defined(_ALL, _CLEAN),
    )
    show_view(accuracy_view(results, clean=faces == _CLEAN), help=defined("Accuracy"))


def _compared(results: StudyResults) -> tuple[list["Comparison"], list[str]]:
    """Return the comparisons of the variants and sentences on them; if answers are damaged, a note alone."""
    from fer_core.studies.pairs import told_apart

    name = results.plan.name
    try:
        versions = tuple(version_of(path) for path in (table_path(name), answers_path(name)))
        comparisons = _comparisons(str(table_path(name)), results.plan, versions, results)
    except (DataError, OSError) as error:
        return [], [f"The variants cannot be compared. {public_message(error)}"]
    return comparisons, [told_apart(comparison, results) for comparison in comparisons]


@st.cache_resource(show_spinner=False, max_entries=32)
def _comparisons(
    table: str, plan: StudyPlan, versions: tuple[object, ...], _results: StudyResults
) -> list["Comparison"]:
    """Return the comparisons of a study's variants, made again when its files have changed."""
    from fer_core.studies.pairs import compare_variants

    return compare_variants(_results)


def _show_variants(results: StudyResults, comparisons: list["Comparison"]) -> None:
    from fer_core.studies.variants import in_words, variants_table

    st.caption(
        "Accuracy on clean validation faces: the mean, with the range over seeds. The distance from the best "
        "variant has an interval over the faces that all runs predicted (paired bootstrap). The intervals "
        "are simultaneous at 95% for all pairs of variants. If one contains 0, the two do not differ "
        "significantly. Other seeds would widen them. Balanced accuracy is the mean of the classes' recalls."
    )
    table = variants_table(results, comparisons)
    _show_table(in_words(table), f"{results.plan.name}-variants", whole=table)


def _show_table(table: "pd.DataFrame", name: str, *, whole: "pd.DataFrame | None" = None) -> None:
    """Show a table with its CSV, which is of `whole` if that is given."""
    forms = dict.fromkeys(table.select_dtypes("float").columns, "%.3g")
    forms |= {
        column: number_format
        for column in table.columns
        for ending, number_format in _FORMATS.items()
        if column.endswith(ending)
    }
    columns = {
        column: st.column_config.NumberColumn(format=number_format, help=column_help(column))
        for column, number_format in forms.items()
    }
    # Stays in sight while the others are scrolled.
    columns[table.columns[0]] = st.column_config.Column(pinned=True)
    st.dataframe(table, hide_index=True, column_config=columns, key=f"runs-{name}")
    offer_file(
        "Download (CSV)",
        lambda: (table if whole is None else whole).to_csv(index=False),
        f"{name}.csv",
        "text/csv",
        type="tertiary",
    )


def _show_learning(results: StudyResults) -> None:
    from fer_core.views.studies import learning_view

    try:
        history = read_history(results.plan)
    except DataError as error:
        st.error(
            f"The learning curves cannot be shown. {public_message(error)}",
            icon=":material/report:",
        )
        return
    if history.empty:
        return
    shown = st.segmented_control(
        "Curves",
        list(_CURVES),
        default="validation",
        required=True,
        format_func=capitalized,
        key="curves",
        bind="query-params",
    )
    show_view(learning_view(results, history, _CURVES[str(shown)]), heading=False)


def _show_recalls(results: StudyResults) -> None:
    from fer_core.views.study_cells import recalls_view

    choices = measured_on(results)
    first = min(choices, key=lambda data: _SPLITS.index(split_of(data)))
    words = {data.replace(":", "-"): data for data in choices}
    data = st.selectbox(
        "Data set",
        choices,
        format_func=data_name,
        key="recalls",
        on_change=linked("recalls", words, first, key="recalls"),
        width=320,
        help=defined("Recall"),
    )
    show_view(recalls_view(results, data), heading=False)


def _show_command(plan: StudyPlan | SearchPlan) -> None:
    st.caption("Runs what is missing; finished runs are kept.")
    st.code(plan.command, language="bash")


def _show_references(plan: StudyPlan) -> None:
    if not plan.references:
        return
    st.subheader("Published by others")
    st.caption("Figures as published, not measured here; their test data may differ.")
    st.dataframe(
        {
            "Source": [reference.label for reference in plan.references],
            "Accuracy": [f"{reference.accuracy:.1%}" for reference in plan.references],
            "Evaluated on": [reference.note for reference in plan.references],
        },
        hide_index=True,
    )
