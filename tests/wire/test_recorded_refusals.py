"""Streams of status 200 that are no answer: each is refused, wherever it is cut, and before anything of it could be passed on."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.samples import request

from tidegate.core.errors import BadAnswer, BrokenContract, ClientMistake, GatewayError
from tidegate.core.events import Event, Start, Text
from tidegate.dialects import dialect_named

FOLDER = Path(__file__).parent
OVERFLOW = "This model's maximum context length is "
REFUSALS: dict[str, tuple[type[GatewayError], str, list[type[Event]]]] = {
    "lmstudio-0.4.21/refused-overflow": (
        ClientMistake,
        OVERFLOW + "4096 tokens. However, you requested 13055 tokens in the messages. Please reduce the length of the "
        "messages.",
        [],
    ),
    "lmstudio-0.4.21/refused-overflow-mlx": (
        ClientMistake,
        OVERFLOW + "exceeded. Please reduce the length of the messages.",
        [],
    ),
    "lmstudio-0.4.21/refused-error": (BrokenContract, "the backend reported an error inside its stream", []),
    "lmstudio-0.4.21/refused-error-later": (
        BrokenContract,
        "the backend reported an error inside its stream",
        [Start, Text],
    ),
    "lmstudio-0.4.21/refused-empty": (BadAnswer, "the backend's answer is empty, see REQ010", []),
    "lmstudio-0.4.21/refused-other-model": (
        BrokenContract,
        "the backend answered with another model than the one that was asked for: load that one there, or ask for the "
        "one that is loaded; see LMS007",
        [],
    ),
}
each_refusal = pytest.mark.parametrize("name", REFUSALS)


def refused(name: str, *pieces: bytes) -> tuple[GatewayError, list[type[Event]]]:
    """The error, and the kinds of events that were there before it."""
    dialect = dialect_named(name.partition("-")[0])
    reader = dialect.reader(dialect.encode(request(stream=True), "qwen/qwen3-8b"), got_stream=True)
    seen: list[type[Event]] = []
    with pytest.raises(GatewayError) as raised:
        for piece in pieces:
            seen += [type(event) for frame in reader.feed(piece) for event in frame.events]
    return raised.value, seen


def test_every_recorded_refusal_is_replayed() -> None:
    assert {
        path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.glob("*/refused-*.sse")
    } == REFUSALS.keys()


@each_refusal
def test_a_stream_that_is_no_answer_is_refused(name: str) -> None:
    body = (FOLDER / f"{name}.sse").read_bytes()
    kind, message, begun = REFUSALS[name]
    for place in range(len(body)):
        error, seen = refused(name, body[:place], body[place:])
        assert (type(error), error.message) == (kind, message), f"cut at byte {place}"
        assert seen in ([], begun)
    error, seen = refused(name, *(body[i : i + 1] for i in range(len(body))))
    assert (error.message, seen) == (message, begun)
