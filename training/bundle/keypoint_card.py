"""The card of a keypoint bundle: its README.md. Every number comes from the bundle's spec."""

import json
from typing import Final

from fer_core.data_names import source_of, split_of
from fer_core.networks.keypoints import KeypointBundle, KeypointSpec
from training.bundle.card_file import front_matter, origin_item, write_card_file
from training.sources.keypoints import DATA_SET

_LIMITS: Final = """\
- Points are less accurate than the figures say on faces that are turned far away or cropped differently. It
  always returns all 15 points, even if a hand or hair covers them, and even for an image without a face.
- Age, gender and skin colour are not recorded in the data, so differences between groups of people were
  not measured.
- It finds the positions of facial features, not the person's identity. Do not use it to identify people."""


def write_keypoint_card(bundle: KeypointBundle) -> None:
    """Write the card into the bundle's folder; equal specs give equal bytes.

    Raises:
        TrainingError: huggingface_hub does not accept the metadata.
    """
    write_card_file(bundle.path, keypoint_card_text(bundle.spec))


def keypoint_card_text(spec: KeypointSpec) -> str:
    """Return the card of a spec: validated front matter, then the text for people."""
    parts = [
        _metadata(spec),
        f"# {spec.name}\n\n{spec.title}, as defined by {DATA_SET.title}. Part of Second Look, whose page "
        "Landmarks shows its points beside those of MediaPipe.",
        "## Results\n\n" + _results(spec),
        f"## Limits\n\n{origin_item(DATA_SET.origin)}\n{_LIMITS}",
        "## Network and training data\n\n" + _training(spec),
        "## How to reproduce\n\n" + _repeat(spec),
    ]
    return "\n\n".join(parts) + "\n"


def _metadata(spec: KeypointSpec) -> str:
    from huggingface_hub import EvalResult

    results = [
        EvalResult(
            task_type="keypoint-detection",
            task_name="Facial keypoint detection",
            dataset_type=source_of(name),
            dataset_name=f"{source_of(name)} {split_of(name)}, "
            f"split by {'image' if m.persons is None else 'person'}",
            dataset_split=split_of(name),
            dataset_args={"n": m.n},
            metric_type=kind,
            metric_name=title,
            metric_value=value,
        )
        for name, m in spec.metrics.items()
        for kind, title, value in [
            ("rmse", "RMSE in pixels (96x96 image)", m.rmse),
            ("nme", "Normalised mean error", m.normalized_mean_error),
        ]
    ]
    return front_matter(
        spec,
        task="keypoint-detection",
        topic="facial-keypoints",
        metrics=["rmse"],
        results=results,
    )


def _results(spec: KeypointSpec) -> str:
    if not spec.metrics:
        return "Not measured yet."
    is_known = all(m.persons is not None for m in spec.metrics.values())
    persons = (
        "No person is in two splits."
        if is_known
        else "Persons are unknown, so one may be in two splits."
    )
    lines = [
        "RMSE is over all labelled coordinates, in pixels of 96x96 images. The normalised mean "
        "error (NME) is the mean distance of a point divided by the distance between the eyes' centres "
        "(inter-pupil). As in the 300-W challenge, it is also given divided by the distance between their "
        f"outer corners (inter-ocular). {persons} The epoch was chosen on the validation split.",
        "",
        "| split | images | persons | RMSE | NME, inter-pupil | NME, inter-ocular |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {name} | {m.n:,} | {'unknown' if m.persons is None else m.persons} | {m.rmse:.2f} px "
        f"| {m.normalized_mean_error:.2%} | {m.interocular_mean_error:.2%} |"
        for name, m in spec.metrics.items()
    ]
    lines += [
        "",
        "Mean error by point: in pixels, and as a share of the distance between the eyes.",
        "",
    ]
    lines += [
        "| point | " + " | ".join(spec.metrics) + " |",
        "|---|" + "---:|" * len(spec.metrics),
    ]
    for point in spec.points:
        cells = [
            f"{m.mean_error[point]:.2f} px, {m.normalized_error[point]:.1%}"
            for m in spec.metrics.values()
        ]
        lines.append(f"| {point.replace('_', ' ')} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _training(spec: KeypointSpec) -> str:
    data = spec.training_data
    height, width = spec.input_hw
    return (
        f"- Architecture `{spec.architecture}`, {spec.parameters:,} parameters, input {height}x{width} grey "
        f"values from {spec.pixel_range[0]:g} to {spec.pixel_range[1]:g}, output x and y of each point in "
        "pixels of the input. It started with random weights.\n"
        f"- Trained on {data.n:,} rows of {data.source}:{data.split} ({data.note}).\n"
        f"- The weights are under {spec.license}. The training images are not part of this bundle and are "
        f"{DATA_SET.terms}.\n"
        f"- Trained with {spec.backend}; code at commit `{spec.code_commit}`."
    )


def _repeat(spec: KeypointSpec) -> str:
    commands = [f"FER_DATA=... python -m training fit {spec.recipe.get('name', spec.name)}"]
    commands += [
        f"FER_DATA=... python -m training evaluate models/{spec.name} --data {key}"
        for key in spec.metrics
    ]
    text = "\n".join(commands)
    return f"```\n{text}\n```\n\nAll settings:\n\n```json\n{json.dumps(spec.recipe, indent=2)}\n```"
