"""DSML as DeepSeek's own parser reads it, however it is cut; and whatever a model writes, no client sees a mark of it.

Where our stage differs on purpose (`dialects/dsml.py`) is said in its unit tests: it refuses what that parser guesses,
keeps text behind a block, and reads marks that the parser takes for text.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st
from tests.support.dsml import SPELLINGS, START, V4, V41, Heard, Spelling, heard, recipe, staged
from tests.support.samples import WEATHER, request
from tests.support.strategies import MODERATE, json_values

from tidegate.core.errors import BrokenContract
from tidegate.core.events import End, Event, Finish, Text
from tidegate.dialects.dsml import DsmlCalls
from tidegate.dialects.dsml_block import MARK
from tidegate.dialects.thinking import ThinkSplitter

FINISHES = st.sampled_from(["stop", "length"])
NAMES = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=6)
PROSE = st.lists(
    st.sampled_from(["a", " ", "\n", "\n\n", "<", "<b>", "|", "｜", "D", ">", "é", "🌊", "</x>"]), max_size=8
).map("".join)
# At its begin that parser trims newlines, which are the reasoning's; and it loses those behind a `<` of no tag (0.2.0).
BEFORE = PROSE.map(lambda text: f".{text}" + ("." if re.search(r"<[/｜|D]*\n*$", text) else ""))
VALUES = st.text(max_size=8) | st.sampled_from(['"', "\\", "</｜DSM", "<｜DSML｜invoke>", "</b>\n", "\x00\u2028"])


@st.composite
def parameters(draw: st.DrawFn, spelling: Spelling) -> str:
    name = draw(NAMES)
    if draw(st.booleans()):
        return spelling.text(name, draw(VALUES))
    return spelling.value(name, draw(json_values(3)))


@st.composite
def answers(draw: st.DrawFn, spelling: Spelling) -> str:
    """Text, and calls as the model is taught to write them."""
    calls = draw(st.lists(st.tuples(NAMES, st.lists(parameters(spelling), max_size=3)), min_size=1, max_size=3))
    block = spelling.calls(*(spelling.call(name, *inside) for name, inside in calls))
    return draw(BEFORE) + draw(st.sampled_from(["", "\n\n"])) + block


def cut(text: str, places: Sequence[int]) -> list[str]:
    ends = sorted({place % (len(text) + 1) for place in places} | {0, len(text)})
    return [text[begin:end] for begin, end in itertools.pairwise(ends)]


CUTS = st.lists(st.integers(0, 2**16), max_size=12)


def said(found: Heard) -> tuple[Any, ...]:
    return found.reasoning, found.text, found.calls, found.finish


@MODERATE
@given(st.data(), st.booleans(), CUTS, FINISHES)
def test_it_reads_as_deepseeks_own_parser(data: st.DataObject, v41: bool, places: list[int], finish: str) -> None:
    pieces = cut(data.draw(answers(V41 if v41 else V4)), places)
    found, quirks = staged(*pieces, finish=finish)
    assert said(found) == said(recipe(pieces, finish, v41=v41))
    assert quirks == ("REQ020",)


@MODERATE
@given(st.data(), st.booleans(), CUTS, st.booleans())
def test_so_it_does_inside_and_behind_reasoning(
    data: st.DataObject, v41: bool, places: list[int], closed: bool
) -> None:
    answer = data.draw(answers(V41 if v41 else V4))
    assume("</think>" not in answer)
    pieces = cut("So." + ("</think>" if closed else "") + answer, places)
    events: list[Event] = [START, *map(Text, pieces), Finish("stop"), End()]
    for stage in (ThinkSplitter("TST001", "inside"), DsmlCalls(request(tools=[WEATHER]))):
        events = [one for event in events for one in stage.take(event)]
    assert said(heard(events)) == said(recipe(pieces, v41=v41, thinks=True))


@MODERATE
@given(st.data(), st.booleans(), st.integers(0, 2**16), CUTS)
def test_cut_by_its_length_it_says_no_more_than_deepseeks_own_parser(
    data: st.DataObject, v41: bool, place: int, places: list[int]
) -> None:
    answer = data.draw(answers(V41 if v41 else V4))
    pieces = cut(answer[: place % (len(answer) + 1)], places)
    found, theirs = staged(*pieces, finish="length")[0], recipe(pieces, "length", v41=v41)
    assert (found.text, found.finish) == (theirs.text, "length")
    # That parser names a call one character earlier, before its tag is closed.
    assert [arguments for _, arguments in theirs.calls[len(found.calls) :]] in ([], [""])
    for (name, ours), (their_name, whole) in zip(found.calls, theirs.calls, strict=False):
        assert name == their_name and whole.startswith(ours)


# Whatever a model writes.

FRAGMENTS = st.sampled_from(
    [
        *(piece for one in SPELLINGS.values() for piece in (f"<{one.mark}", f"</{one.mark}", f"<{one.mark}{one.block}>")),
        *("tool_calls>", "calls>", "invoke", "parameter>", ' name="w">', '<｜DSML｜invoke name="w">', "</｜DSML｜invoke>"),
        *('<｜DSML｜parameter name="c" string="true">', "</｜DSML｜parameter>", "</｜DSML｜tool_calls>", "x", " ", "\n", "<"),
        *(V4.calls(V4.call("w", V4.text("c", "P"))), V41.calls(V41.call("w")), "DSML", "｜", "|"),
    ]
)  # fmt: skip


def outcome(pieces: Sequence[str], finish: str, tools: bool) -> tuple[Any, ...] | None:
    """None: refused."""
    try:
        return said(staged(*pieces, finish=finish, tools=tools)[0])
    except BrokenContract:
        return None


@given(st.lists(FRAGMENTS, max_size=10), FINISHES, st.booleans())
def test_no_mark_reaches_a_client(pieces: list[str], finish: str, tools: bool) -> None:
    stage = DsmlCalls(request(tools=[WEATHER]) if tools else request())
    shown: list[str] = []
    try:
        for event in (START, *map(Text, pieces), Finish(finish), End()):
            shown += [one.text for one in stage.take(event) if isinstance(one, Text)]
    except BrokenContract:
        pass
    assert not any(MARK.search(text) for text in shown)


@given(st.lists(FRAGMENTS, max_size=8), FINISHES, st.booleans(), CUTS)
def test_cut_anywhere_it_is_the_same(pieces: list[str], finish: str, tools: bool, places: list[int]) -> None:
    text = "".join(pieces)
    whole = outcome([text], finish, tools)
    assert outcome(cut(text, places), finish, tools) == whole
    assert outcome([*text], finish, tools) == whole
