"""Configuration to plain values, and the refusal of any that cannot be enforced. Runs before anything is served.

A promise that the parts cannot keep (a private alias that leads only outside, an open door without keys) is a
`Misconfigured` that names the option.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from tidegate.app.keys import terms_of
from tidegate.app.locality import boundary_of, is_unvouched, word_for
from tidegate.app.rows import rows_of
from tidegate.backends.base import Endpoint
from tidegate.backends.clearance import Network, check_address
from tidegate.catalog.contracts import contract_named
from tidegate.catalog.runtimes import runtimes
from tidegate.config import BackendOptions, ClientOptions, Config
from tidegate.core.boundary import DEFAULT_ACCEPTS, HIGHEST_CLASS, Boundary, DataClass
from tidegate.core.errors import BoundaryBreach, Misconfigured
from tidegate.core.profile import Traits
from tidegate.dialects import dialect_named
from tidegate.dialects.base import Dialect
from tidegate.dialects.recipe import is_installed
from tidegate.routing.names import RESERVED
from tidegate.routing.policy import Alias, Policy
from tidegate.surfaces.auth import Client

HOSTED_URL = "https://api.deepseek.com"
HOSTED_NAME = "deepseek"
HOSTED_KEY = "DEEPSEEK_API_KEY"
EMBEDDED = "embedded"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
Environment = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """A backend's name and what classes it can take, known before it exists; `lacks` an option to take more."""

    name: str
    takes: DataClass
    lacks: str = ""


def with_hosted_default(config: Config, environment: Environment) -> dict[str, BackendOptions]:
    """The configured backends, and the hosted API when its key is set and neither it nor its name is configured."""
    backends = dict(config.backends)
    configured = HOSTED_NAME in backends or any(one.kind == "deepseek" for one in backends.values())
    if environment.get(HOSTED_KEY) and not configured:
        backends[HOSTED_NAME] = BackendOptions(kind="deepseek")
    return backends


def endpoint_of(name: str, options: BackendOptions, environment: Environment) -> Endpoint:
    place = f"[backends.{name}]"
    if name in (*RESERVED, EMBEDDED) or not _NAME.fullmatch(name):
        raise Misconfigured(
            f"{place}: this name is reserved, or not made of letters, digits, dots and dashes; choose another"
        )
    hosted = options.kind == "deepseek"
    boundary = boundary_of(place, options)
    accepts = DataClass(options.accepts) if options.accepts else DEFAULT_ACCEPTS[boundary]
    if accepts.rank > HIGHEST_CLASS[boundary].rank:
        lacks = f"; {word_for(options.kind)}" if options.boundary is None and not hosted else ""
        raise Misconfigured(f"{place} accepts: an external backend can never take private requests{lacks}")
    base_url = options.base_url or (HOSTED_URL if hosted else None)
    if base_url is None and options.kind != "fake":
        raise Misconfigured(f"{place} base_url is missing")
    scheme, host, port, path = _split_url(place, base_url or "http://127.0.0.1:1", hosted=hosted)
    endpoint = Endpoint(
        name=name,
        boundary=boundary,
        accepts=accepts,
        scheme=scheme,
        host=host,
        port=port,
        base_path=path,
        networks=_networks(place, options, boundary),
        key=_secret(f"{place} key_env", options.key_env or (HOSTED_KEY if hosted else None), environment),
    )
    _check_literal_host(place, endpoint)
    return endpoint


def dialect_of(name: str, options: BackendOptions) -> Dialect:
    """The dialect of a backend that is reached over HTTP, fitted to what is written of its models."""
    dialect = dialect_named(options.kind)
    if options.encoding is None:
        return dialect
    fitted = dialect.fitted(Traits(encoding=options.encoding))
    if fitted.raw is None:
        raise Misconfigured(
            f"[backends.{name}] encoding: kind {options.kind} has no raw completion endpoint; leave the option out"
        )
    if not is_installed():
        raise Misconfigured(
            f"[backends.{name}] encoding needs deepseek-recipe: run `pip install 'tidegate[raw]'` (Linux or macOS), or "
            "leave the option out"
        )
    return fitted


def _split_url(place: str, url: str, *, hosted: bool) -> tuple[str, str, int, str]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Misconfigured(f"{place} base_url is not a URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in url or "?" in url or "#" in url:
        raise Misconfigured(f"{place} base_url must look like http://HOST:PORT, without user, query or fragment")
    path = parts.path.rstrip("/")
    if path == "/v1":
        path = ""  # people paste the OpenAI form; our paths begin with /v1 themselves
    if hosted and path == "/beta":
        path = ""  # the beta base is chosen by what a request needs
    if not path.isascii() or not path.isprintable() or " " in path:
        raise Misconfigured(f"{place} base_url holds characters that cannot stand in a path")
    return parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80), path


def _networks(place: str, options: BackendOptions, boundary: Boundary) -> tuple[Network, ...]:
    if boundary is Boundary.PRIVATE and not options.networks:
        raise Misconfigured(
            f"{place} networks: a private backend needs the networks (CIDR) that its address must lie in"
        )
    try:
        found = tuple(ip_network(network) for network in options.networks)
    except ValueError:
        raise Misconfigured(f"{place} networks: each must be a network such as 10.0.0.0/8") from None
    if boundary is Boundary.PRIVATE and any(network.prefixlen == 0 for network in found):
        raise Misconfigured(f"{place} networks: a network that holds every address allows everything")
    return found


def _check_literal_host(place: str, endpoint: Endpoint) -> None:
    """A host written as an address is checked now; a name is checked whenever it is resolved."""
    try:
        ip_address(endpoint.host)
    except ValueError:
        return
    try:
        check_address(endpoint, endpoint.host)
    except BoundaryBreach:
        raise Misconfigured(
            f"{place} boundary: {endpoint.host} lies outside the boundary {endpoint.boundary.value}; correct `boundary`, "
            "`networks` or `base_url`"
        ) from None


def _secret(place: str, name: str | None, environment: Environment) -> str | None:
    if name is None:
        return None
    value = environment.get(name, "")
    if not value:
        raise Misconfigured(f"{place}: the environment variable {name} is not set")
    if not value.isascii() or not value.isprintable() or " " in value:
        raise Misconfigured(f"{place}: the environment variable {name} holds characters that cannot stand in a header")
    return value


def clients_of(config: Config, environment: Environment) -> dict[str, Client]:
    """Clients by key. Two clients cannot share one."""
    found: dict[str, Client] = {}
    for options in config.clients:
        key = _secret(f"[[clients]] {options.name} key_env", options.key_env, environment) or ""
        if key in found:
            raise Misconfigured(f"[[clients]] {options.name}: another client has the same key")
        if any(one.name == options.name for one in found.values()):
            raise Misconfigured(f"[[clients]] {options.name}: another client has the same name, and so the same budget")
        terms = terms_of(options)
        found[key] = Client(options.name, terms.data_class, terms)
    return found


def policy_of(config: Config, endpoints: Mapping[str, Endpoint]) -> Policy:
    """The policy, once it is sure that each class it speaks of can be kept by some backend."""
    written = config.backends
    unvouched = [name for name in written if name in endpoints and is_unvouched(endpoints[name], written[name])]
    places = [
        Place(name, endpoint.accepts, f"stays_home of {name}" if name in unvouched else "")
        for name, endpoint in endpoints.items()
    ]
    if config.embedded.enabled:
        places.append(Place(EMBEDDED, DataClass.PRIVATE))
    if config.probe.enabled:
        # A found runtime takes private requests only if it is proven that they stay here; some prove it when found.
        known = {place.name for place in places}
        for runtime in runtimes():
            if runtime.kind not in known:
                places.append(Place(runtime.kind, DataClass.PRIVATE if runtime.proves_itself else DataClass.PUBLIC))
    aliases = {name: _alias(name, config, places) for name in config.aliases}
    default = DataClass(config.privacy.default_class)
    _check_kept("[privacy] default_class", default, places)
    for client in config.clients:
        if client.data_class is not None:
            _check_kept(f"[[clients]] {client.name} class", DataClass(client.data_class), places)
        _check_models(client, config, places)
    rows, maskable = rows_of(config, lambda place, data_class: _check_kept(place, data_class, places))
    _check_shadow(config, places)
    return Policy(
        default,
        aliases,
        contract_named(config.contract.profile),
        rewrites_legacy=config.contract.legacy_names == "rewrite",
        rows=rows,
        maskable=maskable,
        order=config.routing.order,
        on_break=config.streams.on_break,
    )


def _check_shadow(config: Config, places: list[Place]) -> None:
    """Any backend may take public requests, and only those are shadowed; so it must exist, and some must be public."""
    for target in config.shadow.to:
        if all(one.name != target.partition("/")[0] for one in places):
            raise Misconfigured(
                f"[shadow] to: there is no backend {target!r}; write a backend's name or `backend/model`, not an alias"
            )
    if len(set(config.shadow.to)) < len(config.shadow.to):
        raise Misconfigured("[shadow] to: a target stands there twice; write each once")
    if config.shadow.to and config.privacy.default_class != "public":
        raise Misconfigured(
            f"[shadow] to: only public requests are asked once more, and with [privacy] default_class = "
            f"{config.privacy.default_class!r} there are none; remove one of the two"
        )


def _check_models(client: ClientOptions, config: Config, places: list[Place]) -> None:
    """An address must name a backend. A bare name may be served by one that is found later."""
    for model in client.models:
        backend, slash, _ = model.partition("/")
        if not model or (slash and all(one.name != backend for one in places) and model not in config.aliases):
            raise Misconfigured(
                f"[[clients]] {client.name} models: there is no backend {backend!r}; write a model's name, an alias, or "
                "`backend/model`"
            )


def _alias(name: str, config: Config, places: list[Place]) -> Alias:
    options, place = config.aliases[name], f"[aliases.{name}]"
    if name in RESERVED:
        raise Misconfigured(f"{place}: this name is reserved; choose another")
    targets = [target.partition("/")[0] for target in options.targets]
    for target in targets:
        if all(one.name != target for one in places):
            raise Misconfigured(f"{place} targets: there is no backend {target!r}")
    data_class = DataClass(options.data_class) if options.data_class else None
    if data_class is not None:
        _check_kept(f"{place} class", data_class, [one for one in places if one.name in targets])
    each = options.answers == "each"
    if each and options.on_break == "continue":
        raise Misconfigured(
            f'{place} on_break = "continue" cannot be had with answers = "each", where a part that breaks off is noted in '
            "the answer; remove one of the two"
        )
    order = options.order or "configured"
    return Alias(name, options.targets, data_class, order, each=each, on_break=options.on_break)


def _check_kept(place: str, data_class: DataClass, places: list[Place]) -> None:
    if not places:
        raise Misconfigured("there is no backend at all: add [backends.NAME], or enable [embedded] or [probe]")
    if all(data_class.rank > one.takes.rank for one in places):
        names = ", ".join(one.name for one in places)
        lacking = ", ".join(one.lacks for one in places if one.lacks)
        raise Misconfigured(
            f"{place} = {data_class.value!r} cannot be enforced: no backend may take it (there are: {names}); add a "
            "local backend or change the class" + (f", or look at {lacking}" if lacking else "")
        )


def check_binding(host: str, clients: Mapping[str, Client], *, stored: bool = False) -> None:
    """Listening beyond this machine needs keys; `stored`: some were made by `tidegate keys`."""
    if not is_loopback(host) and not clients and not stored:
        raise Misconfigured(
            f"[server] host = {host!r} listens beyond this machine, so it needs keys: add [[clients]] with key_env, "
            "run tidegate keys create, or listen on 127.0.0.1"
        )


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
