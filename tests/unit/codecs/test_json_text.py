"""From bytes to values: the two hosted wrappers, the way in front of them, and what they never repeat."""

from __future__ import annotations

import pytest

from tidegate.codecs import shapes
from tidegate.codecs.json_text import LARGE_BYTES, dump_fields, load, nested_too_deeply, wrong_shape
from tidegate.codecs.shapes import Misfit, missing, string, wrong_type
from tidegate.core.errors import BrokenJson, ClientMistake

WORDS = {"model", "messages", "content"}


def broken(body: bytes, *, quoting: bool = False) -> str:
    with pytest.raises(BrokenJson) as caught:
        load(body, WORDS, quoting=quoting)
    return caught.value.message.removeprefix("Failed to parse the request body as JSON: ")


def test_json_becomes_values():
    assert load(b' {"a": [1, null, "x"]} ', WORDS) == {"a": [1, None, "x"]}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "EOF while parsing a value at line 1 column 0"),
        (b'{"model":', "model: EOF while parsing a value at line 1 column 9"),
        (b'{"model":1', "EOF while parsing an object at line 1 column 10"),
        (b'{"messages":[{"content":1', "messages[0].?: EOF while parsing an object at line 1 column 25"),
        (b'{"messages":[{"secret":x', "messages[0]: expected value at line 1 column 24"),
        (b'{"secret":x', "expected value at line 1 column 11"),
    ],
)
def test_broken_json_is_told_by_way_and_place(body, said):
    assert broken(body) == said


def test_a_clients_own_names_are_shown_only_to_itself():
    assert broken(b'{"messages":[{"secret":x', quoting=True) == "messages[0].secret: expected value at line 1 column 24"


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_127_levels_are_read_and_128_are_not(opening, closing):
    load(opening * 127 + b"1" + closing * 127, WORDS)
    assert "recursion limit exceeded" in broken(opening * 128 + b"1" + closing * 128)


def test_many_brackets_that_do_not_nest_are_no_depth():
    assert len(load(b"[" + b",".join([b"[{}]"] * 500) + b"]", WORDS)) == 500
    assert load(b'["' + b"[" * 500 + b'"]', WORDS) == ["[" * 500]


@pytest.mark.parametrize(
    ("misfit", "said"),
    [
        (wrong_type("secret", "a boolean").at("a"), "a: invalid type: string, expected a boolean at line 2 column 5"),
        (
            wrong_type([], "a boolean").at(0).at("b"),
            "b[0]: invalid type: sequence, expected a boolean at line 2 column 11",
        ),
        (missing("c"), "missing field `c` at line 3 column 2"),
        (Misfit("odd").at("nowhere"), "nowhere: odd"),
    ],
)
def test_a_misfit_becomes_an_error_with_its_place(misfit, said):
    body = b'{\n"a":5,"b":[[]]\n }'
    message = wrong_shape(misfit, body).message
    assert message == f"Failed to deserialize the JSON body into the target type: {said}"


def test_a_misfit_quotes_only_when_it_may():
    with pytest.raises(Misfit) as caught:
        string(5)
    assert "integer `5`" in wrong_shape(caught.value, b"5").message
    assert '"secret"' in wrong_shape(wrong_type("secret", "x"), b'"secret"', quoting=True).message


def test_fields_that_json_cannot_hold_are_the_clients_mistake():
    deep: dict = {}
    for _ in range(300):
        deep = {"a": deep}
    for fields in ({"metadata": object()}, deep):
        with pytest.raises(ClientMistake) as caught:
            dump_fields(fields)
        assert caught.value.message == nested_too_deeply().message
    assert dump_fields({"a": [1]}) == b'{"a":[1]}'


def test_in_a_large_body_nobody_looks_for_the_place():
    filled = b'{"a":"' + b"x" * (LARGE_BYTES - 10) + b'"'
    assert broken(filled + b"x").endswith(f"at line 1 column {len(filled) + 1}")
    assert broken(filled + b" " * 9) == f"unexpected end of data at character {len(filled) + 10}"
    misfit = wrong_type("secret", "a boolean").at("a")
    near, far = (wrong_shape(misfit, filled + b" " * more + b"}").message for more in (0, 9))
    assert near == f"{far} at line 1 column {len(filled)}"
    assert far.endswith("a: invalid type: string, expected a boolean")


def test_a_large_body_has_the_same_depth():
    wide = b"[0]," * (LARGE_BYTES // 4)
    load(b"[" + wide + b"[" * 126 + b"]" * 127, WORDS)
    assert broken(b"[" + wide + b"[" * 127 + b"]" * 128) == "recursion limit exceeded"


def test_what_is_given_up_is_told_in_the_readers_own_words():
    assert broken(b"[" + b"[[[]]]," * 10_000 + b"x") == "unexpected character, expected a JSON value at character 70002"


def test_nothing_is_quoted_for_nobody(monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []
    monkeypatch.setattr(shapes, "debug_string", lambda text: asked.append(text) or "quoted")
    misfit = wrong_type("secret", "x").of("f")
    assert "quoted" not in wrong_shape(misfit, b'"secret"').message
    assert not asked
    assert "quoted" in wrong_shape(misfit, b'"secret"', quoting=True).message
