"""An answer that holds several (`answers = "each"`), cut at its headings and shown in columns on a terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

_HEADING = re.compile(r"(?:\A|\n\n)### ([A-Za-z0-9][\w.-]*/\S+)\n\n")
"""As the gateway writes them: a backend and a model."""


class Part(NamedTuple):
    place: str
    text: str


def parts_of(text: str) -> list[Part]:
    """The parts in their order; a text without headings has none."""
    pieces = _HEADING.split(text)
    return [Part(place, said.strip()) for place, said in zip(pieces[1::2], pieces[2::2], strict=True)]


def print_columns(parts: Sequence[Part], thoughts: Sequence[Part] = ()) -> None:
    """Beside each other, as wide as the terminal; thoughts dimmed above each answer."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    said = dict(thoughts)
    table = Table(expand=True)
    for part in parts:
        table.add_column(Text(part.place), ratio=1, overflow="fold")
    cells: list[Text] = []
    for part in parts:
        thought = said.get(part.place, "")
        head = Text(f"thinking: {thought}\n\n", style="dim") if thought else Text()
        cells.append(head + Text(part.text))  # text: nothing that a model writes is markup
    table.add_row(*cells)
    Console().print(table)
