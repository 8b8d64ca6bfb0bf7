"""The doubles of servers that speak as OpenAI's does, each with what it ignores and what it gets wrong.

`v4`: the server runs V4 weights, with the parsers and tokenizer that its makers name for them.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from tests.contract.doubles import (
    Fields,
    OpenAi,
    RawCompletions,
    continued,
    gap_stream,
    last_user,
    schema_of,
)
from tests.contract.mind import CACHED_TOKENS, GAP, PROMPT_TOKENS, Said, Wish, as_raw, read_prompt, say


def switch(body: Fields, *names: str, default: bool) -> bool:
    """Whether the template thinks, by the switches that it knows."""
    told: Fields = body.get("chat_template_kwargs") or {}
    return next((bool(told[name]) for name in names if name in told), default)


def forced_by(choice: Any) -> str | None:
    if isinstance(choice, dict):
        return choice["function"]["name"]
    return "" if choice == "required" else None


def offered(body: Fields) -> tuple[Fields, ...]:
    return () if body.get("tool_choice") == "none" else tuple(body.get("tools") or ())


def all_strict(tools: tuple[Fields, ...]) -> bool:
    return all(tool["function"].get("strict") for tool in tools)


class Vllm(OpenAi, RawCompletions):
    """Thinks unless both switches are off; forces a call's shape, and its arguments only where `strict`; closes a prefix
    in DeepSeek's tokenizer mode."""

    kind = "vllm"
    reasoning = "reasoning"

    def __init__(self, *, v4: bool = False) -> None:
        super().__init__()
        self.v4 = v4

    @property
    def tells(self) -> dict[str, Any]:
        entry = {"id": "m", "object": "model", "owned_by": "vllm", "root": "m", "max_model_len": 65536}
        return {"/version": {"version": "0.32.0"}, "/v1/models": {"object": "list", "data": [entry]}}

    def other(self, path: str, body: Fields) -> tuple[int, Any]:
        match path:
            case "/tokenize":
                return 200, self._tokens(body)
            case "/v1/completions" if "suffix" not in body:
                return 200, self.completed(body)
            case "/v1/completions" if self.v4:
                return 200, gap_stream()
            case "/v1/completions":
                text = "suffix is only supported for models with FIM completion rendering"
                return 400, {"error": {"message": text, "type": "BadRequestError", "param": "suffix", "code": 400}}
            case _:
                return 404, {"detail": "Not Found"}

    def _tokens(self, body: Fields) -> Fields:
        if "prompt" in body:
            return {"tokens": [128825] if self.v4 and body["prompt"] == "｜DSML｜" else [1, 2, 3]}
        if not body.get("continue_final_message"):
            return {"tokens": [1], "token_strs": ["Say", "Ġhi", ".", "<｜Assistant｜>", "<think>" if self.v4 else "Ċ"]}
        end = ["<｜end▁of▁sentence｜>"] if self.v4 else []
        return {"tokens": [1], "token_strs": ["The", "Ġriver", "Ġis", *end]}

    def overflow(self) -> tuple[int, Any]:
        text = (
            "This model's maximum context length is 65536 tokens. However, your prompt contains at least 65537 input "
            "tokens, which exceeds this limit even without any output tokens."
        )
        return 400, {"error": {"message": text, "type": "BadRequestError", "param": "input_tokens", "code": 400}}

    def wish(self, body: Fields) -> Wish:
        prefix = continued(body) if body.get("continue_final_message") and not self.v4 else None
        tools = offered(body)
        thinks = self.v4 and switch(body, "thinking", "enable_thinking", default=True)
        return Wish(
            text=last_user(body["messages"]),
            thinks=thinks,
            schema=schema_of(body),
            tools=tools,
            forced=forced_by(body.get("tool_choice")),
            strict=all_strict(tools),
            prefix=prefix,
            max_tokens=body.get("max_tokens"),
        )

    def finish(self, said: Said, body: Fields) -> str:
        named = isinstance(body.get("tool_choice"), dict)
        return "stop" if named and said.finish == "tool_calls" else said.finish

    def whole(self, said: Said, body: Fields) -> Fields:
        """Unstreamed, a call that was cut comes as an empty one that looks complete."""
        answer = super().whole(said, body)
        if said.finish == "length" and said.calls:
            answer["choices"][0]["message"]["tool_calls"][-1]["function"]["arguments"] = "{}"
            answer["choices"][0]["finish_reason"] = "tool_calls"
        return answer


class Sglang(OpenAi, RawCompletions):
    """Does not think unless told; makes a user's turn of a trailing assistant message unless told to continue it."""

    kind = "sglang"

    def __init__(self, *, v4: bool = False) -> None:
        super().__init__()
        self.v4 = v4

    @property
    def tells(self) -> dict[str, Any]:
        entry = {"id": "m", "object": "model", "owned_by": "sglang", "max_model_len": 65536}
        parsers = ("deepseek-v4", "deepseekv4") if self.v4 else ("qwen3", "qwen25")
        info = {"model_path": "m", "reasoning_parser": parsers[0], "tool_call_parser": parsers[1]}
        return {
            "/server_info": {"version": "0.5.23"},
            "/v1/models": {"object": "list", "data": [entry]},
            "/model_info": info,
        }

    def other(self, path: str, body: Fields) -> tuple[int, Any]:
        match path:
            case "/tokenize":
                return 200, {"tokens": [128825] if self.v4 and body.get("prompt") == "｜DSML｜" else [1, 2, 3]}
            case "/v1/completions":
                return 200, self.completed(body)
            case _:
                return 404, {"detail": "Not Found"}

    def overflow(self) -> tuple[int, Any]:
        text = "The input (65537 tokens) is longer than the model's context length (65536 tokens)."
        return 400, {"object": "error", "message": text, "type": "BadRequestError", "param": None, "code": 400}

    def wish(self, body: Fields) -> Wish:
        prefix = continued(body) if body.get("continue_final_message") else None
        return Wish(
            text=last_user(body["messages"]),
            thinks=switch(body, "thinking", "enable_thinking", default=False),
            schema=schema_of(body),
            tools=offered(body),
            forced=forced_by(body.get("tool_choice")),
            strict=True,
            prefix=prefix,
            thought_before=bool(prefix),
            max_tokens=body.get("max_tokens"),
        )


class LlamaCpp(OpenAi):
    """Accepts a forced tool and enforces nothing; continues any trailing assistant message; knows no model names."""

    kind = "llamacpp"
    infills: ClassVar[bool] = True

    def __init__(self, *, v4: bool = False) -> None:
        super().__init__()
        self.v4 = v4

    @property
    def tells(self) -> dict[str, Any]:
        props = {"build_info": "b11549", "default_generation_settings": {"n_ctx": 65536}, "total_slots": 2}
        listed = {"object": "list", "data": [{"id": "m", "object": "model", "owned_by": "llamacpp"}]}
        return {"/props": props, "/v1/models": listed, "/models": listed}

    def other(self, path: str, body: Fields) -> tuple[int, Any]:
        match path:
            case "/tokenize":
                return 200, {"tokens": [128825] if self.v4 and body["content"] == "｜DSML｜" else [1, 2, 3]}
            case "/apply-template":
                return 200, {"prompt": "hi<｜Assistant｜><think>" if self.v4 else "<|im_start|>assistant\n<think>\n"}
            case "/infill":
                return 200, pieces_stream([GAP[:3], GAP[3:]], "stop")
            case "/completion" if "<｜fim▁hole｜>" in str(body["prompt"]):
                return 200, pieces_stream([GAP[:3], GAP[3:]], "stop")
            case "/completion":
                prompt = body["prompt"] if isinstance(body["prompt"], str) else body["prompt"][1]
                said = say(read_prompt(prompt, body.get("n_predict"), body.get("json_schema")))
                return 200, pieces_stream(as_raw(said), said.finish)
            case _:
                return 404, {"error": {"message": "File Not Found", "type": "not_found_error", "code": 404}}

    def overflow(self) -> tuple[int, Any]:
        text = "request (65537 tokens) exceeds the available context size (65536 tokens), try increasing it"
        kind = "exceed_context_size_error"
        return 400, {"error": {"code": 400, "message": text, "type": kind, "n_prompt_tokens": 65537, "n_ctx": 65536}}

    def wish(self, body: Fields) -> Wish:
        prefix = continued(body)
        return Wish(
            text=last_user(body["messages"]),
            thinks=switch(body, "enable_thinking", default=True),
            schema=schema_of(body),
            tools=offered(body),
            prefix=prefix,
            thought_before=prefix is not None,
            max_tokens=body.get("max_tokens"),
        )


def pieces_stream(pieces: list[str], finish: str) -> list[bytes]:
    """As `/completion` and `/infill` stream."""
    frames: list[Fields] = [
        {"content": piece, "stop": False, "tokens_predicted": n, "tokens_evaluated": PROMPT_TOKENS}
        for n, piece in enumerate(pieces, 1)
    ]
    frames.append(
        {
            "content": "",
            "stop": True,
            "stop_type": "limit" if finish == "length" else "eos",
            "stopping_word": "",
            "tokens_predicted": len(pieces),
            "tokens_evaluated": PROMPT_TOKENS,
            "timings": {"cache_n": CACHED_TOKENS},
        }
    )
    return [b"data: " + json.dumps(frame, ensure_ascii=False).encode() + b"\n\n" for frame in frames]


class Embedded(LlamaCpp):
    """The demo model's server; nothing is asked of it, as it is ours."""

    kind = "embedded"


class LmStudio(OpenAi, RawCompletions):
    """Thinks inside the text unless `reasoning_effort` is none; knows `json_schema` only, and no named function."""

    kind = "lmstudio"
    reports_cache = False

    def __init__(self, *, v4: bool = False) -> None:
        super().__init__()
        self.v4 = v4

    @property
    def tells(self) -> dict[str, Any]:
        arch = "deepseek4" if self.v4 else "qwen2"
        entry = {"id": "m", "state": "loaded", "arch": arch, "loaded_context_length": 65536, "object": "model"}
        return {
            "/v1/models": {"object": "list", "data": [{"id": "m", "object": "model"}]},
            "/api/v0/models": {"object": "list", "data": [entry]},
        }

    def other(self, path: str, body: Fields) -> tuple[int, Any]:
        if path != "/v1/completions":
            return 404, {"error": "Unexpected endpoint or method."}
        if "overflow" in body["prompt"]:
            return self.overflow()
        return 200, self.completed(body)

    def refuses(self, body: Fields) -> tuple[int, Any] | None:
        if (body.get("response_format") or {}).get("type") == "json_object":
            return 400, {"error": "'response_format.type' must be 'json_schema' or 'text'"}
        if isinstance(body.get("tool_choice"), dict):
            return 400, {"error": "Invalid tool_choice type: 'object'. Supported string values: none, auto, required"}
        return super().refuses(body)

    def overflow(self) -> tuple[int, Any]:
        text = (
            "The number of tokens to keep from the initial prompt is greater than the context length "
            "(n_keep: 65537>= n_ctx: 65536)."
        )
        return 400, {"error": text}

    def wish(self, body: Fields) -> Wish:
        return Wish(
            text=last_user(body["messages"]),
            thinks=body.get("reasoning_effort") != "none" and schema_of(body) is None,
            schema=schema_of(body),
            tools=offered(body),
            forced=forced_by(body.get("tool_choice")),
            strict=True,
            max_tokens=body.get("max_tokens"),
        )

    def deltas(self, said: Said) -> list[Fields]:
        """Reasoning stands inside the text."""
        found = super().deltas(said)
        thoughts = [n for n, delta in enumerate(found) if self.reasoning in delta]
        inline = [{"content": delta[self.reasoning]} if self.reasoning in delta else delta for delta in found]
        if not thoughts:
            return inline
        begin, end = thoughts[0], thoughts[-1] + 1
        return [*inline[:begin], {"content": "<think>"}, *inline[begin:end], {"content": "</think>\n"}, *inline[end:]]

    def whole(self, said: Said, body: Fields) -> Fields:
        answer = super().whole(said, body)
        message = answer["choices"][0]["message"]
        if thought := message.pop(self.reasoning, None):
            message["content"] = f"<think>{thought}</think>\n{message['content'] or ''}"
        return answer


class TransformersServe(OpenAi):
    """Ignores formats, forced tools and logprobs; never says `[DONE]`; answers a prefix anew; refuses unknown fields."""

    kind = "transformers_serve"
    done = False
    reports_cache = False

    @property
    def tells(self) -> dict[str, Any]:
        paths = {"/v1/chat/completions": {"post": {"operationId": "chat_completions_v1_chat_completions_post"}}}
        return {**super().tells, "/health": {"status": "ok"}, "/openapi.json": {"paths": paths}}

    def refuses(self, body: Fields) -> tuple[int, Any] | None:
        for name in ("thinking", "user_id", "chat_template_kwargs"):
            if name in body:
                return 422, {"detail": f"Unexpected fields in the request: {{'{name}'}}"}
        return None  # no window is checked

    def wish(self, body: Fields) -> Wish:
        return Wish(text=last_user(body["messages"]), tools=offered(body), max_tokens=body.get("max_tokens"))

    def streamed(self, said: Said, body: Fields) -> list[bytes]:
        chunks = [self._chunk({"delta": delta, "finish_reason": None}) for delta in self.deltas(said)]
        return [*chunks, self._chunk({"delta": {}, "finish_reason": said.finish}, usage=self.usage(said))]


class Generic(OpenAi):
    """Some server: it does not think, ignores what is DeepSeek's own, honours formats, and closes a prefix."""

    kind = "generic"
    reports_cache = False

    def overflow(self) -> tuple[int, Any]:
        text = "This model's maximum context length is 65536 tokens. However, you requested 65537 tokens."
        return 400, {"error": {"message": text, "type": "invalid_request_error", "param": None, "code": None}}

    def wish(self, body: Fields) -> Wish:
        return Wish(
            text=last_user(body["messages"]),
            schema=schema_of(body),
            tools=offered(body),
            max_tokens=body.get("max_tokens"),
        )
