"""The scripted brain: answers that follow from the request alone, so that a test can say what will come. Pure.

What it says, in the order in which it looks:

* `Return exactly: X` or `Say exactly: X` at the end of the last user message: the answer is X.
* A tool call, when the last message is the user's and `tool_choice` allows: of each tool whose name stands in the text,
  in the order of the text; of every tool if it says "use the tools" or "use the tool"; `required` without a name calls
  the first. Arguments fill the schema's required properties (`arguments`). After tool results it quotes them.
* JSON mode: an object with the keys of the first JSON object in the prompt, or an instance of the schema asked for.
* `about N words` in the last user message: N words, for load. Otherwise a few sentences about what was asked.
* A prefix is continued and never repeated, in thought and in text; a gap is filled by a line that names its two sides.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Iterator
from itertools import cycle, islice
from typing import Any, assert_never

from tidegate.core.events import Reasoning, Text, ToolCall
from tidegate.core.jsonvalue import as_object
from tidegate.core.messages import Message, ReasoningPart, TextPart
from tidegate.core.requests import ChatRequest, FimRequest, NamedTool, ToolSpec
from tidegate.simulator.arguments import Inventor
from tidegate.simulator.brain import Said, Task

_EXACTLY = re.compile(r"(?:Return|Say) exactly: ?(.*)\Z", re.DOTALL)
_ABOUT = re.compile(r"\babout (\d{1,6}) words\b")
_USE_TOOLS = re.compile(r"\buse the tools?\b", re.IGNORECASE)
_SENTENCES = {"off": 0, "low": 1, "high": 3, "max": 6}
_QUOTED_WORDS = 12
_THOUGHTS = (
    "The user wrote: {asked}.",
    "I am a simulator, so nothing is looked up and nothing is guessed.",
    "What counts is that the answer has the right shape and the right number of tokens.",
    "Let me check the request once more: its last message is the one to answer.",
    "A short answer in plain sentences is enough here.",
    "I have all I need and can answer now.",
)
_FILLING = (
    "The tide comes in and the gate opens by rule . Water that is private stays inside . "
    "Each count is written down with its minute , and nobody repairs what was not said ."
)


class ScriptedBrain:
    async def answer(self, task: Task) -> AsyncGenerator[Said, None]:
        for piece in script(task):
            yield piece


def script(task: Task) -> Iterator[Said]:
    """All that is said, in as few pieces as possible."""
    request = task.request
    match request:
        case FimRequest():
            yield Text(_filling_in(request))
        case ChatRequest():
            yield from _chat(request, task)
        case _:
            assert_never(request)


def _chat(request: ChatRequest, task: Task) -> Iterator[Said]:
    last = request.messages[-1]
    begun = last.prefix and last.role == "assistant"
    asked = _last_user_text(request)
    if task.effort != "off" and not (begun and _text(last)):
        thoughts = _thoughts(asked, _SENTENCES[task.effort])
        yield Reasoning(thoughts.removeprefix(_thought(last)) if begun else thoughts)
    if calls := _calls(request, asked):
        yield from calls
    elif begun:
        yield Text(_continuation(_text(last), asked))
    else:
        yield Text(_answer(request, asked))


def _thought(message: Message) -> str:
    return "".join(part.text for part in message.parts if isinstance(part, ReasoningPart))


def _thoughts(asked: str, sentences: int) -> str:
    return " ".join(_THOUGHTS[:sentences]).replace("{asked}", _short(asked) or "nothing")


def _answer(request: ChatRequest, asked: str) -> str:
    if exact := _EXACTLY.search(asked):
        return exact[1]
    if _wants_json(request):
        return _written(_object(request, asked))
    if about := _ABOUT.search(asked):
        return " ".join(islice(cycle(_FILLING.split()), int(about[1])))
    if request.messages[-1].role == "tool":
        results = [_short(_text(message)) for message in request.messages if message.role == "tool"]
        return "The tools answered: " + "; ".join(results) + "."
    return f"You wrote: {_short(asked) or 'nothing'}. This is the simulated answer, the same for the same request."


def _continuation(begun: str, asked: str) -> str:
    """What comes after the prefix; begins with the blank that the prefix lacks."""
    if exact := _EXACTLY.search(asked):
        return exact[1].removeprefix(begun)
    blank = "" if not begun or begun[-1].isspace() else " "
    return f"{blank}and this is how the simulator goes on after {len(begun)} characters."


def _filling_in(request: FimRequest) -> str:
    """One line between prompt and suffix, in the indentation of the prompt's last line."""
    before = request.prompt.rstrip().rpartition("\n")[2].strip()[-40:]
    after = (request.suffix or "").strip().partition("\n")[0][:40]
    indent = re.search(r"[ \t]*\Z", request.prompt)
    begin = "" if indent and indent[0] else " "
    return f"{begin}# between {json.dumps(before, ensure_ascii=False)} and {json.dumps(after, ensure_ascii=False)}\n"


# -- tools -------------------------------------------------------------------------------------------------------------


def _calls(request: ChatRequest, asked: str) -> list[ToolCall]:
    called = _called_tools(request, asked)
    if not called:
        return []
    inventor = Inventor(asked)
    return [
        ToolCall(index, None, tool.name, _written(inventor.arguments(tool.parameters)))
        for index, tool in enumerate(called)
    ]


def _called_tools(request: ChatRequest, asked: str) -> list[ToolSpec]:
    choice = request.tool_choice
    if not request.tools or choice == "none":
        return []
    if isinstance(choice, NamedTool):
        return [tool for tool in request.tools if tool.name == choice.name]
    if request.messages[-1].role == "user":
        if named := _named(request.tools, asked):
            return named
        if _USE_TOOLS.search(asked):
            return list(request.tools)
    return [request.tools[0]] if choice == "required" else []


def _named(tools: tuple[ToolSpec, ...], asked: str) -> list[ToolSpec]:
    found = [(re.search(rf"(?<![\w-]){re.escape(tool.name)}(?![\w-])", asked), tool) for tool in tools]
    placed = [(match.start(), tool) for match, tool in found if match]
    return [tool for _, tool in sorted(placed, key=lambda pair: pair[0])]


# -- JSON --------------------------------------------------------------------------------------------------------------


def _wants_json(request: ChatRequest) -> bool:
    return (request.response_format or {}).get("type") in ("json_object", "json_schema")


def _object(request: ChatRequest, asked: str) -> dict[str, Any]:
    schema = _schema(request.response_format or {})
    if schema is not None:
        return Inventor(asked).arguments(schema)
    for message in reversed(request.messages):
        if found := _first_object(_text(message)):
            return found
    return {"answer": "This is the simulated answer.", "question": _short(asked)}


def _schema(wanted: dict[str, Any]) -> dict[str, Any] | None:
    named = as_object(wanted.get("json_schema"))
    return as_object(named.get("schema")) if named is not None else None


def _first_object(text: str) -> dict[str, Any] | None:
    place = text.find("{")
    if place < 0:
        return None
    try:
        value, _ = json.JSONDecoder().raw_decode(text[place:])
        _written(value).encode()  # neither NaN, nor half a surrogate pair, nor deeper than can be written again
    except (ValueError, RecursionError):
        return None
    return as_object(value)


def _written(value: Any) -> str:
    """JSON as its standard has it: Python's NaN and Infinity are no part of it."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


# -- reading the request -----------------------------------------------------------------------------------------------


def _text(message: Message) -> str:
    return "\n\n".join(part.text for part in message.parts if isinstance(part, TextPart))


def _last_user_text(request: ChatRequest) -> str:
    return next((_text(message) for message in reversed(request.messages) if message.role == "user"), "")


def _short(text: str) -> str:
    words = text.split(maxsplit=_QUOTED_WORDS)
    return " ".join(words[:_QUOTED_WORDS]) + (" ..." if len(words) > _QUOTED_WORDS else "")
