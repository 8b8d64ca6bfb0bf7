"""`tidegate up`: build the gateway from its configuration, start it, show that it works, serve until told to stop."""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import os
import socket
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from ssl import SSLContext

import typer
from msgspec.structs import replace

from tidegate import __version__
from tidegate.app import App
from tidegate.app.detection import slow_look_of
from tidegate.app.reload import Running, Source
from tidegate.app.tls import trusting
from tidegate.backends.model_file import check_model, ensure_model
from tidegate.catalog.embedded import embedded_model
from tidegate.cli.ask import ask_gateway, decision_lines, print_piece
from tidegate.cli.crash import say_no_content
from tidegate.cli.failure import GatewaySaid
from tidegate.cli.http import DEFAULT_URL, KEY_VARIABLE
from tidegate.cli.living import drain, reload, say
from tidegate.cli.places import cache_folder, config_path, own_command, state_folder
from tidegate.cli.serving import Reloads, bind, run, stop_on_signals, url_of
from tidegate.config import Config, Embedded, PrivacyOptions, read_config
from tidegate.core.errors import GatewayError, Misconfigured
from tidegate.ledger.entries import Entry
from tidegate.privacy.slow.slow_look import SlowLook
from tidegate.surfaces.serving import http_server

app = typer.Typer(add_completion=False, rich_markup_mode=None)

GREETING = "Explain in two sentences why the sea has tides."
GREETING_TOKENS = 160
STOP_S = 5
"""For connections to close once their answers are over."""


@app.command()
def up(
    config: Path | None = typer.Option(None, help="Configuration file; default: tidegate.toml here, then the user's."),
    host: str | None = typer.Option(None, help="Address to listen on; [server] host."),
    port: int | None = typer.Option(None, help="Port to listen on, 0 for a free one; [server] port."),
    model: Path | None = typer.Option(None, help="A GGUF file for the embedded engine, instead of fetching one."),
    embedded: bool = typer.Option(True, help="Run the embedded demo model."),
    ask: bool = typer.Option(True, help="Send one prompt after the start and show the answer."),
) -> None:
    """Start the gateway, with the embedded demo model unless told otherwise."""
    path = config_path(config)

    def read() -> Config:
        return _with_flags(read_config(path), host, port, model, embedded)

    options, state = read(), state_folder()
    checked = App(options, os.environ, state, None)  # refuse what cannot be enforced before anything is fetched
    listener = bind(options.server.host, options.server.port)
    with listener:
        model_path = _model_path(options) if options.embedded.enabled else None
        source = Source(path, read, slow_of, os.environ, state)
        if options.server.workers > 1:
            say_no_content()
            run(_serve_by_several(checked, source, listener, model_path, greet=ask))
            return
        gateway = App(options, os.environ, state, model_path, slow_of(options.privacy), file=path)
        say_no_content()
        run(_serve(gateway, source, listener, greet=ask))


def slow_of(options: PrivacyOptions) -> SlowLook | None:
    return slow_look_of(options, cache_folder(), say, _samples_read)


def _with_flags(config: Config, host: str | None, port: int | None, model: Path | None, embedded: bool) -> Config:
    server = config.server
    server = replace(server, host=host or server.host, port=server.port if port is None else port)
    if model is not None and not embedded:
        raise Misconfigured("--model needs the embedded engine; drop --no-embedded")
    engine: Embedded = config.embedded
    if model is not None:
        engine = replace(engine, enabled=True, model=str(model))
    if not embedded:
        engine = replace(engine, enabled=False)
    return replace(config, server=server, embedded=engine)


def _model_path(options: Config) -> Path:
    return model_file(options.embedded.model, otherwise="start with --no-embedded")


def model_file(own: str | None, *, otherwise: str) -> Path:
    """The file that was named, checked; else the demo model. `otherwise` is what to do without an engine."""
    if importlib.util.find_spec("xllamacpp") is None:
        raise Misconfigured(
            f"the embedded engine is not installed: run `pip install 'tidegate[embedded]'`, or {otherwise}"
        )
    if own is None:
        return fetch_model()
    path = Path(own).expanduser()
    check_model(path)
    return path


def _samples_read(done: int, total: int) -> None:
    """How far the samples of [[privacy.examples]] are read, on a terminal."""
    if sys.stderr.isatty():
        print(f"\rreading samples: {done} of {total}", end="\n" if done == total else "", file=sys.stderr, flush=True)


def fetch_model() -> Path:
    """The embedded model's file, verified; fetched first if need be."""
    return ensure_model(embedded_model(), cache_folder(), lambda line: print(line, file=sys.stderr))


async def _serve(gateway: App, source: Source, listener: socket.socket, *, greet: bool) -> None:
    host, port = listener.getsockname()[:2]
    url, options = url_of(host, port, tls=gateway.certificate is not None), gateway.config
    running: Running | None = None
    try:
        await gateway.start(print_exchanges if sys.stderr.isatty() else None)
        running = Running(gateway, source)
        server = http_server(running.asgi, drain_s=STOP_S, tls=running.tls and running.tls.context)
        server.drain = partial(drain, running)
        stop = stop_on_signals(server, gateway.kept.drain.cut_open)
        reloads = Reloads(partial(reload, running), hung_up=stop)
        reloads.listen()
        calm_collector()
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        print("\n".join(announcement(gateway, options, url, source.file)), flush=True)
        _say_serving(url, gateway, greet=greet and gateway.engine is not None)
        await serving
        await reloads.stop()
    finally:
        await (gateway if running is None else running).stop()
    say("Stopped; the ledger is written.")


async def _serve_by_several(
    gateway: App, source: Source, listener: socket.socket, model: Path | None, *, greet: bool
) -> None:
    """`gateway` is only looked at: it says that the configuration can be enforced, and what its certificate is."""
    from tidegate.cli.steward import Stewarding

    options = gateway.config
    url = url_of(*listener.getsockname()[:2], tls=gateway.certificate is not None)

    def started(lines: tuple[str, ...]) -> None:
        print("\n".join((*lines[:-1], f"  workers   {options.server.workers}", "")), flush=True)
        _say_serving(url, gateway, greet=greet and model is not None)

    await Stewarding(
        options, source.read, listener=listener, state=source.state_folder, file=source.file, model=model
    ).run(started)
    say("Stopped; the ledger is written.")


def _say_serving(url: str, gateway: App, *, greet: bool) -> None:
    key = _own_key(gateway.config)
    if greet and (key or not gateway.keys_required):
        # A daemon thread: Ctrl-C during the first answer must not wait for it.
        trusted = None if gateway.certificate is None else trusting(gateway.certificate)
        threading.Thread(target=_greet, args=(url, key, trusted), daemon=True).start()
    else:
        print("Serving; Ctrl-C stops.", flush=True)


def calm_collector() -> None:
    """What lives since the start lives on; looking through it again and again costs a tenth of each request."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def announcement(gateway: App, options: Config, url: str, path: Path | None) -> list[str]:
    """What there is, line by line."""
    lines = [
        f"Tidegate {__version__} at {url}   (DeepSeek's API: point `base_url` here)",
        f"  config    {path or 'defaults (no tidegate.toml)'}",
    ]
    if (certificate := gateway.certificate) is not None:
        lines.append(f"  tls       {certificate.path}")
        lines += [f"  warning   {certificate.warning}"] if certificate.warning else []
    lines += [
        f"  class     {options.privacy.default_class} unless raised by what is found, client, alias or x-tidegate-class",
        f"  privacy   {_looked_for(options)}",
        f"  ledger    {gateway.ledger.path} (never content)",
    ]
    if gateway.content is not None:
        classes = ", ".join(options.capture.classes)
        lines.append(f"  content   {gateway.content.folder} ({classes}; encrypted, for {options.capture.keep_s:g} s)")
    for view in gateway.registry.snapshot().backends:
        note = f"   {view.note}" if view.note else ""
        models = ", ".join(view.models) or "models not known yet"
        lines.append(f"  backend   {view.name} ({view.boundary.value}, {view.health}): {models}{note}")
    if not gateway.registry.backends:
        lines.append("  backend   none yet: set DEEPSEEK_API_KEY, start a local runtime, or configure [backends.NAME]")
    return [*lines, ""]


def _looked_for(options: Config) -> str:
    """What is looked for in requests, and which rows of the policy speak of it."""
    privacy = options.privacy
    if not privacy.detect:
        looked = "nothing is looked for ([privacy] detect = false)"
    else:
        more = [
            f"your terms ({', '.join(one.name for one in privacy.terms)})" if privacy.terms else "",
            f"names ({', '.join(privacy.names)})" if privacy.names else "",
            f"examples of {', '.join(one.name for one in privacy.examples)}" if privacy.examples else "",
        ]
        looked = ", ".join(filter(None, ("personal data and secrets", *more)))
    rows = ", ".join(f"{row.name} ({row.action or row.data_class})" for row in options.policy)
    return f"{looked}; {f'policy: {rows}' if rows else 'what is found stays home'}"


def _own_key(options: Config) -> str | None:
    """Of a client in the configuration that may ask the embedded model, else what the user would use."""
    free = [client for client in options.clients if not client.models or "embedded" in client.models]
    return os.environ.get(free[0].key_env if free else KEY_VARIABLE)


def _greet(url: str, key: str | None, tls: SSLContext | None) -> None:
    """One private prompt to the embedded model, to show an answer and its decision."""
    print(f"> {GREETING}", flush=True)
    try:
        result = ask_gateway(
            url,
            GREETING,
            model="embedded",
            data_class="private",
            max_tokens=GREETING_TOKENS,
            key=key,
            tls=tls,
            show=print_piece(sys.stdout.isatty()),
        )
        print("\n\n" + decision_lines(result["exchange"]))
    except (GatewaySaid, GatewayError) as error:
        print(f"\nthe first prompt failed: {error.message}")
    elsewhere = "" if url == DEFAULT_URL else f" --url {url}"
    command = own_command()
    print(
        f"\nServing; Ctrl-C stops. Try: {command} ask 'Hello'{elsewhere}   or: {command} status{elsewhere}", flush=True
    )


def print_exchanges(entries: Sequence[Entry]) -> None:
    """One line per exchange on a terminal; called by the ledger's writer, off the hot path."""
    for entry in entries:
        at = datetime.fromtimestamp(entry.arrived_at, UTC).strftime("%H:%M:%S")
        place = f"{entry.backend} ({entry.boundary})" if entry.backend else "no backend"
        tokens = "" if entry.output_tokens is None else f" {entry.output_tokens} tokens"
        say(
            f"{at}Z {entry.exchange_id} {entry.status} {entry.data_class or '-'} -> {place}{tokens} {entry.duration_s:.2f}s"
            + (f" {entry.error}" if entry.error else "")
        )
