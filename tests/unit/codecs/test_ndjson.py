"""Framing of JSON lines: line ends, blank lines, a size limit, and the bytes kept."""

from __future__ import annotations

import pytest

from tidegate.codecs import ndjson
from tidegate.codecs.ndjson import Decoder
from tidegate.codecs.sse import ServerEvent
from tidegate.core.errors import BrokenContract


def data_of(*pieces: bytes) -> list[bytes | None]:
    decoder = Decoder()
    return [event.data for piece in pieces for event in decoder.feed(piece)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_each_line_is_an_event(end):
    assert data_of(b'{"a":1}' + end + b'{"b":2}' + end) == [b'{"a":1}', b'{"b":2}']


def test_an_event_keeps_its_bytes_and_has_no_name():
    assert Decoder().feed(b'{"a":1}\r\n') == [ServerEvent(b'{"a":1}\r\n', b'{"a":1}')]


def test_blank_lines_mean_nothing():
    assert data_of(b"\n\r\n  \n{}\n\n") == [b"{}"]


def test_a_line_waits_for_its_end():
    decoder = Decoder()
    assert decoder.feed(b'{"a"') == []
    assert decoder.pending
    assert [event.data for event in decoder.feed(b":1}\n")] == [b'{"a":1}']
    assert not decoder.pending


def test_an_endless_line_is_refused_before_it_ends_and_after():
    with pytest.raises(BrokenContract, match="larger than 8 bytes"):
        Decoder(8).feed(b"123456789")
    with pytest.raises(BrokenContract, match="larger than 8 bytes"):
        Decoder(8).feed(b"123456789\n")
    assert len(Decoder(8).feed(b"12345678\n" * 3)) == 3


def test_a_line_that_was_written_is_read():
    assert data_of(ndjson.encode(b"{}") + ndjson.encode(b"[]")) == [b"{}", b"[]"]
