"""The supervisor against scripted children: a start, every way to fail one, restarts, back-off and a clean stop."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tidegate.backends import engine as engine_module
from tidegate.backends.engine import Engine, EngineAddress, EngineSettings, child_environment, default_threads
from tidegate.core.errors import BackendUnreachable

PATIENCE_S = 60.0

# argv: a folder, then what to do at the first start, the second, ...; the last one is for all later starts.
CHILD = r"""
import json, os, signal, sys
folder, *plan = sys.argv[1:]
with open(folder + "/starts", "a") as file:
    file.write("x")
start = os.path.getsize(folder + "/starts") - 1
act = plan[min(start, len(plan) - 1)]
order = json.loads(sys.stdin.readline())
with open(folder + "/seen", "w") as file:
    json.dump({"order": order, "argv": sys.argv, "env": dict(os.environ)}, file)
def say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
if act == "crash":
    sys.stderr.write("Traceback\nKaputt: cause\n")
    os._exit(9)
if act == "killed":
    os.kill(os.getpid(), signal.SIGSEGV)
if act in ("refuse", "never"):
    sys.stderr.write("0.00.034.391 E loader: the cause\n0.00.054.766 E loader: a consequence\n")
    say(json.dumps({"error": "cannot start", "permanent": act == "never"}))
    sys.exit(3)
if act == "garbage":
    say("llama_model_loader: loaded")
if act == "list":
    say("[1]")
if act == "flood":
    say("x" * 1_000_000)
if act == "elsewhere":
    say(json.dumps({"listening": "http://192.0.2.1:80"}))
if act == "bad-port":
    say(json.dumps({"listening": "http://127.0.0.1:99999999"}))
if act == "noisy":
    sys.stderr.write("y" * 2_000_000)
if act in ("ready", "noisy", "stubborn"):
    say(json.dumps({"listening": f"http://127.0.0.1:{5000 + start}"}))
while sys.stdin.read(1):
    pass
while act == "stubborn":
    signal.pause()
"""


class Waits:
    """The back-off's clock: notes each delay, and holds it while `gate` is closed."""

    def __init__(self) -> None:
        self.delays: list[float] = []
        self.began = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, delay_s: float) -> None:
        self.delays.append(delay_s)
        self.began.set()
        await self.gate.wait()

    async def next(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await self.began.wait()
        self.began.clear()


MakeEngine = Callable[..., Engine]


@pytest.fixture
async def waits() -> Waits:
    return Waits()


@pytest.fixture
async def make(tmp_path: Path, waits: Waits) -> AsyncIterator[MakeEngine]:
    made: list[Engine] = []

    def build(*plan: str, start_timeout_s: float = PATIENCE_S, command: tuple[str, ...] | None = None) -> Engine:
        settings = EngineSettings(Path("/models/m.gguf"), "demo", 8192, 2, 1, "{{ x }}", start_timeout_s)
        made.append(Engine(settings, command=command or scripted(tmp_path, *plan), wait=waits))
        return made[-1]

    yield build
    for engine in made:
        await engine.stop()


def scripted(folder: Path, *plan: str) -> tuple[str, ...]:
    return (sys.executable, "-c", CHILD, str(folder), *plan)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_start_gives_an_address_and_a_stop_leaves_nothing(make: MakeEngine, waits: Waits) -> None:
    engine = make("ready")
    assert (engine.state, engine.pid) == ("stopped", None)
    engine.start()
    assert engine.state == "starting"
    address = await engine.address(PATIENCE_S)
    assert (address.host, address.port, engine.state, engine.restarts) == ("127.0.0.1", 5000, "ready", 0)
    pid = engine.pid
    assert pid is not None and is_alive(pid)
    await engine.stop()
    assert (engine.state, engine.pid, waits.delays) == ("stopped", None, [])
    assert not is_alive(pid)
    with pytest.raises(BackendUnreachable, match="stopped"):
        await engine.address(PATIENCE_S)


async def test_the_key_travels_through_standard_input_only(
    make: MakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPSEEK_API_KEY", "sk-not-for-the-engine")
    engine = make("ready")
    engine.start()
    address = await engine.address(PATIENCE_S)
    seen = json.loads((tmp_path / "seen").read_text())
    assert seen["order"] == {
        "model": "/models/m.gguf",
        "alias": "demo",
        "context_tokens": 8192,
        "slots": 2,
        "threads": 1,
        "template": "{{ x }}",
        "key": address.key,
    }
    assert address.key not in json.dumps([seen["argv"], seen["env"]]) and len(address.key) >= 32
    assert address.key not in repr(address)
    assert "DEEPSEEK_API_KEY" not in seen["env"]
    assert seen["env"]["OMP_WAIT_POLICY"] == "PASSIVE"


def test_the_child_gets_no_secrets() -> None:
    given = {"PATH": "/bin", "api_key": "1", "HF_TOKEN": "2", "My_Secret": "3", "PGPASSWORD": "4", "LANG": "C"}
    kept = child_environment(given)
    assert kept == {"PATH": "/bin", "LANG": "C", "OMP_WAIT_POLICY": "PASSIVE", "PYTHONSAFEPATH": "1"}


def test_an_address_does_not_show_its_key() -> None:
    assert "hush" not in repr(EngineAddress("127.0.0.1", 1, "hush"))


def test_one_core_stays_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2}, raising=False)  # pyright: ignore
    assert default_threads() == 2
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0}, raising=False)  # pyright: ignore
    assert default_threads() == 1
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert default_threads() == 7


async def test_a_killed_child_comes_back_with_a_new_key(make: MakeEngine, waits: Waits) -> None:
    engine = make("ready")
    engine.start()
    first = await engine.address(PATIENCE_S)
    waits.gate.clear()
    assert engine.pid
    os.kill(engine.pid, signal.SIGKILL)
    await waits.next()
    assert (engine.state, engine.pid) == ("down", None)
    with pytest.raises(BackendUnreachable, match=r"restarting: .*ended by SIGKILL"):
        await engine.address(0.0)
    waits.gate.set()
    second = await engine.address(PATIENCE_S)
    assert (second.port, engine.restarts, engine.state) == (5001, 1, "ready")
    assert second.key != first.key


async def test_the_back_off_grows_and_stays_at_its_last_step(make: MakeEngine, waits: Waits) -> None:
    engine = make(*["crash"] * 9, "ready")
    engine.start()
    await engine.address(PATIENCE_S)
    assert waits.delays == [0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 30.0, 30.0]
    assert engine.restarts == 9
    assert engine.last_error == "its process ended with exit code 9 (Kaputt: cause)"


@pytest.mark.parametrize(("steady_after_s", "delay_s"), [(1e-9, 0.0), (1e9, 1.0)], ids=["steady", "brief"])
async def test_only_a_steady_run_resets_the_back_off(
    make: MakeEngine, waits: Waits, monkeypatch: pytest.MonkeyPatch, steady_after_s: float, delay_s: float
) -> None:
    monkeypatch.setattr(engine_module, "STEADY_AFTER_S", steady_after_s)
    engine = make("crash", "crash", "ready")
    engine.start()
    await engine.address(PATIENCE_S)
    waits.began.clear()
    assert engine.pid
    os.kill(engine.pid, signal.SIGKILL)
    await waits.next()
    assert waits.delays == [0.0, 0.5, delay_s]


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        ("killed", "ended by SIGSEGV"),
        ("garbage", "did not answer with its address"),
        ("list", "an address on this machine"),
        ("flood", "did not answer with its address"),
        ("bad-port", "did not answer with its address"),
        ("elsewhere", "an address on this machine"),
    ],
)
async def test_a_child_that_misbehaves_is_replaced(make: MakeEngine, waits: Waits, act: str, expected: str) -> None:
    engine = make(act, "ready")
    engine.start()
    assert (await engine.address(PATIENCE_S)).port == 5001
    assert expected in (engine.last_error or "")
    assert waits.delays == [0.0]


async def test_a_child_that_never_answers_is_given_up(make: MakeEngine, waits: Waits) -> None:
    waits.gate.clear()
    engine = make("mute", start_timeout_s=0.05)
    engine.start()
    await waits.next()
    assert (engine.state, engine.pid) == ("down", None)
    assert engine.last_error == "it was not ready within 0.05 s"


async def test_waiting_for_a_slow_start_ends_in_time(make: MakeEngine) -> None:
    engine = make("mute")
    engine.start()
    with pytest.raises(BackendUnreachable, match="still starting"):
        await engine.address(0.01)


@pytest.mark.parametrize("act", ["refuse", "never"])
async def test_a_first_start_that_is_refused_is_final(make: MakeEngine, waits: Waits, act: str) -> None:
    engine = make(act)
    engine.start()
    with pytest.raises(BackendUnreachable, match=r"cannot run: cannot start \(loader: the cause\)"):
        await engine.address(PATIENCE_S)
    assert (engine.state, engine.pid, waits.delays) == ("failed", None, [])


async def test_a_later_refusal_is_final_only_when_the_child_says_so(make: MakeEngine, waits: Waits) -> None:
    engine = make("ready", "refuse", "never")
    engine.start()
    await engine.address(PATIENCE_S)
    assert engine.pid
    os.kill(engine.pid, signal.SIGKILL)
    await waits.next()
    with pytest.raises(BackendUnreachable, match="cannot run"):
        await engine.address(PATIENCE_S)
    assert (engine.state, waits.delays, engine.restarts) == ("failed", [0.0, 0.5], 2)


async def test_a_noisy_child_neither_blocks_nor_fills_the_memory(make: MakeEngine) -> None:
    engine = make("noisy")
    engine.start()
    await engine.address(PATIENCE_S)
    assert engine.state == "ready"


async def test_a_program_that_does_not_exist_is_tried_again(make: MakeEngine, waits: Waits) -> None:
    waits.gate.clear()
    engine = make(command=("/nonexistent/python",))
    engine.start()
    await waits.next()
    assert engine.state == "down"
    assert "No such file" in (engine.last_error or "")


async def test_a_child_that_ignores_the_order_to_stop_is_killed(
    make: MakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "STOP_GRACE_S", 0.05)
    engine = make("stubborn")
    engine.start()
    await engine.address(PATIENCE_S)
    pid = engine.pid
    assert pid
    await engine.stop()
    assert not is_alive(pid)


async def test_a_stop_during_the_start_leaves_no_child(make: MakeEngine) -> None:
    engine = make("mute")
    engine.start()
    waiting = asyncio.create_task(engine.address(PATIENCE_S))
    await asyncio.sleep(0)
    await engine.stop()
    with pytest.raises(BackendUnreachable, match="stopped"):
        await waiting
    assert engine.pid is None


async def test_an_engine_can_be_started_again(make: MakeEngine) -> None:
    engine = make("ready")
    engine.start()
    await engine.address(PATIENCE_S)
    await engine.stop()
    engine.start()
    assert (await engine.address(PATIENCE_S)).port == 5001


async def test_a_bug_in_the_supervisor_is_a_state_and_no_crash(tmp_path: Path) -> None:
    async def broken(delay_s: float) -> None:
        raise RuntimeError("no clock")

    settings = EngineSettings(Path("/m"), "demo", 8192, 2, 1, "")
    engine = Engine(settings, command=scripted(tmp_path, "crash"), wait=broken)
    engine.start()
    with pytest.raises(BackendUnreachable, match="no clock"):
        await engine.address(PATIENCE_S)
    assert engine.state == "failed"
    await engine.stop()
