"""The experiments page without a browser: every study, none, an unfinished and a damaged one."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from fer_core.studies.plans import (
    Reference,
    StudyPlan,
    answers_path,
    history_path,
    plan_path,
    read_plan,
    study_names,
    table_path,
    write_plan,
)
from tests.conftest import NAVIGATION
from tests.fer_core.studies.study_tables import study_plan, write_search, write_study

SECONDS = 60
STAGES = {f"{n}-stages": {"stages": n} for n in (2, 3)}
NETWORKS = {"custom": {"network": "custom"}, "vgg": {"network": "VGG13"}}
PUBLISHED = Reference(label="VGG, as published", accuracy=0.64, note="split not stated")


@pytest.fixture
def _own_tables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FER_MODELS", str(tmp_path))


def open_page(study: str | None = None) -> AppTest:
    app = AppTest.from_file(NAVIGATION, default_timeout=SECONDS)
    page = app.switch_page("../studies.py").run()
    return page if study is None else page.selectbox(key="study").set_value(study).run()


def test_a_link_to_an_unknown_study_is_told():
    app = AppTest.from_file(NAVIGATION, default_timeout=SECONDS)
    app.query_params["study"] = "nonsense"
    page = app.run().switch_page("../studies.py").run()
    assert not page.exception
    assert "`nonsense`, which is not available here" in page.warning[0].value


def open_tab(page: AppTest, tab: str) -> AppTest:
    page.session_state["tab"] = tab
    return page.run()


@pytest.mark.parametrize("name", study_names())
def test_every_study_that_is_there_is_shown(name: str):
    page = open_page(name)
    assert not page.exception
    assert not page.error
    plan = read_plan(name)
    assert page.header[0].value == plan.title
    assert plan.question in [text.value for text in page.markdown]
    assert page.code[-1].value == plan.command
    if table_path(name).is_file():
        assert page.get("plotly_chart")
        # Variants, runs and references; the trials of a search.
        is_study = isinstance(plan, StudyPlan)
        assert len(page.dataframe) == (2 + bool(plan.references) if is_study else 1)
    else:
        assert "not run yet" in page.info[0].value


@pytest.mark.usefixtures("_own_tables")
def test_without_any_study_the_page_says_how_to_run_one():
    page = open_page()
    assert not page.exception
    assert "There are no experiments yet" in page.info[0].value
    assert page.code[0].value == "python -m training study conv_stages"
    assert not page.selectbox


@pytest.mark.usefixtures("_own_tables")
def test_a_study_has_its_figures_runs_and_references_and_another_is_chosen():
    write_study(study_plan("stages", STAGES), STAGES)
    write_study(study_plan("systems", NETWORKS, references=[PUBLISHED]), NETWORKS)
    page = open_page("systems")
    assert not page.exception
    # The others are in tabs, and drawn where they are open.
    assert len(page.get("plotly_chart")) == 1
    assert len(open_tab(page, "Learning curves").get("plotly_chart")) == 2
    variants, runs, references = page.dataframe
    assert variants.value["variant"].tolist() == ["custom", "VGG13"]
    assert runs.value["variant"].tolist() == ["custom", "vgg"]
    assert references.value["Accuracy"].tolist() == ["64.0%"]
    assert any("not measured here" in text.value for text in page.caption)
    choice = page.button_group[0]
    assert [f"**{option}**: " in choice.help for option in choice.options] == [True, True]
    choice.set_value("Without duplicates").run()
    assert not page.exception
    assert any("are left out" in text.value for text in page.markdown)
    page = open_tab(page, "Recall by class")
    assert len(page.get("plotly_chart")) == 2
    page.selectbox(key="recalls").set_value("fer2013:train").run()
    assert any("whole of FER2013 Training" in caption.value for caption in page.caption)
    page.selectbox(key="study").set_value("stages").run()
    assert not page.exception
    assert page.header[0].value == "Title of stages"
    assert len(page.dataframe) == 2


@pytest.mark.usefixtures("_own_tables")
def test_a_search_has_its_trials():
    write_search()
    page = open_page()
    assert not page.exception
    assert page.header[0].value == "Search of the settings of cnn"
    assert "4 of 8 planned trials are done." in [text.value for text in page.markdown]
    assert len(page.get("plotly_chart")) == 2
    assert page.dataframe[0].value["trial"].tolist() == ["02", "03", "00", "01"]


@pytest.mark.usefixtures("_own_tables")
@pytest.mark.parametrize("name", ["stages", "tune-cnn"])
def test_what_was_planned_and_not_run_says_how_it_is_run(name: str):
    write_search(n_trials=0)
    plan = study_plan("stages", STAGES, references=[PUBLISHED])
    write_plan(plan)
    page = open_page(name)
    assert not page.exception
    assert "not run yet" in page.info[0].value
    assert page.code[0].value == read_plan(name).command
    assert not page.get("plotly_chart")


@pytest.mark.usefixtures("_own_tables")
def test_an_unfinished_study_says_so():
    write_study(study_plan("stages", STAGES), STAGES, runs=[("3-stages", 0)])
    page = open_page()
    assert not page.exception
    assert any("1 of 2 planned runs" in text.value for text in page.markdown)
    assert page.dataframe[0].value["variant"].tolist() == ["3-stages"]


@pytest.mark.usefixtures("_own_tables")
def test_damaged_answers_take_only_the_comparison_away():
    write_study(study_plan("stages", STAGES), STAGES)
    answers_path("stages").write_bytes(b"no")
    page = open_page("stages")
    assert not page.exception
    assert any("The variants cannot be compared." in text.value for text in page.markdown)
    assert (page.dataframe[0].value["points below the best"] == "").all()


@pytest.mark.usefixtures("_own_tables")
@pytest.mark.parametrize("path_of", [table_path, plan_path])
def test_a_damaged_study_is_explained_and_the_others_stay(path_of):
    write_study(study_plan("stages", STAGES), STAGES)
    write_study(study_plan("systems", NETWORKS), NETWORKS)
    path_of("stages").write_bytes(b"no")
    page = open_page("stages")
    assert not page.exception
    assert path_of("stages").name in page.error[0].value
    assert "python -m training study stages" in page.error[0].value
    page.selectbox(key="study").set_value("systems").run()
    assert not page.error
    assert len(page.get("plotly_chart")) == 1


@pytest.mark.usefixtures("_own_tables")
def test_a_damaged_history_takes_only_the_curves_away():
    write_study(study_plan("stages", STAGES), STAGES)
    history_path("stages").write_bytes(b"no")
    page = open_tab(open_page(), "Learning curves")
    assert not page.exception
    assert "learning curves cannot be shown" in page.error[0].value
    assert len(page.get("plotly_chart")) == 1
    assert page.code[0].value == "python -m training study stages"
