"""Values that stand for what detection finds, requests that hold them everywhere, and a detector that knows them all."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

from tidegate.core.findings import Finding
from tidegate.core.messages import Message, OpaquePart, ReasoningPart, TextPart, ToolCallPart
from tidegate.core.requests import ChatRequest, FimRequest, Request, ToolSpec
from tidegate.privacy.masking.occurrences import found_in
from tidegate.privacy.texts.passages import passages
from tidegate.privacy.texts.places import Place

VALUES = (
    "4111-1111-1111-1111",
    "4111111111111111",
    "zoe.planted@example.test",
    "-----BEGIN PRIVATE KEY-----\nMIIplanted/+=\n-----END PRIVATE KEY-----\n",
    "张伟明",
    'p"w\\planted/1',
    "Ada",
    "🌊 tide",
)
FILLERS = ("", " ", "Hello ", "卡号", ", ", "EMAIL_", "E", "DATA_k7", "\n", '"', "\\", "100%", "adagio ", "<b>")


def finding(start: int, end: int, code: str = "SEN001") -> Finding:
    return Finding(code, "personal", start, end)


def look_for(request: Request, values: Iterable[str] = VALUES) -> dict[Place, list[Finding]]:
    """A detector that finds exactly these values, in whatever passages there are."""
    found: dict[Place, list[Finding]] = {}
    for place, text, _ in passages(request):
        spans = {span for value in values for span in found_in(text, value)}
        if spans:
            found[place] = [finding(*span) for span in sorted(spans)]
    return found


def speech(least: int = 0) -> st.SearchStrategy[str]:
    """Planted values among fillers, glued to each other or not."""
    return st.lists(st.sampled_from(VALUES) | st.sampled_from(FILLERS), min_size=least, max_size=5).map("".join)


def arguments() -> st.SearchStrategy[str]:
    objects = st.dictionaries(
        st.sampled_from(["to", "body", "n"]), speech() | st.lists(speech(), max_size=2), max_size=3
    )
    return st.builds(lambda value, ascii_only: json.dumps(value, ensure_ascii=ascii_only), objects, st.booleans())


def _texts(most: int = 1) -> st.SearchStrategy[tuple[TextPart, ...]]:
    # A line end keeps the halves of two parts apart: values over a join have tests of their own.
    part = speech().map(lambda text: TextPart(f"{text}\n"))
    return st.lists(part, min_size=1, max_size=most).map(tuple)


@st.composite
def planted_chats(draw: st.DrawFn) -> ChatRequest:
    """All that a chat request can hold, with planted values wherever they may be masked."""
    calls = tuple(ToolCallPart(f"call_{n}", "send", draw(arguments())) for n in range(draw(st.integers(0, 2))))
    thought = (ReasoningPart(draw(speech())),) if draw(st.booleans()) else ()
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"to": {"type": "string", "description": draw(speech())}},
    }
    return ChatRequest(
        model="deepseek-flash",
        messages=(
            Message("system", draw(_texts(2))),
            Message("user", draw(_texts(3)), draw(st.none() | speech())),
            Message("assistant", (*thought, *draw(_texts()), *calls)),
            *(Message("tool", draw(_texts()), call_id=call.call_id) for call in calls),
            Message("user", draw(_texts())),
        ),
        tools=(ToolSpec("send", draw(st.none() | speech()), schema),),
        stop=tuple(draw(st.lists(speech(1).filter(bool), max_size=2))),
        user_id=draw(st.none() | speech()),
    )


def planted_fims() -> st.SearchStrategy[FimRequest]:
    glued = speech().map(lambda text: f"\n{text}\n")
    stops = st.lists(speech(1).filter(bool), max_size=2).map(tuple)
    return st.builds(FimRequest, model=st.just("m"), prompt=glued, suffix=st.none() | glued, stop=stops)


def picture(url: str = "https://example.test/a.png") -> OpaquePart:
    return OpaquePart({"type": "image_url", "image_url": {"url": url}})
