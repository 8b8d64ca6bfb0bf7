"""Values as serde reads them: what each reader takes, and serde's words for what it does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from tests.support.strategies import MODERATE, json_values

from tidegate.codecs import shapes
from tidegate.codecs.shapes import Misfit

READERS = {
    "a boolean": (shapes.boolean, [True, False]),
    "a string": (shapes.string, ["", "x"]),
    "u8": (shapes.unsigned(8), [0, 255]),
    "u64": (shapes.unsigned(64), [0, 2**64 - 1]),
    "i64": (shapes.signed64, [-(2**63), 2**63 - 1]),
    "f32": (shapes.number, [0, -1.5, 2**70]),
    "a sequence": (shapes.array, [[], [1]]),
    "struct S": (lambda value: shapes.object_of(value, "struct S"), [{}, {"a": 1}]),
}


@pytest.mark.parametrize("expected", READERS)
def test_a_reader_gives_back_what_fits(expected):
    read, good = READERS[expected]
    for value in good:
        assert read(value) == value
        assert shapes.maybe(read)(value) == value
    assert shapes.maybe(read)(None) is None


@given(json_values())
@MODERATE
def test_whatever_does_not_fit_is_a_misfit_that_says_what_was_expected(value):
    for expected, (read, _) in READERS.items():
        try:
            assert read(value) == value
        except Misfit as misfit:
            assert misfit.shown.endswith(f", expected {expected}")
            assert misfit.shown.startswith(("invalid type: ", "invalid value: "))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "null"),
        (True, "boolean `true`"),
        (-5, "integer `-5`"),
        (1.5, "floating point `1.5`"),
        (5.0, "floating point `5.0`"),
        (1e15, "floating point `1000000000000000.0`"),
        (1e16, "floating point `1e+16`"),
        (1e-5, "floating point `0.00001`"),
        (-1.25e-5, "floating point `-0.0000125`"),
        (1.5e-7, "floating point `1.5e-7`"),
        (2.0**70, "floating point `1.1805916207174113e+21`"),
        ({}, "map"),
        ([], "sequence"),
        ('q"\\\n\t\0\u200b\u00e9\u4e2d \u0301', 'string "q\\"\\\\\\n\\t\\0\\u{200b}\u00e9\u4e2d \\u{301}"'),
    ],
)
def test_a_value_is_described_as_rust_does(value, said):
    assert shapes.wrong_type(value, "a tide").shown == f"invalid type: {said}, expected a tide"


def test_integers_beyond_64_bits_are_floats():
    for read, value in ((shapes.unsigned(32), 2**70), (shapes.signed64, 2.0**70)):
        with pytest.raises(Misfit, match="floating point `1"):
            read(value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({}, "invalid value: map, expected map with a single key"),
        ({"low": None, "high": None}, "invalid value: map, expected map with a single key"),
        ({"low": 5}, "invalid type: integer `5`, expected unit"),
        ({"zz": 5}, "unknown variant `zz`, expected `low` or `high`"),
        (5, "invalid type: integer `5`, expected string or map"),
        ("zz", "unknown variant `zz`, expected `low` or `high`"),
    ],
)
def test_a_variant_is_a_name_or_an_object_that_holds_it(value, said):
    with pytest.raises(Misfit) as caught:
        shapes.variant(value, ("low", "high"))
    assert caught.value.shown == said
    assert shapes.variant({"low": None}, ("low", "high")) == "low"


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("developer", True),
        ("chatcmpl-tool-0123456789abcdef0123456789abcdef", True),
        ("tool:f.1_a", True),
        *((word, False) for word in ("", "a b", "x" * 49, "sk-1234", "日", "my address is 1 Main St")),
    ],
)
def test_only_a_short_word_may_be_repeated(word, shown):
    assert shapes.is_word(word) is shown
    assert (f"`{word}`" in shapes.unknown_variant(word, ("a", "b", "c")).bare) is shown
    assert shapes.said(word, quoting=False) == (word if shown else "...")
    assert shapes.said(word, quoting=True) == word
    assert word in shapes.unknown_variant(word, ("a", "b", "c")).shown


def test_a_misfit_knows_its_way():
    with pytest.raises(Misfit) as caught:
        shapes.member({"a": ["x", 5]}, "a", lambda items: shapes.each(items, shapes.string))
    assert caught.value.path == ["a", 1]
    named = caught.value.of("a")
    assert (named.shown, named.path) == ("field `a`: invalid type: integer `5`, expected a string", [])


def test_members_may_be_asked_for():
    assert shapes.optional({"a": None}, "a", shapes.string) is None
    assert shapes.optional({"a": "x"}, "a", shapes.string) == "x"
    with pytest.raises(Misfit, match="missing field `b`"):
        shapes.member({"a": 1}, "b", shapes.string)
    with pytest.raises(Misfit) as caught:
        shapes.optional({"a": 5}, "a", shapes.string)
    assert caught.value.path == ["a"]
