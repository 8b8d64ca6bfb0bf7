"""`make chaos`: the gateway as a real process in all kinds of weather; exit code 1 if anything is not as promised."""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.chaos.books import Books, compare
from tests.chaos.report import as_text, report_of
from tests.chaos.run import Played, play
from tests.chaos.weather import Weather
from tests.chaos.world import World


def main() -> int:
    options = _options()
    folder = Path(options.folder or tempfile.mkdtemp(prefix="tidegate-chaos-"))
    ran = chaos(folder, options.seed, options.streams, options.minutes * 60)
    named = {"seed": options.seed, "streams": options.streams, "minutes": options.minutes}
    report = report_of(ran.played, ran.weather, ran.books(), ran.stopped, named)
    print(as_text(report))
    if options.json:
        Path(options.json).write_text(json.dumps(report, indent=1))
    if report["wrong"] or options.folder:
        print(f"logs and ledger are in {folder}")
    else:
        shutil.rmtree(folder)
    return 1 if report["wrong"] else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="how long it blows")
    parser.add_argument("--streams", type=int, default=200, help="clients at the same time")
    parser.add_argument("--seed", type=int, default=1, help="where the chance begins")
    parser.add_argument("--json", help="write the report here too")
    parser.add_argument("--folder", help="keep logs and ledger here")
    return parser.parse_args()


class Ran(NamedTuple):
    """A run that is over; its processes have ended, its files are there."""

    world: World
    played: Played
    weather: Weather
    stopped: list[str]

    def books(self) -> Books:
        return compare(self.world, self.world.seed, self.played.outcomes)


def chaos(folder: Path, seed: int, streams: int, seconds: float, more: str = "") -> Ran:
    """`more` is added to the gateway's configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    with World(folder, seed, more) as world:
        played, weather = asyncio.run(play(world, seed, streams, seconds, _tell))
        return Ran(world, played, weather, stop(world))


def stop(world: World) -> list[str]:
    """What is wrong about how it ends: nothing is left at work, it stops when told, and its chain is whole."""
    wrong = []
    status = world.status()
    for backend in status["backends"]:
        if backend["slots"]["used"] or backend["slots"]["waiting"]:
            wrong.append(f"backend {backend['name']} has slots in use, and nobody asks: {backend['slots']}")
    if status["ledger"]["dropped"] or status["ledger"]["error"]:
        wrong.append(f"ledger: {status['ledger']}")
    if (code := world.gateway.stop(signal.SIGTERM)) != 0:
        wrong.append(f"the gateway ended with exit code {code}")
    code, proof = world.prove()
    if code:
        wrong.append(f"`tidegate prove` ended with {code}: {json.dumps(proof)[:300]}")
    return wrong


def _tell(played: Played, left_s: float) -> None:
    if sys.stderr.isatty():
        line = f"{max(0, left_s):5.0f} s left, {len(played.outcomes)} requests, {played.open} open, {len(played.wrong)} wrong"
        print(f"\r{line}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
