"""The one TOML file as typed options, each with one line of help. Read once; secrets only by the environment's names.

Imports nothing of ours but core. `read_config` gives options that are well formed; whether they can be enforced is
checked in `app`, which knows the parts.
"""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from tidegate.config.privacy import CaptureOptions, PolicyRow, PrivacyOptions
from tidegate.config.resilience import (
    AlertOptions,
    BreakerOptions,
    RetryOptions,
    StreamOptions,
    WatchOptions,
)
from tidegate.config.tables import (
    AliasOptions,
    BackendOptions,
    ClientOptions,
    ContractOptions,
    Embedded,
    Kind,
    LedgerOptions,
    ProbeOptions,
    ProfileOptions,
    ReplayOptions,
    RoutingOptions,
    Server,
    ShadowOptions,
    Timeouts,
)
from tidegate.core.errors import Misconfigured
from tidegate.core.jsonvalue import as_list, as_object

__all__ = (
    "AlertOptions",
    "AliasOptions",
    "BackendOptions",
    "BreakerOptions",
    "CaptureOptions",
    "ClientOptions",
    "Config",
    "ContractOptions",
    "Embedded",
    "Kind",
    "PolicyRow",
    "PrivacyOptions",
    "RetryOptions",
    "ShadowOptions",
    "StreamOptions",
    "WatchOptions",
    "options_of",
    "parse_config",
    "read_config",
)

T = TypeVar("T")


class Config(Struct, frozen=True):
    server: Annotated[Server, Meta(description="Where Tidegate listens.")] = Server()
    policy: Annotated[tuple[PolicyRow, ...], Meta(description="[[policy]]: what may leave, row by row.")] = ()
    privacy: Annotated[PrivacyOptions, Meta(description="What is looked for in requests.")] = PrivacyOptions()
    capture: Annotated[CaptureOptions, Meta(description="Content that is kept, encrypted.")] = CaptureOptions()
    routing: Annotated[RoutingOptions, Meta(description="Who is asked first.")] = RoutingOptions()
    shadow: Annotated[ShadowOptions, Meta(description="Asking twice, to compare.")] = ShadowOptions()
    contract: Annotated[ContractOptions, Meta(description="What the hosted API promises.")] = ContractOptions()
    embedded: Annotated[Embedded, Meta(description="The embedded demo model.")] = Embedded()
    probe: Annotated[ProbeOptions, Meta(description="Finding running runtimes.")] = ProbeOptions()
    profiles: Annotated[ProfileOptions, Meta(description="What backends can do.")] = ProfileOptions()
    ledger: Annotated[LedgerOptions, Meta(description="The record of exchanges.")] = LedgerOptions()
    replay: Annotated[ReplayOptions, Meta(description="Reasoning that clients drop.")] = ReplayOptions()
    timeouts: Annotated[Timeouts, Meta(description="How long backends may take.")] = Timeouts()
    retry: Annotated[RetryOptions, Meta(description="Asking again.")] = RetryOptions()
    breaker: Annotated[BreakerOptions, Meta(description="Leaving a failing backend alone.")] = BreakerOptions()
    streams: Annotated[StreamOptions, Meta(description="Answers that break off.")] = StreamOptions()
    watch: Annotated[WatchOptions, Meta(description="Watching the hosted account and the backends.")] = WatchOptions()
    alerts: Annotated[tuple[AlertOptions, ...], Meta(description="[[alerts]]: who is told what happens.")] = ()
    backends: Annotated[dict[str, BackendOptions], Meta(description="[backends.NAME]: places that can answer.")] = {}
    aliases: Annotated[dict[str, AliasOptions], Meta(description="[aliases.NAME]: your own model names.")] = {}
    clients: Annotated[tuple[ClientOptions, ...], Meta(description="[[clients]]: who may ask, by key.")] = ()


def read_config(path: Path | None) -> Config:
    """The options in this file, or the defaults without one. Any fault is a `Misconfigured` that names the place."""
    if path is None:
        return Config()
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Misconfigured(f"config file {path} does not exist; check --config") from None
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"config file {path} cannot be read: {type(error).__name__}") from None
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"config file {path} is not valid TOML: {error}") from None
    return parse_config(written)


def parse_config(written: dict[str, Any]) -> Config:
    rows = written.get("policy", [])
    if as_object(rows) is not None:
        raise Misconfigured(
            "config option policy: write rows, [[policy]]; default_class is in [privacy] and legacy_names in [contract]"
        )
    _check_keys(written, Config, "")
    for number, row in enumerate(as_list(rows) or [], start=1):
        name = (as_object(row) or {}).get("name")
        _convert(row, PolicyRow, f"[[policy]] {name if isinstance(name, str) else number} ")
    # Named tables first, one by one: of a whole file msgspec would only say `backends[...]`.
    for table, kind in (("backends", BackendOptions), ("aliases", AliasOptions)):
        for name, options in (as_object(written.get(table)) or {}).items():
            _convert(options, kind, f"{table}.{name}")
    return _convert(written, Config, "")


def _convert(written: Any, kind: type[T], place: str) -> T:
    try:
        return msgspec.convert(written, kind)
    except msgspec.ValidationError as error:
        # msgspec says "Expected `int`, got `str` - at `$.server.port`".
        what, _, inner = str(error).partition(" - at `$")
        option = (place + inner.rstrip("`").removeprefix("." if place.endswith(" ") else "")).strip(". ") or "the file"
        raise Misconfigured(f"config option {option}: {what[:1].lower()}{what[1:]}") from None


def _check_keys(written: Any, kind: Any, place: str) -> None:
    """Refuse unknown keys, with the nearest known one."""
    kind = _bare(kind)
    if get_origin(kind) is dict and isinstance(written, dict):
        for name, value in written.items():  # pyright: ignore[reportUnknownVariableType]
            _check_keys(value, get_args(kind)[1], f"{place}{name}.")
    elif get_origin(kind) is tuple and isinstance(written, list):
        for value in written:  # pyright: ignore[reportUnknownVariableType]
            _check_keys(value, get_args(kind)[0], place)
    elif isinstance(kind, type) and issubclass(kind, Struct) and isinstance(written, dict):
        known = options_of(kind)
        for name, value in written.items():  # pyright: ignore[reportUnknownVariableType]
            if name not in known:
                raise Misconfigured(f"config option {place}{name} does not exist{_nearest(str(name), list(known))}")
            _check_keys(value, known[name], f"{place}{name}.")
    elif isinstance(written, str) and (choices := _choices(kind)) and written not in choices:
        raise Misconfigured(f"config option {place[:-1]}: {written!r} is not one of {', '.join(choices)}")


def _choices(kind: Any) -> tuple[str, ...]:
    """The values a closed set of names may take, inside `X | None` too."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    return next((found for inner in get_args(kind) if (found := _choices(_bare(inner)))), ())


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else f"; known are: {', '.join(known)}"


def options_of(kind: type[Struct]) -> dict[str, Any]:
    """The options of one table by the name they have in the file, with their annotated types."""
    hints = get_type_hints(kind, include_extras=True)
    encoded = zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True)
    return {written: hints[attribute] for attribute, written in encoded}


def _bare(kind: Any) -> Any:
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    return kind
