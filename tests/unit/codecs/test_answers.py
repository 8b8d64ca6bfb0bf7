"""What the answers of chat and completions share: JSON of a backend, who answers, texts that must be texts."""

from __future__ import annotations

import pytest

from tidegate.codecs.answers import (
    carries_only_content,
    dump_answer,
    load_answer,
    load_chunk,
    named_text,
    start_of,
    text_of,
)
from tidegate.core.errors import BrokenContract
from tidegate.core.events import Start


@pytest.mark.parametrize("load", [load_answer, load_chunk])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"5", b"null", b"\xff"])
def test_what_is_no_json_object_is_the_backends_fault(load, body):
    with pytest.raises(BrokenContract):
        load(body)
    assert load(b'{"a": 1}') == {"a": 1}


def test_blank_lines_before_an_answer_keep_a_connection_alive():
    assert load_answer(b"\n\n\r\n{}") == {}


@pytest.mark.parametrize(
    ("fields", "start"),
    [
        ({"model": "m", "created": 5, "system_fingerprint": "fp", "id": "i"}, Start("m", 5, "fp", "i")),
        ({"model": 5, "created": True, "system_fingerprint": None, "id": []}, Start()),
        ({}, Start()),
    ],
)
def test_what_is_not_of_its_type_was_not_said(fields, start):
    assert start_of(fields) == start


def test_an_answer_is_written_if_json_can_hold_it():
    deep: dict = {}
    for _ in range(300):
        deep = {"a": deep}
    assert dump_answer({"a": None}) == b'{"a":null}'
    with pytest.raises(BrokenContract, match="nested too deeply"):
        dump_answer(deep)


def test_a_text_must_be_a_text():
    assert text_of("x") == named_text("x", "content") == "x"
    for value in (None, 5, [], {}):
        with pytest.raises(BrokenContract, match="not text"):
            text_of(value)
        with pytest.raises(BrokenContract, match="no content that is text"):
            named_text(value, "content")


@pytest.mark.parametrize(
    ("chunk", "plain"),
    [
        (b'{"choices":[{"text":"a","finish_reason":null}]}', True),
        (b'{"choices":[{"text":"a","finish_reason":null}],"usage":null}', True),
        (b'{"choices":[{"text":"a","finish_reason":"stop"}]}', False),
        (b'{"choices":[{"finish_reason":null}],"usage":{}}', False),
        (b'{"error":{},"finish_reason":null}', False),
        (b'{"finish_reason": null}', False),
    ],
)
def test_content_alone_is_told_from_the_bytes(chunk, plain):
    assert carries_only_content(chunk) is plain
