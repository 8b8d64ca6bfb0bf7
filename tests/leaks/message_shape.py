"""A chat request of the OpenAI shape as Anthropic Messages."""

from __future__ import annotations

import json
from typing import Any


def as_messages(fields: dict[str, Any]) -> dict[str, Any]:
    """The same in the shape of Anthropic Messages."""
    system, *rest = fields.pop("messages")
    said: list[dict[str, Any]] = []
    for turn in rest:
        if turn["role"] == "tool":
            block = {"type": "tool_result", "tool_use_id": turn["tool_call_id"], "content": turn["content"]}
            said.append({"role": "user", "content": [block]})
        else:
            said.append({"role": turn["role"], "content": _blocks(turn)})
    tools = [
        {"name": one["function"]["name"], "input_schema": one["function"]["parameters"]}
        for one in fields.pop("tools", ())
    ]
    stop = fields.pop("stop", None)
    more = {"tools": tools} if tools else {}
    more |= {"stop_sequences": stop} if stop else {}
    return {**fields, **more, "system": system["content"], "messages": said}


def _blocks(turn: dict[str, Any]) -> Any:
    content = turn["content"]
    if isinstance(content, list):
        head, _, data = content[1]["image_url"]["url"].partition(";base64,")
        source = {"type": "base64", "media_type": head.removeprefix("data:"), "data": data}
        return [content[0], {"type": "image", "source": source}]
    blocks: list[dict[str, Any]] = []
    if "reasoning_content" in turn:
        blocks.append({"type": "thinking", "thinking": turn["reasoning_content"], "signature": ""})
    if content:
        blocks.append({"type": "text", "text": content})
    for call in turn.get("tool_calls", ()):
        function = call["function"]
        used = {"name": function["name"], "input": json.loads(function["arguments"])}
        blocks.append({"type": "tool_use", "id": call["id"], **used})
    return blocks if len(blocks) != 1 or blocks[0]["type"] != "text" else content
