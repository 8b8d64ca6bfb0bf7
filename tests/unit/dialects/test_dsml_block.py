"""The reader of one block of DSML: what each tag means, what is missing, and what is no DSML at all."""

from __future__ import annotations

import json

import pytest
from tests.support.dsml import SPELLINGS, V4, V41, Spelling

from tidegate.dialects.dsml_block import HEAD, MARK, BlockReader, Piece, Unreadable, begun

PARIS = V4.call("w", V4.text("c", "Paris"))
each_spelling = pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)


def read(text: str, *, bare: bool = False) -> tuple[list[Piece], BlockReader]:
    """The same whether it comes whole or character by character."""
    whole, by_one = BlockReader(bare=bare), BlockReader(bare=bare)
    pieces = whole.feed(text)
    slowly: list[Piece] = []
    for place, character in enumerate(text):
        if by_one.over:
            assert by_one.rest == "" and whole.rest == text[place:]
            break
        slowly += by_one.feed(character)
    assert "".join(piece.arguments for piece in slowly) == "".join(piece.arguments for piece in pieces)
    assert (whole.over, whole.complete) == (by_one.over, by_one.complete)
    return pieces, whole


def arguments(text: str) -> str:
    pieces, reader = read(text)
    assert reader.over
    return "".join(piece.arguments for piece in pieces)


@each_spelling
def test_every_spelling_says_the_same(spelling: Spelling):
    block = spelling.calls(
        spelling.call("w", spelling.text("c", "Paris"), spelling.value("x", {"k": [1, "b"]})), spelling.call("now")
    )
    pieces, reader = read(block + " after")
    assert [piece.name for piece in pieces if piece.name] == ["w", "now"]
    assert "".join(piece.arguments for piece in pieces) == '{"c": "Paris", "x": {"k": [1, "b"]}}{}'
    assert (reader.over, reader.rest) == (True, " after")


@pytest.mark.parametrize(
    "value", ["", "a", '"', "\\", "\n\t\x01", "a<b</c>", "</｜DSM", "日🌊", "</｜DSML", '<｜DSML｜invoke name="z">']
)
def test_a_text_is_any_text_and_becomes_a_json_string(value):
    assert json.loads(arguments(V4.calls(V4.call("w", V4.text("c", value))))) == {"c": value}


@pytest.mark.parametrize("value", [0, -1.5, None, True, [], {"a": {"b": "</x>"}}, "text"])
def test_any_other_value_is_json_as_the_model_wrote_it(value):
    assert json.loads(arguments(V4.calls(V4.call("w", V4.value("c", value))))) == {"c": value}


def test_nobody_repairs_json_that_is_wrong():
    assert arguments(V4.calls(V4.call("w", V4.value("c", 1).replace(">1<", ">one <")))) == '{"c": one }'


@pytest.mark.parametrize("name", ["c", 'c"d', "c d", "c<d>", "größe", "a\nb"])
def test_a_parameter_may_have_any_name(name):
    assert json.loads(arguments(V4.calls(V4.call("w", V4.text(name, "x"), V4.text("z", "y"))))) == {name: "x", "z": "y"}


@pytest.mark.parametrize("blank", ["", "\n", "\n\n", " \n "])
def test_a_call_without_parameters_has_an_empty_object(blank):
    assert arguments(V4.calls(V4.call("w", blank))) == "{}"


def test_a_block_without_calls_says_nothing():
    pieces, reader = read(V4.calls())
    assert (pieces, reader.over) == ([], True)


def test_a_call_without_a_block_is_over_with_its_end():
    pieces, reader = read(PARIS + "after", bare=True)
    assert "".join(piece.arguments for piece in pieces) == '{"c": "Paris"}'
    assert (reader.over, reader.rest) == (True, "\nafter")


WHOLE = V4.calls(PARIS, PARIS)


@pytest.mark.parametrize("place", range(len(WHOLE)))
def test_only_behind_a_call_may_the_end_be_missing(place):
    _, reader = read(WHOLE[:place])
    ended = WHOLE[:place].rstrip()
    assert reader.complete == ended.endswith("</｜DSML｜invoke>")
    assert not reader.over


def test_of_a_cut_call_only_what_is_sure_was_said():
    pieces, reader = read(WHOLE[: WHOLE.index("ris</")])
    assert [piece.name for piece in pieces if piece.name] == ["w"]
    assert "".join(piece.arguments for piece in pieces) == '{"c": "Pa'
    assert not reader.complete


@pytest.mark.parametrize(
    "text",
    [
        V4.calls(PARIS.replace(' name="w"', "")),
        V4.calls(PARIS.replace('name="w"', 'name=""')),
        V4.calls(PARIS.replace('name="w"', "name=w")),
        V4.calls(PARIS.replace(' string="true"', "")),
        V4.calls(PARIS.replace('string="true"', 'string="maybe"')),
        V4.calls(PARIS.replace('name="c" string="true"', 'string="true" name="c"')),
        V4.calls("junk", PARIS),
        V4.calls(PARIS, "junk"),
        V4.calls(V4.call("w", '{"c": "Paris"}')),
        V4.calls(V4.call("w", V4.text("c", "x"), "junk")),
        V4.calls(V4.text("c", "Paris")),
        V4.calls(V4.calls(PARIS)),
        V4.calls(PARIS.replace("</｜DSML｜invoke>\n", "")),
        V4.calls(PARIS.replace("</｜DSML｜parameter>", "")),
        V4.calls(V4.call("w", f'<｜DSML｜parameter name="{"c" * 5000}')),
        V4.calls("</｜DSML｜parameter>"),
        V4.calls(PARIS.replace("</｜DSML｜invoke>", "</｜DSML｜invoke >")),
    ],
)
def test_what_would_have_to_be_guessed_is_refused(text):
    with pytest.raises(Unreadable):
        read(text)
    with pytest.raises(Unreadable):
        for character in (reader := BlockReader(bare=False)) and text:
            reader.feed(character)


@each_spelling
@pytest.mark.parametrize("end", ["", "/"])
def test_every_begin_of_a_tag_is_held_until_it_is_one_or_is_not(spelling, end):
    for word in (spelling.block + ">", "invoke", "parameter"):
        tag = f"<{end}{spelling.mark}{word}"
        assert all(begun(f"a <b {tag[:size]}") == 5 for size in range(1, len(tag))), tag
        assert HEAD.fullmatch(tag) and MARK.match(tag)


@pytest.mark.parametrize(
    "text", ["", "a", "a > b", "<b", "< ", "<div>", "<think>", "<｜User｜>", "<||x", "｜DSML｜", "<dsml:"]
)
def test_other_text_is_not_held(text):
    assert begun(text) == len(text)
    assert not MARK.search(text)


def test_v41_and_v4_may_be_mixed():
    assert arguments(V4.calls(V41.call("w", V4.text("c", "Paris")))) == '{"c": "Paris"}'
