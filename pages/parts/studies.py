"""The parts of the studies page. Plotly is loaded where it is used, so that the page appears before."""

from typing import TYPE_CHECKING, Final

import streamlit as st

from fer_core.data_names import data_name, split_of
from fer_core.errors import DataError
from fer_core.studies.numbers import findings, measured_on, progress, runs_table
from fer_core.studies.plans import (
    SearchPlan,
    StudyPlan,
    StudyResults,
    read_history,
    read_search,
    read_study,
)
from pages.shared.downloads import offer_file
from pages.shared.verbatim import message_as_text
from pages.shared.views import show_view

if TYPE_CHECKING:
    import pandas as pd

_ALL: Final = "All faces"
_CLEAN: Final = "Without copies"
#: How numbers are rounded, by what their column's name ends with.
_FORMATS: Final = {
    "(%)": "%.1f",
    "macro F1": "%.3f",
    "log loss": "%.3f",
    "validation loss": "%.3f",
    "seconds": "%,.0f",
    "images a second": "%,.0f",
    "parameters": "%,d",
    "training rows": "%,d",
}


def show_none() -> None:
    """Say how the first study is run."""
    st.info("No study was run here yet. This runs one:", icon=":material/experiment:")
    st.code("python -m training study conv_stages", language="bash")


def show_study(plan: StudyPlan) -> None:
    """Show a study: figure, sentences, table, curves, recalls, command, references.

    Raises:
        DataError: its table is damaged.
    """
    results = read_study(plan)
    if results.runs.empty:
        _show_not_run(plan)
    else:
        _show_accuracy(results)
        _show_table(runs_table(results), plan.name)
        _show_learning(results)
        _show_recalls(results)
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
    _show_table(trials_table(results), plan.name)
    _show_command(plan)


def _show_not_run(plan: StudyPlan | SearchPlan) -> None:
    st.info(
        f"Planned, and not run yet: 0 of {plan.planned} runs are done. This runs it:",
        icon=":material/experiment:",
    )
    st.code(plan.command, language="bash")


def _show_accuracy(results: StudyResults) -> None:
    from fer_core.views.studies import accuracy_view

    st.markdown(progress(results))
    faces = st.segmented_control("Faces", [_ALL, _CLEAN], default=_ALL, required=True)
    show_view(accuracy_view(results, clean=faces == _CLEAN))
    st.markdown("\n".join(f"- {sentence}" for sentence in findings(results)))


def _show_table(table: "pd.DataFrame", name: str) -> None:
    st.subheader("Runs")
    columns = {
        column: st.column_config.NumberColumn(format="%.3g")
        for column in table.select_dtypes("float").columns
    }
    columns |= {
        column: st.column_config.NumberColumn(format=number_format)
        for column in table.columns
        for ending, number_format in _FORMATS.items()
        if column.endswith(ending)
    }
    # Stays in sight while the others are scrolled.
    columns[table.columns[0]] = st.column_config.Column(pinned=True)
    st.dataframe(table, hide_index=True, column_config=columns, key=f"runs-{name}")
    offer_file(
        "Runs (CSV)",
        lambda: table.to_csv(index=False),
        f"{name}.csv",
        "text/csv",
        icon=":material/table:",
        type="tertiary",
    )


def _show_learning(results: StudyResults) -> None:
    from fer_core.views.studies import learning_view

    try:
        history = read_history(results.plan)
    except DataError as error:
        st.error(
            f"The learning curves cannot be shown. {message_as_text(error)}",
            icon=":material/report:",
        )
        return
    if not history.empty:
        show_view(learning_view(results, history))


def _show_recalls(results: StudyResults) -> None:
    from fer_core.views.studies import recalls_view

    choices = measured_on(results)
    tests = [data for data in choices if split_of(data) == "test"]
    st.subheader("Recall by class")
    data = st.selectbox(
        "Measured on",
        choices,
        index=choices.index((tests or choices)[0]),
        format_func=data_name,
        key=f"recalls-{results.plan.name}",
    )
    show_view(recalls_view(results, data), heading=False)


def _show_command(plan: StudyPlan | SearchPlan) -> None:
    st.subheader("Repeat it")
    st.markdown("Does what is left of it; what is finished stays as it is.")
    st.code(plan.command, language="bash")


def _show_references(plan: StudyPlan) -> None:
    if not plan.references:
        return
    st.subheader("Published by others")
    st.markdown(
        "These figures are others', as they published them. They were not measured here, and what they were "
        "measured on may differ."
    )
    st.table(
        {
            "Whose": [reference.label for reference in plan.references],
            "Accuracy": [f"{reference.accuracy:.1%}" for reference in plan.references],
            "Measured on": [reference.note for reference in plan.references],
        }
    )
