"""What is kept of requests: so many, their bodies within a budget, and the tokens of the newest answers only."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import orjson
import pytest

from tidegate.simulator.seen import KEPT_REQUESTS, Seen, SeenRequests, seen_view

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def noted(seen: SeenRequests, body: bytes = b"", output: list[int] | None = None) -> Seen:
    found = seen.note("POST", "/chat/completions", NOW)
    seen.keep_body(found, body)
    seen.keep_output(found, output or [])
    return found


def test_the_oldest_bodies_make_room():
    seen = SeenRequests(most_body_bytes=10)
    first, second, third = noted(seen, b"12345"), noted(seen, b"1234"), noted(seen, b"12")
    assert [one.body for one in (first, second, third)] == [None, b"1234", b"12"]
    assert [one.body_bytes for one in seen] == [5, 4, 2]
    assert noted(seen, b"123456789").body == b"123456789"
    assert (second.body, third.body) == (None, None)


def test_a_body_larger_than_all_room_is_only_measured():
    seen = SeenRequests(most_body_bytes=10)
    kept = noted(seen, b"12345")
    large = noted(seen, b"x" * 11)
    assert (large.body, large.body_bytes, kept.body) == (None, 11, b"12345")


def test_bodies_of_forgotten_requests_are_not_held():
    seen = SeenRequests(most_body_bytes=KEPT_REQUESTS)
    old = noted(seen, b"x")
    for _ in range(KEPT_REQUESTS):
        noted(seen, b"y")
    assert (old.body, len(seen), seen[0].body) == (None, KEPT_REQUESTS, b"y")


def test_only_the_newest_answers_keep_their_tokens():
    seen = SeenRequests()
    kept = [noted(seen, output=[number]) for number in range(6)]
    assert [list(one.output_ids) for one in kept] == [[], [], [2], [3], [4], [5]]


def test_after_clearing_the_budget_is_whole_again():
    seen = SeenRequests(most_body_bytes=10)
    noted(seen, b"1234567890")
    seen.clear()
    assert (len(seen), seen.newest(5)) == (0, [])
    assert noted(seen, b"1234567890").body == b"1234567890"


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"a": [1, 2]}', {"a": [1, 2]}),
        (b"no json", None),
        (b"", None),
        (b"\xff", None),
        (b'{"a":' * 400 + b"1" + b"}" * 400, json.loads('{"a":' * 400 + "1" + "}" * 400)),
    ],
)
def test_a_body_is_shown_as_the_json_that_it_is(body: bytes, shown: object):
    view = seen_view(noted(SeenRequests(), body, [1, 2]))
    assert "output_ids" not in view
    assert json.loads(orjson.dumps(view))["body"] == shown
