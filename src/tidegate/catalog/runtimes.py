"""The local runtimes that a probe can recognise, as data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from tidegate.catalog.reader import rows


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Fetch `path`; the runtime is there if `proof` holds in the answer (grammar: head of `runtimes.toml`)."""

    path: str
    proof: str


@dataclass(frozen=True, slots=True)
class Runtime:
    """`attestation` proves what `attested` does not say of all: that this one keeps prompts to itself."""

    kind: str
    title: str
    port: int
    fingerprints: tuple[Fingerprint, ...]
    attested: bool
    why_not_attested: str
    dialect: str
    attestation: Fingerprint | None = None

    @property
    def proves_itself(self) -> bool:
        """Whether one that runs here can show over HTTP that it keeps prompts."""
        return self.attested or self.attestation is not None


@cache
def runtimes() -> tuple[Runtime, ...]:
    found: list[Runtime] = []
    for row in rows("runtimes.toml", "runtimes"):
        fingerprints = [Fingerprint(row["path"], row["proof"])]
        if "second_path" in row:
            fingerprints.append(Fingerprint(row["second_path"], row["second_proof"]))
        attestation = Fingerprint(row["attest_path"], row["attest_proof"]) if "attest_path" in row else None
        found.append(
            Runtime(
                row["kind"],
                row["title"],
                row["port"],
                tuple(fingerprints),
                row["attested"],
                row.get("why_not_attested", ""),
                row["dialect"],
                attestation,
            )
        )
    return tuple(found)


def runtime_named(kind: str) -> Runtime | None:
    return next((runtime for runtime in runtimes() if runtime.kind == kind), None)
