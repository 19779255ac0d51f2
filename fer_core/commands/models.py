"""`python -m fer_core models`: the installed networks with their measured accuracy."""

from typing import TYPE_CHECKING, Any

import typer

from fer_core.commands.exits import EXIT_SOME_FAILED, EXIT_USAGE
from fer_core.errors import FerError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fer_core.networks.bundles import BaseBundle, SplitMetrics


def list_models() -> None:
    """List the installed networks with their measured accuracy.

    Example:

      python -m fer_core models
    """
    from fer_core.networks.bundles import resolvable
    from fer_core.networks.keypoints import resolve_keypoints
    from fer_core.settings import models_root

    found = resolvable()
    if not found:
        typer.echo(
            f"Error: there is no network under {models_root()}. Set FER_MODELS to a folder of networks, or "
            "train one with: python -m training fit cnn",
            err=True,
        )
        raise typer.Exit(EXIT_USAGE)
    for name, bundle in found.items():
        if isinstance(bundle, FerError):
            typer.echo(f"Error: {bundle}", err=True)
            continue
        typer.echo(_about(name, bundle))
        for split, m in bundle.spec.metrics.items():
            typer.echo(
                f"  {split}: accuracy {m.accuracy:.2%} of {m.n} rows, {m.accuracy_clean:.2%} of the "
                f"{m.n_clean} without a duplicate in the training data{_beside(m)}"
                + (f"; left out: {_counts(m.excluded)}" if m.excluded else "")
            )
    failed = any(isinstance(bundle, FerError) for bundle in found.values())
    try:
        if keypoints := resolve_keypoints():
            typer.echo(_about(keypoints.spec.name, keypoints))
            for split, k in keypoints.spec.metrics.items():
                typer.echo(
                    f"  {split}: root mean squared error {k.rmse:.2f} of 96 pixels on {k.n} images, "
                    f"normalised mean error {k.normalized_mean_error:.2%}"
                )
    except FerError as error:
        typer.echo(f"Error: {error}", err=True)
        failed = True
    if failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def _beside(measured: "SplitMetrics") -> str:
    """Return the measures that summaries show beside accuracy, those that were computed."""
    from fer_core.evaluation.measures import MEASURES

    values = [(m, measured.value(m.name)) for m in MEASURES if m.in_summaries]
    return "".join(f", {m.short} {m.text(v, digits=3)}" for m, v in values if v is not None)


def _counts(excluded: "Mapping[str, int]") -> str:
    return ", ".join(f"{n} labelled {label}" for label, n in excluded.items())


def _about(name: str, bundle: "BaseBundle[Any]") -> str:
    from fer_core.networks.titles import description, short_title

    lines = [f"{name}: {short_title(name, bundle.spec)}"]
    lines += [said] if (said := description(bundle.spec)) else []
    lines.append(f"from {bundle.origin}")
    lines += [f"not from the Hub: {bundle.missed}"] if bundle.missed else []
    return "\n  ".join([*lines, _cost(bundle)])


def _cost(bundle: "BaseBundle[Any]") -> str:
    from fer_core.networks.layers import multiply_adds, read_layers

    text = f"{bundle.spec.parameters:,} parameters"
    try:
        layers = read_layers(bundle)
    except FerError as error:
        return f"{text}; {error}"
    return f"{text}, {multiply_adds(layers):,} multiply-adds per face" if layers else text
