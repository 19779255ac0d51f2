"""`GET /api/networks`: the available networks with their measured accuracy."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from fer_core.networks.bundles import SERVING_FILE, Bundle, default_networks, resolvable
from pages.server.api.answers import Measured, Network, Networks
from pages.shared.verbatim import public_message


def list_networks(_request: Request) -> Response:
    """Answer a request."""
    defaults = set(default_networks())
    # One that does not open is left out; asking it says why.
    bundles = [bundle for bundle in resolvable() if isinstance(bundle, Bundle)]
    networks = [_network(bundle, is_default=bundle.spec.name in defaults) for bundle in bundles]
    return JSONResponse(Networks(networks=networks).model_dump(mode="json"))


def _network(bundle: Bundle, *, is_default: bool) -> Network:
    spec = bundle.spec
    return Network(
        name=spec.name,
        title=spec.title,
        is_default=is_default,
        labels=list(spec.labels),
        sees_pixels=spec.sees_pixels,
        sees_landmarks=spec.landmark_features is not None,
        parameters=spec.parameters,
        abstention_threshold=spec.abstention_threshold,
        license=spec.license,
        weights_sha256=spec.sha256[SERVING_FILE],
        not_from_hub=bundle.missed and public_message(bundle.missed),
        measured={
            data: Measured.model_validate(metrics, from_attributes=True)
            for data, metrics in spec.metrics.items()
        },
    )
