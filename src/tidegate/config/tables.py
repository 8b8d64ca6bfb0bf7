"""The tables of the configuration as typed options, each with one line of help.

A part of the configuration; imports nothing of ours but core.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from tidegate.core.decision import OnBreak
from tidegate.core.profile import Encoding, Feature
from tidegate.core.terms import Priority, WhenSpent

ClassName = Literal["public", "internal", "private"]
BoundaryName = Literal["device", "private", "external"]
Kind = Literal["deepseek", "llamacpp", "ollama", "vllm", "sglang", "lmstudio", "transformers_serve", "generic", "fake"]
EncodingName = Literal["v4", "v4.1"]
ProfileName = Literal["2026-04-preview", "2026-08-ga", "2026-09-v41"]
LegacyNames = Literal["reject", "rewrite"]
OrderName = Literal["configured", "hosted-first", "local-first", "by-needs", "balanced"]
Port = Annotated[int, Meta(ge=0, le=65535)]
Seconds = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1)]
Money = Annotated[float, Meta(gt=0)]


class Server(Struct, frozen=True):
    host: Annotated[
        str, Meta(description="Address to listen on; anything but loopback needs [[clients]] with keys.")
    ] = "127.0.0.1"
    port: Annotated[Port, Meta(description="Port to listen on.")] = 4141
    body_limit_bytes: Annotated[Count, Meta(description="Largest request body that is accepted.")] = 16 * 1024 * 1024
    admin_key_env: Annotated[
        str | None,
        Meta(
            description="Environment variable with the admin key: needed for /-/status, /metrics and /-/keys where keys are."
        ),
    ] = None
    tls_cert: Annotated[str | None, Meta(description="PEM file with the certificate (chain); serves HTTPS.")] = None
    tls_key: Annotated[str | None, Meta(description="PEM file with the certificate's private key.")] = None
    workers: Annotated[
        Count, Meta(description="Processes that answer, on one port; they share limits, budgets and ledger.")
    ] = 1
    drain_s: Annotated[
        Seconds, Meta(description="How long open answers may go on after SIGTERM or Ctrl-C before they are cut.")
    ] = 30.0


class ContractOptions(Struct, frozen=True):
    profile: Annotated[
        ProfileName, Meta(description="Which dated contract of the hosted API requests are held to.")
    ] = "2026-09-v41"
    legacy_names: Annotated[
        LegacyNames,
        Meta(
            description="Retired names such as deepseek-chat: refused like the hosted API does, or rewritten to what they meant."
        ),
    ] = "reject"


class RoutingOptions(Struct, frozen=True):
    order: Annotated[
        OrderName,
        Meta(
            description="Who is asked first, of those that may be: configured: as written; hosted-first; local-first; by-needs: "
            "hosted for what local models often lack, else local; balanced: by cost and latency."
        ),
    ] = "configured"


class ShadowOptions(Struct, frozen=True):
    to: Annotated[
        tuple[str, ...],
        Meta(
            description="Where public requests are asked once more beside their answer: `backend` or `backend/model`."
        ),
    ] = ()
    share: Annotated[float, Meta(description="Share of the public requests that is shadowed.", gt=0, le=1)] = 1.0


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
    pacing: Annotated[
        bool,
        Meta(
            description="Learn from refusals (HTTP 429) how many requests it takes at once, and send no more than that."
        ),
    ] = True


class AliasOptions(Struct, frozen=True):
    targets: Annotated[
        tuple[str, ...], Meta(description="Where the name leads, in order: `backend` or `backend/model`.", min_length=1)
    ]
    data_class: Annotated[ClassName | None, Meta(description="Raises the class of every request for it.")] = field(
        default=None, name="class"
    )
    order: Annotated[OrderName | None, Meta(description="Who is asked first; default: the targets as written.")] = None
    answers: Annotated[
        Literal["first", "each"],
        Meta(description="first: the first that answers; each: all targets answer, side by side in one answer."),
    ] = "first"
    on_break: Annotated[
        OnBreak | None, Meta(description="When an answer breaks off half-way; default: as in [streams].")
    ] = None


class ClientOptions(Struct, frozen=True):
    name: Annotated[str, Meta(description="Name in the ledger.")]
    key_env: Annotated[str, Meta(description="Environment variable that holds the client's key.")]
    data_class: Annotated[ClassName | None, Meta(description="Raises the class of all its requests.")] = field(
        default=None, name="class"
    )
    models: Annotated[tuple[str, ...], Meta(description="Names it may ask for; empty: all.")] = ()
    rate_per_minute: Annotated[Count | None, Meta(description="Requests per minute; default: no limit.")] = None
    concurrency: Annotated[Count | None, Meta(description="Requests at the same time; default: no limit.")] = None
    budget_usd_per_day: Annotated[
        Money | None, Meta(description="What it may cost per UTC day, in USD; default: no limit.")
    ] = None
    budget_usd_per_month: Annotated[
        Money | None, Meta(description="What it may cost per UTC month, in USD; default: no limit.")
    ] = None
    when_spent: Annotated[
        WhenSpent, Meta(description="With the budget used up: refuse (402), or local: only backends at home answer.")
    ] = "refuse"
    weight: Annotated[
        float, Meta(description="Its share of a backend that others wait for too, beside their weights.", gt=0)
    ] = 1.0
    priority: Annotated[Priority, Meta(description="Who waits is served by priority first, then by weight.")] = "normal"
