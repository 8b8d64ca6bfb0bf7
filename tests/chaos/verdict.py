"""What a client got, judged: an answer, one clear error, or something that nobody should get. Knows the formats by itself."""

from __future__ import annotations

import json
from typing import Any, Literal, NamedTuple

from tests.chaos.client import Seen

Kind = Literal["answer", "error", "left", "wrong"]


class Verdict(NamedTuple):
    kind: Kind
    why: str = ""


def verdict_on(seen: Seen) -> Verdict:
    if seen.hung:
        return Verdict("wrong", "it hangs")
    if seen.left:
        return Verdict("left")
    if seen.more:
        return Verdict("wrong", "there is something after the end")
    if seen.status == 0:
        return Verdict("wrong", f"no answer at all ({seen.failed or 'closed'})")
    if seen.status != 200:
        return _refusal(seen)
    if seen.headers.get("content-type", "").startswith("text/event-stream"):
        return _stream(seen)
    return _whole(seen)


def _refusal(seen: Seen) -> Verdict:
    if not seen.ended:
        return Verdict("wrong", f"an error of status {seen.status} without its end")
    if seen.status == 500:
        return Verdict("wrong", "status 500: the gateway failed")
    return _envelope(seen.body, str(seen.status))


def _envelope(body: bytes, what: str) -> Verdict:
    try:
        said = json.loads(body)
    except ValueError:
        # The hosted API's own word for a body that is no JSON is plain text, and so is ours.
        return Verdict("wrong", f"{what}: no JSON: {body[:60]!r}")
    error = said.get("error") if isinstance(said, dict) else None
    if not isinstance(error, dict) or not error.get("message"):
        return Verdict("wrong", f"{what}: no error in {body[:60]!r}")
    return Verdict("error", what)


def _whole(seen: Seen) -> Verdict:
    body = seen.body.lstrip(b"\n")
    if not seen.ended:
        if not seen.body.startswith(b"\n"):
            return Verdict("wrong", "a whole answer that was cut, without a keep-alive before it")
        verdict = _envelope(body, "after a keep-alive")
        return verdict if verdict.kind == "error" else Verdict("wrong", f"cut without a word: {verdict.why}")
    try:
        answer: Any = json.loads(body)
    except ValueError:
        return Verdict("wrong", "a whole answer that is no JSON")
    if "error" in answer:
        return Verdict("wrong", "an error with status 200 and a proper end")
    if seen.plan.surface == "messages":
        text = "".join(block.get("text", "") for block in answer["content"])
        return _text(seen, text, answer["stop_reason"])
    choice = answer["choices"][0]
    return _text(
        seen, choice.get("text") or (choice.get("message") or {}).get("content") or "", choice["finish_reason"]
    )


def _stream(seen: Seen) -> Verdict:
    if not seen.ended:
        return Verdict("wrong", "a stream that was cut without an error event")
    blocks = [block for block in seen.body.decode().split("\n\n") if block and not block.startswith(":")]
    data = [line[6:] for block in blocks for line in block.split("\n") if line.startswith("data: ")]
    if not data:
        return Verdict("wrong", "an empty stream")
    return _messages(seen, data) if seen.plan.surface == "messages" else _chunks(seen, data)


def _chunks(seen: Seen, data: list[str]) -> Verdict:
    done = [one == "[DONE]" for one in data]
    if sum(done) > 1 or (any(done) and not done[-1]):
        return Verdict("wrong", "`[DONE]` is not the end")
    chunks = [json.loads(one) for one in data if one != "[DONE]"]
    errors = ["error" in one for one in chunks]
    text, finish = "", None
    for chunk in chunks:
        for choice in chunk.get("choices", ()):
            if finish is not None and (choice.get("text") or (choice.get("delta") or {}).get("content")):
                return Verdict("wrong", "text after the finish reason")
            text += choice.get("text") or (choice.get("delta") or {}).get("content") or ""
            finish = choice["finish_reason"] or finish
    return _ended(seen, text, finish, errors, whole=done[-1])


def _messages(seen: Seen, data: list[str]) -> Verdict:
    events = [json.loads(one) for one in data]
    kinds = [one["type"] for one in events]
    errors = [kind == "error" for kind in kinds]
    text = "".join(one["delta"].get("text", "") for one in events if one["type"] == "content_block_delta")
    finish = next((one["delta"]["stop_reason"] for one in events if one["type"] == "message_delta"), None)
    if kinds.count("message_start") > 1 or kinds.count("message_stop") > 1:
        return Verdict("wrong", "a message that begins or ends twice")
    return _ended(seen, text, finish, errors, whole=kinds[-1] == "message_stop")


def _ended(seen: Seen, text: str, finish: str | None, errors: list[bool], *, whole: bool) -> Verdict:
    if any(errors):
        if sum(errors) > 1 or not errors[-1] or whole:
            return Verdict("wrong", "an error that is not the one and last event")
        verdict = _text(seen, text, None)
        return Verdict("error", "in the stream") if verdict.kind == "answer" else verdict
    if not whole:
        return Verdict("wrong", "a stream that just ends")
    if finish is None:
        return Verdict("wrong", "a whole stream without a finish reason")
    return _text(seen, text, finish)


def _text(seen: Seen, text: str, finish: str | None) -> Verdict:
    """The whole text where it came to its own end, else a beginning of it; of nobody else's."""
    expected = seen.plan.expected
    if expected is None:
        return Verdict("answer", finish or "")
    if text and not expected.startswith(text):
        return Verdict("wrong", f"text that was not asked for, or twice: {text[:30]!r} ... {text[-30:]!r}")
    if finish in ("stop", "end_turn") and text not in (expected, ""):
        return Verdict("wrong", "a part of the text, said to be all")
    return Verdict("answer", finish or "")
