"""The law: at home no name makes an Ollama pass a request on. Its reading of names is written down here a second time."""

from __future__ import annotations

from typing import Literal

import orjson
from hypothesis import example, given
from hypothesis import strategies as st
from tests.support.samples import request
from tests.support.strategies import MODERATE, texts

from tidegate.core.errors import NotSupported
from tidegate.dialects.ollama import OLLAMA

Fate = Literal["local", "cloud", "unspecified", "refused"]
pieces = st.sampled_from(
    ["cloud", "CLOUD", "local", "Local", ":", "-", "/", " ", "\t", "8b", "qwen3", "\u00a0", "latest"]
)
names = st.lists(pieces, min_size=1, max_size=6).map("".join) | texts(1)


def end_of(name: str) -> tuple[str, Fate]:
    """What is left of a name and what its end says of where it runs."""
    base, colon, tag = name.rpartition(":")
    tag = tag.strip()
    if colon and tag.lower() == "local":
        return base, "local"
    if colon and (tag.lower() == "cloud" or ("/" not in tag and tag.lower().endswith("-cloud"))):
        return f"{base}:{tag[:-6]}" if tag.lower() != "cloud" else base, "cloud"
    return name, "unspecified"


def fate(name: str) -> Fate:
    """Where the server runs it; `unspecified` is passed on if its manifest names a remote host."""
    base, end = end_of(name.strip())
    if end != "unspecified" and end_of(base)[1] != "unspecified":
        return "refused"
    return end


@given(names)
@example("deepseek-v4-flash:cloud")
@example("deepseek-v4-flash:0731-cloud")
@example("x:cloud:local")
@example("x:local:cloud")
@example("x: cloud ")
@MODERATE
def test_at_home_a_model_runs_there_or_not_at_all(name):
    try:
        body = OLLAMA.encode(request(), name, at_home=True).body
    except NotSupported:
        return
    assert fate(orjson.loads(body)["model"]) in ("local", "refused")


@given(names)
@MODERATE
def test_what_is_refused_at_home_is_no_plain_name(name):
    if not OLLAMA.may_list(name):
        assert name.strip().lower().endswith("cloud")


def test_the_server_as_written_down_here_knows_its_cloud():
    assert [fate(name) for name in ("a:cloud", "a:8b-cloud", "a:8b", "a:8b:local", "a:cloud:local")] == [
        "cloud",
        "cloud",
        "unspecified",
        "local",
        "refused",
    ]
