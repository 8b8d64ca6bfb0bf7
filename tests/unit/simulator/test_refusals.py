"""Errors in the shapes that clients met: envelope, plain text, nothing, and odd content types."""

from __future__ import annotations

import json

import pytest

from tidegate.catalog.contracts import contract_named
from tidegate.core.errors import BodyTooLarge, BrokenJson, ClientMistake, UnknownModel, UnsupportedMedia, WrongShape
from tidegate.simulator.fault_kinds import STATUSES
from tidegate.simulator.faults import Fault
from tidegate.simulator.refusals import refusal, refusal_of, refusal_on_order

CONTRACT = contract_named("2026-09-v41")


def test_the_envelope_has_its_members_in_the_hosted_order():
    refused = refusal(CONTRACT, "no_balance")
    assert (refused.status, refused.content_type) == (402, "application/json")
    assert refused.body == (
        b'{"error":{"message":"Insufficient Balance","type":"unknown_error","param":null,"code":"invalid_request_error"}}'
    )


def test_no_key_is_plain_text_without_a_content_type():
    refused = refusal(CONTRACT, "no_key")
    assert (refused.status, refused.body, refused.content_type) == (401, b"Authentication Fails (governor)", "")
    assert len(refused.body) == 31


@pytest.mark.parametrize(
    ("profile", "ends"), [("2026-04-preview", "****0000 is invalid"), ("2026-09-v41", "(request_id: r)")]
)
def test_a_bad_key_is_named_by_its_tail(profile, ends):
    body = refusal(contract_named(profile), "bad_key", tail="0000", request_id="r").body
    assert json.loads(body)["error"]["message"].endswith(ends)


@pytest.mark.parametrize(
    ("profile", "says"), [("2026-04-preview", "requests per minute"), ("2026-09-v41", "is 26, which")]
)
def test_too_many_requests_say_so_in_the_words_of_their_time(profile, says):
    body = refusal(contract_named(profile), "concurrency", concurrency=26, limit=25).body
    assert says in json.loads(body)["error"]["message"]


@pytest.mark.parametrize(
    ("mistake", "status", "content_type", "is_json"),
    [
        (BrokenJson("Failed to parse the request body as JSON: x"), 400, "application/octet-stream", False),
        (WrongShape("Failed to deserialize: x"), 422, "application/octet-stream", True),
        (ClientMistake("Empty input messages"), 400, "application/octet-stream", True),
        (UnknownModel("The supported API model names are x"), 400, "application/octet-stream", True),
        (UnsupportedMedia("ours"), 415, "text/plain; charset=utf-8", False),
        (BodyTooLarge("too large"), 413, "application/octet-stream", True),
    ],
)
def test_a_mistake_keeps_its_text_and_gets_its_shape(mistake, status, content_type, is_json):
    refused = refusal_of(CONTRACT, mistake, 422)
    assert (refused.status, refused.content_type) == (status, content_type)
    if is_json:
        assert json.loads(refused.body)["error"]["message"] == mistake.message
    elif not isinstance(mistake, UnsupportedMedia):
        assert refused.body == mistake.message.encode()


@pytest.mark.parametrize("name", sorted(STATUSES))
def test_an_ordered_error_has_its_status_and_no_open_fields(name):
    refused = refusal_on_order(CONTRACT, Fault(name, "hosted"))
    assert refused.status == (400 if name == "moderation" else int(name))
    assert b"{tail}" not in refused.body and b"{fault}" not in refused.body
    assert refusal_on_order(CONTRACT, Fault(name, "empty")).body == b""
    page = refusal_on_order(CONTRACT, Fault(name, "html"))
    assert page.content_type == "text/html"
    assert page.body.startswith(b"<html>") and str(refused.status).encode() in page.body
