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
from msgspec import Meta, Struct, field

from tidegate.core.errors import Misconfigured
from tidegate.core.jsonvalue import as_object
from tidegate.core.profile import Encoding, Feature

ClassName = Literal["public", "internal", "private"]
BoundaryName = Literal["device", "private", "external"]
Kind = Literal["deepseek", "llamacpp", "ollama", "vllm", "sglang", "lmstudio", "transformers_serve", "generic", "fake"]
EncodingName = Literal["v4", "v4.1"]
ProfileName = Literal["2026-04-preview", "2026-08-ga", "2026-09-v41"]
LegacyNames = Literal["reject", "rewrite"]
Port = Annotated[int, Meta(ge=0, le=65535)]
Seconds = Annotated[float, Meta(gt=0)]
T = TypeVar("T")
Count = Annotated[int, Meta(ge=1)]


class Server(Struct, frozen=True):
    host: Annotated[
        str, Meta(description="Address to listen on; anything but loopback needs [[clients]] with keys.")
    ] = "127.0.0.1"
    port: Annotated[Port, Meta(description="Port to listen on.")] = 4141
    body_limit_bytes: Annotated[Count, Meta(description="Largest request body that is accepted.")] = 16 * 1024 * 1024


class PolicyOptions(Struct, frozen=True):
    default_class: Annotated[ClassName, Meta(description="Data class of a request that nothing else classifies.")] = (
        "public"
    )
    legacy_names: Annotated[
        LegacyNames,
        Meta(
            description="Retired names such as deepseek-chat: refused like the hosted API does, or rewritten to what they meant."
        ),
    ] = "reject"


class ContractOptions(Struct, frozen=True):
    profile: Annotated[
        ProfileName, Meta(description="Which dated contract of the hosted API requests are held to.")
    ] = "2026-09-v41"


class Embedded(Struct, frozen=True):
    enabled: Annotated[bool, Meta(description="Run the embedded demo model (not DeepSeek).")] = True
    model: Annotated[str | None, Meta(description="A GGUF file to use instead of the fetched demo model.")] = None
    context_tokens: Annotated[Count, Meta(description="Context window of the engine, shared by its slots.")] = 4096
    slots: Annotated[Count, Meta(description="Requests the engine works on at the same time.")] = 2
    threads: Annotated[Count | None, Meta(description="Engine threads; default: cores less one.")] = None


class ProbeOptions(Struct, frozen=True):
    enabled: Annotated[bool, Meta(description="Look for known local runtimes on their default ports.")] = True
    interval_s: Annotated[Seconds, Meta(description="Seconds between two looks at all local backends.")] = 15.0


class ProfileOptions(Struct, frozen=True):
    measure: Annotated[
        bool,
        Meta(description="Try what backends at home can do, with short requests of fixed text, when one is new."),
    ] = True


class LedgerOptions(Struct, frozen=True):
    path: Annotated[
        str | None, Meta(description="SQLite file; default: tidegate/ledger.sqlite3 in the state folder.")
    ] = None
    flush_interval_s: Annotated[
        Seconds, Meta(description="Longest time a finished exchange waits to be written; a kill -9 loses at most this.")
    ] = 0.5


class ReplayOptions(Struct, frozen=True):
    memory_bytes: Annotated[
        int,
        Meta(
            description="Memory for the reasoning of answers with tools, to put it back where a client drops it; 0: off.",
            ge=0,
        ),
    ] = 32 * 1024 * 1024


class Timeouts(Struct, frozen=True):
    connect_s: Annotated[Seconds, Meta(description="Longest time to reach a backend.")] = 5.0
    first_byte_s: Annotated[Seconds, Meta(description="Longest time until a backend begins to answer.")] = 600.0
    load_s: Annotated[
        Seconds,
        Meta(
            description="The same for a model that must be loaded first, and how long a loading backend is waited for."
        ),
    ] = 600.0
    idle_s: Annotated[Seconds, Meta(description="Longest silence inside an answer.")] = 300.0
    queue_s: Annotated[
        Seconds, Meta(description="Longest time a request waits at the gateway for a slot of its backend.")
    ] = 600.0
    keep_alive_s: Annotated[
        float,
        Meta(
            description="Silence after which a waiting client gets a keep-alive, as from the hosted API; 0: never.",
            ge=0,
        ),
    ] = 10.0


class BackendOptions(Struct, frozen=True):
    kind: Annotated[Kind, Meta(description="Which dialect it speaks.")]
    boundary: Annotated[
        BoundaryName | None,
        Meta(
            description="Where it stands; default: device, but external for deepseek and for what needs `stays_home` and lacks it."
        ),
    ] = None
    stays_home: Annotated[
        bool,
        Meta(
            description="Your word that requests stay there, for kinds that cannot show it (lmstudio: LM Link is off; generic)."
        ),
    ] = False
    base_url: Annotated[str | None, Meta(description="Its URL without /v1; default for deepseek: the hosted API.")] = (
        None
    )
    networks: Annotated[
        tuple[str, ...], Meta(description="For boundary private: the networks (CIDR) its address must lie in.")
    ] = ()
    accepts: Annotated[
        ClassName | None, Meta(description="Highest class it may take; default: public for external, else private.")
    ] = None
    key_env: Annotated[str | None, Meta(description="Environment variable that holds its key.")] = None
    models: Annotated[
        tuple[str, ...], Meta(description="Models it serves, its default first; empty: ask the server.")
    ] = ()
    features: Annotated[
        tuple[Feature, ...],
        Meta(
            description="Features that you know to work there, where nothing is declared and nothing can be measured."
        ),
    ] = ()
    encoding: Annotated[
        Encoding | None,
        Meta(description="DeepSeek's prompt format that its models know, for the raw path; default: ask the server."),
    ] = None
    slots: Annotated[
        Count | None,
        Meta(
            description="Requests it gets at the same time; default: what the runtime tells or is known for, else no cap."
        ),
    ] = None
    queue: Annotated[
        int, Meta(description="Requests that may wait here for a slot; more are sent elsewhere or refused.", ge=0)
    ] = 64


class AliasOptions(Struct, frozen=True):
    targets: Annotated[
        tuple[str, ...], Meta(description="Where the name leads, in order: `backend` or `backend/model`.", min_length=1)
    ]
    data_class: Annotated[ClassName | None, Meta(description="Raises the class of every request for it.")] = field(
        default=None, name="class"
    )


class ClientOptions(Struct, frozen=True):
    name: Annotated[str, Meta(description="Name in the ledger.")]
    key_env: Annotated[str, Meta(description="Environment variable that holds the client's key.")]
    data_class: Annotated[ClassName | None, Meta(description="Raises the class of all its requests.")] = field(
        default=None, name="class"
    )


class Config(Struct, frozen=True):
    server: Annotated[Server, Meta(description="Where Tidegate listens.")] = Server()
    policy: Annotated[PolicyOptions, Meta(description="What may leave.")] = PolicyOptions()
    contract: Annotated[ContractOptions, Meta(description="What the hosted API promises.")] = ContractOptions()
    embedded: Annotated[Embedded, Meta(description="The embedded demo model.")] = Embedded()
    probe: Annotated[ProbeOptions, Meta(description="Finding running runtimes.")] = ProbeOptions()
    profiles: Annotated[ProfileOptions, Meta(description="What backends can do.")] = ProfileOptions()
    ledger: Annotated[LedgerOptions, Meta(description="The record of exchanges.")] = LedgerOptions()
    replay: Annotated[ReplayOptions, Meta(description="Reasoning that clients drop.")] = ReplayOptions()
    timeouts: Annotated[Timeouts, Meta(description="How long backends may take.")] = Timeouts()
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
    _check_keys(written, Config, "")
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
        option = (place + inner.rstrip("`")).lstrip(".") or "the file"
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
