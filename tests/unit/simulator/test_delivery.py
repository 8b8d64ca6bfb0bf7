"""What goes over the wire to one client, and where it breaks."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.simulator.delivery import Broken, Delivery
from tidegate.simulator.refusals import Refusal


class Wire:
    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])

    @property
    def ended(self) -> bool:
        return not self.sent[-1].get("more_body", False)


async def test_a_whole_answer_has_a_length_and_both_request_ids():
    wire = Wire()
    await Delivery(wire.send, "id-1").whole(b"{}", "application/json")
    assert (wire.sent[0]["status"], wire.body, wire.ended) == (200, b"{}", True)
    assert wire.headers == {
        b"x-request-id": b"id-1",
        b"x-deepseek-request-id": b"id-1",
        b"content-type": b"application/json",
        b"content-length": b"2",
    }


async def test_an_error_without_a_content_type_has_none():
    wire = Wire()
    await Delivery(wire.send, "id-1").refuse(Refusal(404, b"", ""))
    assert (wire.sent[0]["status"], wire.body, b"content-type" in wire.headers) == (404, b"", False)


async def test_after_keep_alives_only_the_body_is_left():
    wire = Wire()
    delivery = Delivery(wire.send, "id-1")
    await delivery.begin("application/json")
    await delivery.write(b"\n\n")
    await delivery.whole(b"{}", "application/json")
    assert [message["type"] for message in wire.sent].count("http.response.start") == 1
    assert (wire.body, b"content-length" in wire.headers, wire.ended) == (b"\n\n{}", False, True)


@pytest.mark.parametrize("after", [0, 1, 4, 7])
async def test_it_breaks_after_so_many_bytes_and_without_an_end(after: int):
    wire = Wire()
    delivery = Delivery(wire.send, "id-1", cut_after=after)
    await delivery.begin("text/event-stream")
    with pytest.raises(Broken):
        for piece in (b"abcd", b"", b"efgh"):
            await delivery.write(piece)
    assert (wire.body, wire.ended) == (b"abcdefgh"[:after], False)


async def test_a_short_answer_is_not_broken():
    wire = Wire()
    delivery = Delivery(wire.send, "id-1", cut_after=4)
    await delivery.whole(b"abcd", "text/plain")
    assert (wire.body, wire.ended) == (b"abcd", True)
