"""DSML, the markup in which DeepSeek's models write tool calls: where it begins in a text, and what a block of it says.

    <｜DSML｜tool_calls>                                                    V4.1: <｜DSML｜ calls>, one blank after the mark
    <｜DSML｜invoke name="w">
    <｜DSML｜parameter name="c" string="true">Paris</｜DSML｜parameter>      raw text
    <｜DSML｜parameter name="n" string="false">3</｜DSML｜parameter>         JSON
    </｜DSML｜invoke>
    </｜DSML｜tool_calls>

Pure, and indifferent to how the text is cut. V3.2 calls the block `function_calls`; text that leaked was seen with other
and with doubled bars, and with calls outside any block (openclaw/openclaw#128858, cline/cline#13348,
lsdefine/GenericAgent#804, sgl-project/sglang#40236; read 2026-11-24). All of these are read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

_BAR = "[｜|‖]{1,2}"
_BLOCKS = ("tool_calls", "calls", "function_calls")
_WORDS = (*(f"{name}>" for name in _BLOCKS), "invoke", "parameter")
_MARK = rf"{_BAR}DSML{_BAR} ?"

MARK = re.compile(rf"</?{_BAR}DSML{_BAR}")
"""What no text holds that is not DSML."""
HEAD = re.compile(rf"<(?P<end>/?){_MARK}(?P<word>(?:{'|'.join(_BLOCKS)})>|invoke|parameter)")
"""A tag up to its word."""
_BEGUN = re.compile(rf"<(?:/?(?:{_BAR}(?:DSML|DSM|DS|D)?)?|/?{_MARK}(?P<word>[a-z_]*))")
_LONGEST_BEGUN = 32

_END = re.compile(rf"</{_MARK}")
_END_PARAMETER = re.compile(rf"</{_MARK}parameter>")
_INVOKE = re.compile(rf'<{_MARK}invoke\s+name="(?P<name>[^"<>]+)"\s*>')
# A name stands as it is, quotes and all (deepseek-recipe 0.2.0 writes it so, run 2026-11-24).
_PARAMETER = re.compile(rf'<{_MARK}parameter\s+name="(?P<name>.*?)"\s+string="(?P<text>true|false)"\s*>', re.DOTALL)
_LONGEST_TAG = 4096


class Unreadable(Exception):
    """The markup is not DSML as models are taught to write it. Says nothing of its content."""


class Piece(NamedTuple):
    """What a piece of markup says of a call: a name begins the next one, `arguments` is more JSON text of it."""

    name: str | None
    arguments: str


def begun(text: str) -> int:
    """Where the end of the text may begin a tag; its length if it does not."""
    place = text.rfind("<", -_LONGEST_BEGUN)
    return place if place >= 0 and _may_become_tag(text[place:]) else len(text)


def _may_become_tag(text: str) -> bool:
    begin = _BEGUN.fullmatch(text)
    return begin is not None and any(word.startswith(begin["word"] or "") and word != begin["word"] for word in _WORDS)


class BlockReader:
    """Reads one block from its first tag on. `over` once it is closed; `rest` is then the text behind it.

    A call outside a block is a block of its own, `bare`. Between tags only whitespace is taken: whatever else stands
    there may be the arguments of a call, and a call without them is not what the model meant.
    """

    def __init__(self, *, bare: bool) -> None:
        self.bare = bare
        self.over = False
        self.rest = ""
        self._state: Literal["opening", "block", "call", "value"] = "block" if bare else "opening"
        self._text = False
        self._parameters = 0
        self._calls = 0

    @property
    def complete(self) -> bool:
        """Whether nothing is missing but the end of the block itself, as DeepSeek's own parser has it."""
        return self.over or (self._state == "block" and self._calls > 0 and not self.rest.strip())

    def feed(self, text: str) -> list[Piece]:
        if self._state == "value" and text and not self.rest and "<" not in text:
            return [Piece(None, self._written(text))]
        self.rest += text
        said: list[Piece] = []
        while not self.over:
            before = len(self.rest), self._state
            said += self._step()
            if (len(self.rest), self._state) == before:
                break
        return said

    def _step(self) -> Iterator[Piece]:
        if self._state == "value":
            yield from self._value()
            return
        self.rest = self.rest.lstrip()
        head = HEAD.match(self.rest)
        if head is None:
            if self.rest and not _may_become_tag(self.rest):
                raise Unreadable
            return
        match self._state, head["end"], head["word"].removesuffix(">"):
            case "opening", "", "tool_calls" | "calls" | "function_calls":
                self._state, self.rest = "block", self.rest[head.end() :]
            case "block", "/", "tool_calls" | "calls" | "function_calls" if not self.bare:
                self.over, self.rest = True, self.rest[head.end() :]
            case "block", "", "invoke":
                yield from self._invoke()
            case "call", "", "parameter":
                yield from self._parameter()
            case "call", "/", "invoke":
                yield from self._end_call(head.end())
            case _:
                raise Unreadable

    def _invoke(self) -> Iterator[Piece]:
        if tag := self._tag(_INVOKE):
            self._state, self._parameters = "call", 0
            yield Piece(tag["name"], "")
        elif ">" in self.rest:
            raise Unreadable

    def _parameter(self) -> Iterator[Piece]:
        if tag := self._tag(_PARAMETER):
            if HEAD.search(tag["name"]):
                raise Unreadable
            self._state, self._text = "value", tag["text"] == "true"
            begin, quote = ", " if self._parameters else "{", '"' if self._text else ""
            self._parameters += 1
            yield Piece(None, f"{begin}{json.dumps(tag['name'], ensure_ascii=False)}: {quote}")
        elif HEAD.search(self.rest, 1):
            raise Unreadable

    def _tag(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """The whole tag, taken off; None while it may still grow."""
        tag = pattern.match(self.rest)
        if tag is not None:
            self.rest = self.rest[tag.end() :]
        elif len(self.rest) > _LONGEST_TAG:
            raise Unreadable
        return tag

    def _end_call(self, size: int) -> Iterator[Piece]:
        if len(self.rest) == size:
            return
        if self.rest[size] != ">":
            raise Unreadable
        self._state, self.over, self.rest = "block", self.bare, self.rest[size + 1 :]
        self._calls += 1
        yield Piece(None, "}" if self._parameters else "{}")

    def _value(self) -> Iterator[Piece]:
        """As much of the value as is sure. Of closing tags only the parameter's own may come: any other one means that
        this one is missing, and no one knows where it belongs."""
        found = _END.search(self.rest)
        end = begun(self.rest) if found is None else found.start()
        value, tail = self.rest[:end], self.rest[end:]
        closing = _END_PARAMETER.match(tail)
        if found is not None and closing is None and not _may_become_tag(tail) and not HEAD.fullmatch(tail):
            raise Unreadable
        self.rest = tail if closing is None else tail[closing.end() :]
        value = self._written(value)
        if closing is not None:
            self._state = "call"
            value += '"' if self._text else ""
        if value:
            yield Piece(None, value)

    def _written(self, value: str) -> str:
        return json.dumps(value, ensure_ascii=False)[1:-1] if self._text else value
