"""Writes the pages of docs/reference that a program can print: rules, options, commands, errors, contract, runtimes.

`python docs/generate.py` writes them, `--check` writes nothing and exits 1 when one is stale.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from importlib import import_module
from importlib.metadata import version
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
import typer
from msgspec import Struct

from tidegate.catalog.contracts import DEFAULT_PROFILE, PROFILES, Contract, Row, contract_named
from tidegate.catalog.contracts.difference import changes, columns
from tidegate.cli.explain import BOOKS
from tidegate.cli.main import COMMANDS, root
from tidegate.config import Config, options_of
from tidegate.core import errors
from tidegate.core.rulebook import Rulebook
from tidegate.surfaces.metrics.catalogue import CATALOGUE, COUNTED, OWN, PROCESS, READ, Metric

FOLDER = Path(__file__).parent / "reference"
NOTE = "<!-- Written by docs/generate.py; `make docs` writes it anew. Do not edit. -->"


# -- rules -------------------------------------------------------------------------------------------------------------


def rules_page() -> str:
    parts = [
        "# Rules",
        NOTE,
        "Every rule and every quirk that a decision or an answer can name. `tidegate explain CODE` prints one of them,\n"
        "`tidegate explain` lists all. A code keeps its meaning; new ones are added at the end of their group.",
        *map(_book, BOOKS),
    ]
    return "\n\n".join(parts) + "\n"


def _book(book: Rulebook) -> str:
    rules = [
        f"### {rule.code}\n\n{_upper(rule.title)}.\n\n- why: {rule.why}\n- source: {rule.source}\n"
        f"- checked: {rule.checked}"
        for rule in book
    ]
    return "\n\n".join([f"## {book.prefix}: {book.title}", *(rules or ["None."])])


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


# -- options -----------------------------------------------------------------------------------------------------------


def options_page() -> str:
    parts = [
        "# Options",
        NOTE,
        "All options of `tidegate.toml`. Unknown keys are refused with the nearest known one. Keys never stand in the\n"
        "file: an option that ends in `key_env` names the environment variable that holds one. `tidegate config show`\n"
        "prints what is in force and where it comes from.",
    ]
    for name, annotated in options_of(Config).items():
        heading, table = _table_of(name, annotated)
        parts += [f"## {heading}", _described(annotated), _options(table)]
    return "\n\n".join(parts) + "\n"


def _table_of(name: str, annotated: Any) -> tuple[str, type[Struct]]:
    kind = _bare(annotated)
    if get_origin(kind) is dict:
        return f"[{name}.NAME]", get_args(kind)[1]
    if get_origin(kind) is tuple:
        return f"[[{name}]]", get_args(kind)[0]
    return f"[{name}]", kind


def _options(table: type[Struct]) -> str:
    defaults = {field.encode_name: _default(field) for field in msgspec.structs.fields(table)}
    rows = [
        f"| `{name}` | {_cell(_type_name(annotated))} | {defaults[name]} | {_cell(_described(annotated))} |"
        for name, annotated in options_of(table).items()
    ]
    return "\n".join(["| option | type | default | help |", "|---|---|---|---|", *rows])


def _default(field: Any) -> str:
    value = field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
    if value is msgspec.NODEFAULT:
        return "required"
    return "none" if value is None else f"`{json.dumps(value)}`"


def _described(annotated: Any) -> str:
    metas = [one for one in getattr(annotated, "__metadata__", ()) if isinstance(one, msgspec.Meta)]
    return next((one.description for one in metas if one.description), "")


def _type_name(kind: Any) -> str:
    """`int, 1 or more`, `one of public, internal, private`, `list of str`; None in a union means "may be left out"."""
    if get_origin(kind) is Annotated:
        bounds = [bound for one in kind.__metadata__ for bound in _bounds(one)]
        return ", ".join([_type_name(get_args(kind)[0]), *bounds])
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(f"`{value}`" for value in get_args(kind))
    if get_origin(kind) is tuple:
        return f"list of {_type_name(get_args(kind)[0])}"
    inner = [one for one in get_args(kind) if one is not type(None)]
    return _type_name(inner[0]) if inner else kind.__name__


def _bounds(meta: msgspec.Meta) -> Iterator[str]:
    if meta.ge is not None and meta.le is not None:
        yield f"{meta.ge} to {meta.le}"
    elif meta.ge is not None:
        yield f"{meta.ge} or more"
    if meta.gt is not None:
        yield f"more than {meta.gt}"
    if meta.min_length is not None:
        yield f"at least {meta.min_length}"


def _bare(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


# -- commands ----------------------------------------------------------------------------------------------------------


def commands_page() -> str:
    parts = [
        "# Commands",
        NOTE,
        "What `--help` prints. Exit codes: 0 is fine, 1 means that a gateway answered with an error, 2 means wrong use\n"
        "or a configuration that cannot be used. Results go to standard output, everything else to standard error;\n"
        "`--json` prints one JSON document. `TIDEGATE_KEY` holds the key that `ask`, `status` and `explain` send to a\n"
        "gateway that asks for keys, and `TIDEGATE_ADMIN_KEY` the admin's, which `status` and `explain` send where it is set.",
    ]
    for words in _command_words():
        parts += [f"## {' '.join(('tidegate', *words))}", f"```text\n{_help(words)}\n```"]
    return "\n\n".join(parts) + "\n"


def _command_words() -> Iterator[tuple[str, ...]]:
    yield ()
    for name in COMMANDS:
        yield (name,)
        command = typer.main.get_command(import_module(f"tidegate.cli.{name}").app)
        for inner in getattr(command, "commands", ()):
            yield (name, inner)


def _help(words: tuple[str, ...]) -> str:
    os.environ.update(COLUMNS="100", NO_COLOR="1", TERM="dumb")
    said = StringIO()
    with redirect_stdout(said):
        typer.main.get_command(root).main([*words, "--help"], prog_name="tidegate", standalone_mode=False)
    return "\n".join(line.rstrip() for line in said.getvalue().strip().splitlines())


# -- errors ------------------------------------------------------------------------------------------------------------


def errors_page() -> str:
    tree = inspect.cleandoc(errors.__doc__ or "").split("\n\n")[1]
    parts = [
        "# Errors",
        NOTE,
        "One tree for everything that can go wrong, from `core/errors.py`. Clients read the\n"
        "[envelope](endpoints.md#errors); the ledger keeps the class name and never the text.",
        f"```text\n{inspect.cleandoc(tree)}\n```",
        "`retry` says whether the same request may succeed: `never`, or `elsewhere`, which means that the gateway asks\n"
        "the next candidate of the same decision as long as nothing has gone to the client. `fault` says who can mend it.",
        "| error | status | type | retry | fault | meaning |\n|---|---|---|---|---|---|\n" + "\n".join(_error_rows()),
    ]
    return "\n\n".join(parts) + "\n"


def _error_rows(kind: type[errors.GatewayError] = errors.GatewayError, depth: int = 0) -> Iterator[str]:
    status = "exit code 2" if kind is errors.Misconfigured else str(kind.status)
    meaning = " ".join((kind.__dict__.get("__doc__") or _in_tree(kind.__name__)).split())
    name = "&nbsp;" * 4 * depth + f"`{kind.__name__}`"
    yield f"| {name} | {status} | `{kind.kind}` | {kind.retry} | {kind.fault} | {_cell(_upper(meaning).rstrip('.'))} |"
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from _error_rows(child, depth + 1)


def _in_tree(name: str) -> str:
    """What the module's drawing of the tree says behind an error's name and status."""
    found = re.search(rf"─ {name} +(?:\d{{3}})? *(.*)", errors.__doc__ or "")
    return found.group(1) if found else ""


# -- contract ----------------------------------------------------------------------------------------------------------

TABLE_HELP = {
    "models": "Model ids, the default first. Tokens, and requests that one account may have open at once.",
    "features": "What answers hold that the documentation does not say.",
    "aliases": "Names that once worked, the model and thinking switch they meant, and what became of them.",
    "claude_names": "Names of another provider's models that the Messages surface takes, and what answers.",
    "efforts": "What a requested `reasoning_effort` becomes. A name without a row is refused.",
    "defaults": "What holds when a request says nothing.",
    "limits": "Ranges, both ends included unless the span says otherwise.",
    "sampling": "What becomes of a value inside its range; least = most means fixed. No row: the value takes effect.",
    "prefixes": "Tokens of billed text that the server puts before a thinking request, by prompt encoding and effort.",
    "cache": "The context cache's parameters.",
    "queue": "Waiting, and how many requests may be open.",
    "prices": "Which dated row of the price table holds.",
    "rules": "What a request must be; a breach is status 400 with this text.",
    "errors": "Errors that are not about one field: status, kind of body, content type, text.",
    "differences": "Where this profile follows a documented or measured fact against DeepSeek's own package "
    "`deepseek-recipe`, which the tests use as oracle.",
}


def contract_page() -> str:
    default = contract_named(DEFAULT_PROFILE)
    parts = [
        "# Contract",
        NOTE,
        f"What the hosted DeepSeek API promises, as data. Profiles: {', '.join(f'`{name}`' for name in PROFILES)}; the default\n"
        f"is `{DEFAULT_PROFILE}`. Each row is documented by DeepSeek, measured (on the live API, or by running DeepSeek's own\n"
        "package), or inferred by us. `tidegate explain contract PROFILE` prints one, `tidegate explain contract OLD..NEW`\n"
        "what changed between two; `--json` prints either as one document.",
        *(_contract_table(default, table) for table in default.tables if default.tables[table]),
        *(_contract_changes(old, new) for old, new in pairwise(PROFILES)),
    ]
    return "\n\n".join(parts) + "\n"


def _contract_table(contract: Contract, table: str) -> str:
    rows = [f"| {_cell(row.name)} | {_cell(columns(row))} | {_proof(row)} |" for row in contract.tables[table].values()]
    head = f"## {_upper(table.replace('_', ' '))}\n\n{TABLE_HELP[table]}\n"
    return "\n".join([head, "| name | values | how we know |", "|---|---|---|", *rows])


def _contract_changes(old: str, new: str) -> str:
    before, after = contract_named(old), contract_named(new)
    rows = [
        f"| {change.table} | {_cell(change.name)} | {_cell(columns(change.before))} | {_cell(columns(change.after))} |"
        for change in changes(before, after)
    ]
    head = f"## From {old} to {new}\n\nIn force from {after.valid_from:%Y-%m-%d %H:%M} UTC.\n"
    return "\n".join([head, "| table | name | before | after |", "|---|---|---|---|", *rows])


def _proof(row: Row) -> str:
    return _cell(f"{row.basis}: {row.source} (checked {row.checked})")


# -- runtimes ----------------------------------------------------------------------------------------------------------


def runtimes_page() -> str:
    """As the contract suite finds it: it stands with the tests, and is run for this page."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    return import_module("tests.contract.table").page(NOTE)


# -- metrics -----------------------------------------------------------------------------------------------------------


def metrics_page() -> str:
    parts = [
        "# Metrics",
        NOTE,
        "What `GET /metrics` shows, as Prometheus reads it. Names that begin with `gen_ai_` are those of the OpenTelemetry\n"
        "semantic conventions, spelled as Prometheus spells them: dots become underscores, and the unit stands at the end.\n"
        "Labels hold names of the configuration, of served models and of this page; a model name that a client made up is\n"
        "`other`, and where there is nothing to say a label is empty. How they are used:\n"
        "[Watch and alerts](../keeps-working.md#watch-and-alerts).",
        "## Counted\n\nOnce per request, when it is over.\n\n" + _metrics(COUNTED),
        "## Read\n\nFrom the parts of the gateway, when a scrape asks.\n\n" + _metrics(READ),
        "## Process\n\nOf the process that answers the scrape; on Linux only.\n\n" + _metrics(PROCESS),
        "## Sources\n\n" + "\n".join(sorted({_metric_source(metric) for metric in CATALOGUE})),
        "## Buckets\n\n" + "\n".join(f"- `{one.name}`: {_buckets(one)}" for one in COUNTED if one.buckets),
    ]
    return "\n\n".join(parts) + "\n"


def _metrics(metrics: tuple[Metric, ...]) -> str:
    rows = [
        f"| `{one.name}` | {one.kind} | {', '.join(f'`{label}`' for label in one.labels)} | {_cell(one.help)} | "
        f"{f'`{one.convention}`' if one.convention else ''} |"
        for one in metrics
    ]
    return "\n".join(["| metric | type | labels | help | convention |", "|---|---|---|---|---|", *rows])


def _metric_source(metric: Metric) -> str:
    named = "the rest" if metric.source == OWN else f"`{metric.name.partition('_')[0]}_...`"
    if metric.convention:
        named = "`gen_ai_...`"
    return f"- {named}: {metric.source} (checked {metric.checked})"


def _buckets(metric: Metric) -> str:
    return ", ".join(f"{bound:.12g}" for bound in metric.buckets)


# -- writing -----------------------------------------------------------------------------------------------------------

PAGES: dict[str, Callable[[], str]] = {
    "rules.md": rules_page,
    "options.md": options_page,
    "commands.md": commands_page,
    "errors.md": errors_page,
    "contract.md": contract_page,
    "runtimes.md": runtimes_page,
    "metrics.md": metrics_page,
}


def is_fresh(name: str, text: str) -> bool:
    path = FOLDER / name
    found = path.read_text(encoding="utf-8") if path.exists() else ""
    return _compared(name, found) == _compared(name, text)


def _compared(name: str, text: str) -> Any:
    """Of the help texts only names, order and words count: how they are set differs between Typer's versions."""
    if name != "commands.md" or version("typer").startswith("0.29."):
        return text
    return re.findall(r"^## .*|--[a-z-]+", text, re.MULTILINE)


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print("use: python docs/generate.py [--check]", file=sys.stderr)
        return 2
    stale = [name for name, write in PAGES.items() if not is_fresh(name, write())]
    for name in stale:
        if arguments:
            print(f"docs/reference/{name} is stale; run `make docs`", file=sys.stderr)
        else:
            FOLDER.mkdir(parents=True, exist_ok=True)
            (FOLDER / name).write_text(PAGES[name](), encoding="utf-8")
            print(f"wrote docs/reference/{name}")
    return 1 if arguments and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
