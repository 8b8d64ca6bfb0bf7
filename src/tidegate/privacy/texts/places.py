"""Where a text of a request stands, and the text. Prints as a client would name it, and never with words of the client's
own: keys of a JSON object can be as private as its values, so what stands inside JSON is only numbered.
"""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """`messages[3].tool_calls[0].arguments` is ("messages", 3, "tool_calls", 0, "arguments").

    `nth` numbers the texts inside JSON. `form` says that the text is not there as such: it was read from what is
    (escapes undone, parts of a message put together).
    """

    field: str
    at: int = -1
    member: str = ""
    item: int = -1
    inner: str = ""
    nth: int = -1
    form: str = ""

    def __str__(self) -> str:
        steps = [self.field]
        if self.at >= 0:
            steps.append(f"[{self.at}]")
        if self.member:
            steps.append(f".{self.member}")
        if self.item >= 0:
            steps.append(f"[{self.item}]")
        if self.inner:
            steps.append(f".{self.inner}")
        if self.nth >= 0:
            steps.append(f" (text {self.nth})")
        if self.form:
            steps.append(f" ({self.form})")
        return "".join(steps)


class Passage(NamedTuple):
    """`maskable` is False for what must not be renamed, and for what can only be read and not written."""

    place: Place
    text: str
    maskable: bool

    def __repr__(self) -> str:
        return f"Passage({self.place}, {len(self.text)} characters, maskable={self.maskable})"
