"""Framing of server-sent events: every line end, comments, joined data, names, a size limit, and the bytes kept."""

from __future__ import annotations

import pytest

from tidegate.codecs import sse
from tidegate.codecs.sse import Decoder, ServerEvent
from tidegate.core.errors import BrokenContract


def decoded(*pieces: bytes) -> list[ServerEvent]:
    decoder = Decoder()
    return [event for piece in pieces for event in decoder.feed(piece)]


def data_of(*pieces: bytes) -> list[bytes | None]:
    return [event.data for event in decoded(*pieces)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_an_event_ends_with_a_blank_line(end):
    assert data_of(b"data: a" + end + end + b"data: b" + end + end) == [b"a", b"b"]


def test_lone_carriage_returns_end_lines_too():
    assert data_of(b"data: a\r\rdata: b\r\r: more\n\n") == [b"a", b"b", None]


def test_a_carriage_return_at_the_end_of_a_piece_waits_because_it_may_be_half_a_line_end():
    decoder = Decoder()
    assert decoder.feed(b"data: a\r\r") == []
    assert decoder.pending
    assert [event.wire for event in decoder.feed(b"\n")] == [b"data: a\r\r\n"]
    assert not decoder.pending


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_one_line_end_does_not_end_an_event(end):
    assert data_of(b"data: a" + end + b"data: b" + end + end + b": more\n\n") == [b"a\nb", None]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_an_event_keeps_its_name_with_its_data(end):
    event, *_ = decoded(b"event: error" + end + b"data: x" + end + end + b": more\n\n")
    assert (event.event, event.data) == (b"error", b"x")


def test_line_ends_may_mix():
    assert data_of(b"data: a\n\r\ndata: b\r\n\ndata: c\n\n") == [b"a", b"b", b"c"]


def test_a_byte_order_mark_is_skipped_even_in_pieces():
    assert data_of(b"\xef\xbb\xbfdata: a\n\n") == [b"a"]
    assert data_of(b"\xef", b"\xbb", b"\xbfdata: a\n\n") == [b"a"]


def test_only_the_first_byte_order_mark_is_one():
    assert data_of(b"data: a\n\n\xef\xbb\xbfdata: b\n\n") == [b"a", None]
    assert data_of(b"\xef\xbbdata: a\n\n") == [None]


def test_a_comment_is_an_event_without_data():
    assert decoded(b": keep-alive\n\n") == [ServerEvent(b": keep-alive\n\n", None)]


def test_a_comment_beside_data_is_left_out_of_the_data():
    assert data_of(b": hello\ndata: a\n: again\n\n") == [b"a"]


@pytest.mark.parametrize(
    ("block", "data"),
    [
        (b"data:a", b"a"),
        (b"data: a", b"a"),
        (b"data:  a", b" a"),
        (b"data:", b""),
        (b"data", b""),
        (b"data: a: b", b"a: b"),
        (b"data: a\ndata: b", b"a\nb"),
        (b"data: a\ndata", b"a\n"),
        (b"id: 7\nretry: 100\ndata: a", b"a"),
        (b"DATA: a", None),
        (b" data: a", None),
        (b"event: ping", None),
    ],
)
def test_data_lines_are_read_as_the_standard_says(block, data):
    assert data_of(block + b"\n\n") == [data]


def test_the_last_event_name_counts():
    assert decoded(b"event: a\nevent: b\ndata: x\n\n") == [ServerEvent(b"event: a\nevent: b\ndata: x\n\n", b"x", b"b")]


def test_blank_lines_alone_are_no_events():
    assert data_of(b"\n\n\n\n", b"\r\n\r\n", b"data: a\n\n\n\n\n") == [b"a"]


@pytest.mark.parametrize(
    "wire",
    [b"data: a\n\n", b"data: a\r\n\r\n", b"event: x\ndata: a\ndata: b\n\n", b": c\n\n", b"event: x\r\ndata: a\r\n\r\n"],
)
def test_an_event_keeps_the_bytes_it_came_in(wire):
    assert [event.wire for event in decoded(wire)] == [wire]
    assert b"".join(event.wire for event in decoded(*(wire[i : i + 1] for i in range(len(wire))))) == wire


def test_a_carriage_return_and_its_line_feed_may_come_apart():
    assert data_of(b"data: a\r", b"\n\r", b"\n", b"data: b\r\n\r\n") == [b"a", b"b"]


def test_nothing_is_given_before_the_event_is_whole():
    decoder = Decoder()
    assert decoder.feed(b"data: a") == []
    assert decoder.pending
    assert decoder.feed(b"\n") == []
    assert [event.data for event in decoder.feed(b"\n")] == [b"a"]
    assert not decoder.pending


def test_bytes_after_the_last_blank_line_are_pending():
    decoder = Decoder()
    decoder.feed(b"data: a\n\ndata: b\n")
    assert decoder.pending


def test_an_event_up_to_the_limit_passes_and_one_above_does_not():
    assert [event.data for event in Decoder(limit_bytes=10).feed(b"data: 12\n\n")] == [b"12"]
    with pytest.raises(BrokenContract, match="larger than 10 bytes"):
        Decoder(limit_bytes=10).feed(b"data: 123\n\n")


def test_an_event_that_never_ends_is_stopped_at_the_limit():
    decoder = Decoder(limit_bytes=100)
    for _ in range(100):
        decoder.feed(b"x")
    with pytest.raises(BrokenContract, match="larger than 100 bytes"):
        decoder.feed(b"x")


def test_many_small_events_in_one_piece_are_no_large_event():
    assert len(Decoder(limit_bytes=20).feed(b"data: a\n\n" * 1000)) == 1000


def test_what_is_encoded_decodes_to_the_same():
    assert sse.encode(b'{"a":1}') == b'data: {"a":1}\n\n'
    assert data_of(sse.encode(b'{"a":1}'), sse.encode(b"[DONE]")) == [b'{"a":1}', b"[DONE]"]
