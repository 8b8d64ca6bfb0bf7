"""The watch and the metrics as the configuration wants them. A receiver that cannot be used is a `Misconfigured`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import urlsplit

from tidegate.app.watch.alerts import LEAST_SECRET_BYTES, secret_bytes
from tidegate.app.watch.sending import Receiver
from tidegate.backends.base import Backend, Endpoint
from tidegate.backends.connection import Limits
from tidegate.backends.embedded import EmbeddedBackend
from tidegate.backends.http import HttpBackend
from tidegate.backends.posting import post
from tidegate.backends.transport import Transport
from tidegate.catalog.contracts import Contract
from tidegate.config import AlertOptions, Config
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.errors import Misconfigured
from tidegate.routing.names import RESERVED
from tidegate.surfaces.metrics.meter import NOWHERE, Place

ALERT_LIMITS = Limits(connect_s=5.0, first_byte_s=15.0, idle_s=15.0)
"""The specification asks for 15 to 30 s (Standard Webhooks 1.0.0, request timeouts)."""


def receivers_of(config: Config, environment: Mapping[str, str], transport: Transport) -> list[Receiver]:
    return [_receiver(number, one, environment, transport) for number, one in enumerate(config.alerts, start=1)]


def _receiver(number: int, options: AlertOptions, environment: Mapping[str, str], transport: Transport) -> Receiver:
    place = f"[[alerts]] {number}"
    endpoint, path = _endpoint(place, options.url)
    key = None
    if options.secret_env is not None:
        secret = environment.get(options.secret_env, "")
        if not secret:
            raise Misconfigured(f"{place} secret_env: the environment variable {options.secret_env} is not set")
        key = secret_bytes(secret)
        if key is None:
            raise Misconfigured(
                f"{place} secret_env: what {options.secret_env} holds must be whsec_ and the base64 of at least "
                f"{LEAST_SECRET_BYTES} bytes, or any text of that length"
            )
    post_there = partial(post, transport, endpoint, path)
    return Receiver(endpoint.host, options.url, post_there, frozenset(options.events), key)


def _endpoint(place: str, url: str) -> tuple[Endpoint, str]:
    """Outside by definition, whatever its address: an alert holds nothing that may not go there."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Misconfigured(f"{place} url is not a URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or "#" in url:
        raise Misconfigured(f"{place} url must look like https://HOST/PATH, without user or fragment")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii() or not path.isprintable() or " " in path:
        raise Misconfigured(f"{place} url holds characters that cannot stand in a path")
    endpoint = Endpoint(
        name=f"alerts {place.rpartition(' ')[2]}",
        boundary=Boundary.EXTERNAL,
        accepts=DataClass.PUBLIC,
        scheme=parts.scheme,
        host=parts.hostname,
        port=port or (443 if parts.scheme == "https" else 80),
    )
    return endpoint, path


def known_names(config: Config, contract: Contract) -> list[str]:
    """Model names that the configuration and the contract know; those that backends serve are learned while serving."""
    configured = [model for one in config.backends.values() for model in one.models]
    others = contract.tables["claude_names"]
    return [
        *RESERVED,
        *config.aliases,
        *config.backends,
        *configured,
        *contract.models,
        *contract.legacy_names,
        *others,
    ]


def place_of(find: Callable[[str], Backend | None]) -> Callable[[str], Place]:
    """Where a backend is, for the labels of metrics. The embedded engine gets another port with each start."""

    def place(name: str) -> Place:
        backend = find(name)
        if isinstance(backend, HttpBackend):
            host, port = backend.address
            return Place(backend.dialect.name, host, str(port))
        return Place("embedded") if isinstance(backend, EmbeddedBackend) else NOWHERE

    return place
