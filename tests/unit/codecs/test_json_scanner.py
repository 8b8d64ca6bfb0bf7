"""The slow reader of JSON: serde_json's texts and positions, and where in a text a value stands."""

from __future__ import annotations

import json
import re

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.strategies import MODERATE, json_values

from tidegate.codecs import json_scanner
from tidegate.codecs.json_scanner import MOST_STEPS, find_fault, find_value, place, unescaped

CONTROL = "control character (\\u0000-\\u001F) found while parsing a string"
LONE = "lone leading surrogate in hex escape"
CUT_ESCAPE = "unexpected end of hex escape"
FAULTS: list[tuple[bytes, str, int]] = [
    *((body, "EOF while parsing a value", len(body)) for body in (b"", b"-", b"1.", b"1e+", b"tru", b"[1,", b'{"a":')),
    *((body, "EOF while parsing a value", len(body)) for body in (b'{"a":1,', b"[-", b"nul", b"  ")),
    *(
        (body, "EOF while parsing a string", len(body))
        for body in (b'"a', b'"\\', b'"\\u12', b'"\\ud800\\', b'"\\u12"')
    ),
    *((body, "EOF while parsing a list", len(body)) for body in (b"[", b"[1", b"[1 ")),
    *((body, "EOF while parsing an object", len(body)) for body in (b"{", b'{"a"', b'{"a":1')),
    *(
        (body, "expected value", at)
        for body, at in ((b".5", 1), (b"[,1]", 2), (b'{"a"::1}', 6), (b"\xef\xbb\xbf{}", 1))
    ),
    *((body, "trailing comma", at) for body, at in ((b'{"a":1,}', 8), (b"[1,]", 4))),
    *((body, "key must be a string", at) for body, at in ((b"{1:2}", 2), (b"{,}", 2), (b'{"a":1,b', 8))),
    *((body, "expected `:`", at) for body, at in ((b'{"a" 1}', 6), (b'{"a":1,"b"}', 11))),
    *((body, "expected `,` or `}`", at) for body, at in ((b'{"a":1 "b":2}', 8), (b'{"a":1]', 7))),
    *((body, "expected `,` or `]`", at) for body, at in ((b"[1 2]", 4), (b"[1}", 3))),
    *((body, "expected ident", at) for body, at in ((b"trux", 4), (b"[tru]", 5), (b'{"a":nul}', 9))),
    *((body, "invalid number", at) for body, at in ((b"01", 2), (b"-a", 2), (b"1.a", 3), (b"1e+a", 4), (b"1ee5", 3))),
    *((body, "number out of range", at) for body, at in ((b"1e999", 5), (b"1" * 400, 400), (b"1e99999999999", 12))),
    *((body, "invalid escape", at) for body, at in ((b'"\\x"', 3), (b'"\\u12g4"', 7), (b'"\\\xff"', 3))),
    *((body, LONE, at) for body, at in ((b'"\\udc00"', 7), (b'"\\ud800\\ud800"', 13), (b'"\\uD800\\u0041"', 13))),
    *((body, CUT_ESCAPE, at) for body, at in ((b'"\\ud800x"', 8), (b'"\\ud800\\n"', 9), (b'"\\ud800"', 8))),
    *((body, CONTROL, at) for body, at in ((b'"\x01', 2), (b'"a\n"', 3))),
    *((body, "invalid unicode code point", at) for body, at in ((b'"\xff"', 3), (b'"abc\xed\xa0\x80"', 8))),
    *((body, "trailing characters", at) for body, at in ((b'{"a":1}x', 8), (b"truex", 5), (b"{}\x00", 3), (b"5 5", 3))),
    (b"[" * 128, "recursion limit exceeded", 128),
    (b'{"x":' + b"[" * 200, "recursion limit exceeded", 132),
]


@pytest.mark.parametrize(("body", "text", "index"), FAULTS)
def test_each_fault_is_serdes_in_words_and_place(body, text, index):
    fault = find_fault(body)
    assert fault is not None
    assert (fault.text, fault.index) == (text, index)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b'{"model":', ("model",)),
        (b'{"messages":[{"role":"user","content":"\\x"}]}', ("messages", 0, "content")),
        (b'{"messages":[{"role":1', ("messages", 0, None)),
        (b'{"messages":[', ("messages",)),
        (b'{"a":1,', (None,)),
        (b"[1,[2,x]]", (1, 1)),
        (b'{"\\u0061":x}', ("a",)),
    ],
)
def test_a_fault_knows_its_way(body, path):
    fault = find_fault(body)
    assert fault is not None
    assert tuple(fault.path) == path


@given(json_values())
@MODERATE
def test_there_is_no_fault_in_json(value):
    for body in (orjson.dumps(value), json.dumps(value, indent=1).encode()):
        assert find_fault(body) is None


@given(st.binary(max_size=12) | st.text('{}[]",:0123e.-+\\utrn ', max_size=12).map(str.encode))
def test_what_one_parser_reads_the_other_reads(body):
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        assert find_fault(body) is not None
    else:
        assert find_fault(body) is None


def located(body: bytes, *path: str | int) -> bytes | None:
    span = find_value(body, path)
    return None if span is None else body[span[0] : span[1]]


def test_a_value_is_found_by_its_way():
    body = b'{ "a": [1, {"b" : "x"}], "c":-1.5e3, "a b": null, "d": {"d": 5} }'
    assert located(body) == body
    assert located(body, "a") == b'[1, {"b" : "x"}]'
    assert located(body, "a", 1, "b") == b'"x"'
    assert located(body, "c") == b"-1.5e3"
    assert located(body, "d", "d") == b"5"
    assert located(body, "a", 2) is None
    assert located(body[:20], "c") is None


def test_of_members_with_one_name_the_last_is_found():
    assert located(b'{"a":1,"a":22}', "a") == b"22"


@given(st.text())
@MODERATE
def test_an_escaped_text_is_read_back(text):
    for ascii_only in (True, False):
        assert unescaped(json.dumps(text, ensure_ascii=ascii_only)[1:-1]) == text


def test_a_place_is_a_line_and_a_column_in_bytes():
    body = "é\n\nab".encode()
    assert [place(body, index) for index in (0, 2, 3, 4, 6)] == [
        "at line 1 column 0",
        "at line 1 column 2",
        "at line 2 column 0",
        "at line 3 column 0",
        "at line 3 column 2",
    ]


@pytest.mark.parametrize(
    ("body", "text", "index"),
    [
        (b'{"a":1e' + b"0" * 5000 + b"1,", "EOF while parsing a value", 5009),
        (b"1e" + b"0" * 5000 + b"2147483647", "number out of range", 5012),
        (b"1e" + b"0" * 5000 + b"99999", "number out of range", 5007),
        (b"1e0002147483648123", "number out of range", 15),
        (b"1e2000000000123", "number out of range", 13),
        (b"0e" + b"9" * 5000 + b" x", "trailing characters", 5004),
    ],
)
def test_an_exponent_of_many_digits_is_read_by_the_first_that_count(body, text, index):
    fault = find_fault(body)
    assert fault is not None
    assert (fault.text, fault.index) == (text, index)


def outcome(body: bytes) -> tuple[str, int, list] | None:
    fault = find_fault(body)
    return None if fault is None else (fault.text, fault.index, fault.path)


@given(json_values(), st.booleans(), st.integers(0, 10_000), st.binary(max_size=2))
@MODERATE
def test_what_goes_by_in_runs_is_read_as_it_is_one_by_one(value, spaced, place, put):
    """A text with one place spoiled: the same fault, index and way, whether or not anything was passed over."""
    sound = json.dumps([value, value], indent=1 if spaced else None, ensure_ascii=place % 2 == 0).encode()
    at = place % (len(sound) + 1)
    body = sound[:at] + put + sound[at + 1 :]
    quick = outcome(body)
    with pytest.MonkeyPatch.context() as patch:
        for runs in ("ELEMENTS", "MEMBERS"):
            patch.setattr(json_scanner, runs, re.compile(b""))
        assert outcome(body) == quick


def test_elements_that_were_passed_over_are_counted():
    for run in (b"1,", b'"a,b",', b"[1, 2],", b'{"a":",","b":2} , ', '"é\\u00e9\\ud83d\\ude00",'.encode()):
        fault = find_fault(b'{"x":[' + run * 50_000 + b"[[1,x]]]}")
        assert fault is not None
        assert fault.path == ["x", 50_000, 0, 1]


def test_a_text_made_to_be_slow_is_given_up():
    sound = b"[" + b"[[[]]]," * (MOST_STEPS // 4 - 1)
    assert find_fault(sound + b"x") is not None
    assert find_fault(sound * 100 + b"x") is None
    assert find_value(b'{"x":' + sound * 2 + b'1],"a":5}', ("a",)) is None


def test_behind_the_value_nobody_reads_on():
    slow = b"[[[]]]," * MOST_STEPS
    body = b'{"a":5,"x":[' + slow + b"1]}"
    assert located(body, "a") == b"5"
    for again in (b'"a":6', b'"\\u0061":6'):
        assert located(b'{"a":5,"x":1,' + again + b"}", "a") == b"6"
        assert located(body[:-1] + b"," + again + b"}", "a") is None
