"""Over many made-up requests we accept what DeepSeek's package accepts, refuse the rest in its words, and what we make
of an accepted one renders to the very prompt that the package renders of the Messages request itself.

Where the two may differ is a row of the profile's table `differences`; a difference without a row is a failure.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from msgspec.structs import replace
from tests.oracle_messages.recipe import UNKNOWN_MODEL, Verdict, convert_chat, convert_messages, rendered
from tests.oracle_messages.requests import broken_requests, sound_requests
from tests.support.reports import report as tell

from tidegate.catalog.contracts import DEFAULT_PROFILE, contract_named
from tidegate.codecs.anthropic_messages.request import check_request, decode_request
from tidegate.codecs.openai_chat.request import encode_request
from tidegate.core.errors import ClientMistake, WrongShape
from tidegate.core.messages import Message, TextPart
from tidegate.core.requests import ChatRequest

CONTRACT = contract_named(DEFAULT_PROFILE)
SHAPE = re.compile(re.escape("Failed to deserialize the JSON body into the target type: ") + r"(?:[a-z_.\[\]0-9]+: )?")
PLACE = re.compile(r" at line \d+ column \d+$")
MANY = settings(
    max_examples=800,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # a failure is shown as it was made: shrinking would outlast the time limit of a test
    suppress_health_check=list(HealthCheck),
)
ROWS = {row.name: row.values["code"] for row in CONTRACT.tables["differences"].values()}


def ours(body: bytes) -> ChatRequest | Verdict:
    try:
        request = decode_request(body, CONTRACT, quoting=True)
        check_request(request, CONTRACT, passback=True, quoting=True)
        return request
    except WrongShape as error:
        begun = SHAPE.match(error.message)
        assert begun, error.message
        return Verdict(None, PLACE.sub("", error.message[begun.end() :]))
    except ClientMistake as error:
        return Verdict(error.status, error.message)


def disagreement(fields: dict[str, Any]) -> str | None:
    """None when both say the same, the code of a row that explains it, or what differs."""
    body = orjson.dumps(fields)
    theirs, mine = convert_messages(body), ours(body)
    if theirs == mine:
        return None
    if isinstance(theirs, Verdict):
        return _explained_refusal(theirs, mine) or f"theirs {theirs}, ours {mine}, of {fields}"
    if isinstance(mine, Verdict):
        return _explained_refusal(mine, theirs) or f"theirs accepts, ours {mine}, of {fields}"
    wanted, got = rendered(theirs), rendered(convert_chat(encode_request(mine)))
    if wanted == got:
        return None
    reminded = with_reminders(mine, system="system" in fields)
    known = {
        "messages: empty texts for V4": without_empty_texts(mine),
        "messages: system turns for V4": reminded,
        "messages: system turns for V4 and empty texts": without_empty_texts(reminded),
    }
    for row, changed in known.items():
        if wanted == rendered(convert_chat(encode_request(changed))):
            return ROWS[row.removesuffix(" and empty texts")]
    return _explained_prompt(fields, mine) or f"theirs {wanted}, ours {got}, of {fields}"


def with_reminders(request: ChatRequest, *, system: bool) -> ChatRequest:
    """System turns as the package writes them for V4 models; the request's own system prompt stays."""
    turns = list(request.messages)
    begin = 1 if system else 0
    for place, message in enumerate(turns[begin:], begin):
        if message.role == "system" and message.parts:
            texts = [part.text if isinstance(part, TextPart) else "[Unsupported Image]" for part in message.parts]
            reminder = "<system-reminder>\n" + "\n\n".join(texts) + "\n</system-reminder>"
            turns[place] = Message("user", (TextPart(reminder),))
    return replace(request, messages=tuple(turns))


def without_empty_texts(request: ChatRequest) -> ChatRequest:
    turns = [
        replace(message, parts=tuple(part for part in message.parts if part != TextPart("")))
        if message.role == "user"
        else message
        for message in request.messages
    ]
    return replace(request, messages=tuple(turns))


def _explained_refusal(refusal: Verdict, other: Any) -> str | None:
    """Which row says so, of a refusal on one side."""
    arrays = (
        r"invalid type: (sequence, expected (struct|internally tagged|adjacently tagged)|map, expected string or map)"
    )
    if isinstance(other, Verdict) and re.match(arrays, other.text):
        return ROWS["messages: arrays for objects, objects for names"]
    if re.match(arrays, refusal.text):
        return ROWS["messages: arrays for objects, objects for names"]
    if isinstance(other, Verdict) and ", .... Each `tool_use`" in (refusal.text + other.text):
        return ROWS["messages: unanswered calls"]
    if "file_id is not supported" in refusal.text:
        return ROWS["messages: images by file id"]
    if refusal.text.startswith("Invalid schema for function"):
        return ROWS["messages: schemas inside a tool's schema"]
    return None


def _explained_prompt(fields: dict[str, Any], request: ChatRequest) -> str | None:
    if any(message.role == "system" and not message.parts for message in request.messages):
        return ROWS["messages: empty system prompt"]
    chosen = (fields.get("tool_choice") or {}).get("name")
    deferred = [tool for tool in fields.get("tools") or [] if tool.get("defer_loading")]
    if b'"tool_reference"' in orjson.dumps(fields) or any(tool["name"] == chosen for tool in deferred):
        return ROWS["messages: tools named later"]
    return None


def judged(fields: dict[str, Any], seen: Counter[str]) -> None:
    found = disagreement(fields)
    seen[found or "agreed"] += 1
    assert found is None or found in ROWS.values(), found


def test_sound_requests_mean_the_same_prompt():
    seen: Counter[str] = Counter()

    @MANY
    @given(sound_requests())
    def check(fields: dict[str, Any]) -> None:
        judged(fields, seen)

    check()
    tell(f"oracle, sound messages: {dict(sorted(seen.items()))}")
    assert seen["agreed"] > 500, seen


def test_broken_requests_are_refused_in_the_same_words():
    seen: Counter[str] = Counter()

    @MANY
    @given(broken_requests())
    def check(fields: dict[str, Any]) -> None:
        body = orjson.dumps(fields)
        theirs = convert_messages(body)
        if isinstance(theirs, Verdict) and theirs.text.startswith(UNKNOWN_MODEL):
            # Who serves which model is the surface's question; the shape of the request must be sound all the same.
            mine = ours(body)
            assert not isinstance(mine, Verdict) or mine.status is not None, mine
            return
        judged(fields, seen)

    check()
    tell(f"oracle, broken messages: {dict(sorted(seen.items()))}")
    assert seen["agreed"] > 500, seen


PLAIN: dict[str, Any] = {"model": "deepseek-flash", "messages": [{"role": "user", "content": "Hi"}]}
CALLING: list[Any] = [
    {"role": "user", "content": "Q"},
    {
        "role": "assistant",
        "content": [{"type": "thinking", "thinking": "R"}, {"type": "tool_use", "id": "t1", "name": "f", "input": {}}],
    },
    {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "tool_reference", "tool_name": "g"}]}
        ],
    },
]
DEFERRED: list[Any] = [
    {"name": "f", "input_schema": {"type": "object"}},
    {"name": "g", "input_schema": {"type": "object"}, "defer_loading": True},
]
MANY_CALLS: list[Any] = [
    {
        "role": "assistant",
        "content": [{"type": "tool_use", "id": f"t{place}", "name": "f", "input": {}} for place in range(30)],
    }
]
BY_FILE: list[Any] = [{"role": "user", "content": [{"type": "image", "source": {"type": "file", "file_id": "f"}}]}]


@pytest.mark.parametrize(
    ("row", "change"),
    [
        ("messages: arrays for objects, objects for names", {"metadata": ["u"]}),
        ("messages: empty system prompt", {"system": "", "thinking": {"type": "disabled"}}),
        ("messages: tools named later", {"messages": CALLING, "tools": DEFERRED}),
        ("messages: images by file id", {"messages": BY_FILE}),
        ("messages: unanswered calls", {"messages": MANY_CALLS}),
        (
            "messages: schemas inside a tool's schema",
            {"tools": [{"name": "f", "input_schema": {"type": "object", "required": 5}}]},
        ),
    ],
)
def test_each_explained_difference_is_still_there(row: str, change: dict[str, Any]):
    assert disagreement({**PLAIN, **change}) == ROWS[row]


def test_the_comparison_sees_a_translation_that_loses_something(monkeypatch: pytest.MonkeyPatch):
    assert disagreement({**PLAIN, "system": "Be kind."}) is None

    whole = decode_request

    def forgetful(*args: Any, **kwargs: Any) -> ChatRequest:
        request = whole(*args, **kwargs)
        return replace(request, messages=request.messages[1:])

    monkeypatch.setitem(ours.__globals__, "decode_request", forgetful)
    assert str(disagreement({**PLAIN, "system": "Be kind."})).startswith("theirs")


def test_the_comparison_sees_a_wrong_text(monkeypatch: pytest.MonkeyPatch):
    broken = {**PLAIN, "messages": []}
    assert disagreement(broken) is None
    monkeypatch.setitem(CONTRACT.rules, "messages_empty", "messages: none")
    assert str(disagreement(broken)).startswith("theirs")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"model":',
        b'{"model":"a"',
        b'{"a":1,}',
        b'{"a" 1}',
        b"{a:1}",
        b'{"a":tru}',
        b'{"model":"\\x"}',
        b'{"a":1}x',
    ],
)
def test_what_is_no_json_is_refused_in_the_same_words(body: bytes):
    theirs, mine = convert_messages(body), ours(body)
    assert isinstance(mine, Verdict)
    assert isinstance(theirs, Verdict)
    fault = mine.text.removeprefix("Failed to parse the request body as JSON: ")
    assert re.sub(r"^[a-z]+: ", "", fault) == theirs.text.removeprefix("invalid JSON request: ")


def test_a_misfit_says_where_it_stands():
    body = b'{"model":"deepseek-flash","max_tokens":5,"messages":[{"role":"robot","content":"x"}]}'
    with pytest.raises(WrongShape, match=r"messages\[0\]\.role: unknown variant `robot`, .* at line 1 column 68$"):
        decode_request(body, CONTRACT)
