from __future__ import annotations

import json
from typing import get_args

import pytest

from tidegate.app.canary_servers import FAILURES, Failure, Heard, Home, Sink, number_in

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\n\r\n"
BODY = json.dumps({"stream": True, "messages": [{"role": "user", "content": "cn000007q hello"}]}).encode()


def test_a_sink_keeps_every_byte_and_whose_they_are() -> None:
    heard: list[Heard] = []
    sink = Sink("cloud", ("m",), heard.append)
    answered = b"".join(piece or b"" for piece in sink.reply(HEAD, BODY))
    assert heard == [Heard("cloud", 7, HEAD + BODY)]
    assert answered.startswith(b"HTTP/1.1 200 OK")
    assert b'"m"' in b"".join(piece or b"" for piece in sink.reply(b"GET /models HTTP/1.1\r\n\r\n", b""))
    assert heard[1].number == -1
    assert "hello" not in repr(heard)


def test_the_newest_number_counts() -> None:
    assert number_in(b"cn000003q then cn000012q then cn000007q") == 12


def test_every_failure_is_tried() -> None:
    assert set(FAILURES) == {*get_args(Failure)} - {"none"}


@pytest.mark.parametrize(
    ("failure", "holds"),
    [
        ("none", b"[DONE]"),
        ("503", b"cn000007q"),
        ("loading", b"Loading model"),
        ("error event", b'"error"'),
    ],
)
def test_a_machine_at_home_fails_as_it_is_told(failure: Failure, holds: bytes) -> None:
    home = Home(("m",))
    home.failure = failure
    answered = b"".join(piece or b"" for piece in home.reply(HEAD, BODY))
    assert holds in answered
    assert (b"503" in answered.partition(b"\r\n")[0]) == (failure in ("503", "loading"))
    assert not home.cuts(BODY)
    assert b'"m"' in b"".join(piece or b"" for piece in home.reply(b"GET /models HTTP/1.1\r\n\r\n", b""))


def test_an_answer_that_is_cut_has_no_end_and_one_that_hangs_no_beginning() -> None:
    home = Home(("m",))
    home.failure = "cut"
    assert home.cuts(BODY)
    assert b"[DONE]" not in b"".join(piece or b"" for piece in home.reply(HEAD, BODY))
    home.failure = "hangs"
    assert [*home.reply(HEAD, BODY)] == [None]
