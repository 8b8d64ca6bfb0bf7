"""`tidegate explain`: every rule code says what it means, why, and where that is known from; every exchange what happened."""

from __future__ import annotations

import difflib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer

from tidegate.backends.attestation import LOCALITY
from tidegate.backends.profiles import PROFILES
from tidegate.catalog.contracts.rulebook import validation_rules
from tidegate.cli.ask import decision_lines
from tidegate.cli.contract import explain_contract
from tidegate.cli.failure import GatewaySaid
from tidegate.cli.http import DEFAULT_URL, URL_HELP, get_json
from tidegate.core.errors import Misconfigured
from tidegate.core.rulebook import Rule, Rulebook
from tidegate.dialects import RULEBOOKS
from tidegate.ledger.rules import LEDGER
from tidegate.privacy.masking.rules import MASKING
from tidegate.privacy.rules import SENSITIVE
from tidegate.resilience.rules import RESILIENCE
from tidegate.routing.rules import CLASSES, ROUTES
from tidegate.simulator.fault_kinds import SIMULATOR

app = typer.Typer(add_completion=False, rich_markup_mode=None)

BOOKS: tuple[Rulebook, ...] = (
    CLASSES,
    ROUTES,
    SENSITIVE,
    MASKING,
    LOCALITY,
    PROFILES,
    LEDGER,
    RESILIENCE,
    *RULEBOOKS,
    SIMULATOR,
    validation_rules(),
)


@app.command()
def explain(
    what: str = typer.Argument(
        "", help="A rule code such as RTE010, an exchange id, or `contract`; nothing lists all rules."
    ),
    dates: str = typer.Argument("", help="With `contract`: a profile, or two as OLD..NEW for what changed."),
    url: str = typer.Option(DEFAULT_URL, help=URL_HELP),
    config: Path | None = typer.Option(None, help="Configuration file, to find the ledger when no gateway runs."),
    content: bool = typer.Option(
        False, "--content", help="With an exchange id: what was kept of it ([capture]); needs the key in its variable."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON document."),
) -> None:
    """Say what a rule code means, what happened to one exchange, or what the contract says at a date."""
    if what == "contract":
        explain_contract(dates, as_json)
        return
    if dates:
        raise Misconfigured(f"{dates!r}: a second word is only for `tidegate explain contract`")
    if content:
        _show_content(what, config, as_json)
        return
    if what.startswith("ex_"):
        _explain_exchange(what, url, config, as_json)
        return
    rules = [rule for book in BOOKS for rule in book] if not what else [find_rule(what.upper())]
    if as_json:
        print(json.dumps([asdict(rule) for rule in rules], indent=2))
    elif what:
        print(_in_full(rules[0]))
    else:
        print("\n".join(f"{rule.code}  {rule.title}" for rule in rules))


def find_rule(code: str) -> Rule:
    for book in BOOKS:
        if rule := book.find(code):
            return rule
    known = [rule.code for book in BOOKS for rule in book]
    near = difflib.get_close_matches(code, known, n=1)
    hint = f"did you mean {near[0]}?" if near else "`tidegate explain` lists all rules"
    raise Misconfigured(f"there is no rule {code}; {hint}")


def _in_full(rule: Rule) -> str:
    return f"{rule.code}  {rule.title}\n\nwhy      {rule.why}\nsource   {rule.source}\nchecked  {rule.checked}"


def _explain_exchange(exchange_id: str, url: str, config: Path | None, as_json: bool) -> None:
    exchange = _from_gateway(exchange_id, url) or _from_ledger(exchange_id, config)
    if as_json:
        print(json.dumps(exchange, indent=2))
        return
    failed = f" ({exchange['error']})" if exchange["error"] else ""
    print(
        f"{exchange_id}: status {exchange['status']}{failed}, asked for {exchange['asked_model'] or 'an unknown model'}"
    )
    if exchange["rules"]:
        print(decision_lines(exchange))
    for verdict in exchange["verdicts"]:
        print(f"  {verdict['backend']:<12} {'kept' if verdict['kept'] else 'dropped':<8} {_titled(verdict['rule'])}")
    for code in dict.fromkeys([*exchange["rules"], *exchange["quirks"]]):
        print(f"  {_titled(code)}")


def _show_content(what: str, config: Path | None, as_json: bool) -> None:
    if not what.startswith("ex_"):
        raise Misconfigured("--content needs an exchange id, as it stands in the response header x-tidegate-exchange")
    from tidegate.cli.content import content_of, lines_of

    kept = content_of(what, config)
    print(json.dumps(kept, indent=2, ensure_ascii=False) if as_json else lines_of(kept))


def _titled(code: str) -> str:
    return f"{code}  {find_rule(code).title}"


def _from_gateway(exchange_id: str, url: str) -> dict[str, Any] | None:
    try:
        return get_json(url, f"/-/exchanges/{exchange_id}")
    except (GatewaySaid, Misconfigured):
        return None


def _from_ledger(exchange_id: str, config: Path | None) -> dict[str, Any]:
    from tidegate.app import ledger_path
    from tidegate.cli.places import config_path, state_folder
    from tidegate.config import read_config
    from tidegate.ledger.entries import view_of
    from tidegate.ledger.reading import read_entry

    path = ledger_path(read_config(config_path(config)), state_folder())
    entry = read_entry(path, exchange_id)
    if entry is None:
        raise Misconfigured(f"no exchange {exchange_id}: not at the gateway ({'--url'}) and not in the ledger {path}")
    return view_of(entry)
