"""The pool against scripted children: answers, every way to fail, the next job after each, a full queue, a clean stop."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import uvloop

from tidegate.core.errors import Misconfigured
from tidegate.core.findings import Finding
from tidegate.privacy.slow import workers
from tidegate.privacy.slow.worker_child import Order
from tidegate.privacy.slow.workers import LookFailed, Pool, child_environment

PATIENCE_S = 60.0
SECRET = "Margaret Holloway"

# argv: a folder, then what to do at the first start, the second, ...; a job's first text says what to do with the job.
CHILD = r"""
import os, struct, sys, msgspec
folder, *plan = sys.argv[1:]
def read():
    header = sys.stdin.buffer.read(4)
    if not header:
        sys.exit(0)
    return msgspec.msgpack.decode(sys.stdin.buffer.read(struct.unpack(">I", header)[0]))
def raw(data):
    os.write(1, data)
def say(kind, **rest):
    body = msgspec.msgpack.encode({"type": kind, **rest})
    raw(struct.pack(">I", len(body)) + body)
order = read()
with open(folder + "/starts", "a") as file:
    file.write("kept\n" if order["kept"] else "new\n")
with open(folder + "/starts") as file:
    start = len(file.readlines()) - 1
act = plan[min(start, len(plan) - 1)]
if act == "refuse":
    say("refused", reason="[privacy] names needs spacy")
    sys.exit(3)
if act == "crash":
    os._exit(9)
if act == "mute":
    read()
if act == "early":
    say("found", number=1, findings=[])
say("progress", done=1, total=2)
say("ready", kept=b"vectors")
finding = {"code": "SEN085", "group": "name", "start": 0, "end": 4}
while True:
    job = read()
    number, texts = job["number"], job["texts"]
    match texts[0]:
        case "die":
            os.kill(os.getpid(), 9)
        case "hang" | "wait":
            if texts[0] == "wait":
                open(folder + "/fifo", "w").close()
            read()
        case "garbage":
            raw(struct.pack(">I", 5) + b"hello")
        case "flood":
            raw(b"\xff" * 4)
        case "other number":
            say("found", number=number + 1, findings=[[] for _ in texts])
        case "too few":
            say("found", number=number, findings=[])
        case "outside":
            say("found", number=number, findings=[[finding | {"end": 100}]])
        case "unready":
            say("ready", kept=b"")
        case "failed":
            say("failed", number=number, reason="ValueError")
        case "pid":
            say("found", number=number, findings=[[finding | {"code": f"PID{os.getpid()}", "end": 3}]])
        case _:
            say("found", number=number, findings=[[finding] for _ in texts])
"""

Make = Callable[..., Pool]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    made: list[Pool] = []

    def build(*plan: str, size: int = 1, **options: object) -> Pool:
        command = (sys.executable, "-c", CHILD, str(tmp_path), *(plan or ("ready",)))
        made.append(Pool(Order(("en",)), size, command=command, grace_s=0, **options))  # type: ignore[arg-type]
        return made[-1]

    yield build
    for pool in made:
        await pool.stop()


def starts(folder: Path) -> list[str]:
    return (folder / "starts").read_text().split()


async def test_findings_come_text_by_text_and_a_child_serves_many_jobs(make: Make, tmp_path: Path) -> None:
    pool = make()
    for _ in range(3):
        found = await pool.run([SECRET, "Leeds"], PATIENCE_S)
        assert found == [(Finding("SEN085", "name", 0, 4),)] * 2
    assert starts(tmp_path) == ["new"]


async def test_start_waits_until_all_are_ready_and_only_the_first_works_it_out(make: Make, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    pool = make(size=3, progress=lambda done, total: told.append((done, total)))
    await pool.start()
    assert len(set(pool.pids)) == 3
    assert starts(tmp_path) == ["new", "kept", "kept"]
    assert told == [(1, 2)] * 3


async def test_a_start_that_cannot_succeed_is_a_fault_of_the_configuration(make: Make) -> None:
    pool = make("refuse")
    with pytest.raises(Misconfigured, match=r"^\[privacy\] names needs spacy$"):
        await pool.start()
    assert pool.pids == ()


@pytest.mark.parametrize(("act", "reason"), [("crash", "ended"), ("early", "before it was ready")])
async def test_a_start_that_fails_is_said(make: Make, act: str, reason: str) -> None:
    with pytest.raises(LookFailed, match=reason):
        await make(act).start()


async def test_a_child_that_does_not_get_ready_is_given_up(make: Make) -> None:
    with pytest.raises(LookFailed, match="not ready within"):
        await make("mute", start_timeout_s=0.05).start()


async def test_a_program_that_is_not_there_is_said() -> None:
    pool = Pool(Order(), 1, command=("/nowhere/python",))
    with pytest.raises(LookFailed, match="could not be started"):
        await pool.start()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("die", "ended"),
        ("garbage", "nonsense"),
        ("flood", "nonsense"),
        ("other number", "nonsense"),
        ("too few", "nonsense"),
        ("outside", "nonsense"),
        ("unready", "nonsense"),
    ],
)
async def test_a_child_that_breaks_is_replaced_and_its_job_fails(
    make: Make, tmp_path: Path, text: str, reason: str
) -> None:
    pool = make()
    with pytest.raises(LookFailed, match=reason) as failed:
        await pool.run([text, SECRET], PATIENCE_S)
    assert SECRET not in repr(failed.value)
    assert await pool.run([SECRET], PATIENCE_S) == [(Finding("SEN085", "name", 0, 4),)]
    assert starts(tmp_path) == ["new", "kept"]


async def test_a_hung_child_costs_the_budget_and_not_the_next_job(make: Make, tmp_path: Path) -> None:
    pool = make()
    await pool.start()
    with pytest.raises(LookFailed, match=r"longer than \[privacy\] slow_budget_s"):
        await pool.run(["hang", SECRET], 0.05)
    assert len(await pool.run([SECRET], PATIENCE_S)) == 1
    assert starts(tmp_path) == ["new", "kept"]


async def test_kill_9_in_the_middle_of_a_job(make: Make, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    pool = make()
    job = asyncio.create_task(pool.run(["wait", SECRET], PATIENCE_S))
    await asyncio.to_thread((tmp_path / "fifo").read_text)  # ends when the child is at work
    (pid,) = pool.pids
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(LookFailed, match="ended"):
        await job
    assert len(await pool.run([SECRET], PATIENCE_S)) == 1
    assert pool.pids != (pid,)


async def test_what_the_child_could_not_do_fails_and_the_child_stays(make: Make, tmp_path: Path) -> None:
    pool = make()
    with pytest.raises(LookFailed, match="ValueError"):
        await pool.run(["failed"], PATIENCE_S)
    assert len(await pool.run([SECRET], PATIENCE_S)) == 1
    assert starts(tmp_path) == ["new"]


async def test_half_a_character_fails_without_being_quoted(make: Make) -> None:
    with pytest.raises(LookFailed, match="not Unicode") as failed:
        await make().run([SECRET + "\ud800"], PATIENCE_S)
    assert SECRET not in repr(failed.value)
    assert failed.value.__cause__ is None


async def test_a_child_that_cannot_be_replaced_fails_each_job(make: Make) -> None:
    pool = make("ready", "crash")
    for _ in range(3):
        with pytest.raises(LookFailed):
            await pool.run(["die"], PATIENCE_S)


async def test_a_full_queue_refuses(make: Make, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    pool = make(places=1)
    working = asyncio.create_task(pool.run(["wait"], PATIENCE_S))
    await asyncio.to_thread((tmp_path / "fifo").read_text)
    queued = asyncio.create_task(pool.run([SECRET], PATIENCE_S))
    await asyncio.sleep(0)
    with pytest.raises(LookFailed, match=r"raise \[privacy\] workers"):
        await pool.run([SECRET], PATIENCE_S)
    await pool.stop()
    for job in (working, queued):
        with pytest.raises(LookFailed, match="stopped"):
            await job


async def test_a_caller_that_leaves_costs_nobody_else_anything(make: Make) -> None:
    pool = make()
    await pool.start()
    left = asyncio.create_task(pool.run(["pid"], PATIENCE_S))
    await asyncio.sleep(0)
    left.cancel()
    with pytest.raises(asyncio.CancelledError):
        await left
    ((finding,),) = await pool.run(["pid"], PATIENCE_S)
    assert finding.code == f"PID{pool.pids[0]}"


async def test_a_job_that_comes_during_the_start_waits_for_it(make: Make, tmp_path: Path) -> None:
    pool = make(size=2)
    starting = asyncio.create_task(pool.start())
    await asyncio.sleep(0)
    found = await asyncio.gather(*(pool.run([SECRET], PATIENCE_S) for _ in range(4)))
    assert found == [[(Finding("SEN085", "name", 0, 4),)]] * 4
    await starting
    assert starts(tmp_path) == ["new", "kept"]


async def test_an_error_of_our_own_fails_one_job_and_not_the_next(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = make()
    await pool.start()

    def broken(message: object) -> bytes:
        raise RuntimeError(SECRET)

    with monkeypatch.context() as patched:
        patched.setattr(workers, "frame", broken)
        with pytest.raises(LookFailed, match="RuntimeError") as failed:
            await pool.run([SECRET], PATIENCE_S)
    assert SECRET not in repr(failed.value)
    assert len(await pool.run([SECRET], PATIENCE_S)) == 1


async def test_two_children_work_at_the_same_time(make: Make, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    pool = make(size=2)
    busy = asyncio.create_task(pool.run(["wait"], PATIENCE_S))
    await asyncio.to_thread((tmp_path / "fifo").read_text)
    assert len(await pool.run([SECRET], PATIENCE_S)) == 1
    assert not busy.done()
    await pool.stop()
    with pytest.raises(LookFailed):
        await busy


async def test_after_stop_nothing_runs_and_nothing_is_taken(make: Make) -> None:
    pool = make(size=2)
    await pool.start()
    pids = pool.pids
    await pool.stop()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    with pytest.raises(LookFailed, match="stopped"):
        await pool.run([SECRET], PATIENCE_S)


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("turns", range(6))
def test_stop_in_the_middle_of_a_replacement_leaves_nothing_open(
    run: Callable[..., None], turns: int, tmp_path: Path
) -> None:
    async def journey() -> None:
        pool = Pool(Order(), 1, command=(sys.executable, "-c", CHILD, str(tmp_path), "ready"), grace_s=0)
        with pytest.raises(LookFailed):
            await pool.run(["die"], PATIENCE_S)
        for _ in range(turns):
            await asyncio.sleep(0)
        await pool.stop()
        assert pool.pids == ()

    run(journey())
    gc.collect()  # what is still open says so now, and a warning is an error here


def test_no_key_is_in_the_childs_environment() -> None:
    given = {"PATH": "/bin", "DEEPSEEK_API_KEY": "sk", "HTTPS_PROXY": "http://user:pw@proxy", "PYTHONPATH": "/src"}
    kept = child_environment(given)
    assert kept["PATH"] == "/bin" and kept["PYTHONPATH"] == "/src" and kept["OMP_NUM_THREADS"] == "1"
    assert not {"DEEPSEEK_API_KEY", "HTTPS_PROXY"} & kept.keys()


def test_a_waiting_job_does_not_show_its_texts() -> None:
    loop = asyncio.new_event_loop()
    try:
        waiting = workers._Waiting(workers.Job(1, (SECRET,), 1.0), 0.0, loop.create_future())
        assert SECRET not in repr(waiting)
    finally:
        loop.close()
