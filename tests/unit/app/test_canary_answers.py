from __future__ import annotations

import json

import pytest

from tidegate.app.canary_answers import answer, model_list, said_in, whole
from tidegate.app.canary_asking import text_of

QUESTION = "say 秘密 EMAIL_k7f2q9xw4m"
CHAT = {"messages": [{"role": "user", "content": "before"}, {"role": "user", "content": QUESTION}]}


def said(path: str, asked: dict[str, object], size: int) -> str:
    """The text of the answer, with the framing of a chunked body taken off."""
    data = b"".join(answer(f"POST {path} HTTP/1.1\r\n\r\n".encode(), json.dumps(asked).encode(), size))
    head, _, rest = data.partition(b"\r\n\r\n")
    if b"chunked" not in head:
        return text_of(rest)
    pieces: list[bytes] = []
    while rest:
        length, _, rest = rest.partition(b"\r\n")
        pieces.append(rest[: int(length, 16)])
        rest = rest[int(length, 16) + 2 :]
    return text_of(b"".join(pieces))


@pytest.mark.parametrize("size", [1, 7, 64])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/chat/completions", CHAT),
        ("/anthropic/v1/messages", {"messages": [{"role": "user", "content": [{"type": "text", "text": QUESTION}]}]}),
        ("/beta/completions", {"prompt": QUESTION, "suffix": "no"}),
    ],
)
def test_every_answer_says_back_what_was_asked(path: str, asked: dict[str, object], stream: bool, size: int) -> None:
    assert said(path, asked | {"stream": stream}, size) == f"You said: {QUESTION}"


def test_an_ollama_is_answered_in_its_own_shape() -> None:
    assert said("/api/chat", CHAT, 1) == f"You said: {QUESTION}"


def test_what_is_no_text_is_passed_over() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:"}}
    assert said_in({"messages": [{"role": "user", "content": [picture, {"type": "text", "text": "x"}]}]}) == " x"
    assert said_in({"messages": [{"role": "user", "content": "x"}, {"role": "tool", "content": "y"}]}) == "x"
    assert said_in({}) == ""


def test_a_model_list() -> None:
    body = model_list(("a", "b"))
    assert [one["id"] for one in json.loads(body)["data"]] == ["a", "b"]
    assert whole(body).endswith(body)
