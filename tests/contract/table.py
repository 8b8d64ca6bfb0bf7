"""The cells as the page docs/reference/runtimes.md: one table a surface, rows are dialects, columns are features."""

from __future__ import annotations

import asyncio

from tests.contract.columns import COLUMNS
from tests.contract.concerns import ALWAYS, CONCERNS
from tests.contract.suite import ROWS, SURFACES, Cell, Surface, body_of, cells_of

from tidegate.dialects import RULEBOOKS, dialect_named

Cells = dict[str, dict[Surface, dict[str, Cell]]]
_TITLES: dict[Surface, str] = {
    "chat": "Chat completions (`/chat/completions`, `/beta/chat/completions`)",
    "messages": "Messages (`/anthropic/v1/messages`)",
    "fim": "Completions (`/beta/completions`)",
}
_INTRO = """\
What a client has of DeepSeek's contract, by surface, runtime and feature, as the contract suite found it
(`tests/contract`, run with each build). Every cell was asked for twice, streamed and whole, through the whole gateway.

- **as hosted**: the answer is the hosted API's, without any rule of ours.
- **by CODE**: the answer is the hosted API's because these rules made it so; `tidegate explain CODE` says how.
- **no: CODE**: it is not had there, and the client is told by this rule; in a request that depends on it, another backend
  is asked if there is one.

The runtimes behind the suite are doubles: they take a request as the real one was seen to take it (vLLM 0.32.0, llama.cpp
b11549 and transformers serve 5.19, run 2026-11-22 to 2026-11-24), or as its source or documentation says (SGLang 0.5.23,
Ollama 0.33.0, LM Studio 0.4.21). What they ignore or get wrong is ignored or wrong here too. `make test-real` asks the real
vLLM and transformers serve, and every test run the real llama.cpp. *V4* rows have DeepSeek V4 weights and its
tokenizer behind the server; the others some other model. What your own server can do is in `tidegate status`."""


async def all_cells() -> Cells:
    return {row: await cells_of(row) for row in ROWS}


def page(note: str) -> str:
    cells = asyncio.run(all_cells())
    tables = [_table(surface, cells) for surface in SURFACES]
    return "\n\n".join(["# Runtimes", note, _INTRO, *tables, _always()]) + "\n"


def _table(surface: Surface, cells: Cells) -> str:
    columns = [column.name for column in COLUMNS if body_of(column, surface) is not None]
    lines = [f"| runtime | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for row, (make, _) in ROWS.items():
        title = row.replace(make.kind, dialect_named(make.kind).title)
        lines.append(f"| {title} | {' | '.join(_shown(cells[row][surface][column]) for column in columns)} |")
    missing = [column.name for column in COLUMNS if body_of(column, surface) is None]
    lacks = (
        f"\nThis surface has no request for: {', '.join(missing)}; the hosted one has none either." if missing else ""
    )
    return "\n".join([f"## {_TITLES[surface]}\n", *lines, lacks]).rstrip()


def _shown(cell: Cell) -> str:
    match cell.way:
        case "as hosted":
            return "as hosted"
        case "emulated":
            return f"by {', '.join(cell.codes)}"
        case "refused":
            return f"no: {', '.join(cell.codes)}"
        case "wrong":
            return f"**wrong** {cell.detail}"


def _always() -> str:
    rules = {rule.code: rule for book in RULEBOOKS for rule in book}
    lines = [f"- {code}: {rules[code].title}" for code, columns in sorted(CONCERNS.items()) if columns == (ALWAYS,)]
    return "\n".join(["## Whatever is asked\n", "These rules change no feature of the contract.\n", *lines])
