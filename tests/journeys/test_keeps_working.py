"""A gateway in front of servers that fail: it asks again, goes elsewhere, leaves alone and comes back, over real sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.process import Running, tidegate_up
from tests.support.upstreams import Request, Upstream, head, served, whole_reply

CONFIG = """
[probe]
enabled = false
[profiles]
measure = false
[retry]
backoff_s = 0.01
[breaker]
open_s = 600
longest_open_s = 600
[backends.hosted]
kind = "deepseek"
base_url = "http://127.0.0.1:{hosted}"
models = ["m"]
[backends.home]
kind = "generic"
base_url = "http://127.0.0.1:{home}"
models = ["m"]
stays_home = true
features = ["thinking_off"]
[aliases.both]
targets = ["hosted", "home"]
"""


def failing(status: str, *more: str) -> bytes:
    body = b'{"error":{"message":"no","type":"server_error","param":null,"code":"no"}}'
    return head(status, "application/json", *more, length=len(body)) + body


class Double(Upstream):
    """Answers as told, one reply for each request, then rightly; counts what it was asked."""

    def __init__(self, *, at: socket.socket | None = None) -> None:
        super().__init__(self._answer)
        self.replies: list[bytes] = []
        self.asked = 0
        self._at = at

    async def start(self) -> None:
        if self._at is None:
            await super().start()
            return
        self._server = await asyncio.start_server(self._serve, sock=self._at)
        self.port = self._at.getsockname()[1]

    async def _answer(self, request: Request) -> bool:
        self.asked += bool(request.body)
        await request.reply(self.replies.pop(0) if request.body and self.replies else whole_reply(request.body))
        return True


class Stage:
    def __init__(self, gateway: Running, hosted: Double, home: Double) -> None:
        self.gateway, self.hosted, self.home = gateway, hosted, home
        self.sent = 0

    def ask(self, model: str = "hosted") -> int:
        """One request, no two alike: the same one again would count once where it may be the cause itself."""
        self.sent += 1
        body = {"model": model, "messages": [{"role": "user", "content": f"number {self.sent}"}]}
        status, self.answer = self.gateway.post(body)
        self.headers = dict(self.gateway.headers)
        return status

    @property
    def rules(self) -> list[str]:
        return self.headers["x-tidegate-rules"].split(",")

    @property
    def attempts(self) -> list[str]:
        status, exchange = self.gateway.get(f"/-/exchanges/{self.headers['x-tidegate-exchange']}")
        assert status == 200
        return exchange["attempts"]

    @property
    def breakers(self) -> list[dict[str, Any]]:
        return self.gateway.get("/-/status")[1]["breakers"]


@contextmanager
def stage_at(folder: Path, hosted_port: int, hosted: Double, home: Double) -> Generator[Stage]:
    config = CONFIG.format(hosted=hosted_port, home=home.port)
    with tidegate_up(folder, config, "--no-embedded", DEEPSEEK_API_KEY="sk-test-0000") as gateway:
        yield Stage(gateway, hosted, home)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[Stage]:
    with served(Double()) as hosted, served(Double()) as home:
        assert isinstance(hosted, Double)
        assert isinstance(home, Double)
        with stage_at(tmp_path_factory.mktemp("keeps"), hosted.port, hosted, home) as stage:
            yield stage


@pytest.fixture
def stage(running: Stage) -> Stage:
    """With a whole answer behind it, so that nothing counts against anybody."""
    running.hosted.replies, running.home.replies = [], []
    assert (running.ask("hosted"), running.ask("home")) == (200, 200)
    running.hosted.asked = running.home.asked = 0
    return running


def test_two_overloads_and_then_an_answer_are_an_answer_to_the_client(stage: Stage) -> None:
    stage.hosted.replies = [failing("503 Busy")] * 2
    assert stage.ask() == 200
    assert (stage.answer["choices"][0]["message"]["content"], stage.hosted.asked) == ("Hello there.", 3)
    assert "RES001" in stage.rules
    assert stage.attempts == ["hosted:BackendOverloaded", "hosted:BackendOverloaded", "hosted:ok"]


def test_a_failure_of_the_first_is_answered_by_the_second_at_once(stage: Stage) -> None:
    stage.hosted.replies = [failing("500 Oops")]
    assert stage.ask("both") == 200
    assert (stage.attempts, stage.hosted.asked, stage.home.asked) == (["hosted:BackendFailed", "home:ok"], 1, 1)
    assert "RES001" not in stage.rules


def test_a_404_takes_nothing_out_of_service(stage: Stage) -> None:
    for _ in range(5):
        stage.hosted.replies = [failing("404 Not Found")]
        assert stage.ask() == 502
        assert stage.ask() == 200
    assert stage.hosted.asked == 10, "it is not asked again for what its configuration does wrong"
    assert all((one["failures"], one["opened"]) == (0, 0) for one in stage.breakers)


def test_what_the_client_did_wrong_is_said_at_once_and_touches_nothing(stage: Stage) -> None:
    for status in ("400 Bad Request", "422 Unprocessable"):
        stage.hosted.replies = [failing(status)]
        assert stage.ask("both") == int(status[:3])
    assert (stage.hosted.asked, stage.home.asked, stage.hosted.replies) == (2, 0, [])
    assert all((one["failures"], one["opened"]) == (0, 0) for one in stage.breakers)


def test_what_it_says_of_when_to_come_back_reaches_the_client(stage: Stage) -> None:
    stage.hosted.replies = [failing("429 Too Many", "Retry-After: 120")]
    assert stage.ask() == 429
    assert (stage.headers["retry-after"], stage.hosted.asked) == ("120", 1)


def test_one_that_fails_at_three_different_requests_is_left_alone(stage: Stage) -> None:
    stage.hosted.replies = [failing("500 Oops")] * 3
    for _ in range(3):
        assert stage.ask("both") == 200
    assert stage.ask("both") == 200
    assert (stage.attempts, stage.hosted.asked) == (["hosted:BreakerOpen", "home:ok"], 3)
    assert "RES002" in stage.rules
    (breaker,) = (one for one in stage.breakers if one["backend"] == "hosted")
    assert (breaker["state"], breaker["failures"], breaker["again_in_s"] > 500) == ("open", 3, True)
    assert stage.ask("hosted") == 200, "and is the last candidate all the same"
    assert ("RES003" in stage.rules, stage.attempts) == (True, ["hosted:ok"])


def test_an_unreachable_backend_is_out_within_three_failures_and_back_within_one_try(tmp_path: Path) -> None:
    with socket.socket() as taken, served(Double()) as home:
        assert isinstance(home, Double)
        taken.bind(("127.0.0.1", 0))  # nobody listens there yet
        late = Double(at=taken)
        with stage_at(tmp_path, taken.getsockname()[1], late, home) as stage:
            assert stage.ask() == 503
            assert stage.attempts == ["hosted:BackendUnreachable"] * 3
            (breaker,) = stage.breakers
            assert (breaker["state"], breaker["failures"], breaker["opened"]) == ("open", 3, 1)
            with served(late):
                assert stage.ask() == 200
                assert (stage.attempts, late.asked) == (["hosted:ok"], 1)
                (breaker,) = stage.breakers
                assert (breaker["state"], breaker["failures"], breaker["probes"]) == ("closed", 0, 1)
