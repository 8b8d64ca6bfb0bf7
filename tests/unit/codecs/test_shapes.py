"""What does not fit is said in serde's words; each text here was printed by deepseek-recipe 0.2.0 on 2026-11-24."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tidegate.codecs import shapes
from tidegate.codecs.shapes import Misfit

U8, U32, U64 = shapes.unsigned(8), shapes.unsigned(32), shapes.unsigned(64)


@pytest.mark.parametrize(
    ("read", "value", "text"),
    [
        (shapes.boolean, 5, "invalid type: integer `5`, expected a boolean"),
        (shapes.boolean, None, "invalid type: null, expected a boolean"),
        (shapes.string, True, "invalid type: boolean `true`, expected a string"),
        (shapes.string, [], "invalid type: sequence, expected a string"),
        (shapes.string, {}, "invalid type: map, expected a string"),
        (shapes.number, "s", 'invalid type: string "s", expected f32'),
        (shapes.number, True, "invalid type: boolean `true`, expected f32"),
        (shapes.array, -1, "invalid type: integer `-1`, expected a sequence"),
        (U32, 1.5, "invalid type: floating point `1.5`, expected u32"),
        (U32, -1, "invalid value: integer `-1`, expected u32"),
        (U32, 2**40, "invalid value: integer `1099511627776`, expected u32"),
        (U8, 256, "invalid value: integer `256`, expected u8"),
        (U64, 2**64, "invalid type: floating point `1.8446744073709552e+19`, expected u64"),
    ],
)
def test_a_value_of_the_wrong_type(read: Callable[[Any], Any], value: object, text: str) -> None:
    with pytest.raises(Misfit) as found:
        read(value)
    assert found.value.shown == text


@pytest.mark.parametrize(
    ("read", "value"),
    [(shapes.boolean, False), (shapes.string, ""), (shapes.number, 1), (shapes.number, 0.5), (shapes.array, []),
     (U8, 255), (U32, 0), (U64, 2**64 - 1)],
)  # fmt: skip
def test_a_value_that_fits_comes_back_as_it_is(read: Callable[[Any], Any], value: object) -> None:
    assert read(value) is value


def test_variants_are_listed_as_serde_lists_them() -> None:
    assert shapes.variant("b", ("a", "b")) == "b"
    for variants, listed in ((("a",), "`a`"), (("a", "b"), "`a` or `b`"), (("a", "b", "c"), "one of `a`, `b`, `c`")):
        with pytest.raises(Misfit) as found:
            shapes.variant("x", variants)
        assert found.value.shown == f"unknown variant `x`, expected {listed}"
    with pytest.raises(Misfit) as found:
        shapes.variant(5, ("a",), "variant identifier")
    assert found.value.shown == "invalid type: integer `5`, expected variant identifier"


@pytest.mark.parametrize("secret", ["the patient said that", "sk-0123456789", "x" * 25, "密码"])
def test_a_clients_own_words_are_not_in_the_bare_text(secret: str) -> None:
    for misfit in (shapes.wrong_type(secret, "a sequence"), shapes.unknown_variant(secret, ("a", "b"))):
        assert secret in misfit.shown
        assert secret not in misfit.bare
        assert secret not in str(misfit)


def test_a_short_word_in_a_closed_set_is_a_name_and_shown() -> None:
    assert shapes.unknown_variant("developer", ("system", "user")).bare == (
        "unknown variant `developer`, expected `system` or `user`"
    )


def test_quoting_escapes_as_rust_does() -> None:
    assert shapes.wrong_type('a"b\\c\n\t', "f32").shown == 'invalid type: string "a\\"b\\\\c\\n\\t", expected f32'


def test_members_and_the_way_to_them() -> None:
    fields: dict[str, Any] = {"a": {"b": [True, 1]}, "n": None}
    assert shapes.optional(fields, "n", shapes.string) is None
    assert shapes.optional(fields, "zz", shapes.string) is None
    with pytest.raises(Misfit) as found:
        shapes.member(fields, "a", lambda a: shapes.member(a, "b", lambda b: shapes.each(b, shapes.boolean)))
    assert found.value.path == ["a", "b", 1]
    with pytest.raises(Misfit) as found:
        shapes.member(fields, "zz", shapes.string)
    assert (found.value.shown, found.value.path, found.value.spot) == ("missing field `zz`", [], "end")
    with pytest.raises(Misfit) as found:
        shapes.member(fields, "n", shapes.string)
    assert found.value.path == ["n"]


def test_the_spot_is_in_front_of_what_is_not_read() -> None:
    assert [shapes.wrong_type(value, "x").spot for value in ("s", 5, None, [], {})] == ["after"] * 3 + ["before"] * 2


def test_an_object_is_named_as_serde_names_it() -> None:
    assert shapes.object_of({}, "struct T") == {}
    with pytest.raises(Misfit, match="expected struct T"):
        shapes.object_of(5, "struct T")
