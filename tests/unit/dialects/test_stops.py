"""Stop strings are cut off wherever they lie across pieces, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.strategies import MODERATE

from tidegate.core.events import End, Event, Finish, Reasoning, Start, Text
from tidegate.dialects.stops import StopCutter
from tidegate.dialects.transformers_serve import STOP


def cut(stops: tuple[str, ...], *pieces: str) -> tuple[str, list[str]]:
    stage = StopCutter(STOP, stops)
    events: list[Event] = [Start("m"), *map(Text, pieces), Finish("stop"), End()]
    passed = [each for event in events for each in stage.take(event)]
    assert (passed[0], passed[-2:]) == (Start("m"), [Finish("stop"), End()])
    return "".join(event.text for event in passed if isinstance(event, Text)), list(stage.quirks)


@pytest.mark.parametrize(
    ("stops", "pieces", "said", "quirks"),
    [
        (("```",), ("a\n", "```"), "a\n", ["TRS005"]),
        (("```",), ("a`", "`", "`"), "a", ["TRS005"]),
        (("```",), ("a", "``"), "a``", []),
        (("```",), ("a`` b",), "a`` b", []),
        (("END",), ("aEND, b",), "a", ["TRS005"]),
        (("b", "ab"), ("xab",), "x", ["TRS005"]),
        (("abax", "b"), ("abax",), "a", ["TRS005"]),
        (("aab",), ("aa", "ab"), "a", ["TRS005"]),
        (("x",), (), "", []),
    ],
)
def test_a_stop_string_is_cut_off(
    stops: tuple[str, ...], pieces: tuple[str, ...], said: str, quirks: list[str]
) -> None:
    assert cut(stops, *pieces) == (said, quirks)


@given(
    st.lists(st.text(alphabet="ab", max_size=4), max_size=6),
    st.lists(st.text(alphabet="ab", min_size=1, max_size=3), min_size=1, max_size=3),
)
@MODERATE
def test_how_the_text_was_cut_into_pieces_does_not_matter(pieces: list[str], stops: list[str]) -> None:
    whole = "".join(pieces)
    said, quirks = cut(tuple(stops), *pieces)
    assert (said, quirks) == cut(tuple(stops), whole) == cut(tuple(stops), *whole)
    assert whole.startswith(said)
    assert not any(stop in said for stop in stops)
    assert bool(quirks) == any(stop in whole for stop in stops)
    assert quirks or said == whole


def test_what_is_no_text_passes() -> None:
    stage = StopCutter(STOP, ("a",))
    assert list(stage.take(Reasoning("a"))) == [Reasoning("a")]
    assert list(stage.quirks) == []
