from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from tests.support.planted import finding, look_for, picture

from tidegate.codecs.openai_chat.request import encode_request
from tidegate.core.errors import PolicyRefusal, Unmaskable
from tidegate.core.findings import Finding
from tidegate.core.messages import Message, OpaquePart, Part, ReasoningPart, TextPart, ToolCallPart
from tidegate.core.requests import ChatRequest, FimRequest, NamedTool, Request, ToolSpec
from tidegate.privacy.masking.mask import Masked, Veil, mask
from tidegate.privacy.masking.pseudonyms import Coiner
from tidegate.privacy.texts.passages import passages
from tidegate.privacy.texts.places import Place

CARD = "4111-1111-1111-1111"
KEY = b"k" * 32


def said(*parts: Part | str, role: Any = "user", **fields: Any) -> ChatRequest:
    content = tuple(TextPart(part) if isinstance(part, str) else part for part in parts)
    return ChatRequest(model="m", messages=(Message(role, content),), **fields)


def veiled(request: Request, values: Iterable[str] = (CARD,)) -> Masked:
    return mask(request, look_for(request, values), Coiner(KEY))


def first_text(done: Masked) -> str:
    assert isinstance(done.request, ChatRequest)
    part = done.request.messages[0].parts[0]
    assert isinstance(part, TextPart)
    return part.text


def test_a_value_is_replaced_and_known():
    done = veiled(said(f"card {CARD}, again {CARD}!"))
    ((pseudonym, value),) = done.veil.pairs.items()
    assert first_text(done) == f"card {pseudonym}, again {pseudonym}!"
    assert value == CARD
    assert len(done.veil) == 1


def test_a_request_in_which_nothing_was_found_is_what_it_was():
    request = said("hello", extras={})
    done = mask(request, {}, Coiner(KEY))
    assert done.request == request
    assert not done.veil
    assert not done.veil.holds(b"hello")


def test_nothing_shows_a_value_by_accident():
    done = veiled(said(f"card {CARD}"))
    assert CARD not in repr(done) + repr(done.veil) + str(done)


def test_a_value_that_was_found_once_is_masked_wherever_it_stands():
    """A rule may need the word in front of it: the second one has none."""
    request = ChatRequest(
        model="m",
        messages=(Message("user", (TextPart("phone 5551234"),)), Message("user", (TextPart(r"or 555\u003123" + "4"),))),
    )
    done = mask(request, {Place("messages", 0, "content"): [finding(6, 13)]}, Coiner(KEY))
    assert isinstance(done.request, ChatRequest)
    assert "555" not in encode_request(done.request).decode()
    assert done.veil.pairs.keys() and set(done.veil.pairs.values()) == {"5551234", r"555\u0031234"}


@pytest.mark.parametrize(
    "request_",
    [
        said("x", tools=(ToolSpec("card_4111-1111-1111-1111"),)),
        said("x", tool_choice=NamedTool(CARD)),
        said("x", tools=(ToolSpec("f", None, {"properties": {CARD: {"type": "string"}}}),)),
        said("x", tools=(ToolSpec("f", None, {"enum": [CARD]}),)),
        said("x", response_format={"type": "json_schema", "json_schema": {"name": CARD, "schema": {}}}),
        said("x", response_format={"type": "regex", "regex": CARD}),
        said(ToolCallPart("c", "f", json.dumps({CARD: 1})), role="assistant"),
        said(ToolCallPart("c", "f", f'{{"cut": "{CARD}'), role="assistant"),
        said(ToolCallPart(CARD, "f", "{}"), role="assistant"),
        said(picture(f"https://example.test/{CARD}.png")),
        said(OpaquePart({"type": "thing", "inside": [{"text": CARD}]})),
        said("4111-1111", "-1111-1111"),
        FimRequest(model="m", prompt="n = 4111-1111", suffix="-1111-1111"),
        ChatRequest(model=CARD, messages=()),
    ],
)
def test_what_cannot_be_masked_stays_home(request_: Request):
    with pytest.raises(Unmaskable) as refused:
        veiled(request_)
    assert isinstance(refused.value, PolicyRefusal)
    assert "MSK003" in refused.value.message
    assert CARD not in refused.value.message


@pytest.mark.parametrize("number", ["4111111111111111", "4.111111111111111e15", "4111111111111111.0"])
def test_a_number_in_arguments_cannot_be_masked(number: str):
    request = said(ToolCallPart("c", "f", f'{{"card": {number}, "s": "x"}}'), role="assistant")
    with pytest.raises(Unmaskable):
        veiled(request, ["4111111111111111"])


@pytest.mark.parametrize(
    ("place", "found", "rule"),
    [
        (Place("messages", 0, "content"), Finding("XXX001", "unscannable", 0, 0), "MSK004"),
        (Place("messages", 0, "content"), Finding("XXX002", "example", 0, 4), "MSK003"),
        (Place("messages", 0, "content"), finding(0, 99), "MSK003"),
        (Place("messages", 0, "content"), finding(2, 2), "MSK003"),
        (Place("messages", 9, "content"), finding(0, 1), "MSK003"),
        (Place("messages", 0, "content", form="numbers"), finding(0, 1), "MSK003"),
    ],
)
def test_a_finding_that_names_no_characters_keeps_the_request_home(place: Place, found: Finding, rule: str):
    with pytest.raises(Unmaskable, match=rule):
        mask(said("some text"), {place: [found]}, Coiner(KEY))


def test_part_of_a_word_that_was_found_in_a_name_keeps_the_request_home():
    """The value is too short to be looked for in words: only the finding says that it is there."""
    request = said("x", tools=(ToolSpec("getAdaNow"),))
    with pytest.raises(Unmaskable, match=r"tools\[0\].name .*MSK003"):
        mask(request, {Place("tools", 0, "name"): [finding(3, 6)]}, Coiner(KEY))


def test_a_value_that_a_name_repeats_keeps_the_request_home():
    """Nothing was found in the name itself."""
    request = said("Ada", tools=(ToolSpec("get_Ada"),))
    with pytest.raises(Unmaskable, match=r"tools\[0\].name .*MSK003"):
        mask(request, {Place("messages", 0, "content"): [finding(0, 3)]}, Coiner(KEY))


def test_in_arguments_only_the_value_is_written_anew():
    text = '{ "z":1.10, "to" : "ada\\u0040example.test", "k":["x\\/y"] }'
    done = veiled(said(ToolCallPart("c", "f", text), ReasoningPart(CARD), role="assistant"), ["ada@example.test"])
    ((pseudonym, value),) = done.veil.pairs.items()
    assert value == "ada@example.test"
    assert isinstance(done.request, ChatRequest)
    assert done.request.messages[0].parts[0] == ToolCallPart(
        "c", "f", text.replace(r"ada\u0040example.test", pseudonym)
    )


def test_in_a_text_the_very_characters_come_back():
    done = veiled(said(r'{"to": "ada\u0040example.test"}'), ["ada@example.test"])
    assert list(done.veil.pairs.values()) == [r"ada\u0040example.test"]


def test_a_finding_inside_one_of_two_parts_is_masked():
    request = said(f"a {CARD} b", "c")
    assert len(look_for(request, [CARD])) == 3  # as it stands and in both joins
    assert CARD not in encode_request(veiled(request).request).decode()  # type: ignore[arg-type]


def test_fields_that_nobody_looked_at_are_left_out():
    done = veiled(said(CARD, extras={"fallbacks": [CARD]}))
    assert isinstance(done.request, ChatRequest)
    assert done.request.extras == {}


@pytest.mark.parametrize(
    "spelling",
    [
        'a "Zoë/Ξ" b',
        json.dumps('a "Zoë/Ξ" b'),
        json.dumps(json.dumps('a "Zoë/Ξ" b')),
        json.dumps('"Zoë/Ξ"', ensure_ascii=False).replace("/", "\\/"),
        "".join(f"\\u{ord(char):04x}" for char in '"Zoë/Ξ"'),
        "".join(f"\\u{ord(char):04X}" for char in '"Zoë/Ξ"'),
        "%22Zo%C3%AB%2F%CE%9E%22",
    ],
)
def test_the_last_look_sees_through_every_spelling(spelling: str):
    veil = Veil({"DATA_a": '"Zoë/Ξ"'}, ('"Zoë/Ξ"',))
    assert veil.holds(f'{{"x": {spelling}}}'.encode())
    assert not veil.holds(spelling.replace("Z", "S").replace("u005", "u004").encode())


def test_the_work_is_looked_at_before_it_is_handed_out(monkeypatch: pytest.MonkeyPatch):
    """Without the replacing, the check behind it refuses."""
    monkeypatch.setattr("tidegate.privacy.masking.mask.rewritten", lambda request, change: request)
    with pytest.raises(Unmaskable, match="MSK006"):
        veiled(said(CARD))


def test_there_is_an_end_to_what_is_looked_for(monkeypatch: pytest.MonkeyPatch):
    request = said(f"{CARD} and more")
    size = sum(len(text) for _, text, _ in passages(request))
    monkeypatch.setattr("tidegate.privacy.masking.mask.MOST_SEARCHED", size)
    assert len(veiled(request).veil) == 1
    monkeypatch.setattr("tidegate.privacy.masking.mask.MOST_SEARCHED", size - 1)
    with pytest.raises(Unmaskable, match="MSK009") as refused:
        veiled(request)
    assert CARD not in refused.value.message


def test_a_value_that_looks_like_a_pseudonym_s_kind_stays_home():
    with pytest.raises(Unmaskable, match="MSK006"):
        veiled(said("the CARD here"), ["CARD"])


@pytest.mark.parametrize(("kind", "wanted"), [("json_object", True), ("json_schema", True), ("text", False)])
def test_whether_the_answer_is_json_is_known(kind: str, wanted: bool):
    assert veiled(said("x", response_format={"type": kind})).veil.text_is_json is wanted
