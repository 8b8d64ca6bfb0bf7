"""`tidegate ask`: one prompt, the streamed answer, and the decision behind it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from http.client import HTTPResponse, IncompleteRead
from ssl import SSLContext
from typing import Any, Literal

import typer

from tidegate.cli.failure import GatewaySaid
from tidegate.cli.http import DEFAULT_URL, URL_HELP, call, get_json
from tidegate.cli.places import own_command
from tidegate.cli.side_by_side import Part, parts_of, print_columns

app = typer.Typer(add_completion=False, rich_markup_mode=None)

DIM, PLAIN = "\x1b[2m", "\x1b[0m"
_EACH = "RTE055"
Piece = tuple[Literal["reasoning", "text"], str]


@app.command()
def ask(
    prompt: str = typer.Argument(help="What to ask; - reads standard input."),
    model: str = typer.Option("auto", help="auto, local, an alias, a model id or backend/model."),
    data_class: str = typer.Option("", "--class", help="Raise the data class: public, internal or private."),
    thinking: bool | None = typer.Option(
        None, "--thinking/--no-thinking", help="Let the model think first or not; default: as the model name means."
    ),
    max_tokens: int = typer.Option(0, help="Most tokens of thinking and answer; 0: the contract's default."),
    url: str = typer.Option(DEFAULT_URL, help=URL_HELP),
    as_json: bool = typer.Option(False, "--json", help="Print answer and decision as one JSON document."),
) -> None:
    """Send one prompt to a running gateway and show the answer and its decision."""
    text = sys.stdin.read() if prompt == "-" else prompt
    on_terminal = sys.stdout.isatty()
    result = ask_gateway(
        url,
        text,
        model=model,
        data_class=data_class,
        thinking=thinking,
        max_tokens=max_tokens,
        show=(lambda _piece: None) if as_json else print_piece(on_terminal),
        show_parts=print_columns if on_terminal and not as_json else None,
    )
    if as_json:
        print(json.dumps(result, indent=2))
    else:
        print("\n\n" + decision_lines(result["exchange"]))


def ask_gateway(  # noqa: PLR0913  what is asked, and how the answer is shown
    url: str,
    prompt: str,
    *,
    model: str,
    data_class: str = "",
    thinking: bool | None = None,
    max_tokens: int = 0,
    key: str | None = None,
    tls: SSLContext | None = None,
    show: Callable[[Piece], None],
    show_parts: Callable[[list[Part], list[Part]], None] | None = None,
) -> dict[str, Any]:
    """Ask, show each piece as it arrives, and return the answer with the ledger's row of its exchange.

    `tls` says whom to trust, if not whom the system trusts.
    With `show_parts` an answer that holds several is shown at its end instead, text and reasoning cut into its parts.
    """
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": "user", "content": prompt}],
        "stream": True,
    }
    if thinking is not None:
        body["thinking"] = {"type": "enabled" if thinking else "disabled"}
    if max_tokens:
        body["max_tokens"] = max_tokens
    headers = {"x-tidegate-class": data_class} if data_class else {}
    said: dict[str, list[str]] = {"reasoning": [], "text": []}
    with call(url, "/chat/completions", body, headers, key, tls) as response:
        exchange_id = response.headers["x-tidegate-exchange"]
        several = _EACH in (response.headers["x-tidegate-rules"] or "").split(",")
        waits = several and show_parts is not None
        for piece in _pieces(response):
            said[piece[0]].append(piece[1])
            if not waits:
                show(piece)
    text, reasoning = "".join(said["text"]), "".join(said["reasoning"])
    if waits and show_parts is not None:
        show_parts(parts_of(text), parts_of(reasoning))
    result = {"answer": text, "reasoning": reasoning or None}
    parts = {"parts": [part._asdict() for part in parts_of(text)]} if several else {}
    return result | parts | {"exchange": get_json(url, f"/-/exchanges/{exchange_id}", key, tls)}


def _pieces(response: HTTPResponse) -> Iterator[Piece]:
    done = False
    try:
        for line in response:
            if not line.startswith(b"data: "):
                continue
            data = line[6:].strip()
            if data == b"[DONE]":
                done = True
                continue
            chunk = json.loads(data)  # a line that was cut is no JSON
            if "error" in chunk:
                raise GatewaySaid(f"the answer broke off: {chunk['error']['message']}")
            for choice in chunk["choices"]:
                if reasoning := choice["delta"].get("reasoning_content"):
                    yield "reasoning", reasoning
                if text := choice["delta"].get("content"):
                    yield "text", text
    except (OSError, IncompleteRead, json.JSONDecodeError):
        pass
    if not done:
        raise GatewaySaid("the answer broke off: the gateway closed the stream before its end")


def print_piece(colour: bool) -> Callable[[Piece], None]:
    """Prints pieces as they come; reasoning is headed (and dimmed on a terminal), so that nobody takes it for the answer."""
    last = ""

    def show(piece: Piece) -> None:
        nonlocal last
        kind, text = piece
        if kind != last:
            if last:
                print("\n")
            if kind == "reasoning":
                print(f"{DIM}thinking:{PLAIN} " if colour else "thinking: ", end="")
            last = kind
        print(f"{DIM}{text}{PLAIN}" if colour and kind == "reasoning" else text, end="", flush=True)

    return show


def decision_lines(exchange: dict[str, Any]) -> str:
    """Where the answer came from and why, in a few aligned lines."""
    prompt, output = exchange["prompt_tokens"], exchange["output_tokens"]
    reasoning, hit = exchange["reasoning_tokens"], exchange["cache_hit_tokens"]
    tokens = f"{_count(prompt)} in ({_count(hit)} cached), {_count(output)} out"
    if reasoning is not None:
        tokens += f" ({reasoning} thinking)"
    first = exchange["first_frame_s"]
    began = f", first frame after {first:.2f} s" if first is not None else ""
    asked = [
        ("backend", f"{exchange['backend']}/{exchange['model']}{_demo(exchange)}"),
        ("boundary", exchange["boundary"]),
        ("quirks", " ".join(exchange["quirks"]) or "none"),
        ("tokens", tokens),
        ("cost", _cost(exchange)),
    ]
    rows = [
        ("class", exchange["data_class"]),
        *_looked_at(exchange),
        ("rules", " ".join(exchange["rules"])),
        *_where(exchange, asked),
        *([("compared", _compared(exchange["compared"]))] if exchange.get("compared") else []),
        ("time", f"{exchange['duration_s']:.2f} s{began}"),
        ("exchange", f"{exchange['exchange_id']}   ({own_command()} explain {exchange['rules'][-1]} says why)"),
    ]
    return "\n".join(f"  {name:<9} {value}" for name, value in rows)


def _looked_at(exchange: dict[str, Any]) -> list[tuple[str, str]]:
    """What was found in the request and what the policy said of it; nothing where nothing was."""
    lines: list[tuple[str, str]] = []
    if found := exchange.get("found"):
        lines.append(("found", ", ".join(f"{one['found']} ({one['times']})" for one in found)))
    if rows := exchange.get("policy_rows"):
        lines.append(("policy", f"{', '.join(rows)}: {exchange.get('action') or 'class'}"))
    if any(send["masked"] for send in exchange.get("sends") or []):
        lines.append(("masked", "what was sent outside had pseudonyms in the place of what was found"))
    return lines


def _where(exchange: dict[str, Any], asked: list[tuple[str, str]]) -> list[tuple[str, str]]:
    if exchange["backend"]:
        return asked
    if _EACH in exchange["rules"] and exchange.get("attempts"):
        return [("backends", f"{' '.join(exchange['attempts'])}   (each has an exchange of its own)")]
    return [("backend", "none: nothing was sent")]


def _compared(compared: dict[str, Any]) -> str:
    """How a shadow's answer differs from the client's."""
    first, shadow = compared["first"], compared["shadow"]
    return (
        f"to {first['backend']}/{first['model']}: words in common {compared['similarity']:.0%}, finish "
        f"{first['finish']} and {shadow['finish']}, {first['text_chars']} and {shadow['text_chars']} characters, "
        f"{first['duration_s']:.2f} and {shadow['duration_s']:.2f} s"
    )


def _cost(exchange: dict[str, Any]) -> str:
    if exchange["cost_usd"] is not None:
        return f"{exchange['cost_usd']} USD"
    return "not known" if exchange["boundary"] == "external" else "not priced: it ran on hardware of your own"


def _count(value: int | None) -> str:
    return "not reported" if value is None else str(value)


def _demo(exchange: dict[str, Any]) -> str:
    return "   (embedded demo model, not DeepSeek)" if "EMB001" in exchange["quirks"] else ""
