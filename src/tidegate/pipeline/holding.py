"""The beginning of an answer is held until it says something: until then a failure can be made good by asking again.

Servers send the role at once and may fail long before the first word. A client that asked for a whole answer gets nothing
before its end, so that is held to its end. Knows no backend and no wire format.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from tidegate.backends.base import Answering
from tidegate.core.events import (
    NOTHING,
    End,
    Event,
    Finish,
    Frame,
    Reasoning,
    Start,
    Text,
    ToolCall,
    UsageReport,
    frame_of,
)
from tidegate.core.fold import Folding, unfold

MOST_HELD = 1000
"""Frames without a word; a server that sends more has them passed on."""


async def first_words(answering: Answering) -> list[Frame]:
    """The frames up to the first that says something, and what came with it."""
    frames = await answering.read()
    while frames and len(frames) < MOST_HELD and not says_something(frames):
        more = await answering.read()
        if not more:
            break
        frames = [*frames, *more]
    return frames


async def whole(answering: Answering) -> list[Frame]:
    """All of an answer as one frame; as it came, where it came in one."""
    frames = await answering.read()
    if not frames or frames[-1].passed.ended:
        return frames
    folding = Folding()
    while frames:
        for frame in frames:
            for event in frame.events:
                folding.add(event)
        frames = await answering.read()
    return [frame_of(*unfold(folding.answer()))]


def says_something(frames: Sequence[Frame]) -> bool:
    """Newest first: what came before was looked at already."""
    return any(map(_says, reversed(frames)))


def _says(frame: Frame) -> bool:
    if frame.passed is NOTHING and frame.wire is not None:
        return not frame.wire.startswith(b":")  # content that goes on as it came: not decoded for this
    return any(map(_is_said, frame.events))


def _is_said(event: Event) -> bool:
    match event:
        case Reasoning(text) | Text(text):
            return bool(text)
        case ToolCall() | Finish() | End():
            return True
        case Start() | UsageReport():
            return False
        case _:
            assert_never(event)
