"""What a relay in front of an LLM endpoint costs: Tidegate against nginx and vllm-router, on this machine.

python benchmarks/relay.py [--rounds N] [--targets nginx,vllm-router,tidegate] [--quick] [--json FILE]

Starts a mock upstream and all targets on loopback, visits them in random order round by round, and prints
Markdown tables. Needs Linux and gcc. It must not contact any host but 127.0.0.1 (one announced installation of
vllm-router on first use excepted), and it leaves nothing running.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from relay_proc import BenchError, compile_c, cores, last_lines, machine, pinned, spawn, stop
from relay_report import DIRECT, Facts, Run, count, markdown, ratio_figures
from relay_targets import RECIPES, Place, Target, bare_env, start

HERE = Path(__file__).resolve().parent
LOAD_SECONDS = 60  # no single run may take longer
STREAM_LIMIT_MS = 20_000


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of load; it ends after a number of requests per connection (0: no limit) or a time."""

    name: str
    model: str
    stream: bool
    connections: int
    per_connection: int
    duration_ms: int
    stagger_us: int = 0


WARM_UP = (
    Scenario("warm-up", "mock", False, 32, 0, 300),
    Scenario("warm-up streams", "mock-0ms", True, 32, 1, STREAM_LIMIT_MS),
)


def scenarios(quick: bool) -> tuple[Scenario, ...]:
    chosen = (
        Scenario("one", "mock", False, 1, 0, 400 if quick else 800),
        Scenario("many", "mock", False, 32, 0, 600 if quick else 1200),
        Scenario("stream1", "mock-1ms", True, 1, 5 if quick else 10, STREAM_LIMIT_MS),
        Scenario("stream32", "mock-20ms", True, 32, 1, STREAM_LIMIT_MS, 625),
        Scenario("stream256", "mock-5ms", True, 256, 1 if quick else 2, STREAM_LIMIT_MS, 390),
        # 5 ms fills the core of a slower relay: its delays then show queueing. 20 ms shows them with room to spare.
        Scenario("paced256", "mock-20ms", True, 256, 1, STREAM_LIMIT_MS, 390),
    )
    return tuple(scenario for scenario in chosen if not (quick and scenario.name == "paced256"))


@dataclass(frozen=True, slots=True)
class Load:
    """The compiled load generator and what it needs."""

    program: Path
    core: int | None
    upstream_port: int
    env: dict[str, str]

    def run(self, port: int, scenario: Scenario) -> dict[str, float]:
        command = [str(self.program), str(port), scenario.model, str(int(scenario.stream)), str(scenario.connections)]
        command += [str(scenario.per_connection), str(scenario.duration_ms), str(scenario.stagger_us)]
        try:
            done = subprocess.run(
                pinned(command, self.core),
                env=self.env,
                capture_output=True,
                text=True,
                timeout=LOAD_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise BenchError(f"{scenario.name}: no end after {LOAD_SECONDS} s") from None
        if done.returncode != 0:
            raise BenchError(f"{scenario.name}: {last_lines(done.stderr)}")
        return {name: float(value) for name, value in json.loads(done.stdout).items()}


def measure(load: Load, target: Target | None, scenario: Scenario) -> dict[str, float]:
    """One run; without a target the load goes directly to the mock and there is no CPU time to read."""
    before = target.cpu_ns() if target else 0
    values = load.run(target.port if target else load.upstream_port, scenario)
    used_us = (target.cpu_ns() - before) / 1e3 if target else 0.0
    values["requests_per_s"] = values["ok"] / values["seconds"]
    values["chunks_per_s"] = values["chunks"] / values["seconds"]
    if target:
        values["core_percent"] = used_us / values["seconds"] / 1e4
        if values["ok"]:
            values["cpu_us_per_request"] = used_us / values["ok"]
        if values["chunks"]:
            values["cpu_us_per_chunk"] = used_us / values["chunks"]
    return values


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextmanager
def upstream(program: Path, core: int | None, folder: Path) -> Iterator[int]:
    """The mock upstream; gives its port."""
    process = spawn([str(program)], core, bare_env(folder), folder / "upstream.stderr", piped=True)
    try:
        line = process.stdout.readline() if process.stdout else b""
        if not line.strip().isdigit():
            raise BenchError("the mock upstream did not start")
        yield int(line)
    finally:
        stop(process)


def _faults(values: dict[str, float]) -> str:
    return (
        f"{values['errors']:.0f} failed requests, {values['lost']:.0f} broken streams, {values['ok']:.0f} good answers"
    )


def start_targets(names: Sequence[str], place: Place, load: Load, stack: ExitStack) -> dict[str, Target]:
    """Start and warm up the targets one after another; one that fails is reported and left out."""
    running: dict[str, Target] = {}
    for name in names:
        try:
            target = start(name, place)
            stack.callback(stop, target.process)
            for scenario in WARM_UP:
                values = load.run(target.port, scenario)
                if values["errors"] or values["lost"] or not values["ok"]:
                    raise BenchError(f"{scenario.name}: {_faults(values)}: {target.complaint()}")
        except (BenchError, OSError) as error:
            say(f"cannot measure {name}: {error}")
            continue
        running[name] = target
        say(f"{name} {target.version} answers after {target.ready_seconds:.2f} s")
    return running


def visit(load: Load, name: str, target: Target | None, number: int, quick: bool) -> list[Run]:
    """All scenarios against one target."""
    return [Run(number, name, scenario.name, measure(load, target, scenario)) for scenario in scenarios(quick)]


def rounds(load: Load, running: dict[str, Target], options: argparse.Namespace) -> list[Run]:
    """Every round visits direct and all targets in random order; a target that breaks down is left out from then."""
    shuffle = random.Random(options.seed)
    names: list[str] = [DIRECT, *running]
    runs: list[Run] = []
    for number in range(1, options.rounds + 1):
        began = time.monotonic()
        for name in shuffle.sample(names, len(names)):
            target = running.get(name)
            try:
                runs += visit(load, name, target, number, options.quick)
            except BenchError as error:
                if target is None:
                    raise
                names.remove(name)
                say(f"{name} broke down in round {number}: {error}: {target.complaint()}")
        say(f"round {number}/{options.rounds}: {time.monotonic() - began:.1f} s")
    for target in running.values():
        target.note_memory("end")
    return runs


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="relay.py", description="Measure what a relay costs per request and chunk.")
    parser.add_argument("--rounds", type=int, help="rounds, 1 to 50 (default 6, with --quick 2)")
    parser.add_argument("--targets", default=",".join(RECIPES), help="comma-separated: %(default)s")
    parser.add_argument("--quick", action="store_true", help="shorter runs, about a minute")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000, help="for the order of the targets")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all runs and figures to a file")
    options = parser.parse_args(argv)
    options.targets = [name.strip() for name in options.targets.split(",") if name.strip()]
    unknown = [name for name in options.targets if name not in RECIPES]
    if unknown or len(set(options.targets)) != len(options.targets):
        parser.error(f"--targets takes each of {', '.join(RECIPES)} at most once")
    options.rounds = options.rounds if options.rounds is not None else (2 if options.quick else 6)
    if not 1 <= options.rounds <= 50:
        parser.error("--rounds takes 1 to 50")
    return options


def report(options: argparse.Namespace, running: dict[str, Target], runs: list[Run], busy: float) -> int:
    """Print and write the figures. Failed requests, broken streams and absent targets make the result a failure."""
    facts = {
        name: Facts(target.version, target.ready_seconds, target.memory)
        for name, target in running.items()
        if any(run.target == name for run in runs)
    }
    where = "targets on one core, load and mock on another" if cores() else "nothing pinned"
    faults = sum(count(runs, name, value) for name in (DIRECT, *facts) for value in ("errors", "lost"))
    heading = [
        machine(),
        "",
        f"{options.rounds} rounds, seed {options.seed}, {where}, load average {busy:.1f} before the start.",
        "",
    ]
    if faults:
        say(f"{faults} failed requests or broken streams: the figures do not count")
        heading += [f"**{faults} failed requests or broken streams: these figures do not count.**", ""]
    print(markdown(heading, runs, facts))
    if options.json:
        data = {
            "machine": heading[0],
            "rounds": options.rounds,
            "seed": options.seed,
            "quick": options.quick,
            "pinned": cores() is not None,
            "load_average_before": busy,
            "targets": {name: asdict(fact) for name, fact in facts.items()},
            "ratios": ratio_figures(runs),
            "runs": [asdict(run) for run in runs],
        }
        options.json.write_text(json.dumps(data, indent=1) + "\n")
    complete = all(
        len({run.round for run in runs if run.target == name}) == options.rounds for name in (DIRECT, *options.targets)
    )
    return 0 if complete and not faults else 1


def bench(options: argparse.Namespace) -> int:
    pair, busy = cores(), os.getloadavg()[0]
    load_core, target_core = pair if pair else (None, None)
    if pair is None:
        say("one core only, or no taskset: nothing is pinned and the figures are rough")
    with ExitStack() as stack:
        scratch = tempfile.TemporaryDirectory(prefix="relay-bench-", ignore_cleanup_errors=True)
        folder = Path(stack.enter_context(scratch))
        key = secrets.token_hex(16)
        port = stack.enter_context(upstream(compile_c(HERE / "upstream.c", folder), load_core, folder))
        load = Load(compile_c(HERE / "load.c", folder), load_core, port, {"BENCH_CLIENT_KEY": key})
        place = Place(folder, port, key, target_core)
        load.run(port, WARM_UP[0])
        say(f"mock upstream on port {port}, seed {options.seed}")
        running = start_targets(options.targets, place, load, stack)
        if options.targets and not running:
            raise BenchError("no target could be started")
        runs = rounds(load, running, options)
        return report(options, running, runs, busy)


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def main(argv: Sequence[str]) -> int:
    options = arguments(argv)
    for number in (signal.SIGTERM, signal.SIGHUP):  # clean up as on Ctrl-C
        signal.signal(number, _interrupt)
    try:
        return bench(options)
    except BenchError as error:
        say(f"relay.py: {error}")
        return 1
    except KeyboardInterrupt:
        say("stopped")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
