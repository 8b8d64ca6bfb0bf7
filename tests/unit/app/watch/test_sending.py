"""Alerts on their way to one receiver: in order, tried again, given up, dropped, and never said more than once in the log."""

from __future__ import annotations

import asyncio

import pytest
from tests.support.hands import breath

from tidegate.app.watch import sending as module
from tidegate.app.watch.alerts import Alert
from tidegate.app.watch.sending import PAUSES_S, Receiver, Sender
from tidegate.config.resilience import AlertEvent
from tidegate.core.errors import BackendUnreachable


class Hook:
    """Answers as it is told, the last answer for ever; the pauses are noted and not made."""

    def __init__(self, *answers: int | None) -> None:
        self.answers = [*answers]
        self.heard: list[tuple[bytes, dict[str, str]]] = []
        self.pauses: list[float] = []
        self.now = 1000.0

    async def post(self, body: bytes, headers: tuple[tuple[str, str], ...]) -> int:
        self.heard.append((body, dict(headers)))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            raise BackendUnreachable("nobody is there")
        return answer

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


def alert(number: int = 1, event: AlertEvent = "backend_down") -> Alert:
    return Alert(f"alert_{number}", event, 1000.0, {"backend": "home"})


async def sent(hook: Hook, *alerts: Alert, events: frozenset[AlertEvent] = frozenset()) -> Sender:
    sender = Sender(
        Receiver("hook.test", "https://hook.test/secret-path", hook.post, events), lambda: hook.now, hook.sleep
    )
    sender.start()
    for one in alerts:
        sender.put(one)
    await sender.settled()
    await sender.stop()
    return sender


@pytest.mark.parametrize("status", [200, 202, 204, 299])
async def test_any_2xx_has_taken_it(status: int, caplog: pytest.LogCaptureFixture) -> None:
    hook = Hook(status)
    sender = await sent(hook, alert(1), alert(2))
    assert [headers["webhook-id"] for _, headers in hook.heard] == ["alert_1", "alert_2"]
    assert (dict(sender.sent), dict(sender.lost), sender.waiting, hook.pauses) == ({"backend_down": 2}, {}, 0, [])
    assert caplog.text == ""


@pytest.mark.parametrize("answer", [None, 500, 404, 301, 199])
async def test_everything_else_is_tried_again_under_the_same_id_and_a_new_time(answer: int | None) -> None:
    hook = Hook(answer, answer, 200)
    sender = await sent(hook, alert())
    assert [(told["webhook-id"], told["webhook-timestamp"]) for _, told in hook.heard] == [
        ("alert_1", "1000"),
        ("alert_1", "1005"),
        ("alert_1", "1035"),
    ]
    assert hook.pauses == [*PAUSES_S[:2]]
    assert sender.sent.total() == 1


async def test_it_is_given_up_after_all_attempts_and_said_without_the_url(caplog: pytest.LogCaptureFixture) -> None:
    hook = Hook(None)
    sender = await sent(hook, alert(1), alert(2))
    assert (len(hook.heard), hook.pauses) == (10, [*PAUSES_S, *PAUSES_S])
    assert (sender.sent.total(), sender.lost.total()) == (0, 2)
    lines = [record.getMessage() for record in caplog.records]
    assert [line.partition(":")[0] for line in lines] == ["alerts", "RES056", "RES056"], "the trouble is said once"
    assert "hook.test" in caplog.text
    assert "secret-path" not in caplog.text
    assert "secret-path" not in repr(sender.receiver)


async def test_after_it_has_taken_one_new_trouble_is_said_again(caplog: pytest.LogCaptureFixture) -> None:
    await sent(Hook(500, 200, 500, 200), alert(1), alert(2))
    assert len(caplog.records) == 2


async def test_410_ends_it(caplog: pytest.LogCaptureFixture) -> None:
    hook = Hook(410)
    sender = await sent(hook, alert(1), alert(2))
    assert (len(hook.heard), hook.pauses, sender.lost.total()) == (1, [], 1)
    sender.put(alert(3))
    assert sender.waiting == 0


async def test_only_wanted_events_are_sent() -> None:
    hook = Hook(200)
    await sent(hook, alert(1), alert(2, "balance_low"), events=frozenset({"balance_low"}))
    assert [told["webhook-id"] for _, told in hook.heard] == ["alert_2"]


async def test_the_oldest_gives_way_where_too_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 2)
    hook = Hook(200)
    sender = await sent(hook, *(alert(number) for number in range(5)))
    assert [told["webhook-id"] for _, told in hook.heard] == ["alert_3", "alert_4"]
    assert sender.lost.total() == 3


async def test_a_stop_in_a_pause_waits_for_nothing() -> None:
    hook = Hook(500)
    sender = Sender(Receiver("h", "u", hook.post), lambda: 0.0, lambda _pause: asyncio.Event().wait())
    sender.start()
    sender.put(alert())
    await breath()
    assert (len(hook.heard), sender.waiting) == (1, 1)
    await sender.stop()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_what_stops_before_it_began_is_stopped() -> None:
    await Sender(Receiver("h", "u", Hook(200).post), lambda: 0.0).stop()
