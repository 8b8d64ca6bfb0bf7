"""Log probabilities: the right shape, the same each time."""

from __future__ import annotations

from tidegate.simulator.logprobs import token_entry, token_logprob, token_text
from tidegate.simulator.prompt import Token

TOKEN = Token(5, "é".encode())


def other(token_id: int) -> bytes:
    return str(token_id).encode()


def test_an_entry_has_the_hosted_members():
    entry = token_entry(TOKEN, 1, 2, other)
    assert list(entry) == ["token", "logprob", "bytes", "top_logprobs"]
    assert (entry["token"], entry["bytes"]) == ("é", [195, 169])
    first, second = entry["top_logprobs"]
    assert first == {name: entry[name] for name in ("token", "logprob", "bytes")}
    assert second["logprob"] < entry["logprob"] < 0


def test_without_alternatives_the_list_is_empty():
    assert token_entry(TOKEN, 1, 0, other)["top_logprobs"] == []


def test_it_follows_from_token_and_place():
    assert token_logprob(TOKEN, 1) == token_logprob(TOKEN, 1)
    assert len({token_logprob(TOKEN, place) for place in range(50)}) > 25


def test_bytes_that_are_no_text_are_written_out():
    assert token_text(b" \xf0\x9f") == "\\x20\\xf0\\x9f"
