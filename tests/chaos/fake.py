"""One local runtime that misbehaves, as a process of its own: `python fake.py KIND PORT LOG SEED [kind]`.

It may be killed at any time; with `kind` it does nothing wrong.

Knows nothing of Tidegate. Each request is written to the log before it is answered: its marker, and what will be done to it.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import struct
import sys
from contextlib import suppress
from random import Random
from typing import Any

MARKER = re.compile(rb"mark-([a-z]{7})-end")
EXACTLY = re.compile(r"Say exactly: ?(.*)\Z", re.DOTALL)
TELLS = {
    "llamacpp": {"/props": b'{"default_generation_settings":{},"build_info":"b11549","total_slots":60}'},
    "vllm": {"/version": b'{"version":"0.32.0"}'},
    "generic": {},
}
LOADING = b'{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}'
SHARES = {
    "right": 500,
    "drips": 120,
    "byte by byte": 25,
    "is silent": 12,
    "resets at once": 12,
    "closes at once": 12,
    "half a head": 12,
    "closes after the head": 12,
    "resets half-way": 15,
    "closes half-way": 15,
    "silent half-way": 10,
    "no end": 10,
    "an error half-way": 10,
    "no HTTP": 8,
    "no JSON": 8,
    "400": 6,
    "404": 12,
    "429": 12,
    "500": 12,
    "503": 12,
    "loading": 10,
    "wrong length": 8,
    "two answers": 8,
}


def head(status: str, kind: str = "application/json", length: int | None = None, *more: str) -> bytes:
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return ("\r\n".join([f"HTTP/1.1 {status}", f"Content-Type: {kind}", *more, framing]) + "\r\n\r\n").encode()


def in_chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def say(body: dict[str, Any]) -> str:
    """What is asked for; after a prefix only what is missing of it."""
    if "messages" not in body:
        return "high, low):"
    asked = next((text_of(one) for one in reversed(body["messages"]) if one["role"] == "user"), "")
    found = EXACTLY.search(asked)
    text = found[1] if found else "The tide is high."
    last = body["messages"][-1]
    return text.removeprefix(text_of(last)) if last["role"] == "assistant" else text


def text_of(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def usage_of(text: str) -> dict[str, int]:
    return {"prompt_tokens": 50, "completion_tokens": len(text.split()), "total_tokens": 50 + len(text.split())}


def answer(text: str, is_chat: bool) -> bytes:
    said: dict[str, Any] = {"message": {"role": "assistant", "content": text}} if is_chat else {"text": text}
    kind = "chat.completion" if is_chat else "text_completion"
    choice = {"index": 0, **said, "logprobs": None, "finish_reason": "stop"}
    whole = {"id": "a", "object": kind, "created": 1, "model": "m", "choices": [choice], "usage": usage_of(text)}
    return json.dumps(whole).encode()


def events(text: str, is_chat: bool) -> list[bytes]:
    pieces = re.findall(r"\S+\s*", text)
    if not is_chat:
        return [event({"text": piece}, None, False) for piece in pieces] + [event({"text": ""}, text, False)]
    begin = event({"delta": {"role": "assistant", "content": ""}}, None, True)
    return [
        begin,
        *(event({"delta": {"content": piece}}, None, True) for piece in pieces),
        event({"delta": {}}, text, True),
    ]


def event(said: dict[str, Any], ends: str | None, is_chat: bool) -> bytes:
    kind = "chat.completion.chunk" if is_chat else "text_completion"
    choice = {"index": 0, **said, "logprobs": None, "finish_reason": None if ends is None else "stop"}
    one: dict[str, Any] = {"id": "a", "object": kind, "created": 1, "model": "m", "choices": [choice]}
    if ends is not None:
        one["usage"] = usage_of(ends)
    return b"data: " + json.dumps(one).encode() + b"\n\n"


class Fake:
    def __init__(self, kind: str, log: str, seed: int, *, is_kind: bool) -> None:
        self.shares = {"right": 1} if is_kind else SHARES
        self.is_kind = is_kind
        self.tells = TELLS[kind] | {"/v1/models": models(kind)}
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.random = Random(f"{kind}:{seed}")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self.one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            pass
        finally:
            with suppress(RuntimeError):
                writer.transport.abort()

    async def one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        start = await reader.readuntil(b"\r\n\r\n")
        lines = start.lower().split(b"\r\n")
        length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
        raw = await reader.readexactly(length)
        path = start.split(b" ", 2)[1].decode()
        if not raw:
            return await self.tell(path, writer)
        act = self.random.choices(list(self.shares), list(self.shares.values()))[0]
        found = MARKER.search(raw)
        line = {"marker": found[1].decode() if found else None, "path": path, "act": act}
        os.write(self.log, json.dumps(line).encode() + b"\n")
        return await self.act(act, path, json.loads(raw), reader, writer)

    async def tell(self, path: str, writer: asyncio.StreamWriter) -> bool:
        if not self.is_kind and self.random.random() < 0.02:
            reset(writer)
            return False
        body = self.tells.get(path)
        writer.write(head("200 OK", length=len(body)) + body if body else head("404 Not Found", length=2) + b"{}")
        await writer.drain()
        return True

    async def act(
        self,
        act: str,
        path: str,
        body: dict[str, Any],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        is_chat = "messages" in body
        if not is_chat and path == "/completion":
            act = "404" if act == "right" else act  # llama.cpp's own raw path is another format
        streams, text = body.get("stream") is True, say(body)
        before, pieces, after = reply(act, text, streams, is_chat)
        writer.write(before)
        pause_s = self.pause_s(act, len(pieces))
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            if pause_s:
                await asyncio.sleep(pause_s)
        await writer.drain()
        match after:
            case "resets":
                reset(writer)
                return False
            case "closes":
                return False
            case "is silent":
                await reader.read()  # until the other side leaves
                return False
            case _:
                return True

    def pause_s(self, act: str, pieces: int) -> float:
        if not pieces or act == "byte by byte":
            return 0.0
        longest_s = 6.0 if act == "drips" else 1.2
        return self.random.random() * longest_s / pieces


def reply(act: str, text: str, streams: bool, is_chat: bool) -> tuple[bytes, list[bytes], str]:
    """What is written at once, the pieces that follow, and how it ends."""
    if act in ("400", "404", "429", "500", "503", "loading"):
        status = "503" if act == "loading" else act
        said = LOADING if act == "loading" else b'{"error":{"message":"no","type":"server_error"}}'
        more = ("Retry-After: 1",) if act == "429" else ()
        return head(f"{status} Said", "application/json", len(said), *more) + said, [], ""
    plain = {
        "is silent": (b"", "is silent"),
        "resets at once": (b"", "resets"),
        "closes at once": (b"", "closes"),
        "half a head": (b"HTTP/1.1 200 OK\r\nContent-Ty", "closes"),
        "closes after the head": (head("200 OK", "text/event-stream"), "closes"),
        "no HTTP": (b"SSH-2.0-OpenSSH_9.2\r\n", "closes"),
        "no JSON": (head("200 OK", length=6) + b"<html>", ""),
    }
    if act in plain:
        before, after = plain[act]
        return before, [], after
    if not streams:
        return whole(act, answer(text, is_chat))
    return stream(act, events(text, is_chat))


def whole(act: str, body: bytes) -> tuple[bytes, list[bytes], str]:
    before, half = head("200 OK", length=len(body)), len(body) // 2
    match act:
        case "resets half-way":
            return before, [body[:half]], "resets"
        case "closes half-way" | "no end" | "an error half-way":
            return before, [body[:half]], "closes"
        case "silent half-way":
            return before, [body[:half]], "is silent"
        case "wrong length":
            return head("200 OK", length=half), [body], "closes"
        case "two answers":
            return before, [body + before + body], ""
        case "byte by byte":
            return before, [bytes((one,)) for one in body], ""
        case _:
            return before, [body[:half], body[half:]], ""


def stream(act: str, found: list[bytes]) -> tuple[bytes, list[bytes], str]:
    before, done, half = head("200 OK", "text/event-stream"), b"data: [DONE]\n\n", len(found) // 2
    chunks, end = [in_chunk(one) for one in found], in_chunk(done) + in_chunk(b"")
    match act:
        case "resets half-way":
            return before, chunks[:half], "resets"
        case "closes half-way":
            return before, [*chunks[:half], chunks[half][:9]], "closes"
        case "silent half-way":
            return before, chunks[:half], "is silent"
        case "no end":
            return before, [*chunks[:-1], in_chunk(b"")], ""
        case "an error half-way":
            return before, [*chunks[:half], in_chunk(b'data: {"error":{"message":"no"}}\n\n') + in_chunk(b"")], ""
        case "wrong length":
            return before, [*chunks[:half], b"zz\r\n"], "closes"
        case "two answers":
            return before, [*chunks, end + before + b"".join(chunks) + end], ""
        case "byte by byte":
            data = b"".join(found) + done
            return before, [*(in_chunk(bytes((one,))) for one in data), in_chunk(b"")], ""
        case _:
            return before, [*chunks, end], ""


def reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.transport.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def models(kind: str) -> bytes:
    entry = {"id": "m", "object": "model", "owned_by": kind}
    return json.dumps({"object": "list", "data": [entry]}).encode()


async def main(kind: str, port: int, log: str, seed: int, *more: str) -> None:
    fake = Fake(kind, log, seed, is_kind="kind" in more)
    server = await asyncio.start_server(fake.serve, "127.0.0.1", port, backlog=512, limit=2**22)
    print(f"Serving at http://127.0.0.1:{port}", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), *sys.argv[5:]))
