"""Doubles of runtimes, one for each dialect: servers on loopback that take a request as the real one was seen to take it.

What the real one ignores is ignored here, and what it gets wrong is wrong here, so a client that gets a right answer owes
it to the dialect. Sources: facts of vLLM 0.32.0, llama.cpp b11549 and transformers serve 5.19, run 2026-11-22 to 24;
SGLang 0.5.23 and Ollama fb30760 read in source; LM Studio 0.4.21 by its documentation and bug tracker.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from tests.contract.mind import CACHED_TOKENS, GAP, PROMPT_TOKENS, Said, Wish, as_raw, read_prompt, say
from tests.support.upstreams import Request, Upstream, head, in_chunk

Fields = dict[str, Any]
ANY_OBJECT = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


class Double:
    """A server: GETs from `tells`, POSTs by `post`, which gives a status and a JSON body or the pieces of a stream."""

    kind: ClassVar[str]
    chat_path: ClassVar[str] = "/v1/chat/completions"
    stream_type: ClassVar[str] = "text/event-stream"

    def __init__(self) -> None:
        self.asked: list[tuple[str, Fields]] = []
        self.upstream = Upstream(self._serve)

    @property
    def tells(self) -> dict[str, Any]:
        return {"/v1/models": {"object": "list", "data": [{"id": "m", "object": "model", "owned_by": self.kind}]}}

    def post(self, path: str, body: Fields) -> tuple[int, Any]:
        raise NotImplementedError

    async def _serve(self, request: Request) -> bool:
        path = request.head.split()[1].decode()
        if request.body:
            body = json.loads(request.body)
            self.asked.append((path, body))
            status, answer = self.post(path, body)
        else:
            status, answer = (200, self.tells[path]) if path in self.tells else (404, {"detail": "Not Found"})
        if isinstance(answer, list):
            await request.reply(head("200 OK", self.stream_type), *map(in_chunk, (*answer, b"")))
        else:
            sent = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
            await request.reply(head(f"{status} Said", length=len(sent)), sent)
        return True


def text_of(message: Fields) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def last_user(messages: list[Fields]) -> str:
    return next((text_of(one) for one in reversed(messages) if one["role"] == "user"), "").lower()


def schema_of(body: Fields) -> Fields | None:
    """The grammar that a response format makes."""
    wanted = body.get("response_format") or {}
    match wanted.get("type"):
        case "json_object":
            return ANY_OBJECT
        case "json_schema":
            return wanted["json_schema"]["schema"]
        case _:
            return None


class OpenAi(Double):
    """A server that speaks as most do; what one does otherwise is overridden by its class."""

    reasoning: ClassVar[str] = "reasoning_content"
    done: ClassVar[bool] = True
    reports_cache: ClassVar[bool] = True

    def post(self, path: str, body: Fields) -> tuple[int, Any]:
        if path == self.chat_path:
            return self.refuses(body) or (200, self.chat(body))
        return self.other(path, body)

    def other(self, _path: str, _body: Fields) -> tuple[int, Any]:
        return 404, {"detail": "Not Found"}

    def refuses(self, body: Fields) -> tuple[int, Any] | None:
        return self.overflow() if "overflow" in last_user(body["messages"]) else None

    def overflow(self) -> tuple[int, Any]:
        return 400, {"error": {"message": "too long"}}

    def wish(self, body: Fields) -> Wish:
        raise NotImplementedError

    def chat(self, body: Fields) -> Any:
        said = say(self.wish(body))
        return self.streamed(said, body) if body.get("stream") else self.whole(said, body)

    def finish(self, said: Said, _body: Fields) -> str:
        return said.finish

    def usage(self, said: Said) -> Fields:
        counted: Fields = {
            "prompt_tokens": PROMPT_TOKENS,
            "completion_tokens": said.tokens,
            "total_tokens": PROMPT_TOKENS + said.tokens,
        }
        if self.reports_cache:
            counted["prompt_tokens_details"] = {"cached_tokens": CACHED_TOKENS}
        return counted

    def deltas(self, said: Said) -> list[Fields]:
        """One piece a chunk; a call begins with its name."""
        found: list[Fields] = [{"role": "assistant", "content": ""}]
        begun: set[int] = set()
        for piece in said.pieces:
            match piece.kind:
                case "reasoning":
                    found.append({self.reasoning: piece.text})
                case "text":
                    found.append({"content": piece.text})
                case _:
                    call: Fields = {"index": piece.index, "function": {"arguments": piece.text}}
                    if piece.index not in begun:
                        begun.add(piece.index)
                        call |= {"id": f"call-{piece.index}", "type": "function"}
                        call["function"]["name"] = piece.name
                    found.append({"tool_calls": [call]})
        return found

    def streamed(self, said: Said, body: Fields) -> list[bytes]:
        chunks = [self._chunk({"delta": delta, "finish_reason": None}) for delta in self.deltas(said)]
        chunks.append(self._chunk({"delta": {}, "finish_reason": self.finish(said, body)}))
        if (body.get("stream_options") or {}).get("include_usage"):
            chunks.append(self._chunk(None, usage=self.usage(said)))
        return [*chunks, b"data: [DONE]\n\n"] if self.done else chunks

    def _chunk(self, choice: Fields | None, **more: Any) -> bytes:
        choices = [] if choice is None else [{"index": 0, "logprobs": None, **choice}]
        fields = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **more}
        return b"data: " + json.dumps(fields, ensure_ascii=False).encode() + b"\n\n"

    def whole(self, said: Said, body: Fields) -> Fields:
        message: Fields = {"role": "assistant", "content": said.joined("text") or None}
        if reasoning := said.joined("reasoning"):
            message[self.reasoning] = reasoning
        if said.calls:
            message["tool_calls"] = [
                {"id": f"call-{n}", "type": "function", "function": {"name": name, "arguments": arguments}}
                for n, (name, arguments) in enumerate(said.calls)
            ]
        choice = {"index": 0, "message": message, "finish_reason": self.finish(said, body), "logprobs": None}
        head = {"id": "x", "object": "chat.completion", "created": 1, "model": "m"}
        return {**head, "choices": [choice], "usage": self.usage(said)}


def continued(body: Fields) -> str | None:
    """The text of a trailing assistant message."""
    last = body["messages"][-1]
    return text_of(last) if last["role"] == "assistant" else None


class RawCompletions:
    """`/v1/completions` with a prompt that is taken as it stands; a V4 model is behind it."""

    def completed(self, body: Fields, *, schema: Fields | None = None) -> list[bytes]:
        if "<｜fim▁hole｜>" in body["prompt"]:
            return gap_stream()
        said = say(read_prompt(body["prompt"], body.get("max_tokens"), schema))
        return completion_stream(as_raw(said), said.finish)


def completion_stream(pieces: list[str], finish: str) -> list[bytes]:
    reason = "length" if finish == "length" else "stop"
    choices: list[Fields] = [{"index": 0, "text": piece, "finish_reason": None, "logprobs": None} for piece in pieces]
    choices.append({"index": 0, "text": "", "finish_reason": reason, "logprobs": None})
    usage = {
        "prompt_tokens": PROMPT_TOKENS,
        "completion_tokens": len(pieces),
        "total_tokens": PROMPT_TOKENS + len(pieces),
        "prompt_tokens_details": {"cached_tokens": CACHED_TOKENS},
    }
    frames: list[Fields] = [{"choices": [choice]} for choice in choices] + [{"choices": [], "usage": usage}]
    head = {"id": "x", "object": "text_completion", "created": 1, "model": "m"}
    lines = [b"data: " + json.dumps({**head, **frame}, ensure_ascii=False).encode() + b"\n\n" for frame in frames]
    return [*lines, b"data: [DONE]\n\n"]


def gap_stream() -> list[bytes]:
    return completion_stream([GAP[:3], GAP[3:]], "stop")
