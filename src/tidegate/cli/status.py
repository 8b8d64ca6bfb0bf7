"""`tidegate status`: what a running gateway sees."""

from __future__ import annotations

import json
from typing import Any

import typer

from tidegate.cli.http import DEFAULT_URL, URL_HELP, get_json, not_tidegate

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def status(
    url: str = typer.Option(DEFAULT_URL, help=URL_HELP),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON document; with --watch one per line."),
    watch: bool = typer.Option(False, "--watch", help="Look again and again, until Ctrl-C."),
    interval: float = typer.Option(2.0, min=0.1, help="With --watch: seconds between two looks."),
) -> None:
    """Show the backends, classes and ledger of a running gateway."""
    if watch:
        from tidegate.cli import live

        live.watch(url, interval, as_json=as_json)
        return
    found = get_json(url, "/-/status")
    if not {"version", "keys_required", "backends", "ledger"} <= found.keys():
        raise not_tidegate(url)
    if as_json:
        print(json.dumps(found, indent=2))
        return
    keys = "keys required" if found["keys_required"] else "no keys: this machine only"
    ledger = found["ledger"]
    print(f"Tidegate {found['version']} at {url}, {keys}, default class {found['default_class']}")
    print_backends(found["backends"])
    print_profiles(found["backends"])
    for line in breaker_lines(found.get("breakers") or []):
        print(line)
    if legacy := legacy_line(found.get("legacy_names") or {}):
        print(legacy)
    for line in shadow_lines(found.get("shadow") or []):
        print(line)
    if balance := found.get("balance"):
        from tidegate.cli.live import balance_words

        print(f"balance: {balance_words(balance)}")
    print(
        f"ledger: {ledger['written']} written, {ledger['waiting']} waiting"
        + (f", {ledger['error']}" if ledger["error"] else "")
    )


def shadow_lines(shadows: list[dict[str, Any]]) -> list[str]:
    """How far the second answers were from the first."""
    return [
        f"shadow to {one['to']}: {one['compared']} compared"
        + (
            f" (same finish {one['same_finish']}, words in common {one['similarity']:.0%})"
            if one["similarity"] is not None
            else ""
        )
        + f", {one['failed']} failed, {one['dropped']} dropped, {one['waiting']} under way"
        + (f"; the last is {one['last']}" if one.get("last") else "")
        for one in shadows
    ]


def breaker_lines(breakers: list[dict[str, Any]]) -> list[str]:
    """Who is left alone now, for how long, and why."""
    return [
        f"{one['backend']}/{one['model']} failed {one['failures']} times in a row: "
        + (
            f"left alone for {one['again_in_s']:.0f} s (RES002)"
            if one["state"] == "open"
            else "the next request tries it, or one does (RES002)"
        )
        for one in breakers
        if one["state"] != "closed"
    ]


def legacy_line(legacy: dict[str, Any]) -> str:
    """What becomes of retired model names, if any was asked for."""
    seen = ", ".join(f"{name} ({times} times)" for name, times in (legacy.get("seen") or {}).items())
    fate = "rewritten" if legacy.get("policy") == "rewrite" else "refused; [contract] legacy_names can rewrite them"
    return f"retired model names asked for, {fate}: {seen}" if seen else ""


def print_backends(backends: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("backend", "boundary", "takes", "health", "slots", "models", ""):
        table.add_column(heading, overflow="fold", no_wrap=heading not in ("models", ""))
    for backend in backends:
        models = ", ".join(backend["models"]) or "not known yet"
        cells = [backend[name] for name in ("name", "boundary", "accepts", "health")]
        slots = slots_cell(backend.get("slots") or {})
        # Text: no name is markup.
        table.add_row(*(Text(cell) for cell in (*cells, slots, models, backend.get("note", ""))))
    Console().print(table)
    for line in (line for backend in backends for line in pace_lines(backend)):
        print(line)


_FEATURES = {
    "thinking_off": "thinking off",
    "json": "JSON",
    "tools": "tools",
    "forced_tools": "forced tools",
    "prefix": "prefix",
    "fim": "FIM",
}


def print_profiles(backends: list[dict[str, Any]]) -> None:
    """What each model can do, and by which rule if not as hosted; `*` marks what was measured."""
    lines = [
        line for backend in backends for profile in backend.get("profiles", ()) for line in _profile(backend, profile)
    ]
    if lines:
        print("\n".join(["what they can do (* measured, else declared by rule; `tidegate explain CODE`)", *lines]))


def _profile(backend: dict[str, Any], profile: dict[str, Any]) -> list[str]:
    traits, facts = profile["traits"], profile["facts"]
    told = [traits.get("version"), f"window {traits['window_tokens']:,}" if traits.get("window_tokens") else None]
    cells = {title: fact_cell(facts.get(name) or {}) for name, title in _FEATURES.items()}
    had = (
        "all as hosted"
        if set(cells.values()) == {"yes"}
        else ", ".join(f"{title} {cell}" for title, cell in cells.items())
    )
    head = ", ".join(filter(None, (f"{backend['name']}/{profile['model']}", *told)))
    return [f"  {head}", f"    {had}"]


def fact_cell(fact: dict[str, Any]) -> str:
    """`yes`, or the rule by which it is emulated or refused."""
    words = {"native": "yes", "emulated": "by", "refused": "no"}
    word = words.get(fact.get("way") or "")
    if word is None:
        return "?"
    code = "" if word == "yes" else f" {fact.get('code', '')}".rstrip()
    return word + code + ("*" if fact.get("basis") == "measured" else "")


_LEARNED = {"published": "as published", "told": "told by a refusal", "refused": "guessed from refusals"}


def pace_lines(backend: dict[str, Any]) -> list[str]:
    """Which limits hold there, and whose requests wait."""
    lines = [
        f"pace of {backend['name']}/{pace['model']}: {pace['in_flight']} at work"
        + (f", limit {pace['limit']} ({_LEARNED.get(pace['learned_from'], '?')})" if pace["limit"] is not None else "")
        + (", paused as it asked for" if pace["paused"] else "")
        for pace in backend.get("pace") or ()
        if pace["in_flight"] or pace["paused"] or pace["learned_from"] != "published"
    ]
    clients = (backend.get("slots") or {}).get("clients") or {}
    if any(clients):  # with names; all others are one
        waiting = ", ".join(f"{name or 'no key'} {number}" for name, number in clients.items())
        lines.append(f"waiting for {backend['name']}: {waiting}")
    return lines


def slots_cell(slots: dict[str, Any]) -> str:
    """`1/2 +3`: one of two slots works and three requests wait. A backend without a cap shows the requests at work."""
    if not slots:
        return ""
    total, waiting = slots["total"], slots["waiting"]
    return f"{slots['used']}" + (f"/{total}" if total else "") + (f" +{waiting}" if waiting else "")
