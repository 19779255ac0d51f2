"""The model card: a bundle's README.md, with the metadata that the Hugging Face Hub reads.

Every number comes from the bundle's spec, so the card can be rewritten at any time.
"""

import json
from typing import Final

from fer_core.data_names import source_of, split_of
from fer_core.evaluation.measures import MEASURES
from fer_core.faces.landmarks import FEATURE_SIZE
from fer_core.networks.bundles import (
    RENAMED,
    REQUIRED_ACCURACY,
    Bundle,
    BundleSpec,
    CalibrationSplit,
    SplitMetrics,
)
from fer_core.networks.hub import variable_of
from training.architectures.base import TRUNK_SETTING, ExpressionArchitecture
from training.architectures.registry import EXPRESSION_ARCHITECTURES
from training.bundle.card_file import front_matter, origin_item, without_paths, write_card_file
from training.sources import (
    SOURCES,
    Split,
    all_images_of,
    images_of,
    is_known,
    is_own_folder,
    parts_of,
)
from training.teachers.ensemble import campaign_of

_INTENDED_USE: Final = """\
It predicts the *apparent* expression of a face, one of {n_classes} classes. It does not know what the
person feels, thinks or intends: people smile without joy, and are sad without showing it.

It is meant for research, teaching, and tools whose users look at their own pictures and can judge the
prediction themselves. Do not use it to decide about people: not at work or in hiring, in education, in
policing, border control or security, or in medicine or therapy. Do not use it to infer the emotions of
anyone who has not agreed to it. Several of these uses are prohibited in the European Union (Regulation
2024/1689, Article 5)."""
#: Origin of training images without a known source, in the form of `DataSet.origin`.
_OWN_ORIGIN: Final = "a user's own. Their origin and their annotators are not recorded"
_UNKNOWN_ORIGIN: Final = (
    "from {source}, a data set that this version does not know. Their origin and their "
    "annotators are not recorded"
)
_COMMERCIAL: Final = "Check whether weights trained on them may be used commercially where you are."
_OWN_TERMS: Final = (
    "They are a user's own; that user decides what may be done with weights trained on them."
)
_LIMITS: Final = """\
{origin}
- No figure here says how well predictions match what people felt.
- Age, gender and skin colour are not recorded in the data, so differences between groups of people were
  not measured. The weights contain the bias of photos on the web.
{sight}
- Rare classes are recognised less often than frequent ones; see the recall of each class above."""
_PIXEL_LIMITS: Final = """\
- It sees {height}x{width} grey pixels, cropped as in its training data. Small, blurred, dark, covered or
  turned-away faces, and faces cropped differently, get less accurate predictions than the figures say.
- Its class activation maps are poor explanations. Those of the default pair are hardly better than a spot in
  the middle of every face (`docs/results.md`, heat maps)."""
_LANDMARK_LIMITS: Final = """\
- It sees the landmarks of MediaPipe's Face Landmarker, which was trained by others on other data and has
  its own limits. In training they were found in images of 48 pixels, in photos in all their pixels."""

#: How unequal class sizes were handled, by `training.schema.balance.Balance.strategy`; settings in braces.
_BALANCE: Final = {
    "none": "",
    "class_weights": " In the loss, rows of rarer classes have a higher weight.",
    "oversampling": " Rows of rarer classes were repeated until all classes were equally frequent.",
    "smote": " Rows of rarer classes were blended with their neighbours (SMOTE, arXiv:1106.1813) until "
    "all classes were equally frequent.",
    "smote_eigenfaces": " Rows of rarer classes were blended with their neighbours (SMOTE, arXiv:1106.1813; "
    "neighbours by eigenfaces) until all classes were equally frequent.",
    "focal": " The loss is the focal loss (Lin et al. 2017, arXiv:1708.02002).",
    "logit_adjustment": " In training, {adjustment:g} times the log class frequencies were added to the "
    "logits (Menon et al. 2021, arXiv:2007.07314).",
}


def write_card(bundle: Bundle) -> None:
    """Write the card into the bundle's folder; equal specs give equal bytes.

    Raises:
        TrainingError: huggingface_hub does not accept the metadata.
    """
    write_card_file(bundle.path, card_text(bundle.spec))


def card_text(spec: BundleSpec) -> str:
    """Return the card of a spec: validated front matter, then the text for people."""
    spec = without_paths(spec)
    parts = [
        _metadata(spec),
        f"# {spec.name}\n\n`{spec.name}`: {spec.title}. It is a network of Second Look, which predicts "
        "apparent facial expressions.",
        "## Intended use\n\n" + _INTENDED_USE.format(n_classes=len(spec.labels)),
        "## Results\n\n" + _results(spec),
        "## Confidence\n\n" + _confidence(spec),
        "## Limits\n\n" + _limits(spec),
        "## Network and training data\n\n" + _training(spec),
        "## Use\n\n" + _use(spec),
        "## How to reproduce\n\n" + _repeat(spec),
    ]
    return "\n\n".join(parts) + "\n"


def _metadata(spec: BundleSpec) -> str:
    """Return the front matter."""
    from huggingface_hub import EvalResult

    results = [
        EvalResult(
            task_type="image-classification",
            task_name="Facial expression recognition",
            dataset_type=source_of(name),
            dataset_name=f"{_title(name)}, {rows}",
            # Results of equal type, configuration and split are one data set to the Hub.
            dataset_config=rows,
            dataset_split=split_of(name),
            dataset_args={"n": n},
            metric_type=kind,
            metric_name=title,
            metric_value=value,
        )
        for name, measured in spec.metrics.items()
        for kind, title, value, n, rows in _reported(measured)
    ]
    return front_matter(
        spec,
        task="image-classification",
        topic="facial-expression-recognition",
        metrics=list(dict.fromkeys(result.metric_type for result in results)),
        results=results,
    )


def _reported(measured: SplitMetrics) -> list[tuple[str, str, float, int, str]]:
    """Return (type, title, value, n, which rows) of the figures in the metadata."""
    return [
        (measure.hub_metric, measure.title, value, n, f"{kind} rows")
        for kind, clean, n in _rows_of(measured)
        for measure in MEASURES
        if measure.hub_metric and (value := measured.value(measure.name, clean=clean)) is not None
    ]


def _rows_of(measured: SplitMetrics) -> tuple[tuple[str, bool, int], ...]:
    """Return the sets of rows that figures are computed on: name, whether they are the clean rows, number."""
    return ("all", False, measured.n), ("clean", True, measured.n_clean)


def _title(name: str) -> str:
    source, split = source_of(name), split_of(name)
    known = SOURCES.get(source)
    title = known.split_title(Split(split)) if known and split in list(Split) else split
    return f"{_source_title(source)} {title}"


def _source_title(source: str) -> str:
    if is_known(source):
        return " and ".join(SOURCES[part].title for part in parts_of(source))
    return f"the folder {source.partition(':')[2]}" if is_own_folder(source) else source


def _results(spec: BundleSpec) -> str:
    if not spec.metrics:
        return "Not measured yet."
    lines = [
        "All figures are for one forward pass per face, without test-time augmentation. *Clean* "
        "leaves out the rows that have an exact or near duplicate in the training split; published "
        f"figures usually include them. {_chosen_on(spec)} So figures on those rows are slightly too high.",
        "",
        *_measures_table(spec),
    ]
    lines += _excluded_lines(spec)
    lines += ["", _other_data(spec)]
    lines += [
        "",
        "Recall: the share of faces with each label that are predicted correctly (all rows).",
        "",
    ]
    lines += [
        "| class | " + " | ".join(_title(name) for name in spec.metrics) + " |",
        "|---|" + "---:|" * len(spec.metrics),
    ]
    for label in spec.labels:
        recalls = [m.per_class_recall.get(label) for m in spec.metrics.values()]
        cells = ["absent" if recall is None else f"{recall:.1%}" for recall in recalls]
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    lines += _landmark_lines(spec)
    return "\n".join(lines)


def _measures_table(spec: BundleSpec) -> list[str]:
    """Return the table of all splits by the measures that any of them has, with their definitions."""
    splits = spec.metrics.values()
    # A spec that is older than a measure lacks it.
    shown = [
        m for m in MEASURES if m.in_tables and any(s.value(m.name) is not None for s in splits)
    ]
    lines = [
        "| split | rows | n | " + " | ".join(m.short for m in shown) + " |",
        "|---|---|---:|" + "---:|" * len(shown),
    ]
    for name, measured in spec.metrics.items():
        for kind, clean, n in _rows_of(measured):
            values = [(m, measured.value(m.name, clean=clean)) for m in shown]
            cells = ["" if value is None else m.text(value, digits=4) for m, value in values]
            lines.append(f"| {_title(name)} | {kind} | {n:,} | " + " | ".join(cells) + " |")
    return [*lines, "", *(f"- {m.title}: {m.definition}" for m in shown)]


def _chosen_on(spec: BundleSpec) -> str:
    """State the validation splits that epoch, temperature and threshold were chosen on."""
    titles = [_title(reference.data) for reference in spec.references]
    if len(titles) > 1:
        return (
            f"Epoch and abstention threshold were chosen on the clean rows of {' and '.join(titles)}. The "
            f"temperature was chosen on those of {titles[0]} alone."
        )
    valid = _title(f"{parts_of(spec.training_data.source)[0]}:valid")
    split = titles[0] if titles else f"the validation split ({valid})"
    return f"Epoch, temperature and abstention threshold were chosen on the clean rows of {split}."


def _other_data(spec: BundleSpec) -> str:
    """State which figures are on data sets that the network was not trained on, or that there are none."""
    data = spec.training_data
    known = all_images_of(data.source, *data.inherited)
    measured = dict.fromkeys(map(source_of, spec.metrics))
    others = [source for source in measured if images_of(source) not in known]
    if not others:
        return (
            f"It was measured only on images of {_source_title(data.source)}; on other photos it may be "
            "less accurate."
        )
    holding = {
        images: SOURCES[name].title
        for name in sorted(known & SOURCES.keys())
        for images in SOURCES[name].holds_photos_of
    }
    new = [_source_title(source) for source in others if images_of(source) not in holding]
    sentences = []
    if new:
        sentences.append(
            f"It was not trained on {' and '.join(new)}: figures there show how well it generalizes to "
            "faces that were found, cropped and labelled in other ways."
        )
    sentences += [
        f"It was trained on no label of {_source_title(source)}, but on a few of its photos, "
        f"because the training split of {holding[images_of(source)]} contains them too. They count "
        "as clean rows."
        for source in others
        if images_of(source) in holding
    ]
    return " ".join(sentences)


def _excluded_lines(spec: BundleSpec) -> list[str]:
    """List the classes of each split that were left out because the network does not know them, if any."""
    parts = [
        f"- {_title(name)}: " + ", ".join(f"{label} (n {n:,})" for label, n in m.excluded.items())
        for name, m in spec.metrics.items()
        if m.excluded
    ]
    if not parts:
        return []
    return ["", "Left out, because the network does not know these classes:", "", *parts]


def _landmark_lines(spec: BundleSpec) -> list[str]:
    """Return the table of accuracy with and without landmarks; nothing for a network that sees none."""
    measured = {name: m.landmarks for name, m in spec.metrics.items() if m.landmarks is not None}
    if not measured:
        return []
    return [
        "",
        "Accuracy on rows with landmarks, on rows without, and with the landmarks of all rows withheld.",
        "",
        "| split | found | not found | withheld everywhere |",
        "|---|---:|---:|---:|",
        *(
            f"| {_title(name)} | {_share(m.accuracy_found)} (n {m.n_found:,}) "
            f"| {_share(m.accuracy_not_found)} (n {m.n_not_found:,}) | {m.accuracy_withheld:.2%} |"
            for name, m in measured.items()
        ),
    ]


def _share(accuracy: float | None) -> str:
    return "none" if accuracy is None else f"{accuracy:.2%}"


def _confidence(spec: BundleSpec) -> str:
    text = (
        f"Logits are divided by the temperature {spec.temperature:.4f} (Guo et al. 2017, "
        "arXiv:1706.04599) before the softmax, so that confidence is close to accuracy on the validation "
        "split that chose it. On other data it may not be: see ECE."
    )
    if spec.references:
        return text + _reference_lines(spec) + _coverage_lines(spec)
    wanted = f"{100 * REQUIRED_ACCURACY:g}%"
    if spec.abstention_threshold > 1:
        return text + (
            f"\n\nIt always abstains: no threshold reaches {wanted} accuracy on the validation split."
        )
    if spec.abstention_threshold == 0:
        return text + (
            f"\n\nIt never abstains: on the clean rows of the validation split it reaches {wanted} accuracy "
            "without a threshold."
        )
    text += (
        f"\n\nIt abstains below a confidence of {spec.abstention_threshold:.4f}. The threshold was chosen so "
        f"that the confident predictions, those at or above it, reach {wanted} accuracy on the clean rows of "
        "the validation split."
    )
    return text + _coverage_lines(spec)


def _reference_lines(spec: BundleSpec) -> str:
    """State how the threshold was chosen on several validation splits, and the resulting figures."""
    text = f" The temperature minimizes the log loss on {_title(spec.references[0].data)}."
    if spec.abstention_threshold > 1:
        text += "\n\nIt always abstains: no threshold reaches the required accuracies."
    elif spec.abstention_threshold == 0:
        text += "\n\nIt never abstains: the required accuracies are reached without a threshold."
    else:
        text += (
            f"\n\nIt abstains below a confidence of {spec.abstention_threshold:.4f}. This is the lowest "
            "threshold at which the confident predictions, those at or above it, reach the required accuracy "
            "on each split."
        )
    text += (
        "\n\n| chosen on (clean rows) | n | accuracy | ECE | required accuracy | coverage | "
        "accuracy of confident predictions |\n|---|---:|---:|---:|---:|---:|---:|"
    )
    for r in spec.references:
        text += (
            f"\n| {_title(r.data)} | {r.n:,} | {r.accuracy:.2%} | {r.ece:.4f} | {r.answered_accuracy:.0%} "
            f"| {r.coverage:.1%} | {_covered_accuracy(r)} |"
        )
    return text


def _coverage_lines(spec: BundleSpec) -> str:
    """Return the table of coverage and of accuracy of confident predictions, one row per split."""
    text = ""
    if spec.metrics and 0 < spec.abstention_threshold <= 1:
        text += "\n\n| split (all rows) | coverage | accuracy of confident predictions |\n|---|---:|---:|"
        for name, m in spec.metrics.items():
            text += f"\n| {_title(name)} | {m.coverage:.1%} | {_covered_accuracy(m)} |"
    return text


def _covered_accuracy(measured: SplitMetrics | CalibrationSplit) -> str:
    return f"{measured.selective_accuracy:.2%}" if measured.coverage else "none"


def _training(spec: BundleSpec) -> str:
    data = spec.training_data
    return (
        f"- Architecture `{spec.architecture}`, {spec.parameters:,} parameters.\n"
        f"- Input: {_inputs(spec)}.\n"
        f"- Output: logits in the order {', '.join(spec.labels)}.\n"
        f"- Trained on {data.n:,} rows of {_title(f'{data.source}:{data.split}')}:\n"
        + "".join(f"  - {note}\n" for note in data.note.split("; "))
        + f"- {_origin(spec)}\n"
        f"- {_supervision(spec)}\n"
        f"- The weights are under {spec.license}. The training images are not part of this bundle. "
        f"{_terms(spec)}\n"
        f"- Trained with {spec.backend}; code at commit `{spec.code_commit}`."
    )


def _limits(spec: BundleSpec) -> str:
    sight = []
    if spec.sees_pixels:
        sight.append(_PIXEL_LIMITS.format(height=spec.input_hw[0], width=spec.input_hw[1]))
    if spec.landmark_features is not None:
        sight.append(_LANDMARK_LIMITS)
    origins = [origin_item(_images(part)) for part in parts_of(spec.training_data.source)]
    return _LIMITS.format(origin="\n".join(origins), sight="\n".join(sight))


def _images(source: str) -> str:
    """Return the origin of a source's images, as far as its record states it."""
    if source in SOURCES:
        return SOURCES[source].origin
    return _OWN_ORIGIN if is_own_folder(source) else _UNKNOWN_ORIGIN.format(source=source)


def _inputs(spec: BundleSpec) -> str:
    inputs = []
    if spec.sees_pixels:
        inputs.append(
            f"{spec.input_hw[0]}x{spec.input_hw[1]} grey values from {spec.pixel_range[0]:g} to "
            f"{spec.pixel_range[1]:g}"
        )
    if spec.landmark_features is not None:
        inputs.append(
            f"{FEATURE_SIZE:,} landmark features, version {spec.landmark_features} of "
            "`fer_core.faces.landmarks.feature_vector`, zeros if no landmarks are found"
        )
    return " and ".join(inputs)


def _origin(spec: BundleSpec) -> str:
    """State which weights it started with, and what it takes from other networks."""
    architecture = spec.recipe["architecture"]
    first, trunk = spec.recipe.get("starts_from"), architecture.get(TRUNK_SETTING)
    # A family that was removed from the code gets the default text.
    family = EXPRESSION_ARCHITECTURES.get(spec.architecture, ExpressionArchitecture)
    text = family.origin(architecture, first)
    teacher = spec.recipe.get("teacher")
    if first or spec.training_data.inherited:
        # Their rows need not be among these.
        used = [name for name in dict.fromkeys((first, trunk, teacher)) if name]
        names = " and ".join(f"`{name}`" for name in used)
        text += f" No other images were used than these and the training images of {names}."
        if spec.name in used:
            text += f" `{spec.name}` means its earlier weights here, which the SHA-256 above identifies."
        for before, now in RENAMED.items():
            if before in spec.training_data.note:
                text += f" `{before}` is the former name of `{now}`."
        return text
    if spec.landmark_features is not None:
        return (
            text + " No other images were used; the landmarks are from MediaPipe's Face Landmarker."
        )
    if teacher:
        return text + " No other images were used."
    return text + " No other images and no other network were used."


def _named(teacher: str) -> str:
    """Return a teacher's name for a card."""
    if (campaign := campaign_of(teacher)) is None:
        return f"the bundle `{teacher}` of that time, which the SHA-256 above identifies"
    return f"the ensemble of the teachers of the campaign `{campaign}`"


def _supervision(spec: BundleSpec) -> str:
    """State the targets that the network was trained on."""
    votes = spec.recipe.get("vote_smoothing", 0)
    source, *second = parts_of(spec.training_data.source)
    # If the labels are from the same annotators, they are not "more".
    own = source in SOURCES and SOURCES[source].votes_of == source
    annotators = "the ten annotators" if own else "ten more annotators"
    text = "Its targets are the data set's own labels."
    if votes:
        text = (
            f"Of each target, {1 - votes:.0%} is the data set's own label. The other {votes:.0%} "
            f"are the label distribution expected from the FER+ votes of {annotators} for the same image "
            "(Barsoum et al. 2016, arXiv:1608.01041). Validation and test use only the data set's own labels."
        )
    if spec.recipe.get("targets") == "votes":
        text = (
            "Its targets are the distributions of the votes of FER+'s ten annotators over the classes "
            "(Barsoum et al. 2016, arXiv:1608.01041); single votes are ignored."
        )
    if (teacher := spec.recipe.get("teacher")) and spec.recipe["teacher_share"]:
        share = spec.recipe["teacher_share"]
        text += (
            f" These targets count for {1 - share:.0%}; the other {share:.0%} are the teacher's predictions "
            "for the same training image (knowledge distillation, Hinton et al. 2015, arXiv:1503.02531). The "
            f"teacher is {_named(teacher)}."
        )
    if second and (votes or teacher or spec.recipe.get("targets") == "votes"):
        text += (
            f" This holds for the faces of {_source_title(source)}; for those of "
            f"{_source_title(second[0])} see the notes on the training data."
        )
    balance = spec.recipe.get("balance", {"strategy": "none"})
    text += _BALANCE[balance["strategy"]].format(**balance)
    if correction := spec.recipe.get("prior_correction"):
        of_expert = spec.recipe["architecture"].get("fusion") in ("aligned", "unaligned")
        logits = "logits of the second expert" if of_expert else "logits"
        text += (
            f" After training, {correction:g} times the log class frequencies were subtracted from the "
            f"{logits} (post-hoc logit adjustment, Menon et al. 2021, arXiv:2007.07314), so that rare "
            "classes are predicted more often."
        )
    return text


def _terms(spec: BundleSpec) -> str:
    """State the terms of each data set that the network or its parents were trained on."""
    data = spec.training_data
    names = [
        name
        for source in (data.source, *data.inherited)
        for name in parts_of(source)
        if name in SOURCES
    ]
    votes = spec.recipe.get("vote_smoothing") or spec.recipe.get("targets") == "votes"
    if votes:
        names += [votes_of for name in names if (votes_of := SOURCES[name].votes_of)]
    terms = [f"{SOURCES[name].title}: {SOURCES[name].terms}." for name in dict.fromkeys(names)]
    if is_own_folder(data.source):
        terms.insert(0, _OWN_TERMS)
    return " ".join([*terms, _COMMERCIAL] if names else terms)


def _use(spec: BundleSpec) -> str:
    outputs = "logits and class activation maps" if spec.sees_pixels else "logits"
    if spec.landmark_features is None:
        imports = "from fer_core.faces.crops import FaceInputs\n\n"
        inputs = "FaceInputs(image=grey_48x48_uint8)"
    else:
        imports = (
            "from fer_core.faces.crops import crop_inputs\n"
            "from fer_core.faces.finder import CropFinder\n\n"
        )
        inputs = "crop_inputs(grey_48x48_uint8, CropFinder())"
    return (
        f"The app runs `model.tflite` (LiteRT; outputs {outputs}). `model.keras` is the same network for "
        "Keras 3; their outputs agree within 1e-4. Neither applies the temperature.\n\n"
        "```python\n"
        "from pathlib import Path\n\n"
        "from fer_core.networks.bundles import open_bundle\n"
        "from fer_core.networks.classifier import Classifier\n"
        f"{imports}"
        f'classifier = Classifier(open_bundle(Path("models/{spec.name}")))\n'
        f"prediction = classifier.predict([{inputs}])[0]\n"
        "print(prediction.expression, prediction.confidence, prediction.abstained)\n"
        "```\n\n"
        "To load it from a repository on the Hugging Face Hub, in the app and on the command line, set "
        f"`{variable_of(spec.name)}=OWNER/NAME@COMMITHASH`. The files are checked against the "
        "SHA-256 in `spec.json`."
    )


def _repeat(spec: BundleSpec) -> str:
    recipe = json.dumps(spec.recipe, indent=2)
    name = spec.recipe.get("name", spec.name)
    measured = "\n".join(
        f"FER_DATA=... python -m training evaluate models/{spec.name} --data {key}"
        for key in spec.metrics
    )
    others = (
        "`fit` uses the bundles named above as they are now. Where a SHA-256 differs from the one above, "
        "that bundle was replaced since, and `fit` gives other weights. "
        if "sha256" in spec.training_data.note
        else ""
    )
    return (
        f"```\nFER_DATA=... python -m training fit {name}\n{measured}".rstrip() + "\n```\n\n"
        f"{others}`evaluate` reproduces the figures above from these weights and rewrites "
        f"`predictions/` and this card. All settings of the run:\n\n```json\n{recipe}\n```"
    )
