"""Short requests that show whether a feature works, and how their answers are judged. Pure; sends nothing.

Each goes through the same dialect as any request, which already refuses much that is wrong (an answer that is no JSON, a
call that did not come). A judge only looks for what an answer must not be, so that a small model does not fail for being
small.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from tidegate.core.fold import Answer
from tidegate.core.messages import Message, TextPart
from tidegate.core.profile import Feature, Traits
from tidegate.core.requests import ChatRequest, FimRequest, Request, ToolSpec
from tidegate.dialects.base import Dialect

Judge = Callable[[Answer], bool]

_COLOUR: dict[str, Any] = {
    "type": "object",
    "properties": {"colour": {"type": "string", "enum": ["red", "green", "blue"]}},
    "required": ["colour"],
    "additionalProperties": False,
}
_TOOL = ToolSpec("report_colour", "Report the colour that was asked for.", _COLOUR)
_FORMAT = {"type": "json_schema", "json_schema": {"name": "colour", "strict": True, "schema": _COLOUR}}
_BEGUN = "The capital of France is Par"


@dataclass(frozen=True, slots=True)
class Trial:
    """One feature, the request that needs it, and whether an answer shows that it works."""

    feature: Feature
    request: Request
    holds: Judge


def _ask(*messages: Message, **fields: Any) -> ChatRequest:
    fields = {"thinking": "disabled", "max_tokens": 64, "temperature": 0.0, **fields}
    return ChatRequest(model="", messages=messages, stream=True, **fields)


def _user(text: str) -> Message:
    return Message("user", (TextPart(text),))


def not_thinking(answer: Answer) -> bool:
    return not answer.reasoning and "<think>" not in answer.text and "</think>" not in answer.text


def calls_the_tool(answer: Answer) -> bool:
    return answer.finish == "length" or any(call.name == _TOOL.name for call in answer.tool_calls)


def goes_on(answer: Answer) -> bool:
    """A continuation does not begin the sentence anew, nor with what it continues."""
    begin = answer.text.lstrip().casefold()
    return not begin.startswith(("the capital", "paris", "par", "france", "sure", "assistant"))


def says_anything(_answer: Answer) -> bool:
    """The dialect has judged it."""
    return True


_CONTINUE = _ask(
    _user("What is the capital of France?"),
    Message("assistant", (TextPart(_BEGUN),), prefix=True),
    max_tokens=8,
)


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A trait that only the server's behaviour shows: when to ask, what to suppose meanwhile, and what an answer shows.

    `shows` gives None when nothing is shown: then the trait stays unknown.
    """

    trait: str
    request: Request
    asks: Callable[[Traits, Dialect], bool]
    supposing: Callable[[Traits], Traits]
    shows: Callable[[Answer | None], bool | None]


def splits_reasoning(answer: Answer | None) -> bool | None:
    """The prompt ended inside the thought, so a text without any reasoning beside it is the thought."""
    if answer is None:
        return None
    return True if answer.reasoning else (False if answer.text else None)


def continues(answer: Answer | None) -> bool | None:
    """Only the rest of the word shows it."""
    return True if answer is not None and answer.text.startswith("is") else None


DEMONSTRATIONS: tuple[Demonstration, ...] = (
    Demonstration(
        "splits_reasoning",
        ChatRequest(
            model="", messages=(_user("What is 1+1?"),), thinking="enabled", max_tokens=32, temperature=0.0, stream=True
        ),
        lambda traits, dialect: (
            bool(traits.opens_inside) and traits.splits_reasoning is None and dialect.fit is not None
        ),
        lambda traits: traits,
        splits_reasoning,
    ),
    Demonstration(
        "continues",
        _CONTINUE,
        lambda traits, dialect: traits.continues is None and _refuses_prefix(dialect, traits),
        lambda traits: replace(traits, continues=True),
        continues,
    ),
)


def _refuses_prefix(dialect: Dialect, traits: Traits) -> bool:
    """The dialect refuses a prefix as long as nobody knows, and would not if it were known to be continued."""

    def way(known: Traits) -> str | None:
        return next((fact.way for fact in dialect.fitted(known).declares if fact.feature == "prefix"), None)

    return way(traits) == "refused" and way(replace(traits, continues=True)) != "refused"


TRIALS: tuple[Trial, ...] = (
    Trial("thinking_off", _ask(_user("What is 1+1? Answer in one word."), max_tokens=24), not_thinking),
    Trial(
        "json",
        _ask(
            _user("Which colour has the sky? Answer as JSON."),
            response_format=_FORMAT,
        ),
        says_anything,
    ),
    Trial(
        "forced_tools",
        _ask(_user("Which colour has grass?"), tools=(_TOOL,), tool_choice="required"),
        calls_the_tool,
    ),
    Trial(
        "prefix",
        _CONTINUE,
        goes_on,
    ),
    Trial(
        "fim",
        FimRequest(model="", prompt="def add(a, b):\n    return a ", suffix="\n", max_tokens=8, stream=True),
        says_anything,
    ),
)
