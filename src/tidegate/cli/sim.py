"""`tidegate sim`: the hosted DeepSeek API on this machine, by dated contract profile, with faults on demand."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from decimal import Decimal
from ipaddress import ip_address
from math import nan
from pathlib import Path
from typing import Any, Literal, cast, get_args

import typer

from tidegate import __version__
from tidegate.catalog.contracts import DEFAULT_PROFILE, PROFILES
from tidegate.catalog.prices import Currency
from tidegate.cli.serving import bind, run, stop_on_signals, url_of
from tidegate.cli.sim_log import request_log
from tidegate.core.errors import ClientMistake, Misconfigured
from tidegate.simulator.accounts import masked, read_money
from tidegate.simulator.admin import read_time
from tidegate.simulator.application import Simulator
from tidegate.simulator.brain import Brain
from tidegate.simulator.parts import Parts, Settings, parts_of
from tidegate.simulator.prompt import renderer
from tidegate.simulator.responder import ScriptedBrain
from tidegate.simulator.seen import Seen
from tidegate.surfaces.serving import http_server

app = typer.Typer(add_completion=False, rich_markup_mode=None)

DEFAULT_PORT = 4242
DRAIN_S = 2
# The least and the most of each parameter of the cache, and whether it counts something.
_CACHE_SPANS = {
    "block_tokens": (1, 1_000_000, True),
    "reserve_tokens": (0, 1_000_000, True),
    "interval_tokens": (0, 1_000_000, True),
    "build_delay_s": (0, 1_000_000_000, False),
    "ttl_s": (0, 1_000_000_000, False),
    "common_prefixes": (0, 1, True),
}


@app.command()
def sim(
    profile: str = typer.Option(DEFAULT_PROFILE, help=f"Contract profile: {', '.join(PROFILES)}."),
    host: str = typer.Option("127.0.0.1", help="Address to listen on."),
    port: int = typer.Option(DEFAULT_PORT, help="Port to listen on, 0 for a free one."),
    key: list[str] = typer.Option([], help="KEY=BALANCE: accept only such keys; repeatable. Default: any sk-... key."),
    balance: str = typer.Option("10.00", help="Balance of an account that opens by itself."),
    currency: str = typer.Option("USD", help="USD or CNY."),
    aliases: str = typer.Option("reject", help="Retired model names: reject or remap."),
    at: str = typer.Option("", help="Simulated time at the start, such as 2026-11-24T02:30:00Z; default: now."),
    time_scale: float = typer.Option(1.0, help="How many times faster than ours simulated time runs."),
    slots: int = typer.Option(0, min=0, help="Requests answered at once, others wait with keep-alives; 0: no limit."),
    passback: bool = typer.Option(True, help="Refuse requests that lack earlier reasoning, where the profile does."),
    shape_status: int = typer.Option(400, help="Status of a body of the wrong shape: 400 or 422."),
    cache: list[str] = typer.Option([], help="NAME=VALUE of the context cache, such as build_delay_s=0; repeatable."),
    brain: str = typer.Option("scripted", help="Who answers: scripted (the same for the same request) or embedded."),
    model: Path | None = typer.Option(None, help="A GGUF file for --brain embedded, instead of the demo model."),
    log: Path | None = typer.Option(None, help="Append one JSON line to this file for each request that is over."),
    log_bodies: bool = typer.Option(False, help="Write into --log also what was asked, in clear."),
) -> None:
    """Simulate the hosted DeepSeek API, with faults on demand."""
    settings = Settings(
        profile=_one_of(profile, PROFILES, "--profile"),
        aliases=cast("Literal['reject', 'remap']", _one_of(aliases, ("reject", "remap"), "--aliases")),
        keys=_keys(key),
        balance=_amount(balance, "--balance"),
        currency=cast("Currency", _one_of(currency, get_args(Currency), "--currency")),
        at=_time(at) if at else None,
        time_scale=_scale(time_scale),
        slots=slots,
        passback=passback,
        shape_status=int(_one_of(str(shape_status), ("400", "422"), "--shape-status")),
        cache=_cache(cache),
    )
    _one_of(brain, ("scripted", "embedded"), "--brain")
    if model is not None and brain != "embedded":
        raise Misconfigured("--model needs --brain embedded")
    if log_bodies and log is None:
        raise Misconfigured("--log-bodies needs --log FILE")
    told: list[Callable[[Seen], None]] = [print_request] if sys.stderr.isatty() else []

    def tell(seen: Seen) -> None:
        for one in told:
            one(seen)

    parts = parts_of(settings, on_done=tell)
    with bind(host, port) as listener, ExitStack() as stack:
        if log is not None:
            told.append(stack.enter_context(request_log(log, with_bodies=log_bodies)).note)
        warn_of_visitors(listener.getsockname()[0])
        run(_serve(parts, listener, _embedded_model(model) if brain == "embedded" else None))


async def _serve(parts: Parts, listener: socket.socket, model_path: Path | None) -> None:
    host, port = listener.getsockname()[:2]
    expect_broken_answers()
    async with AsyncExitStack() as stack:
        if model_path is not None:
            parts.brain = await _started_brain(model_path, stack)
        server = http_server(Simulator(parts), drain_s=DRAIN_S)
        stop_on_signals(server)
        loading = asyncio.create_task(asyncio.to_thread(renderer))  # while somebody reads what is announced
        announce(parts, url_of(host, port), "scripted" if model_path is None else f"embedded, {model_path.name}")
        await server.serve(sockets=[listener])
        await loading


def expect_broken_answers() -> None:
    """An answer without its end is what some faults are for: the server shall not complain about those."""
    logging.getLogger("uvicorn.error").addFilter(
        lambda record: not record.getMessage().startswith("ASGI callable returned without completing response")
    )


async def _started_brain(model_path: Path, stack: AsyncExitStack) -> Brain:
    from tidegate.app.embed import embedded_backend
    from tidegate.backends.connection import Limits
    from tidegate.backends.transport import Transport
    from tidegate.cli.embedded_brain import EmbeddedBrain
    from tidegate.config import Embedded

    transport = Transport(Limits(5.0, 120.0, 120.0))
    stack.callback(transport.close)
    backend = embedded_backend(transport, Embedded(), model_path)
    backend.engine.start()
    stack.push_async_callback(backend.engine.stop)
    return EmbeddedBrain(backend, ScriptedBrain())


def _embedded_model(path: Path | None) -> Path:
    from tidegate.cli.up import model_file

    return model_file(None if path is None else str(path), otherwise="use --brain scripted")


def warn_of_visitors(address: str) -> None:
    if not ip_address(address).is_loopback:
        print(
            f"tidegate: {address} can be reached from other machines: whoever does may read all requests that were sent, "
            "and change accounts, clock and faults; use --host 127.0.0.1 unless that is wanted",
            file=sys.stderr,
        )


def announce(parts: Parts, url: str, brain: str) -> None:
    settings, contract = parts.settings, parts.contract
    keys = ", ".join(masked(key) for key in settings.keys) or "any that begins with sk-"
    print(f"Tidegate {__version__} simulates the DeepSeek API at {url}")
    print(
        f"  profile   {contract.profile} ({contract.title}): {', '.join(contract.models)}; retired names: {settings.aliases}"
    )
    print(f"  base_url  {url}   ({url}/beta for FIM, prefix and strict tools)")
    print(
        f"  keys      {keys}; {settings.balance} {settings.currency} each"
        if not settings.keys
        else f"  keys      {keys}"
    )
    print(f"  time      {parts.clock.now():%Y-%m-%d %H:%M:%S} UTC, {settings.time_scale:g} times as fast as ours")
    print(f"  brain     {brain}")
    print(f"  faults    header x-sim-fault, or POST {url}/-/faults; seen requests at {url}/-/requests")
    print("Serving; Ctrl-C stops.", flush=True)


def print_request(seen: Seen) -> None:
    """One line per request on a terminal."""
    usage = seen.usage or {}
    words = [f"{seen.arrived:%H:%M:%S}Z {seen.method} {seen.path} {seen.status or '-'} {seen.outcome}"]
    if seen.model:
        words.append(seen.model)
    if usage:
        words.append(f"{usage['prompt']} in ({usage['cache_hit']} cached), {usage['output']} out, {seen.cost:f}")
    if seen.faults:
        words.append(f"faults: {', '.join(seen.faults)}")
    print("  ".join(words), file=sys.stderr, flush=True)


# -- options -----------------------------------------------------------------------------------------------------------


def _one_of(value: str, known: tuple[str, ...], option: str) -> str:
    if value not in known:
        raise Misconfigured(f"{option}: expected one of {', '.join(known)}, not {value!r}")
    return value


def _amount(text: str, option: str) -> Decimal:
    amount = read_money(text)
    if amount is None:
        raise Misconfigured(f"{option}: expected an amount such as 10.00, from 0 to a thousand millions, not {text!r}")
    return amount


def _keys(texts: list[str]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for text in texts:
        key, equals, amount = text.partition("=")
        if not key or not equals:
            raise Misconfigured("--key: expected KEY=BALANCE, such as sk-test=10.00")
        if key in found:
            raise Misconfigured(f"--key: {masked(key)} stands twice; give each key once")
        found[key] = _amount(amount, "--key")
    return found


def _cache(texts: list[str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for text in texts:
        name, _, value = text.partition("=")
        _one_of(name, tuple(_CACHE_SPANS), "--cache")
        if name in found:
            raise Misconfigured(f"--cache: {name} stands twice; give it once")
        found[name] = _cache_value(name, value)
    return found


def _cache_value(name: str, value: str) -> float:
    least, most, counts = _CACHE_SPANS[name]
    try:
        number = float(value)
    except ValueError:
        number = nan
    if not least <= number <= most or (counts and not number.is_integer()):
        kind = "a whole number" if counts else "a number"
        raise Misconfigured(f"--cache {name}: expected {kind} from {least} to {most}, not {value!r}")
    return number


def _scale(value: float) -> float:
    if not 0.001 <= value < 1e6:
        raise Misconfigured(f"--time-scale: expected a number from 0.001 on, below 1000000, not {value:g}")
    return value


def _time(text: str) -> Any:
    try:
        return read_time(text, "--at")
    except ClientMistake as mistake:
        raise Misconfigured(mistake.message) from None
