from __future__ import annotations

import json

import pytest

from tidegate.app.canary_requests import SURFACES, URLS, Shot, Surface, Writer, plain_body, tempting
from tidegate.app.canary_values import KINDS, WORD, Planted
from tidegate.codecs.anthropic_messages.request import decode_request as messages
from tidegate.codecs.openai_chat.request import decode_request as chat
from tidegate.codecs.openai_completions.request import decode_request as fim
from tidegate.privacy.texts.passages import passages

DECODERS = {"chat": chat, "fim": fim, "messages": messages}
PLACES: dict[Surface, set[str]] = {
    "chat": {"content", "reasoning_content", "arguments", "description", "parameters", "stop", "user_id"},
    "fim": {"prompt", "suffix"},
    "messages": {"content", "reasoning_content", "arguments", "parameters", "stop"},
}


@pytest.mark.parametrize("surface", SURFACES)
def test_every_place_holds_a_value_that_is_known(surface: Surface) -> None:
    shot = Shot("here", 7, surface=surface)
    Writer(shot, KINDS).write()
    assert shot.url == URLS[surface]
    text = json.dumps(json.loads(shot.body), ensure_ascii=False)
    for one in shot.planted:
        assert json.dumps(one.value, ensure_ascii=False)[1:-1] in text.replace('\\\\\\"', '\\"') or "\n" in one.value
    assert shot.marker in text
    assert len({one.value for one in shot.planted}) == len(shot.planted)
    assert {one.kind for one in shot.asked} & {WORD}


@pytest.mark.parametrize("kind", [WORD, *KINDS], ids=lambda kind: kind.name)
def test_a_kind_has_its_value_in_the_texts_that_detection_sees(kind: object) -> None:
    for surface in SURFACES:
        shot = Shot("here", 8, surface=surface)
        Writer(shot, (kind,)).write()  # pyright: ignore[reportArgumentType]
        seen = "\n".join(passage.text for passage in passages(DECODERS[surface](shot.body)))
        assert [one.kind.name for one in shot.planted if one.value not in seen] == []


def test_a_picture_hides_a_word_of_its_own() -> None:
    shot = Shot("here", 9, image=True)
    Writer(shot, (WORD,)).write()
    assert b"data:image/png;base64," in shot.body
    assert sum(one.value.encode() not in shot.body for one in shot.planted) == 1


def test_fields_that_lead_elsewhere_hold_values_that_nobody_is_sent() -> None:
    never: list[Planted] = []
    fields = tempting(never, ["http://127.0.0.1:5000"])
    assert {"fallbacks", "api_base", "route", "models", "metadata"} <= fields.keys()
    text = json.dumps(fields)
    assert len(never) > 5
    assert all(one.value in text for one in never)
    assert "http://127.0.0.1:5000" in text


def test_a_plain_body_asks_for_nothing_but_text() -> None:
    shot = Shot("here", 10)
    plain_body(shot, KINDS[0])
    assert json.loads(shot.body).keys() == {"model", "stream", "messages"}
    assert len(shot.planted) == 3
