"""Is the server behind a backend the one that was configured, and may what it is asked stay with it?

The transport holds `Attestation.greet` on each new connection, before any request goes over it: what the catalogue's
fingerprints do not show is not believed, and the backend then counts as external, for routing and for the transport.
Sends GETs without content, knows no socket and no clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import orjson

from tidegate.backends.base import Endpoint, Get
from tidegate.catalog.runtimes import Runtime
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.errors import GatewayError, NotSupported, Unattested
from tidegate.core.jsonvalue import as_list, as_object
from tidegate.core.rulebook import Rule, Rulebook
from tidegate.dialects.base import Dialect

LOCALITY = Rulebook("LOC", "Locality")

_OLLAMA = "Ollama source fb30760 (v0.33.0-rc2), 2026-08-21, read and not run"

DIFFERENT = LOCALITY.rule(
    "LOC001",
    "counts as external: the server does not answer like the configured kind",
    why="A port says nothing of who listens there: another server may have taken it, or a proxy that passes everything "
    "on. So a backend inside your boundary is asked for its kind's fingerprints, with GETs without content: on each new "
    "connection before a request goes over it, and whenever it is looked at. Until they match again it takes public "
    "requests only. A server that is down or still loading has shown nothing either way and is asked when it is needed.",
    source="catalog/runtimes.toml, each row with its source; three runtimes share port 8000 (vLLM 0.32.0 and transformers "
    "serve 5.19, run 2026-11-22)",
    checked="2026-11-24",
)
NO_WORD = LOCALITY.rule(
    "LOC002",
    "counts as external: nothing over HTTP can show that it keeps requests, and nobody has vouched for it",
    why="LM Studio's LM Link may answer from another device, a generic server may be a proxy to anywhere, and what "
    "transformers serve is recognised by is what FastAPI calls such an endpoint, so a proxy may show the same. Say "
    "`stays_home = true` in [backends.NAME] if you know better. With a `boundary` of device or private and without that "
    "word the configuration is refused.",
    source="LM Studio documentation, 2026-04-29; transformers 5.19.0, run 2026-11-24; generate_unique_id in FastAPI's "
    "fastapi/utils.py; WorkflowAI's gateway and Jina's API have the same operation id, read 2026-11-24",
    checked="2026-11-24",
)
BY_WORD = LOCALITY.rule(
    "LOC003",
    "inside your boundary by the operator's word",
    why="`stays_home = true` says that what is asked here stays here: for LM Studio that LM Link is off "
    "(`lms link disable`). The gateway cannot check it. Fingerprints that the kind has are asked for all the same.",
    source="LM Studio documentation, 2026-04-29",
    checked="2026-11-24",
)
CLOUD_ON = LOCALITY.rule(
    "LOC004",
    "this Ollama's cloud is not switched off; inside your boundary it is asked for local models only",
    why="With its cloud on, the server passes cloud models on through the same port. Each request that must stay is asked "
    "for as `NAME:local` (OLL001), which the server refuses rather than pass on. OLLAMA_NO_CLOUD=1 makes the server "
    "itself say that nothing leaves. A found Ollama that nobody configured stays external while its cloud is on.",
    source=_OLLAMA,
    checked="2026-11-24",
)
TOO_OLD = LOCALITY.rule(
    "LOC005",
    "counts as external: this Ollama does not say at /api/status whether its cloud is off",
    why="A server without that answer may not know the ending `:local` either, and would take it for a part of the name; "
    "then nothing keeps a request from being passed on. Update Ollama, or declare the backend external.",
    source=_OLLAMA,
    checked="2026-11-24",
)
REMOTE = LOCALITY.rule(
    "LOC006",
    "a model that another machine runs is not listed and not asked inside your boundary",
    why="A model of an Ollama with `remote_host` or `remote_model` looks like a local one and is passed on, whatever its "
    "name. /api/tags tells which are; it is read with the fingerprints. If it cannot be read, nothing is believed.",
    source=_OLLAMA,
    checked="2026-11-24",
)
FOUND = LOCALITY.rule(
    "LOC007",
    "a found runtime counts as external until it shows that it keeps requests",
    why="Being on this machine is no proof. Its note in `tidegate status` says what is missing; a configured backend may "
    "take more (LOC003, LOC004).",
    source=_OLLAMA + "; LM Studio documentation, 2026-04-29",
    checked="2026-11-24",
)

BY_WORD_NOTE = f"inside your boundary by your word (`stays_home`), see {BY_WORD.code}"
_BUSY = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Finding:
    """What a server showed when it was asked; `refuted`: it counts as external."""

    note: str = ""
    refuted: bool = False
    remote: frozenset[str] = frozenset()
    """Names of models that it passes on."""


class Attestation:
    """Of one backend inside a boundary: what its server has to show, and what it showed last.

    `found`: nobody configured it, so nothing counts as allowed that a server can only promise for each name.
    """

    def __init__(
        self, runtime: Runtime, place: Endpoint, dialect: Dialect, *, by_word: bool = False, found: bool = False
    ) -> None:
        self._runtime = runtime
        self._dialect = dialect
        self._by_word = by_word
        self._found = found
        self._place = replace(place, greeting=self.greet)
        self._lowered = replace(place, boundary=Boundary.EXTERNAL, accepts=DataClass.PUBLIC)
        self.finding: Finding | None = None
        """None: it has not been asked since it was last away. It is then asked before anything is sent."""

    @property
    def refuted(self) -> bool:
        return self.finding is not None and self.finding.refuted

    @property
    def note(self) -> str:
        if self.finding is None:
            if self._found:
                return ""  # the probe has just seen who it is
            return f"has yet to show that it is {self._runtime.title} before anything is sent, see {DIFFERENT.code}"
        return self.finding.note

    @property
    def endpoint(self) -> Endpoint:
        """Where to send: as configured and behind the greeting, or as an external backend."""
        return self._lowered if self.refuted else self._place

    def anew(self) -> Endpoint:
        """The configured place, as one to which no connection exists yet (a transport keeps them by endpoint)."""
        return replace(self._place)

    def forget(self) -> None:
        """It is away: who comes back has shown nothing."""
        self.finding = None

    async def greet(self, get: Get, model: str) -> None:
        """The endpoint's greeting: ask who is there, then whether this model may be asked."""
        try:
            finding = await self._look(get)
        except GatewayError:
            self.forget()
            raise
        self.finding = finding
        self.admit(model, DataClass.PRIVATE)

    def admit(self, model: str, data_class: DataClass) -> None:
        """Refuse, from what is known, a request that may not go there. Routing knew the same, but perhaps earlier."""
        if self.finding is None:
            return
        if self.finding.refuted:
            if data_class is not DataClass.PUBLIC:
                raise Unattested(f"backend {self._place.name!r} {self.finding.note}; nothing was sent")
        elif self._is_remote(model):
            raise NotSupported(
                f"this backend's boundary keeps requests at home and the model is run elsewhere, see {REMOTE.code}; use "
                "another `model`"
            )

    def at_home(self, models: Sequence[str]) -> tuple[str, ...]:
        """Those that may be offered: inside the boundary only what this server runs itself."""
        return tuple(model for model in models if self.refuted or not self._is_remote(model))

    def _is_remote(self, model: str) -> bool:
        told = self._dialect.remote_models
        return told is not None and self.finding is not None and told.plain(model) in self.finding.remote

    async def _look(self, get: Get) -> Finding:
        for fingerprint in self._runtime.fingerprints:
            status, body = await self._fetch(get, fingerprint.path)
            if status != 200 or not holds(fingerprint.proof, body):
                return self._different(fingerprint.path, status)
        note = BY_WORD_NOTE if self._by_word else ""
        if (question := self._runtime.attestation) is not None:
            status, body = await self._fetch(get, question.path)
            said = says(question.proof, body) if status == 200 else None
            if said is None:
                return _lowered(f"its {question.path} does not say whether its cloud is off: update it", TOO_OLD)
            if not said and (self._found or self._dialect.keep_home is None):
                return _lowered(self._runtime.why_not_attested, FOUND)
            note = note if said else f"its cloud is on, so only local models are asked, see {CLOUD_ON.code}"
        return await self._with_models(get, note)

    async def _with_models(self, get: Get, note: str) -> Finding:
        told = self._dialect.remote_models
        if told is None:
            return Finding(note)
        status, body = await self._fetch(get, told.path)
        remote = told.names(_object(body) or {}) if status == 200 else None
        return self._different(told.path, status) if remote is None else Finding(note, remote=remote)

    async def _fetch(self, get: Get, path: str) -> tuple[int, bytes]:
        """A server that fails or is busy has shown nothing; that is not yet another server."""
        status, body = await get(path)
        if status >= 500 or status in _BUSY:
            raise self._dialect.read_error(status, body)
        return status, body

    def _different(self, path: str, status: int) -> Finding:
        options = "`base_url`, `kind` and `key_env`" if status in (401, 403) else "`base_url` and `kind`"
        return _lowered(
            f"it does not answer like {self._runtime.title} at {path} (HTTP {status}): check what listens there, "
            f"and {options}",
            DIFFERENT,
        )


def _lowered(what: str, rule: Rule) -> Finding:
    return Finding(f"counts as external: {what}, see {rule.code}", refuted=True)


def holds(proof: str, body: bytes) -> bool:
    """Whether a fingerprint's proof (grammar: head of `catalog/runtimes.toml`) holds in this answer."""
    return says(proof, body) is True


def says(proof: str, body: bytes) -> bool | None:
    """The same, with None where the answer does not speak of it."""
    kind, _, wanted = proof.partition(":")
    if kind == "text":
        return wanted.encode() in body
    answer = _object(body)
    if answer is None:
        return None
    if kind == "member":
        return wanted in answer
    if kind == "true":
        outer, _, inner = wanted.partition(".")
        value = (as_object(answer.get(outer)) or {}).get(inner)
        return value if isinstance(value, bool) else None
    if kind == "owned_by":
        entries = as_list(answer.get("data")) or [None]
        return (as_object(entries[0]) or {}).get("owned_by") == wanted
    raise ValueError(f"unknown fingerprint proof {kind!r}")


def _object(body: bytes) -> dict[str, object] | None:
    try:
        return as_object(orjson.loads(body))
    except orjson.JSONDecodeError:
        return None


@dataclass(frozen=True, slots=True)
class Standing:
    """What is said and shown of where a backend stands. `unattested`: it is external only because nothing shows that it
    keeps requests. Without an `attestation` the endpoint is believed to stand where it says."""

    attestation: Attestation | None = None
    unattested: bool = False
    note: str = ""

    @property
    def told(self) -> str:
        """What a person must know of it."""
        return self.note or (self.attestation.note if self.attestation is not None else "")

    @property
    def doubtful(self) -> bool:
        return self.unattested or (self.attestation is not None and self.attestation.refuted)
