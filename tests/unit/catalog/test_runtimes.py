"""The runtimes a probe can recognise, and the hosted models."""

from __future__ import annotations

import re

import pytest

from tidegate.catalog.runtimes import Fingerprint, runtime_named, runtimes
from tidegate.dialects import DIALECTS

BY_KIND = {runtime.kind: runtime for runtime in runtimes()}


def test_the_probe_order_is_the_order_of_the_file():
    assert list(BY_KIND) == ["ollama", "lmstudio", "llamacpp", "sglang", "vllm", "transformers_serve"]


@pytest.mark.parametrize("kind", BY_KIND)
def test_every_runtime_speaks_a_dialect_that_exists(kind):
    assert BY_KIND[kind].dialect in {dialect.name for dialect in DIALECTS}


def test_each_runtime_stands_at_its_default_port():
    assert {kind: runtime.port for kind, runtime in BY_KIND.items()} == {
        "ollama": 11434,
        "lmstudio": 1234,
        "llamacpp": 8080,
        "sglang": 30000,
        "vllm": 8000,
        "transformers_serve": 8000,
    }


@pytest.mark.parametrize("kind", BY_KIND)
def test_every_fingerprint_follows_the_grammar(kind):
    for fingerprint in BY_KIND[kind].fingerprints:
        assert fingerprint.path.startswith("/")
        assert re.fullmatch(r"(member|text|owned_by):\S.*", fingerprint.proof)
    if (attestation := BY_KIND[kind].attestation) is not None:
        assert attestation.path.startswith("/")
        assert re.fullmatch(r"true:\w+\.\w+", attestation.proof)


def test_a_second_fingerprint_is_read_where_there_is_one():
    assert BY_KIND["ollama"].fingerprints == (
        Fingerprint("/api/version", "member:version"),
        Fingerprint("/", "text:Ollama is running"),
    )
    assert BY_KIND["llamacpp"].fingerprints == (Fingerprint("/props", "member:default_generation_settings"),)


@pytest.mark.parametrize("kind", BY_KIND)
def test_a_runtime_that_is_not_attested_says_why_and_only_then(kind):
    assert bool(BY_KIND[kind].why_not_attested) is not BY_KIND[kind].attested


def test_what_can_answer_from_elsewhere_or_shows_what_a_proxy_may_show_too_is_not_attested():
    assert {kind for kind, runtime in BY_KIND.items() if not runtime.attested} == {
        "ollama",
        "lmstudio",
        "transformers_serve",
    }


def test_an_ollama_can_prove_that_its_cloud_is_off_and_nobody_else_needs_to():
    proofs = {kind: runtime.attestation for kind, runtime in BY_KIND.items() if runtime.attestation is not None}
    assert proofs == {"ollama": Fingerprint("/api/status", "true:cloud.disabled")}


def test_who_can_show_by_itself_that_it_keeps_prompts():
    assert {kind for kind, runtime in BY_KIND.items() if runtime.proves_itself} == {
        "ollama",
        "llamacpp",
        "sglang",
        "vllm",
    }
    assert (runtime_named("vllm"), runtime_named("generic")) == (BY_KIND["vllm"], None)
