from __future__ import annotations

from typing import Any

from tidegate.app.canary_asking import ask, text_of


async def test_a_request_reaches_the_application_as_a_server_would_hand_it_on() -> None:
    seen: dict[str, Any] = {}

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        seen.update(scope, body=(await receive())["body"])
        await send({"type": "http.response.start", "status": 201, "headers": [(b"x-a", b"1")]})
        await send({"type": "http.response.body", "body": b"one ", "more_body": True})
        await send({"type": "http.response.body", "body": b"two"})

    reply = await ask(application, "POST", "/chat/completions", b"{}", {"X-Tidegate-Class": "private", "x-odd": "秘"})
    assert (reply.status, reply.body, reply.all_bytes) == (201, b"one two", b"x-a: 1\r\n\r\none two")
    assert (seen["method"], seen["path"], seen["body"]) == ("POST", "/chat/completions", b"{}")
    assert (b"x-tidegate-class", b"private") in seen["headers"]
    assert (b"x-odd", "秘".encode()) in seen["headers"]
    assert "two" not in repr(reply)


def test_text_is_put_together_from_the_pieces_of_a_stream() -> None:
    pieces = b'data: {"choices":[{"delta":{"content":"a"}}]}\n\ndata: {"choices":[{"delta":{"content":"b"}}]}\n\n'
    assert text_of(b": keep-alive\n\n" + pieces + b"data: [DONE]\n\n") == "ab"
    assert text_of(b"data: {cut off") == ""
    assert text_of(b'\n\n{"content":[{"type":"text","text":"c"}]}') == "c"
