"""Display titles of networks, and the origin of their weights."""

from collections.abc import Sequence

from fer_core.errors import FerError
from fer_core.evaluation.measured_weights import MeasuredT, of_weights
from fer_core.networks.bundles import Bundle, BundleSpec, resolve
from fer_core.networks.titles import short_title
from pages.shared.verbatim import public_message


def title_of(name: str) -> str:
    """Return a network's display title; the bundle's name if its spec has only a description."""
    return short_title(name, spec_of(name))


def label_of(name: str) -> str:
    """Return a network's name and title, for lists beside charts; a narrow list may cut off the title."""
    title = title_of(name)
    return name if title == name else f"{name}: {title}"


def bundle_of(name: str) -> Bundle | None:
    """Return a bundle; None if it cannot be opened (loading it shows the reason)."""
    try:
        return resolve(name)
    except FerError:
        return None


def spec_of(name: str) -> BundleSpec | None:
    """Return a bundle's spec; None if it cannot be opened (loading it shows the reason)."""
    bundle = bundle_of(name)
    return bundle.spec if bundle else None


def of_current_weights(rows: Sequence[MeasuredT]) -> list[MeasuredT]:
    """Return the rows that were measured with the weights that are in use now."""
    names = {row.network for row in rows}
    return of_weights(rows, {name: spec for name in names if (spec := spec_of(name))})


def origin_sentences(bundles: Sequence[Bundle]) -> list[str]:
    """Return sentences on weights from the Hub, and why others are used instead; none for local ones."""
    sentences = []
    for bundle in bundles:
        if bundle.pin:
            sentences.append(f"`{bundle.spec.name}` is from {bundle.origin}.")
        elif bundle.missed:
            sentences.append(
                f"The local weights are used for `{bundle.spec.name}`: {public_message(bundle.missed)}"
            )
    return sentences
