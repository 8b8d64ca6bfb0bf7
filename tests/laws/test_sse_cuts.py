"""The events of a stream do not depend on how the network cut it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.support.strategies import MODERATE

from tidegate.codecs.sse import Decoder, ServerEvent

LINES = [b"data: a", b"data:b", b"data", b": comment", b"event: error", b"id: 7", b"", b"\xef\xbb\xbf", b"nonsense"]


def streams(*ends: bytes) -> st.SearchStrategy[bytes]:
    """Lines of any kind, each with one of these ends, blank lines often among them."""
    line = st.sampled_from(LINES) | st.binary(max_size=4)
    one = st.builds(bytes.__add__, line, st.sampled_from(ends) | st.just(ends[0] * 2))
    return st.lists(one, max_size=10).map(b"".join)


@st.composite
def cut(draw: st.DrawFn, stream: bytes) -> list[bytes]:
    """The same bytes in pieces, empty ones among them."""
    places = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    return [stream[begin:end] for begin, end in zip([0, *places], [*places, len(stream)], strict=True)]


def events_of(pieces: list[bytes]) -> tuple[list[ServerEvent], bool]:
    decoder = Decoder()
    return [event for piece in pieces for event in decoder.feed(piece)], decoder.pending


def said(events: list[ServerEvent]) -> list[tuple[bytes | None, bytes | None]]:
    return [(event.event, event.data) for event in events]


@given(data=st.data(), stream=streams(b"\n"))
@MODERATE
def test_with_line_feeds_events_and_their_bytes_are_the_same_however_cut(data, stream):
    assert events_of(data.draw(cut(stream))) == events_of([stream])


@given(data=st.data(), stream=streams(b"\r\n", b"\n"))
@MODERATE
def test_with_both_line_ends_events_and_their_bytes_are_the_same_however_cut(data, stream):
    assert events_of(data.draw(cut(stream))) == events_of([stream])


@given(data=st.data(), stream=streams(b"\r", b"\r\n", b"\n"))
@MODERATE
def test_with_every_line_end_what_is_said_is_the_same_however_cut(data, stream):
    whole, _ = events_of([stream + b"\n\n"])
    pieces, _ = events_of([*data.draw(cut(stream)), b"\n\n"])
    assert said(pieces) == said(whole)


@given(stream=streams(b"\r", b"\r\n", b"\n"))
@MODERATE
def test_every_line_end_means_the_same(stream):
    plain = stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    assert said(events_of([stream + b"\n\n"])[0]) == said(events_of([plain + b"\n\n"])[0])


@given(stream=streams(b"\n"))
@MODERATE
def test_one_byte_at_a_time_is_only_another_cut(stream):
    assert events_of([stream[i : i + 1] for i in range(len(stream))]) == events_of([stream])
