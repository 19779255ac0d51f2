"""`GET /api/networks`: the available networks with their measured accuracy."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from fer_core.networks.bundles import (
    SERVING_FILE,
    Bundle,
    current_name,
    default_networks,
    resolvable,
)
from fer_core.networks.titles import short_title
from pages.server.api.answers import Measured, Network, Networks
from pages.shared.verbatim import without_paths


def list_networks(_request: Request) -> Response:
    """Answer a request."""
    defaults = set(map(current_name, default_networks()))
    # One that does not open, or cannot predict, is left out; asking it says why.
    networks = [
        _network(name, bundle, is_default=name in defaults)
        for name, bundle in resolvable().items()
        if isinstance(bundle, Bundle) and SERVING_FILE in bundle.spec.sha256
    ]
    return JSONResponse(Networks(networks=networks).model_dump(mode="json"))


def _network(name: str, bundle: Bundle, *, is_default: bool) -> Network:
    spec = bundle.spec
    return Network(
        name=name,
        title=short_title(name, spec),
        is_default=is_default,
        labels=list(spec.labels),
        sees_pixels=spec.sees_pixels,
        sees_landmarks=spec.landmark_features is not None,
        parameters=spec.parameters,
        abstention_threshold=spec.abstention_threshold,
        license=spec.license,
        weights_sha256=spec.sha256[SERVING_FILE],
        not_from_hub=bundle.missed and without_paths(bundle.missed),
        measured={
            data: Measured.model_validate(metrics, from_attributes=True)
            for data, metrics in spec.metrics.items()
        },
    )
