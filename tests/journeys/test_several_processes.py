"""Three processes on one port, as real ones: one limit, one budget, one memory of what is private, and one that is killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.support.process import Running, tidegate, tidegate_up
from tests.support.simulated import KEY, simulated
from tests.support.upstreams import Request, Upstream, served, whole_reply

from tidegate.ledger.reading import each_entry

PATIENCE_S = 60.0
BASE = """
[server]
workers = 3
drain_s = 20.0
[probe]
enabled = false
[profiles]
measure = false
[retry]
attempts = 1
"""


class Held(Upstream):
    """Answers nobody before it is told to, and knows how many were at work at once."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.at_work = self.most = self.began = 0
        self._open = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        await super().start()

    def release(self) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._open.set)

    async def _answer(self, request: Request) -> bool:
        if not request.body:
            await request.reply(whole_reply(b""))
            return True
        self.at_work += 1
        self.began += 1
        self.most = max(self.most, self.at_work)
        leaving = asyncio.create_task(request.peer_has_left())
        opened = asyncio.create_task(self._open.wait())
        try:
            await asyncio.wait((leaving, opened), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.at_work -= 1
            leaving.cancel()
            opened.cancel()
            await asyncio.gather(leaving, opened, return_exceptions=True)
        if not self._open.is_set():
            return False
        await request.reply(whole_reply(request.body))
        return True


def backend(url: str, slots: int) -> str:
    return f'[backends.box]\nkind = "generic"\nbase_url = "{url}"\nmodels = ["m"]\nslots = {slots}\npacing = false\n'


def ask(running: Running, said: str = "hi", model: str = "box/m", key: str = "", **headers: str) -> tuple[int, Any]:
    connection = HTTPConnection("127.0.0.1", running.port, timeout=PATIENCE_S)
    body = {"model": model, "messages": [{"role": "user", "content": said}]}
    sent = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {}), **headers}
    try:
        connection.request("POST", "/chat/completions", json.dumps(body), sent)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    except (OSError, ValueError):
        return 0, None
    finally:
        connection.close()


@contextmanager
def asking(running: Running, count: int, **more: Any) -> Generator[list[Future[tuple[int, Any]]]]:
    with ThreadPoolExecutor(count) as pool:
        yield [pool.submit(ask, running, f"hi {at}", **more) for at in range(count)]


def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def status(running: Running) -> dict[str, Any]:
    return running.get("/-/status")[1]


def slots(running: Running) -> tuple[int, int]:
    shown = status(running)["backends"][0]["slots"]
    return shown["used"], shown["waiting"]


def statuses(futures: list[Future[tuple[int, Any]]]) -> list[int]:
    return sorted(future.result()[0] for future in futures)


def test_two_slots_are_two_over_three_processes_and_every_row_is_in_one_ledger(tmp_path: Path) -> None:
    with served(Held()) as held, tidegate_up(tmp_path, BASE + backend(held.url, 2), "--no-embedded") as running:
        assert isinstance(held, Held)
        with asking(running, 12) as futures:
            until(lambda: slots(running) == (2, 10), "two at work and ten waiting")
            assert held.at_work == 2
            held.release()
            assert statuses(futures) == [200] * 12
        assert held.most == 2
        ids = {future.result()[1]["id"] for future in futures}
        assert len(ids) == 12
        shown = status(running)
        assert [one["state"] for one in shown["workers"]] == ["ready"] * 3
        found = [running.get(f"/-/exchanges/ex_{one.replace('-', '')}")[1]["status"] for one in ids]
        assert found == [200] * 12
        assert running.stop() == 0
    assert tidegate(tmp_path, "prove").returncode == 0


def test_a_process_that_is_killed_costs_its_own_answers_and_nothing_else(tmp_path: Path) -> None:
    with served(Held()) as held, tidegate_up(tmp_path, BASE + backend(held.url, 2), "--no-embedded") as running:
        assert isinstance(held, Held)
        assert [ask(running, model="nobody/m")[0] for _ in range(3)] == [404] * 3
        with asking(running, 12) as futures:
            until(lambda: slots(running) == (2, 10), "two at work and ten waiting")
            killed = running.get("/-/status")[1]["workers"][0]["pid"]
            os.kill(killed, signal.SIGKILL)
            until(lambda: status(running)["workers"][0]["pid"] not in (killed, None), "it was started again")
            with asking(running, 6) as more:  # it may have had all of the first ones
                until(lambda: held.at_work == 2, "its places went to others")
                held.release()
                assert statuses(more) == [200] * 6
            codes = statuses(futures)
        assert set(codes) <= {0, 200}
        until(lambda: slots(running) == (0, 0), "all places are free")
        until(lambda: [one["state"] for one in status(running)["workers"]] == ["ready"] * 3, "all serve again")
        assert status(running)["workers"][0]["last_end"] == "signal SIGKILL"
        assert ask(running)[0] == 200
        assert running.stop(signal.SIGTERM) == 0
        assert "Traceback" not in running.output
    assert tidegate(tmp_path, "prove").returncode == 0


def test_a_signal_to_end_lets_every_process_finish_its_answers(tmp_path: Path) -> None:
    with served(Held()) as held, tidegate_up(tmp_path, BASE + backend(held.url, 6), "--no-embedded") as running:
        assert isinstance(held, Held)
        with asking(running, 6) as futures:
            until(lambda: held.at_work == 6, "all at work")
            running.process.send_signal(signal.SIGTERM)
            until(lambda: "draining:" in running.output, "it drains")
            held.release()
            assert statuses(futures) == [200] * 6
        assert running.process.wait(PATIENCE_S) == 0
    assert tidegate(tmp_path, "prove").returncode == 0


def test_without_the_steward_no_process_goes_on(tmp_path: Path) -> None:
    with served(Held()) as held, tidegate_up(tmp_path, BASE + backend(held.url, 2), "--no-embedded") as running:
        assert isinstance(held, Held)
        pids = [one["pid"] for one in status(running)["workers"]]
        running.process.kill()
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), "all are gone")
        assert ask(running)[0] == 0


def test_a_budget_of_a_dollar_is_one_dollar_over_three_processes(tmp_path: Path) -> None:
    """Against the simulator, which counts what it is owed."""
    words = " ".join(f"line {number}: the tide gate lets water out by rule." for number in range(400))
    with simulated(balance=Decimal(100_000)) as cloud:
        made = tidegate(tmp_path, "keys", "create", "team", "--budget-day", "0.02", "--json")
        assert made.returncode == 0, made.stderr
        key = json.loads(made.stdout)["key"]
        hosted = f'[backends.cloud]\nkind = "deepseek"\nbase_url = "{cloud.url}"\nkey_env = "SIM_KEY"\npacing = false\n'
        with tidegate_up(tmp_path, BASE + hosted, "--no-embedded", SIM_KEY=KEY) as running:
            with ThreadPoolExecutor(40) as pool:
                asked = [pool.submit(ask, running, f"{at} {words}", "deepseek-v4-pro", key) for at in range(80)]
                codes = [one.result()[0] for one in asked]
            assert set(codes) == {200, 402}, codes
            assert running.stop() == 0
        account = cloud.parts.accounts.of(KEY)
        assert account is not None
        rows = [entry for entry in each_entry(running.state / "ledger.sqlite3") if entry.charged_usd]
        charged = [Decimal(entry.charged_usd or 0) for entry in rows]
        assert account.spent == sum(charged)
        assert Decimal("0.02") <= account.spent <= Decimal("0.02") + max(charged)


def test_a_private_conversation_is_private_wherever_its_next_turn_comes(tmp_path: Path) -> None:
    """The class came by a header that the later turns drop; turns go to whichever process takes the connection."""
    config = (
        BASE
        + '[backends.home]\nkind = "fake"\n[backends.outside]\nkind = "fake"\nboundary = "external"\nmodels = ["far"]\n'
    )
    with tidegate_up(tmp_path, config, "--no-embedded") as running:
        for at in range(12):
            first = [{"role": "user", "content": f"A question of its own, number {at}"}]
            code, answered = running.post({"model": "home", "messages": first}, {"x-tidegate-class": "private"})
            assert code == 200
            later = [*first, answered["choices"][0]["message"], {"role": "user", "content": "And then?"}]
            with ThreadPoolExecutor(6) as pool:  # at once, so that several processes take them
                assert list(pool.map(ask_turn, [running] * 6, [later] * 6)) == [403] * 6
        assert ask_turn(running, [{"role": "user", "content": "Another conversation"}]) == 200
        assert running.stop() == 0
    assert tidegate(tmp_path, "prove").returncode == 0


def ask_turn(running: Running, messages: list[dict[str, Any]]) -> int:
    connection = HTTPConnection("127.0.0.1", running.port, timeout=PATIENCE_S)
    try:
        body = json.dumps({"model": "outside", "messages": messages})
        connection.request("POST", "/chat/completions", body, {"Content-Type": "application/json"})
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_new_configuration_is_taken_by_all_or_none(tmp_path: Path) -> None:
    home = '[backends.home]\nkind = "fake"\n'
    with tidegate_up(tmp_path, BASE + home, "--no-embedded") as running:
        file = tmp_path / "tidegate.toml"
        file.write_text(BASE + home + '[aliases.mine]\ntargets = ["home"]\n')
        running.process.send_signal(signal.SIGHUP)
        until(lambda: "configuration 2 is in force" in running.output, "reloaded")
        assert [ask(running, model="mine")[0] for _ in range(9)] == [200] * 9
        file.write_text(BASE + home + '[aliases.mine]\ntargets = ["nowhere"]\n')
        running.process.send_signal(signal.SIGHUP)
        until(lambda: "not reloaded" in running.output, "refused")
        assert [ask(running, model="mine")[0] for _ in range(9)] == [200] * 9
        assert running.stop() == 0
