"""The double of Ollama: `/api/chat` and `/api/generate` in lines of JSON. Read at source fb30760, 2026-08-21, not run."""

from __future__ import annotations

import json
from typing import Any

from tests.contract.doubles import ANY_OBJECT, Double, Fields, last_user
from tests.contract.mind import GAP, PROMPT_TOKENS, Said, Wish, as_raw, read_prompt, say

Lines = list[bytes]


class Ollama(Double):
    """Knows no forced tool; `format` constrains; reports no cache and no tokens of reasoning."""

    kind = "ollama"
    stream_type = "application/x-ndjson"

    def __init__(self, *, v4: bool = False) -> None:
        super().__init__()
        self.v4 = v4

    @property
    def tells(self) -> dict[str, Any]:
        return {
            "/": "Ollama is running",
            "/api/version": {"version": "0.33.0"},
            "/api/status": {"cloud": {"disabled": True, "source": "env"}},
            "/api/ps": {"models": [{"name": "m:latest", "model": "m:latest", "context_length": 65536}]},
            "/api/tags": {"models": [{"name": "m", "model": "m"}]},
            "/v1/models": {"object": "list", "data": [{"id": "m", "object": "model", "owned_by": "library"}]},
        }

    def post(self, path: str, body: Fields) -> tuple[int, Any]:
        match path:
            case "/api/show":
                arch = "deepseek4" if self.v4 else "qwen2"
                skills = ["completion", "tools", "thinking"] + ([] if self.v4 else ["insert"])
                return 200, {"capabilities": skills, "model_info": {"general.architecture": arch}}
            case "/api/chat":
                return self._chat(body)
            case "/api/generate" if "overflow" in body["prompt"]:
                return _too_long()
            case "/api/generate":
                return 200, self._generate(body)
            case _:
                return 404, {"error": "not found"}

    def _chat(self, body: Fields) -> tuple[int, Any]:
        text = last_user(body["messages"])
        if "overflow" in text:
            return _too_long()
        schema = body.get("format")
        said = say(
            Wish(
                text=text,
                thinks=body.get("think", True) is not False,
                schema=ANY_OBJECT if schema == "json" else schema,
                tools=tuple(body.get("tools") or ()),
                max_tokens=(body.get("options") or {}).get("num_predict"),
            )
        )
        return 200, self._lines(said)

    def _lines(self, said: Said) -> Lines:
        """A call comes whole, in one line."""
        lines: list[Fields] = []
        for piece in said.pieces:
            if piece.kind != "call":
                name = "thinking" if piece.kind == "reasoning" else "content"
                lines.append({"message": {"role": "assistant", "content": "", name: piece.text}})
        if said.finish != "length":
            for name, arguments in said.calls:
                call = {"function": {"name": name, "arguments": json.loads(arguments)}}
                lines.append({"message": {"role": "assistant", "content": "", "tool_calls": [call]}})
        return _ended(lines, said.finish, said.tokens, {"message": {"role": "assistant", "content": ""}})

    def _generate(self, body: Fields) -> Lines:
        options = body.get("options") or {}
        if "suffix" in body or "<｜fim▁hole｜>" in body["prompt"]:
            return _ended([{"response": GAP[:3]}, {"response": GAP[3:]}], "stop", 2, {"response": ""})
        schema = body.get("format")
        said = say(read_prompt(body["prompt"], options.get("num_predict"), ANY_OBJECT if schema == "json" else schema))
        pieces = as_raw(said)
        return _ended([{"response": piece} for piece in pieces], said.finish, len(pieces), {"response": ""})


def _too_long() -> tuple[int, Any]:
    told = "the prompt is longer than the context length currently available to the model; reduce the prompt"
    return 400, {"error": told}


def _ended(lines: list[Fields], finish: str, tokens: int, last: Fields) -> Lines:
    reason = "length" if finish == "length" else "stop"
    counted = {"prompt_eval_count": PROMPT_TOKENS, "eval_count": tokens}
    every = [*({**line, "done": False} for line in lines), {**last, "done": True, "done_reason": reason, **counted}]
    head = {"model": "m", "created_at": "2026-11-24T00:00:00Z"}
    return [json.dumps({**head, **line}, ensure_ascii=False).encode() + b"\n" for line in every]
