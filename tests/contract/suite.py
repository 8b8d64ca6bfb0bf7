"""Runs every column on every surface against a dialect's double, through the whole gateway, and says what a client had.

A backend is looked at and measured first, as it is in real life. Nothing here decides what is right: `columns` does.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import orjson
from tests.contract.columns import COLUMNS, Column
from tests.contract.concerns import concerning
from tests.contract.doubles import Double
from tests.contract.hosted_double import Hosted
from tests.contract.mind import THOUGHT
from tests.contract.ollama_double import Ollama
from tests.contract.outcome import Outcome, read
from tests.contract.runtimes import Embedded, Generic, LlamaCpp, LmStudio, Sglang, TransformersServe, Vllm
from tests.support.asgi import call
from tests.support.guarded import guard
from tests.support.screened import screening

from tidegate.backends.base import Endpoint
from tidegate.backends.http import HttpBackend
from tidegate.backends.measuring import Measuring
from tidegate.backends.profile_store import ProfileStore
from tidegate.backends.registry import Registry
from tidegate.backends.transport import Transport
from tidegate.catalog.contracts import DEFAULT_PROFILE, contract_named
from tidegate.core.boundary import Boundary, DataClass
from tidegate.dialects import dialect_named
from tidegate.ledger.entries import Entry
from tidegate.pipeline.gateway import Gateway
from tidegate.routing.policy import Alias, Policy
from tidegate.routing.rules import LACKS
from tidegate.surfaces.account import AccountSurface
from tidegate.surfaces.admin import AdminSurface
from tidegate.surfaces.answering import AnsweringSurface
from tidegate.surfaces.anthropic import MessagesFormat
from tidegate.surfaces.auth import Door
from tidegate.surfaces.formats import Format
from tidegate.surfaces.openai import ChatFormat, FimFormat
from tidegate.surfaces.server import Server, Surfaces

Surface = Literal["chat", "messages", "fim"]
SURFACES: dict[Surface, str] = {
    "chat": "/chat/completions",
    "messages": "/anthropic/v1/messages",
    "fim": "/beta/completions",
}
ROWS: dict[str, tuple[type[Double], dict[str, bool]]] = {
    "deepseek": (Hosted, {}),
    "vllm": (Vllm, {}),
    "vllm, V4": (Vllm, {"v4": True}),
    "sglang": (Sglang, {}),
    "sglang, V4": (Sglang, {"v4": True}),
    "llamacpp": (LlamaCpp, {}),
    "llamacpp, V4": (LlamaCpp, {"v4": True}),
    "ollama": (Ollama, {}),
    "ollama, V4": (Ollama, {"v4": True}),
    "lmstudio": (LmStudio, {}),
    "lmstudio, V4": (LmStudio, {"v4": True}),
    "transformers_serve": (TransformersServe, {}),
    "generic": (Generic, {}),
    "embedded": (Embedded, {}),
}
"""Each dialect, where it matters with V4 weights behind it as well."""

_CONTRACT = contract_named(DEFAULT_PROFILE)


@dataclass(frozen=True, slots=True)
class Cell:
    """`way` is what a client had; `codes` are the rules that say how, or why not."""

    way: Literal["as hosted", "emulated", "refused", "wrong"]
    codes: tuple[str, ...] = ()
    detail: str = ""


@asynccontextmanager
async def gateway_before(row: str, *, measured: bool = True) -> AsyncIterator[tuple[Server, list[Entry], Double]]:
    """The gateway in front of this row's double, which was looked at and measured, and what it books."""
    make, weights = ROWS[row]
    double = make(**weights)
    await double.upstream.start()
    transport = Transport()
    place = Endpoint(
        name="box", boundary=Boundary.DEVICE, accepts=DataClass.PRIVATE, host="127.0.0.1", port=double.upstream.port
    )
    backend = HttpBackend(transport, place, dialect_named(double.kind), (), watcher=transport)
    await backend.refresh()
    if measured and double.kind not in ("deepseek", "embedded"):
        await Measuring(ProfileStore(), lambda: "2026-11-24").learn(backend)
    policy = Policy(aliases={"deepseek-flash": Alias("deepseek-flash", ("box/m",))}, rewrites_legacy=True)
    booked: list[Entry] = []
    ids = iter(f"{number:032x}" for number in range(10_000))
    registry = Registry([backend])
    gateway = Gateway(
        registry,
        policy,
        booked.append,
        price=lambda _model, _usage, _at: Decimal(0),
        wall_clock=lambda: 1_764_000_000.0,
        timer=lambda: 0.0,
        new_id=lambda: next(ids),
        screening=screening(policy),
        guard=guard(registry),
    )
    try:
        yield Server(_surfaces(gateway)), booked, double
    finally:
        transport.close()
        await double.upstream.stop()


def _surfaces(gateway: Gateway) -> Surfaces:
    door = Door({})
    nobody: Any = None  # the admin surface is not asked

    def answering(form: Format) -> AnsweringSurface:
        return AnsweringSurface(gateway, door, form, body_limit_bytes=1_000_000, hash_key=os.urandom(8))

    return Surfaces(
        chat=answering(ChatFormat(_CONTRACT, beta=False)),
        beta_chat=answering(ChatFormat(_CONTRACT, beta=True)),
        fim=answering(FimFormat(_CONTRACT, beta=True)),
        off_beta=answering(FimFormat(_CONTRACT, beta=False)),
        messages=answering(MessagesFormat(_CONTRACT)),
        account=AccountSurface(gateway, door, _CONTRACT, None),
        admin=AdminSurface(gateway, door, nobody),
    )


def body_of(column: Column, surface: Surface) -> dict[str, Any] | None:
    return {"chat": column.chat, "messages": column.messages, "fim": column.fim}[surface]


async def ask(server: Server, column: Column, surface: Surface, booked: list[Entry], *, streamed: bool) -> Outcome:
    body = {"model": column.model or "box/m", "stream": streamed, **(body_of(column, surface) or {})}
    if surface == "messages":
        body = {"max_tokens": 4096, **body}
    booked.clear()
    path = column.path if column.path and surface == "chat" else SURFACES[surface]
    reply = await call(server, "POST", path, orjson.dumps(body))
    outcome = read(surface, reply.body, reply.status, streamed=streamed)
    (entry,) = booked
    outcome.quirks = tuple(entry.quirks.split(",")) if entry.quirks else ()
    return outcome


async def cells_of(row: str, *, measured: bool = True) -> dict[Surface, dict[str, Cell]]:
    """Every cell of this row: what was had streamed and whole, which has to be the same."""
    found: dict[Surface, dict[str, Cell]] = {}
    async with gateway_before(row, measured=measured) as (server, booked, double):
        for surface in SURFACES:
            found[surface] = {}
            for column in COLUMNS:
                if body_of(column, surface) is None:
                    continue
                cells: list[Cell] = []
                for streamed in (False, True):
                    try:
                        outcome = await ask(server, column, surface, booked, streamed=streamed)
                    except AssertionError as error:
                        cells.append(Cell("wrong", (), str(error)))
                    else:
                        cells.append(judge(column, outcome, double))
                found[surface][column.name] = _same(cells)
    return found


def _same(cells: list[Cell]) -> Cell:
    """Codes may differ: some things have to be mended in streams only."""
    whole, streamed = cells
    if "wrong" in (whole.way, streamed.way):
        return whole if whole.way == "wrong" else streamed
    if {whole.way, streamed.way} == {"as hosted", "emulated"}:
        return whole if whole.way == "emulated" else streamed
    if whole.way != streamed.way:
        return Cell("wrong", (), f"whole {whole.way} {whole.codes}, streamed {streamed.way} {streamed.codes}")
    return Cell(whole.way, tuple(dict.fromkeys((*whole.codes, *streamed.codes))))


_CODE = re.compile(r"\b[A-Z]{3}\d{3}\b")


def judge(column: Column, outcome: Outcome, double: Double) -> Cell:
    """What one answer means. An error that names no rule is no refusal, and an answer that breaks the contract is wrong."""
    codes = tuple(code for code in outcome.quirks if code in concerning(column.name))
    told = str(outcome.error.get("message", ""))
    if outcome.error and column.name not in ("overflow", "unknown model"):
        named = tuple(dict.fromkeys(_CODE.findall(told)))
        named = (
            tuple(code for code in named if code != LACKS.code) or named
        )  # that it is lacking is no reason by itself
        return Cell("refused", named) if named and outcome.status in (400, 502) else Cell("wrong", codes, told)
    if column.name == "overflow" and outcome.status == 200 and codes:
        return Cell("refused", codes)  # the server does not tell, and that is said
    try:
        column.holds(outcome)
    except (AssertionError, KeyError, TypeError, ValueError) as error:
        return Cell("wrong", codes, f"{type(error).__name__}: {error} in {outcome}")
    if column.name == "cache fields" and outcome.usage["prompt_cache_hit_tokens"] is None:
        return Cell("refused", codes) if codes else Cell("wrong", (), "nobody says that the cache is unknown")
    if column.name == "reasoning replay" and THOUGHT not in str(double.asked[-1]) and not codes:
        return Cell("wrong", (), "the reasoning did not reach the backend")
    return Cell("emulated", codes) if codes else Cell("as hosted")
