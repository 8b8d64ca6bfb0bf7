"""Where a configured backend may count as standing: proven by what it shows, vouched for by the operator, or external.

Read by `enforce` before anything is served, and by the composition root for what is looked at while serving.
"""

from __future__ import annotations

from tidegate.backends.attestation import BY_WORD_NOTE, NO_WORD, Attestation
from tidegate.backends.base import Endpoint
from tidegate.catalog.runtimes import runtime_named
from tidegate.config import BackendOptions
from tidegate.core.boundary import Boundary
from tidegate.core.errors import Misconfigured
from tidegate.dialects import dialect_named


def boundary_of(place: str, options: BackendOptions) -> Boundary:
    """Where a backend may count as standing: what nobody proves or vouches for is external."""
    unproven = needs_word(options.kind)
    if options.stays_home:
        if not unproven:
            raise Misconfigured(
                f"{place} stays_home: kind {options.kind} needs no word, it shows this itself; remove it"
            )
        if options.boundary == "external" or (options.kind == "deepseek" and options.base_url is None):
            raise Misconfigured(f"{place} stays_home: this backend is external; remove it, or correct `boundary`")
    elif unproven and options.boundary in ("device", "private"):
        raise Misconfigured(f"{place} boundary = {options.boundary!r} cannot be enforced: {word_for(options.kind)}")
    return Boundary(options.boundary or ("external" if unproven and not options.stays_home else "device"))


def needs_word(kind: str) -> bool:
    """Whether nothing over HTTP can show that a server of this kind keeps what it is asked."""
    runtime = runtime_named(kind)
    return kind != "fake" and (runtime is None or not runtime.proves_itself)


def word_for(kind: str) -> str:
    off = ", with LM Link off" if kind == "lmstudio" else ""
    return (
        f"a server of kind {kind} cannot show that requests stay with it; if they do{off}, write `stays_home = true` "
        f"({NO_WORD.code})"
    )


def is_unvouched(endpoint: Endpoint, options: BackendOptions) -> bool:
    """Whether it is external only because nobody vouched for it."""
    return options.boundary is None and options.kind != "deepseek" and endpoint.boundary is Boundary.EXTERNAL


def note_of(endpoint: Endpoint, options: BackendOptions) -> str:
    """What a person must know of where it stands, as far as the configuration alone decides it."""
    if is_unvouched(endpoint, options):
        return f"counts as external: {word_for(options.kind)}"
    return BY_WORD_NOTE if options.stays_home and runtime_named(options.kind) is None else ""


def attestation_of(endpoint: Endpoint, options: BackendOptions) -> Attestation | None:
    """What the server of a backend inside a boundary has to show; None where nothing is promised or nothing can be shown."""
    runtime = runtime_named(options.kind)
    if runtime is None or endpoint.boundary is Boundary.EXTERNAL:
        return None
    return Attestation(runtime, endpoint, dialect_named(options.kind), by_word=options.stays_home)
