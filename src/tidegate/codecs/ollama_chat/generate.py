"""Answers of `/api/generate`: the lines of `/api/chat` with the text in `response` instead of a message.

Read as a completion: logprobs are those that completions have. Source: Ollama's source at fb30760, 2026-08-21, not run.
"""

from __future__ import annotations

from typing import Any

from tidegate.codecs.answers import text_of
from tidegate.codecs.ollama_chat.lines import LineDecoder
from tidegate.core.events import Event, Milestones, milestones
from tidegate.core.fold import Answer, fold
from tidegate.core.jsonvalue import as_list, as_object


class GenerateDecoder(LineDecoder):
    """Lines of one answer to events."""

    __slots__ = ("_offset",)

    def __init__(self) -> None:
        super().__init__()
        self._offset = 0

    def decode(self, line: dict[str, Any]) -> tuple[Event, ...]:
        said = {"content": line.get("response"), "thinking": line.get("thinking")}
        tokens = [self._token(as_object(token) or {}) for token in as_list(line.get("logprobs")) or ()]
        return super().decode({**line, "message": said, "logprobs": tokens})

    def _token(self, token: dict[str, Any]) -> dict[str, Any]:
        text = text_of(token.get("token"))
        others = [as_object(each) or {} for each in as_list(token.get("top_logprobs")) or ()]
        begun, self._offset = self._offset, self._offset + len(text)
        return {
            "token": text,
            "logprob": token.get("logprob"),
            "top_logprobs": {text_of(each.get("token")): each.get("logprob") for each in others},
            "text_offset": begun,
        }


def decode_answer(fields: dict[str, Any]) -> Answer:
    return fold(GenerateDecoder().decode(fields))


def answer_milestones(fields: dict[str, Any]) -> Milestones:
    return milestones(GenerateDecoder().decode(fields))
