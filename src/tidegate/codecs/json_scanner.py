"""JSON read the slow way, as serde_json does: what is wrong with a text and where, or where in it a value stands.

Runs only when a request is refused anyway, and gives up after MOST_STEPS values: what is sound goes by in runs, so only
a text made to be slow is given up. It must not read a large body, see `json_text`. Positions are serde_json's: lines
from 1, columns in bytes, counting what has been consumed, or one more where the parser only looked ahead.
Source: serde_json 1 as built into `deepseek-recipe` 0.2.0, run 2026-11-24.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import orjson

from tidegate.codecs.json_runs import ELEMENT, ELEMENTS, MEMBERS, PLAIN

Step = str | int | None
"""A member, an element, or None: inside an object, but not yet inside a member."""

DEPTH = 128
"""The level of nesting that serde_json refuses."""

MOST_STEPS = 5_000
"""How many values are read one by one before the search is given up: about 15 ms."""

_SPACE = re.compile(rb"[ \n\t\r]*")
_DIGITS = re.compile(rb"[0-9]*")
_HEX = re.compile(rb"[0-9a-fA-F]{4}")
_LITERALS = {b"n": b"ull", b"t": b"rue", b"f": b"alse"}
_MOST_EXPONENT = 2**31 - 1


class SyntaxFault(Exception):
    """`index` is how many bytes serde_json counts up to the fault; `path` is where it then was."""

    def __init__(self, text: str, index: int, path: Sequence[Step]) -> None:
        super().__init__(text)
        self.text = text
        self.index = index
        self.path = list(path)


def place(body: bytes, index: int) -> str:
    line_start, lines = body.rfind(b"\n", 0, index) + 1, body.count(b"\n", 0, index) + 1
    return f"at line {lines} column {index - line_start}"


class _Over(Exception):
    """The search has ended: what was looked for is found, or it took too many steps."""


def find_fault(body: bytes) -> SyntaxFault | None:
    """The first fault of the text; None when serde_json would read it, or when the search was given up."""
    try:
        _Scanner(body, None).document()
    except SyntaxFault as fault:
        return fault
    except _Over:
        pass
    return None


def find_value(body: bytes, path: Sequence[str | int]) -> tuple[int, int] | None:
    """Where the value at `path` begins and ends; of members with one name the last. Reads no further than it must.

    None when there is no such value, or when the search was given up.
    """
    scanner = _Scanner(body, list(path))
    try:
        scanner.document()
    except SyntaxFault:
        return None
    except _Over:
        return None if scanner.steps > MOST_STEPS else scanner.found
    return scanner.found


class _Scanner:
    def __init__(self, body: bytes, target: list[str | int] | None) -> None:
        self._body = body
        self._end = len(body)
        self._at = 0
        self._path: list[Step] = []
        self._target = target
        self._keys = [orjson.dumps(key) for key in target or () if isinstance(key, str)]
        self._sound = _sound_bytes(body)
        self.found: tuple[int, int] | None = None
        self.steps = 0

    def document(self) -> None:
        self._value()
        if self._look() is not None:
            raise self._ahead("trailing characters")

    # -- faults and movement

    def _behind(self, text: str) -> SyntaxFault:
        return SyntaxFault(text, self._at, self._path)

    def _ahead(self, text: str) -> SyntaxFault:
        return SyntaxFault(text, min(self._at + 1, self._end), self._path)

    def _peek(self) -> bytes | None:
        return self._body[self._at : self._at + 1] or None

    def _look(self) -> bytes | None:
        """The next byte behind white space."""
        match = _SPACE.match(self._body, self._at)
        assert match is not None
        self._at = match.end()
        return self._peek()

    def _take(self) -> bytes | None:
        taken = self._peek()
        if taken is not None:
            self._at += 1
        return taken

    def _digits(self) -> int:
        match = _DIGITS.match(self._body, self._at)
        assert match is not None
        self._at = match.end()
        return match.end() - match.start()

    def _skips(self) -> bool:
        """Whether runs may be passed over here: the way to what is looked for does not lead through."""
        if len(self._path) + 3 > DEPTH:
            return False
        return self._target is None or self._path != self._target[: len(self._path)]

    def _skip(self, runs: re.Pattern[bytes]) -> int:
        """Where the run began."""
        start = self._at
        match = runs.match(self._body, start, self._sound)
        assert match is not None
        self._at = match.end()
        return start

    def _count(self, spans: list[tuple[int, int]]) -> int:
        """Elements that were passed over, counted only if somebody asks where a fault is."""
        return sum(len(ELEMENT.findall(self._body, start, end)) for start, end in spans)

    def _comes_again(self) -> bool:
        """Whether a member behind may have one of the names on the way: it would be the one that counts."""
        rest = (*self._keys, b"\\")
        return any(self._body.find(written, self._at) >= 0 for written in rest)

    # -- values

    def _value(self) -> None:
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise _Over
        first = self._look()
        start = self._at
        if first is None:
            raise self._ahead("EOF while parsing a value")
        if first == b'"':
            self._string()
        elif first in (b"{", b"["):
            if len(self._path) + 1 == DEPTH:
                raise self._ahead("recursion limit exceeded")
            self._at += 1
            (self._object if first == b"{" else self._array)()
        elif first in _LITERALS:
            self._at += 1
            self._literal(_LITERALS[first])
        elif first == b"-" or first.isdigit():
            self._number()
        else:
            raise self._ahead("expected value")
        if self._path == self._target:
            self.found = (start, self._at)
            if not self._comes_again():
                raise _Over

    def _literal(self, rest: bytes) -> None:
        for expected in rest:
            taken = self._take()
            if taken is None:
                raise self._behind("EOF while parsing a value")
            if taken[0] != expected:
                raise self._behind("expected ident")

    def _array(self) -> None:
        index, skips, level = 0, self._skips(), len(self._path)
        skipped: list[tuple[int, int]] = []
        while (found := self._look()) != b"]":
            if found is None:
                raise self._ahead("EOF while parsing a list")
            if index:
                if found != b",":
                    raise self._ahead("expected `,` or `]`")
                self._at += 1
                self._check_comma(b"]")
            if skips and (start := self._skip(ELEMENTS)) < self._at:
                skipped.append((start, self._at + 1))
            self._path.append(index)
            try:
                self._value()
            except SyntaxFault as fault:
                fault.path[level] = index + self._count(skipped)
                raise
            self._path.pop()
            index += 1
        self._at += 1

    def _object(self) -> None:
        skips = self._skips()
        self._path.append(None)
        first = True
        while (found := self._look()) != b"}":
            if found is None:
                raise self._ahead("EOF while parsing an object")
            if not first:
                if found != b",":
                    raise self._ahead("expected `,` or `}`")
                self._at += 1
                found = self._check_comma(b"}")
            first = False
            if found != b'"':
                raise self._ahead("key must be a string")
            if skips:
                self._skip(MEMBERS)
            self._path[-1] = _key(self._string())
            self._colon()
            self._value()
            self._path[-1] = None
        self._at += 1
        self._path.pop()

    def _check_comma(self, closing: bytes) -> bytes:
        found = self._look()
        if found is None:
            raise self._ahead("EOF while parsing a value")
        if found == closing:
            raise self._ahead("trailing comma")
        return found

    def _colon(self) -> None:
        found = self._look()
        if found is None:
            raise self._ahead("EOF while parsing an object")
        if found != b":":
            raise self._ahead("expected `:`")
        self._at += 1

    # -- numbers

    def _number(self) -> None:
        start = self._at
        if self._peek() == b"-":
            self._at += 1
        first = self._take()
        if first is None:
            raise self._behind("EOF while parsing a value")
        if not first.isdigit():
            raise self._behind("invalid number")
        if first == b"0" and (self._peek() or b"x").isdigit():
            raise self._ahead("invalid number")
        self._digits()
        if self._peek() == b".":
            self._at += 1
            if not self._digits():
                raise self._ahead("EOF while parsing a value" if self._peek() is None else "invalid number")
        if (self._peek() or b"x") in b"eE":
            self._exponent(start)
        if abs(float(self._body[start : self._at])) == float("inf"):
            raise self._behind("number out of range")

    def _exponent(self, start: int) -> None:
        mantissa = self._body[start : self._at]
        self._at += 1
        sign = self._peek() or b"x"
        if sign in b"+-":
            self._at += 1
        digits = self._at
        first = self._take()
        if first is None:
            raise self._behind("EOF while parsing a value")
        if not first.isdigit():
            raise self._behind("invalid number")
        self._digits()
        if sign != b"-" and mantissa.strip(b"-0."):
            written = self._body[digits : self._at].lstrip(b"0")
            begin = self._at - len(written)
            for count in (10, 11):  # of ten digits some are too many, of eleven all
                if len(written) >= count and int(written[:count]) > _MOST_EXPONENT:
                    self._at = begin + count
                    raise self._behind("number out of range")

    # -- strings

    def _string(self) -> bytes:
        """What stands between the quotes, as written."""
        self._at += 1
        start = self._at
        while True:
            match = PLAIN.match(self._body, self._at)
            assert match is not None
            self._at = match.end()
            stop = self._take()
            if stop is None:
                raise self._behind("EOF while parsing a string")
            if stop == b'"':
                if start <= self._sound < self._at:
                    raise self._behind("invalid unicode code point")
                return self._body[start : self._at - 1]
            if stop != b"\\":
                raise self._behind("control character (\\u0000-\\u001F) found while parsing a string")
            self._escape()

    def _escape(self) -> None:
        letter = self._take()
        if letter is None:
            raise self._behind("EOF while parsing a string")
        if letter == b"u":
            self._unicode()
        elif letter not in b'"\\/bfnrt':
            raise self._behind("invalid escape")

    def _hex(self) -> int:
        if self._end - self._at < 4:
            self._at = self._end
            raise self._behind("EOF while parsing a string")
        match = _HEX.match(self._body, self._at)
        self._at += 4
        if match is None:
            raise self._behind("invalid escape")
        return int(match[0], 16)

    def _unicode(self) -> None:
        code = self._hex()
        if 0xDC00 <= code <= 0xDFFF:
            raise self._behind("lone leading surrogate in hex escape")
        if not 0xD800 <= code <= 0xDBFF:
            return
        for expected in (b"\\", b"u"):
            taken = self._take()
            if taken is None:
                raise self._behind("EOF while parsing a string")
            if taken != expected:
                raise self._behind("unexpected end of hex escape")
        if not 0xDC00 <= self._hex() <= 0xDFFF:
            raise self._behind("lone leading surrogate in hex escape")


def _sound_bytes(body: bytes) -> int:
    """How much of it is UTF-8."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return error.start
    return len(body)


def _key(written: bytes) -> str:
    text = written.decode()
    return unescaped(text) if "\\" in text else text


_ESCAPE = re.compile(r"\\(u[dD][89abAB]..\\u....|u....|.)")
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def unescaped(text: str) -> str:
    """The text of a JSON string whose escapes are known to be good."""

    def one(match: re.Match[str]) -> str:
        code = match[1]
        if code[0] != "u":
            return _LETTERS.get(code, code)
        units = [int(part, 16) for part in code[1:].split("\\u")]
        return b"".join(unit.to_bytes(2, "big") for unit in units).decode("utf-16-be")

    return _ESCAPE.sub(one, text)
