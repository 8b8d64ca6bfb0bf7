"""What every dialect shares: requests without extras, quirks that are named, and where each kind of request goes."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from msgspec.structs import replace
from tests.support.samples import request

from tidegate.core.errors import BackendRefused, GatewayError, NotSupported
from tidegate.core.requests import ChatRequest, FimRequest
from tidegate.core.rulebook import Rulebook
from tidegate.dialects import DIALECTS, RULEBOOKS, base, dialect_named
from tidegate.dialects.base import Dialect
from tidegate.dialects.readers import Fields

RULES = Rulebook("TST", "Tests")
QUIET = RULES.rule("TST002", "temperature is 0", why="a test", source="this file", checked="2026-11-22")


def refuse(_status: int, _body: bytes) -> GatewayError:
    return BackendRefused("refused")


def quieten(_request: object, fields: Fields) -> bool:
    was = fields.get("temperature")
    fields["temperature"] = 0
    return was != 0


def dialect(**changes: Any) -> Dialect:
    return Dialect(name="test", title="a test", rules=RULES, read_error=refuse, **changes)


def test_the_body_names_the_backends_model_and_nothing_the_client_did_not_say():
    encoded = dialect().encode(request(model="auto"), "org/model")
    assert orjson.loads(encoded.body) == {"model": "org/model", "messages": [{"role": "user", "content": "Hi"}]}
    assert (encoded.quirks, encoded.streamed) == ((), False)


def test_fields_outside_the_contract_never_reach_a_backend_and_that_is_stated():
    encoded = dialect().encode(request(api_base="http://192.0.2.1", fallbacks=["cloud"]), "m")
    assert b"192.0.2.1" not in encoded.body
    assert orjson.loads(encoded.body).keys() == {"model", "messages"}
    assert encoded.quirks == ("REQ001",)


def test_extras_stay_out_of_the_body_but_in_the_request():
    asked = request(fallbacks=["cloud"])
    dialect().encode(asked, "m")
    assert asked.extras == {"fallbacks": ["cloud"]}


def test_a_streamed_request_gives_a_streamed_answer():
    encoded = dialect().encode(request(stream=True), "m")
    assert encoded.streamed
    assert orjson.loads(encoded.body)["stream"] is True


def test_a_dialect_that_always_streams_says_so_on_the_wire():
    encoded = dialect(always_streams=True).encode(request(), "m")
    assert encoded.streamed
    assert orjson.loads(encoded.body)["stream"] is True


def test_a_quirk_is_named_only_if_it_applied():
    quiet = dialect(on_request=((QUIET, quieten),))
    assert quiet.encode(request(temperature=1), "m").quirks == ("TST002",)
    assert quiet.encode(request(temperature=0), "m").quirks == ()
    assert quiet.encode(request(temperature=1, x=1), "m").quirks == ("REQ001", "TST002")


def test_penalties_are_dropped_for_local_runtimes_only_if_they_were_sent():
    fields: Fields = {"model": "m", "frequency_penalty": 1, "presence_penalty": 0}
    assert base.drop_penalties(request(), fields)
    assert fields == {"model": "m"}
    assert not base.drop_penalties(request(), fields)


def test_the_user_id_is_dropped_for_local_runtimes_only_if_it_was_sent():
    fields: Fields = {"model": "m", "user_id": "u"}
    assert base.drop_user_id(request(), fields)
    assert fields == {"model": "m"}
    assert not base.drop_user_id(request(), fields)


@pytest.mark.parametrize(
    ("asked", "applied"),
    [({"stream": True}, True), ({"stream": True, "stream_options": {}}, True), ({}, False)],
)
def test_usage_is_asked_for_where_the_client_did_not(asked, applied):
    fields: Fields = dict(asked)
    assert base.ask_for_usage(request(**asked), fields) is applied
    assert fields.get("stream_options") == ({"include_usage": True} if applied else None)


def test_usage_the_client_asked_for_is_no_quirk():
    asked = request(stream=True, stream_options={"include_usage": True})
    fields: Fields = {"stream": True, "stream_options": {"include_usage": True}}
    assert not base.ask_for_usage(asked, fields)
    assert fields["stream_options"] == {"include_usage": True}


def test_every_dialect_is_found_by_its_name_and_its_book_is_in_the_list():
    for one in DIALECTS:
        assert dialect_named(one.name) is one
        assert one.rules in RULEBOOKS
    assert base.COMMON in RULEBOOKS


@pytest.mark.parametrize("one", DIALECTS, ids=lambda one: one.name)
def test_every_quirk_of_a_dialect_stands_in_a_book(one):
    known = {rule.code for book in RULEBOOKS for rule in book}
    assert {rule.code for rule, _ in (*one.on_meaning, *one.on_request, *one.on_chunk)} <= known


# -- where a request goes ----------------------------------------------------------------------------------------------

PREFIX = {"role": "assistant", "content": "The", "prefix": True}
STRICT = {"type": "function", "function": {"name": "f", "strict": True}}
USER = {"role": "user", "content": "Hi"}


def full(**changes: Any) -> Dialect:
    paths = {"beta_chat_path": "/beta/chat", "fim_path": "/beta/fim", "messages_path": "/messages"}
    return dialect(chat_path="/chat", **paths, **changes)


@pytest.mark.parametrize(
    ("fields", "path"),
    [({}, "/chat"), ({"messages": [USER, PREFIX]}, "/beta/chat"), ({"tools": [STRICT]}, "/beta/chat")],
)
def test_what_is_only_on_the_beta_base_goes_there(fields, path):
    assert full().encode(request(**fields), "m").path == path
    assert dialect(chat_path="/chat").encode(request(**fields), "m").path == "/chat"


def test_a_completion_goes_to_its_own_path_without_extras():
    asked = FimRequest(model="auto", prompt="a", suffix="b", extras={"api_base": "http://192.0.2.1"})
    encoded = full().encode(asked, "m")
    assert (encoded.path, encoded.quirks, encoded.streamed) == ("/beta/fim", ("REQ001",), False)
    assert orjson.loads(encoded.body) == {"model": "m", "prompt": "a", "suffix": "b"}


def test_a_completion_is_refused_by_a_dialect_that_does_not_speak_it():
    with pytest.raises(NotSupported, match="REQ006"):
        dialect().encode(FimRequest(model="auto", prompt="a"), "m")


def test_a_request_of_the_messages_surface_stays_one_where_it_is_spoken():
    asked = replace(request(max_tokens=5), codec="anthropic_messages")
    encoded = full(transparent=True).encode(asked, "m")
    assert (encoded.path, encoded.wire.codec, encoded.passes) == ("/messages", "anthropic_messages", True)
    assert orjson.loads(encoded.body) == {
        "model": "m",
        "max_tokens": 5,
        "messages": [{"role": "user", "content": "Hi"}],
    }
    elsewhere = dialect(transparent=True, chat_path="/chat").encode(asked, "m")
    assert (elsewhere.path, elsewhere.wire.codec, elsewhere.passes) == ("/chat", "openai_chat", False)


def test_a_quirk_of_meaning_changes_the_request_whatever_carries_it():
    def loud(asked: ChatRequest) -> ChatRequest:
        return asked if asked.temperature == 2 else replace(asked, temperature=2)

    one = full(on_meaning=((QUIET, loud),))
    for asked in (request(), replace(request(), codec="anthropic_messages")):
        encoded = one.encode(asked, "m")
        assert orjson.loads(encoded.body)["temperature"] == 2
        assert encoded.quirks == ("TST002",)
    assert one.encode(request(temperature=2), "m").quirks == ()


def test_at_home_a_model_is_asked_for_by_the_name_that_keeps_it_there():
    def keep(model: str) -> str:
        if model == "far":
            raise NotSupported("far")
        return f"{model}-here"

    cautious = dialect(keep_home=(QUIET, keep), fim_path="/fim")
    for one in (request(), FimRequest(model="auto", prompt="a")):
        home, outside = cautious.encode(one, "m", at_home=True), cautious.encode(one, "m")
        assert (orjson.loads(home.body)["model"], home.quirks) == ("m-here", ("TST002",))
        assert (orjson.loads(outside.body)["model"], outside.quirks) == ("m", ())
        with pytest.raises(NotSupported):
            cautious.encode(one, "far", at_home=True)
    assert (cautious.may_list("m"), cautious.may_list("far"), dialect().may_list("far")) == (True, False, True)
