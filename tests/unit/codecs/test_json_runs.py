"""What runs pass over is sound, and they stop in front of the last, of what is not, and of what nests."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from tests.support.strategies import MODERATE, json_values

from tidegate.codecs.json_runs import ELEMENT, ELEMENTS, MEMBERS, PLAIN


def passed(body: bytes) -> bytes:
    found = ELEMENTS.match(body)
    assert found is not None
    return found[0]


@pytest.mark.parametrize(
    "element",
    [
        *(b"1", b"-0", b"1.50e-09", b"true", b"null", b'""', b'"a,]"', b'"\\n\\u00e9\\ud83d\\ude00"', b"[]", b"[1]"),
        *(b"{}", b'{"a":1, "b" :"}"}', b'[ "a" , 2 ]'),
    ],
)
def test_sound_elements_go_by_and_the_last_does_not(element: bytes):
    run = element + b" ,\n" + element + b","
    assert passed(run + element) == run
    assert len(ELEMENT.findall(run + element, 0, len(run) + 1)) == 2


@pytest.mark.parametrize(
    "element",
    [
        *(
            b"01",
            b"1.",
            b".5",
            b"1e",
            b"+1",
            b"tru",
            b"nul1",
            b'"\\x"',
            b'"\\ud800"',
            b'"\\udc00\\ud800"',
            b'"\x01"',
            b"1" * 400,
        ),
        *(b"1e999", b"[1,]", b"[,1]", b'{"a"}', b'{"a":1,}', b"{1:2}", b"[[1]]", b"[1", b"", b"x"),
    ],
)
def test_what_is_not_sound_does_not_go_by(element: bytes):
    assert passed(element + b",1,1") == b""
    assert passed(b"1," + element + b",1") == b"1,"


def test_a_comma_at_the_end_does_not_go_by():
    assert passed(b"1,2,]") == b"1,"
    assert passed(b"1,2,") == b"1,"
    found = MEMBERS.match(b'"a":1, "b" : [2], "c":{"d":"e"},"f":5}')
    assert found is not None
    assert found[0] == b'"a":1, "b" : [2], "c":{"d":"e"},'


@given(json_values())
@MODERATE
def test_all_that_goes_by_is_json(value: object):
    run = passed(json.dumps([value, value, 1]).encode()[1:])
    json.loads(b"[" + run + b"1]")


def test_the_inside_of_a_string_ends_where_it_does():
    for text, end in ((b'a\\"b"c', 4), (b"ab\n", 2), (b"ab\\u12", 2), ("\u00e9\u4e2d".encode() + b'"', 5)):
        found = PLAIN.match(text)
        assert found is not None
        assert found.end() == end
