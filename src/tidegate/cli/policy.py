"""`tidegate policy calibrate`: from which similarity is a text like the samples of [[privacy.examples]]?

Runs in this process, not in a worker: it reads the operator's own folders and nothing else. Shows figures and the line to
paste, never a sample's text.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from tidegate.app.detection import check_slow_look, example_order, fetch_example_model
from tidegate.cli.config import FILE_HELP
from tidegate.cli.failure import GatewaySaid
from tidegate.cli.places import cache_folder, config_path
from tidegate.config import PrivacyOptions, read_config
from tidegate.core.errors import Misconfigured
from tidegate.privacy.slow.worker_child import CannotStart, ExampleOrder

if TYPE_CHECKING:
    from tidegate.privacy.slow.calibration import Choice

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

GOOD_F1 = 0.8
_BAR_CELLS = 30
_SHOWN_STEP = 5


@app.callback()
def policy() -> None:
    """Find the similarity from which a text is like your samples."""


@app.command()
def calibrate(
    file: Path | None = typer.Option(None, "--config", help=FILE_HELP),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON document."),
) -> None:
    """Try each sample of [[privacy.examples]] against the others and print the best threshold.

    Exit code 1 when a kind cannot be told from other texts (F1 below 0.8).
    """
    path = config_path(file)
    options = read_config(path).privacy
    if not options.examples:
        where = path or "the defaults (no tidegate.toml)"
        raise Misconfigured(f"[[privacy.examples]]: none is in {where}; name a folder of samples to calibrate")
    check_slow_look(PrivacyOptions(examples=options.examples))
    order = example_order(options, cache_folder(), lambda line: print(line, file=sys.stderr))
    try:
        choices = _choices(order)
    except CannotStart as error:
        raise Misconfigured(error.message) from None
    if as_json:
        print(json.dumps([_document(name, choice) for name, choice in choices.items()], indent=2))
    else:
        for example in options.examples:
            _show(example.name, choices[example.name], example.folder, example.threshold)
    weak = [name for name, choice in choices.items() if choice.chosen.f1 < GOOD_F1]
    if weak:
        raise GatewaySaid(
            f"{', '.join(weak)}: the samples are not told apart from other texts (F1 below {GOOD_F1:g}); "
            "give more samples, and only of one kind. The model reads English"
        )


def fetch_sentence_model() -> tuple[Path, Path]:
    """Weights and tokenizer, verified; fetched first if need be."""
    return fetch_example_model(cache_folder(), lambda line: print(line, file=sys.stderr))


def _choices(order: ExampleOrder) -> dict[str, Choice]:
    from tidegate.privacy.slow.calibration import neutral_texts
    from tidegate.privacy.slow.examples import choice, embedded_samples, open_embedder, window_vectors

    embedder = open_embedder(Path(order.weights), Path(order.tokenizer))
    with _progress() as advance:
        kinds = embedded_samples(embedder, order.kinds, advance)
    neutral = [window_vectors(embedder, text) for text in neutral_texts()]
    return {kind.name: choice(kind, kinds, neutral) for kind in kinds}


@contextmanager
def _progress() -> Generator[Callable[[int, int], None]]:
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("Reading samples", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _document(name: str, choice: Choice) -> dict[str, Any]:
    chosen = choice.chosen
    return {
        "name": name,
        "samples": choice.samples,
        "others": choice.others,
        "threshold": chosen.threshold,
        "precision": round(chosen.precision, 4),
        "recall": round(chosen.recall, 4),
        "f1": round(chosen.f1, 4),
        "curve": [
            {"threshold": point.threshold, "precision": round(point.precision, 4), "recall": round(point.recall, 4)}
            for point in choice.curve
        ],
    }


def _show(name: str, choice: Choice, folder: str, configured: float | None) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    print(f"{name}: {choice.samples} samples, each against the rest; {choice.others} other texts")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("threshold", "precision", "recall", "F1", ""):
        table.add_column(heading, justify="left" if not heading else "right", no_wrap=True)
    useful = sum(point.recall > 0 for point in choice.curve)
    for number, point in enumerate(choice.curve[: useful + 1]):
        chosen = point == choice.chosen
        if number % _SHOWN_STEP == 0 or chosen:
            bar = "#" * round(point.f1 * _BAR_CELLS) + (" <- best" if chosen else "")
            figures = (
                f"{point.threshold:.2f}",
                f"{point.precision:.2f}",
                f"{point.recall:.2f}",
                f"{point.f1:.2f}",
                bar,
            )
            table.add_row(*map(Text, figures), style="bold" if chosen else "")
    Console().print(table)
    if configured is not None:
        print(f"in force: threshold = {configured:g}")
    print(
        "\n[[privacy.examples]]\n"
        f"name = {json.dumps(name)}\nfolder = {json.dumps(folder)}\nthreshold = {choice.threshold:.2f}\n"
    )
