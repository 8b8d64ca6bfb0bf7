"""Messages of the role `latest_reminder` for templates that do not know it. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from tidegate.core.requests import ChatRequest
from tidegate.dialects.base import COMMON, MeaningQuirk

REMINDER = COMMON.rule(
    "REQ024",
    "messages of the role latest_reminder are sent with the role system, unless the model's template is DeepSeek's",
    why="Only DeepSeek's V4 and V4.1 prompts have a place for the role; other templates drop such messages, fail, or write "
    "a role that the model never saw.",
    source="deepseek-recipe 0.2.0 renders it, run 2026-11-22; Ollama source fb30760, 2026-08-21",
    checked="2026-11-24",
)


def remind_as_system(request: ChatRequest) -> ChatRequest:
    if all(message.role != "latest_reminder" for message in request.messages):
        return request
    messages = [
        replace(message, role="system") if message.role == "latest_reminder" else message
        for message in request.messages
    ]
    return replace(request, messages=tuple(messages))


AS_SYSTEM: MeaningQuirk = (REMINDER, remind_as_system)
