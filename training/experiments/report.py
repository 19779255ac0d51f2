"""The dashboards as one offline HTML file, for a paper's supplement or an archive."""

import html
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pandas as pd
from plotly.offline import get_plotlyjs

from fer_core.data_names import data_name, source_of, split_of
from fer_core.errors import DataError, FerError
from fer_core.evaluation.headline import HTML, headline_table
from fer_core.evaluation.human_agreement import read_annotators
from fer_core.evaluation.intervals import estimate
from fer_core.evaluation.predictions import (
    EvaluationResult,
    compare,
    predictions_of,
    read_predictions,
)
from fer_core.evaluation.robustness import stored_robustness
from fer_core.expressions import Expression
from fer_core.files import replace_text
from fer_core.networks.bundles import (
    HISTORY_FILE,
    SERVING_FILE,
    Bundle,
    default_networks,
    resolvable,
)
from fer_core.networks.layers import read_layers
from fer_core.studies.numbers import findings, measured_on
from fer_core.studies.plans import (
    StudyPlan,
    read_history,
    read_plan,
    read_search,
    read_study,
    study_names,
)
from fer_core.views import View, calibration, classes, confusion, searches, studies, study_cells
from fer_core.views.accuracy import accuracy_view
from fer_core.views.data_sets import across_view
from fer_core.views.learning import learning_view
from fer_core.views.models import architecture_view, cost_view
from fer_core.views.paired import comparison_sentence, paired_view
from fer_core.views.robustness import robustness_view
from fer_core.views.style import INK
from training.sources import Split

log = logging.getLogger(__name__)

#: Reported first: the split on which no choice was made.
_FIRST: Final = "fer2013:test"
_STYLE: Final = f"""
body {{ font: 16px/1.5 system-ui, sans-serif; color: {INK}; max-width: 960px; margin: 2rem auto }}
table {{ border-collapse: collapse; display: block; overflow-x: auto }}
td, th {{ border: 1px solid #D9E1E4; padding: 0.3rem 0.6rem; text-align: right }}
td:first-child, th:first-child {{ text-align: left }}
p.reading {{ color: #55636A; font-size: 0.9rem }}
nav a {{ margin-right: 1rem }}
pre {{ background: #F3F6F7; padding: 0.6rem; overflow-x: auto }}
"""


@dataclass
class Section:
    """A part of the report.

    Attributes:
        title: its heading.
        parts: pieces of HTML, in order.
    """

    title: str
    parts: list[str] = field(default_factory=list)

    @property
    def anchor(self) -> str:
        """Its anchor in links."""
        return "".join(c if c.isalnum() else "-" for c in self.title.lower())

    def say(self, text: str) -> None:
        """Add a paragraph."""
        self.parts.append(f"<p>{html.escape(text)}</p>")

    def show(self, view: View) -> None:
        """Add a figure with its heading and explanation."""
        figure = view.figure.to_html(
            full_html=False,
            include_plotlyjs=False,
            div_id=f"{self.anchor}-{view.name}",
            config={"displayModeBar": False, "responsive": True},
        )
        self.parts.append(
            f"<h3>{html.escape(view.title)}</h3>{figure}"
            f'<p class="reading">{html.escape(view.reading)}</p>'
        )


def write_report(path: Path) -> None:
    """Write the report on all bundles and studies under the bundle root atomically.

    Raises:
        DataError: no bundle has predictions to report on.
    """
    bundles = []
    for found in resolvable().values():
        if isinstance(found, FerError):
            log.warning("Left out: %s", found)
        else:
            bundles.append(found)
    stored = _stored(bundles)
    if not stored:
        raise DataError(
            "There are no predictions to report on. Make them with: python -m training evaluate BUNDLE "
            "--data fer2013:test"
        )
    sections = [
        _data_section(data, results, bundles)
        for data, by_network in stored.items()
        for results in _comparable(by_network)
    ]
    sections.append(_beyond_section(bundles))
    sections += _study_sections()
    sections += [_model_section(bundle) for bundle in bundles]
    replace_text(path, _page(sections, bundles))


def _stored(bundles: list[Bundle]) -> dict[str, dict[str, EvaluationResult]]:
    """Return the stored predictions by data set, then by network, the test split of FER2013 first."""
    stored: dict[str, dict[str, EvaluationResult]] = {}
    for bundle in bundles:
        for data, file in predictions_of(bundle.path).items():
            try:
                stored.setdefault(data, {})[bundle.spec.name] = read_predictions(file)
            except DataError as error:
                log.warning("Left out: %s", error)
    return dict(sorted(stored.items(), key=lambda item: (item[0] != _FIRST, item[0])))


def _comparable(
    results: Mapping[str, EvaluationResult],
) -> list[dict[str, EvaluationResult]]:
    """Return the networks in groups with the same expressions, the largest group first."""
    groups: dict[frozenset[Expression], dict[str, EvaluationResult]] = {}
    for name, result in results.items():
        groups.setdefault(frozenset(result.expressions), {})[name] = result
    return sorted(groups.values(), key=len, reverse=True)


def _data_section(
    data: str, results: Mapping[str, EvaluationResult], bundles: list[Bundle]
) -> Section:
    n_expressions = len(next(iter(results.values())).expressions)
    section = Section(f"{data_name(data)}, {n_expressions} expressions")
    n = {name: len(result) for name, result in results.items()}
    on = f"{data_name(data)}, all {' or '.join(f'{size:,}' for size in sorted(set(n.values())))} faces."
    clean_rows = {name: result.select(result.clean) for name, result in results.items()}
    n_clean = {name: len(rows) for name, rows in clean_rows.items()}
    whole = {name: estimate(result) for name, result in results.items()}
    knows_copies = any(not result.clean.all() for result in results.values())
    clean = {name: estimate(rows) for name, rows in clean_rows.items()} if knows_copies else {}
    section.show(
        accuracy_view(
            {name: e["accuracy"] for name, e in whole.items()},
            {name: e["accuracy"] for name, e in clean.items()},
            (n, n_clean),
            on,
        )
    )
    for kind, estimates, sizes in (
        ("All faces", whole, n),
        ("Without duplicates", clean, n_clean),
    ):
        if estimates:
            section.parts.append(f"<h3>{kind}</h3>{headline_table(estimates, sizes, HTML)}")
    for name, result in results.items():
        section.show(confusion.confusion_view(result, name, "of the label", on))
    section.show(classes.class_view(results, "recall", on))
    temperatures = {bundle.spec.name: bundle.spec.temperature for bundle in bundles}
    for name, result in results.items():
        section.show(calibration.reliability_view(result, name, temperatures[name], on))
    section.show(calibration.risk_coverage_view(results, _threshold(bundles), on))
    _show_pair(section, results, on)
    return section


def _threshold(bundles: list[Bundle]) -> float:
    """Return the threshold of the network with the most inputs."""
    by_name = {bundle.spec.name: min(bundle.spec.abstention_threshold, 1.0) for bundle in bundles}
    return next((by_name[name] for name in reversed(default_networks()) if name in by_name), 0.5)


def _show_pair(section: Section, results: Mapping[str, EvaluationResult], on: str) -> None:
    pair = [name for name in default_networks() if name in results]
    if len(pair) != 2:
        return
    first, second = (results[name] for name in pair)
    try:
        comparison = compare(first, second)
    except DataError:
        # Measured on other rows: there is nothing to pair.
        return
    section.show(paired_view(first, second, (pair[0], pair[1]), on))
    section.say(comparison_sentence(comparison, (pair[0], pair[1])))


def _beyond_section(bundles: list[Bundle]) -> Section:
    section = Section("Other data sets")
    try:
        annotators = read_annotators()
    except DataError as error:
        log.warning("Left out: %s", error)
        annotators = []
    specs = [bundle.spec for bundle in bundles]
    if any(split_of(data) == Split.TEST for spec in specs for data in spec.metrics):
        section.show(across_view(specs, annotators))
    try:
        stored = {
            b.spec.name: stored_robustness(b, source_of(_FIRST), split_of(_FIRST)) for b in bundles
        }
        known = {name: result for name, result in stored.items() if result is not None}
        if known:
            section.show(robustness_view(known))
    except DataError as error:
        log.warning("Left out: %s", error)
    return section


def _study_sections() -> Iterator[Section]:
    for name in study_names():
        try:
            yield _study_section(name)
        except DataError as error:
            log.warning("Left out: %s", error)


def _study_section(name: str) -> Section:
    plan = read_plan(name)
    section = Section(f"Study: {plan.title}")
    section.say(plan.question)
    if isinstance(plan, StudyPlan):
        results = read_study(plan)
        if results.runs.empty:
            section.say("Planned, and not run yet.")
        else:
            section.show(studies.accuracy_view(results))
            for sentence in findings(results):
                section.say(sentence.replace("**", ""))
            if len(history := read_history(plan)):
                section.show(studies.learning_view(results, history))
            section.show(study_cells.recalls_view(results, measured_on(results)[-1]))
        for reference in plan.references:
            section.say(
                f"Published by others, not measured here: {reference.label}, {reference.accuracy:.1%} "
                f"({reference.note})."
            )
    else:
        trials = read_search(plan)
        if not trials.trials.empty:
            section.show(searches.paths_view(trials))
            section.show(searches.best_so_far_view(trials))
    section.parts.append(f"<pre>{html.escape(plan.command)}</pre>")
    return section


def _model_section(bundle: Bundle) -> Section:
    spec = bundle.spec
    section = Section(f"Network: {spec.name}")
    data = spec.training_data
    section.say(
        f"{spec.title}. {spec.parameters:,} parameters, trained on {data.n:,} rows of "
        f"{data_name(f'{data.source}:{data.split}')} with {spec.backend} at commit {spec.code_commit[:12]}."
    )
    try:
        if layers := read_layers(bundle):
            section.show(architecture_view(spec, layers))
            section.show(cost_view(spec, layers))
    except DataError as error:
        log.warning("Left out: %s", error)
    history = bundle.path / HISTORY_FILE
    if history.is_file():
        section.show(learning_view(pd.read_csv(history), spec.name))
    return section


def _page(sections: list[Section], bundles: list[Bundle]) -> str:
    links = "".join(f'<a href="#{s.anchor}">{html.escape(s.title)}</a> ' for s in sections)
    weights = "; ".join(
        f"{bundle.spec.name} {bundle.spec.sha256[SERVING_FILE][:12]}" for bundle in bundles
    )
    body = "".join(
        f'<section id="{s.anchor}"><h2>{html.escape(s.title)}</h2>{"".join(s.parts)}</section>'
        for s in sections
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Second Look: evaluation</title><style>{_STYLE}</style>"
        f"<script>{get_plotlyjs()}</script></head><body><h1>Second Look: evaluation</h1>"
        f"<p>Written {datetime.now(UTC):%Y-%m-%d %H:%M} UTC from stored predictions and tables of runs. "
        f"Weights, by sha256: {html.escape(weights)}.</p><nav>{links}</nav>{body}</body></html>"
    )
