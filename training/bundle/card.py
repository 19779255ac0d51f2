"""The model card: a bundle's README.md, with the metadata that the Hugging Face Hub reads.

Every number comes from the bundle's spec, so the card can be written anew at any time.
"""

import json
from typing import Final

from fer_core.evaluation.measures import MEASURES
from fer_core.faces.landmarks import FEATURE_SIZE
from fer_core.networks.bundles import ANSWERED_ACCURACY, Bundle, BundleSpec, SplitMetrics
from fer_core.networks.hub import variable_of
from training.architectures.base import TRUNK_SETTING, ExpressionArchitecture
from training.architectures.registry import EXPRESSION_ARCHITECTURES
from training.bundle.card_file import front_matter, origin_item, without_paths, write_card_file
from training.campaign.ensemble import campaign_of
from training.sources import (
    SOURCES,
    Split,
    all_images_of,
    images_of,
    is_known,
    is_own_folder,
    parts_of,
)

_INTENDED_USE: Final = """\
It names the expression that a face *appears* to show, out of {n_classes} classes. It does not know what the
person feels, thinks or intends: people smile without joy and are sad without a sign of it.

Meant for research, teaching, and tools whose users look at their own pictures and can judge the answer for
themselves. Not for decisions about people: not at work or in hiring, not in education, not in policing,
border control or security, not in medicine or therapy, and not for inferring emotions of anyone who has
not agreed to it. Several of these uses are prohibited by law in the European Union (Regulation 2024/1689,
article 5)."""
#: Where training images come from that are of no source, as `DataSet.origin`.
_OWN_ORIGIN: Final = "a user's own. Where they come from and who labelled them is not recorded here"
_UNKNOWN_ORIGIN: Final = (
    "of a data set that this version does not know, {source}. Where they come from and who labelled them is "
    "not recorded here"
)
_COMMERCIAL: Final = (
    "Whether weights trained on them may be used commercially where you are is for you to find out."
)
_OWN_TERMS: Final = (
    "They are a user's own; what may be done with weights trained on them is for that user to say."
)
_LIMITS: Final = """\
{origin} No figure here says how well the answers fit what people felt.
- Age, gender and skin colour are not recorded in the data, so differences between groups of people were
  not measured here, and the web's own bias is in the weights.
{sight}
- Rare classes are recognised less often than frequent ones; see the recall of each above."""
_PIXEL_LIMITS: Final = """\
- It sees {height}x{width} grey pixels framed as its training data is. Small, blurred, dark, covered or
  turned-away faces, and faces framed otherwise, get worse answers than the figures say.
- The maps of its last layer on the pixels show where evidence for a class lay, not why it is evidence."""
_LANDMARK_LIMITS: Final = """\
- It sees landmarks as MediaPipe's Face Landmarker finds them, which was made by others from other data and
  has limits of its own. In training they come from images of 48 pixels, in photos from all their pixels."""

#: What was done about classes of unequal size, by `training.schema.balance.Balance.strategy`; in braces:
#: settings.
_BALANCE: Final = {
    "none": "",
    "class_weights": " Rows weigh the more in the loss, the rarer their class.",
    "oversampling": " Rows of rarer classes were repeated until all classes were as frequent.",
    "smote": " Rows of rarer classes were blended with near ones (SMOTE, arXiv:1106.1813) until all "
    "classes were as frequent.",
    "smote_eigenfaces": " Rows of rarer classes were blended with near ones (SMOTE, arXiv:1106.1813; near "
    "by eigenfaces) until all classes were as frequent.",
    "focal": " The loss is focal (Lin et al. 2017, arXiv:1708.02002): easy rows weigh less.",
    "logit_adjustment": " In training, the classes' log frequencies times {adjustment:g} were added to the "
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
        f"# {spec.name}\n\n{spec.title}. Part of Second Look, which names apparent facial expressions in "
        "photos.",
        "## Intended use\n\n" + _INTENDED_USE.format(n_classes=len(spec.labels)),
        "## Results\n\n" + _results(spec),
        "## Confidence\n\n" + _confidence(spec),
        "## Limits\n\n" + _limits(spec),
        "## Network and training data\n\n" + _training(spec),
        "## Use\n\n" + _use(spec),
        "## How to repeat\n\n" + _repeat(spec),
    ]
    return "\n\n".join(parts) + "\n"


def _metadata(spec: BundleSpec) -> str:
    """Return the front matter."""
    from huggingface_hub import EvalResult

    results = [
        EvalResult(
            task_type="image-classification",
            task_name="Facial expression recognition",
            dataset_type=source,
            dataset_name=f"{_title(name)}, {rows}",
            # Results of equal type, configuration and split are one data set to the Hub.
            dataset_config=rows,
            dataset_split=split,
            dataset_args={"n": n},
            metric_type=kind,
            metric_name=title,
            metric_value=value,
        )
        for name, measured in spec.metrics.items()
        for source, _, split in [name.rpartition(":")]
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
    """Return what figures are taken on: the rows' name, whether they are the clean ones, their number."""
    return ("all", False, measured.n), ("clean", True, measured.n_clean)


def _title(name: str) -> str:
    # From the right: a user's folder is called folder:PATH.
    source, _, split = name.rpartition(":")
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
        "One forward pass a face, no test-time augmentation. *Clean* leaves out the rows of which the "
        "training split holds an exact or near copy; the usual figures of this data set, which are those "
        "on all rows, contain them. Calibration and the abstention threshold were chosen on the clean "
        f"rows of {_chosen_on(spec)}, and so was the epoch, so figures there flatter the network a little.",
        "",
        *_measures_table(spec),
    ]
    lines += _excluded_lines(spec)
    lines += ["", _other_data(spec)]
    lines += ["", "Recall: of the faces with each label, the share named so (all rows).", ""]
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
    # A spec that is older than a measure does not tell it.
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
    """Return the validation splits that epoch, temperature and threshold were chosen on."""
    if spec.references:
        return " and ".join(_title(reference.data) for reference in spec.references)
    return f"the validation split ({_title(f'{parts_of(spec.training_data.source)[0]}:valid')})"


def _other_data(spec: BundleSpec) -> str:
    """Say which figures are on data sets that it did not learn from, or that there are none."""
    data = spec.training_data
    known = all_images_of(data.source, *data.inherited)
    measured = dict.fromkeys(name.rpartition(":")[0] for name in spec.metrics)
    others = [source for source in measured if images_of(source) not in known]
    if not others:
        return (
            f"It was measured on no other images than those of {_source_title(data.source)}; on photos from "
            "elsewhere it may fare worse."
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
            f"It learnt nothing from {' and '.join(new)}: figures there tell how far it carries over to "
            "faces that were found, framed and labelled otherwise."
        )
    sentences += [
        f"It learnt no label of {_source_title(source)}, but a few of its photos, which the training split "
        f"of {holding[images_of(source)]} holds too; they count among the clean rows."
        for source in others
        if images_of(source) in holding
    ]
    return " ".join(sentences)


def _excluded_lines(spec: BundleSpec) -> list[str]:
    """Say which classes of each split were left out because the network does not know them, if any."""
    parts = [
        " and ".join(f"{label} (n {n:,})" for label, n in m.excluded.items())
        + f" of {_title(name)}"
        for name, m in spec.metrics.items()
        if m.excluded
    ]
    if not parts:
        return []
    return ["", f"Left out, as classes that the network does not know: {', '.join(parts)}."]


def _landmark_lines(spec: BundleSpec) -> list[str]:
    """Return the table of what landmarks do, nothing for a network that sees none."""
    measured = {name: m.landmarks for name, m in spec.metrics.items() if m.landmarks is not None}
    if not measured:
        return []
    return [
        "",
        "Accuracy where landmarks were found, where none were, and with the landmarks of all rows withheld "
        "(all rows).",
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
        "arXiv:1706.04599) before the softmax, so that a confidence is close to the share of such answers "
        "that agree with the label."
    )
    if spec.references:
        return text + _reference_lines(spec) + _answered_lines(spec)
    wanted = f"{100 * ANSWERED_ACCURACY:g} %"
    if spec.abstention_threshold > 1:
        return text + (
            "\n\nIt never answers: no threshold made the answered faces of the validation split accurate "
            'enough, so every face is "not sure".'
        )
    if spec.abstention_threshold == 0:
        return text + (
            f"\n\nIt always answers: on the clean rows of the validation split its answers reach {wanted} "
            'accuracy without a "not sure" among them.'
        )
    text += (
        f'\n\nBelow a confidence of {spec.abstention_threshold:.4f} the answer is "not sure". The '
        f"threshold was chosen so that answered faces reach {wanted} accuracy on the clean rows of the "
        "validation split."
    )
    return text + _answered_lines(spec)


def _reference_lines(spec: BundleSpec) -> str:
    """Say how the threshold was chosen where several validation splits had a say, and what came of it."""
    text = f" The temperature makes the log loss on {_title(spec.references[0].data)} lowest."
    if spec.abstention_threshold > 1:
        text += "\n\nIt never answers: no threshold reached the accuracies wanted."
    elif spec.abstention_threshold == 0:
        text += "\n\nIt always answers: that reaches the accuracies wanted."
    else:
        text += (
            f'\n\nBelow a confidence of {spec.abstention_threshold:.4f} the answer is "not sure". This is '
            "the lowest threshold at which answered faces reach the accuracy wanted on each split."
        )
    text += (
        "\n\n| chosen on (clean rows) | n | accuracy | ECE | accuracy wanted of answered | answered | "
        "accuracy on answered |\n|---|---:|---:|---:|---:|---:|---:|"
    )
    for r in spec.references:
        text += (
            f"\n| {_title(r.data)} | {r.n:,} | {r.accuracy:.2%} | {r.ece:.4f} | {r.answered_accuracy:.0%} "
            f"| {r.coverage:.1%} | {r.selective_accuracy:.2%} |"
        )
    return text


def _answered_lines(spec: BundleSpec) -> str:
    """Return the table of how many faces of each split are answered, and how many of those right."""
    text = ""
    if spec.metrics and 0 < spec.abstention_threshold <= 1:
        text += "\n\n| split (all rows) | answered | accuracy on answered |\n|---|---:|---:|"
        for name, m in spec.metrics.items():
            accuracy = f"{m.selective_accuracy:.2%}" if m.coverage else "none"
            text += f"\n| {_title(name)} | {m.coverage:.1%} | {accuracy} |"
    return text


def _training(spec: BundleSpec) -> str:
    data = spec.training_data
    return (
        f"- Architecture `{spec.architecture}`, {spec.parameters:,} parameters, input {_inputs(spec)}, "
        f"logits in the order {', '.join(spec.labels)}.\n"
        f"- Trained on {data.n:,} rows of {_title(f'{data.source}:{data.split}')} ({data.note}). "
        f"{_origin(spec)} {_supervision(spec)}\n"
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
    """Return where a source's images come from; of none is anything said that its record does not say."""
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
            "`fer_core.faces.landmarks.feature_vector`, zeros where no landmarks are found"
        )
    return " and ".join(inputs)


def _origin(spec: BundleSpec) -> str:
    """Say what its weights began with, and what else by other networks goes in."""
    architecture = spec.recipe["architecture"]
    first, trunk = spec.recipe.get("starts_from"), architecture.get(TRUNK_SETTING)
    # A family that is gone from the code says at least what all say.
    family = EXPRESSION_ARCHITECTURES.get(spec.architecture, ExpressionArchitecture)
    text = family.origin(architecture, first)
    teacher = spec.recipe.get("teacher")
    if first or spec.training_data.inherited:
        # Their rows need not be among these.
        names = " and ".join(f"`{name}`" for name in dict.fromkeys((first, trunk, teacher)) if name)
        return text + f" No other images went in than these and those that {names} learnt from."
    if spec.landmark_features is not None:
        return text + " No other images went in; the landmarks are by MediaPipe's Face Landmarker."
    if teacher:
        return text + " No other images went in."
    return text + " No other images and no other network went in."


def _named(teacher: str) -> str:
    """Return a teacher as a card calls it."""
    if (campaign := campaign_of(teacher)) is None:
        return f"the bundle `{teacher}`"
    return f"the ensemble of the teachers of the campaign `{campaign}`"


def _supervision(spec: BundleSpec) -> str:
    """Say whose answers the network was asked to give."""
    votes = spec.recipe.get("vote_smoothing", 0)
    source, *second = parts_of(spec.training_data.source)
    # Where the labels are theirs too, they are no others.
    own = source in SOURCES and SOURCES[source].votes_of == source
    annotators = "the ten annotators" if own else "ten more annotators"
    text = "Its targets are the data set's own labels."
    if votes:
        text = (
            f"Of each target, {1 - votes:.0%} is the data set's own label and {votes:.0%} what the FER+ "
            f"votes of {annotators} for the same image (Barsoum et al. 2016, arXiv:1608.01041) let one "
            "expect that label to be. Validation and test use the data set's own labels alone."
        )
    if spec.recipe.get("targets") == "votes":
        text = (
            "Its targets are how the votes of FER+'s ten annotators for the image are distributed over the "
            "classes (Barsoum et al. 2016, arXiv:1608.01041); single votes count for nothing."
        )
    if (teacher := spec.recipe.get("teacher")) and spec.recipe["teacher_share"]:
        share = spec.recipe["teacher_share"]
        text += (
            f" These targets count for {1 - share:.0%}; the other {share:.0%} are what {_named(teacher)} "
            "answers to the same training image (knowledge distillation, Hinton et al. 2015, "
            "arXiv:1503.02531)."
        )
    if second and (votes or teacher or spec.recipe.get("targets") == "votes"):
        text += (
            f" That is so for the faces of {_source_title(source)}; what those of "
            f"{_source_title(second[0])} were learnt with, the note on the rows says."
        )
    balance = spec.recipe.get("balance", {"strategy": "none"})
    text += _BALANCE[balance["strategy"]].format(**balance)
    if correction := spec.recipe.get("prior_correction"):
        text += (
            f" After training, {correction:g} times the classes' log frequencies were subtracted from the "
            "logits (post-hoc logit adjustment, Menon et al. 2021, arXiv:2007.07314), so that rare classes "
            "are answered more often."
        )
    return text


def _terms(spec: BundleSpec) -> str:
    """Say under which terms each data set is given out that the network learnt from, itself or by others."""
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
        f"`model.tflite` is what the application serves (LiteRT; outputs {outputs}); `model.keras` is the "
        "same network for Keras 3, within 1e-4. Neither applies the temperature.\n\n"
        "```python\n"
        "from pathlib import Path\n\n"
        "from fer_core.networks.bundles import open_bundle\n"
        "from fer_core.networks.classifier import Classifier\n"
        f"{imports}"
        f'classifier = Classifier(open_bundle(Path("models/{spec.name}")))\n'
        f"prediction = classifier.predict([{inputs}])[0]\n"
        "print(prediction.expression, prediction.confidence, prediction.abstained)\n"
        "```\n\n"
        "From a repository on the Hugging Face Hub the application and its command line take it with "
        f"`{variable_of(spec.name)}=OWNER/NAME@COMMITHASH`, checked by the sha256 in `spec.json`."
    )


def _repeat(spec: BundleSpec) -> str:
    recipe = json.dumps(spec.recipe, indent=2)
    name = spec.recipe.get("name", spec.name)
    measured = "\n".join(
        f"FER_DATA=... python -m training evaluate models/{spec.name} --data {key}"
        for key in spec.metrics
    )
    return (
        f"```\nFER_DATA=... python -m training fit {name}\n{measured}".rstrip() + "\n```\n\n"
        "The second kind of command reproduces the figures above from these very weights and rewrites "
        f"`predictions/` and this card. All settings of the run:\n\n```json\n{recipe}\n```"
    )
