"""Signs of life for a client that waits: when they come, what they are on each surface, and what may follow them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.guarded import used
from tests.support.hands import Hands, breath
from tests.support.samples import request_body
from tests.support.talk import Talk

from tidegate import asgi
from tidegate.backends.base import Room
from tidegate.backends.fake import FakeBackend, default_script
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.errors import BackendTimedOut, BrokenContract, ClientMistake, GatewayError
from tidegate.core.events import Event, Frame, Start, Text
from tidegate.surfaces.keep_alive import KeepAlive

Build = Callable[..., Any]
SURFACES = {
    "chat": ("/chat/completions", {}),
    "fim": ("/beta/completions", {"messages": ..., "prompt": "Hi"}),
    "messages": ("/anthropic/v1/messages", {"max_tokens": 50}),
}
SIGN = {True: b": keep-alive\n\n", False: b"\n"}


class Held(FakeBackend):
    """Does each step of its script when it is let: opening is the first, then one for each event."""

    def __init__(self, name: str = "home", *steps: Event | GatewayError, **more: Any) -> None:
        super().__init__(name, script=lambda request: steps or default_script(request), **more)
        self.may_go_on = asyncio.Semaphore(0)
        self.closed = 0

    def go_on(self, steps: int = 1000) -> None:
        for _ in range(steps):
            self.may_go_on.release()

    async def open(self, request: Any, model: str, data_class: DataClass, holds: Any = None) -> Any:
        await self.may_go_on.acquire()
        return Answer(self, await super().open(request, model, data_class))


class Answer:
    def __init__(self, held: Held, inner: Any) -> None:
        self.quirks: list[str] = ["FAK001"]
        self._held, self._inner = held, inner

    async def read(self) -> list[Frame]:
        await self._held.may_go_on.acquire()
        return await self._inner.read()

    def close(self) -> None:
        self._held.closed += 1
        self._inner.close()


class Client:
    """One request to a front, and the clock that its keep-alives go by."""

    def __init__(self, front: Build, *backends: Any, surface: str = "chat", stream: bool = True, **fields: Any) -> None:
        self.hands = Hands()
        self.front = front(*backends, keep_alive_s=10.0, timers=self.hands)
        path, own = SURFACES[surface]
        headers = {"x-tidegate-class": fields.pop("data_class", "public")}
        self.talk = Talk(self.front, path, request_body(stream=stream, **own, **fields), headers)


async def asked(*arguments: Any, **more: Any) -> tuple[Client, Talk, Hands]:
    """Once it is clear that the answer takes longer: only then a keep-alive begins."""
    client = Client(*arguments, **more)
    await breath()
    await client.hands.turned(asgi._UNWATCHED_S)
    return client, client.talk, client.hands


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("surface", SURFACES)
async def test_while_nobody_answers_the_client_hears_what_the_hosted_api_says(
    front: Build, surface: str, stream: bool
) -> None:
    home = Held()
    _, talk, hands = await asked(front, home, surface=surface, stream=stream)
    await hands.turned(9.9)
    assert talk.sent == []
    await hands.turned(0.1)
    assert (talk.status, talk.body) == (200, SIGN[stream])
    kind = "text/event-stream; charset=utf-8" if stream else "application/json"
    assert (talk.headers["content-type"], talk.headers["x-accel-buffering"]) == (kind, "no")
    await hands.turned(10)
    await hands.turned(15)
    assert talk.body == 3 * SIGN[stream]
    home.go_on()
    await talk.done
    answer = talk.body.removeprefix(3 * SIGN[stream])
    assert (talk.ended, b"scripted" in answer) == (True, True)
    if stream:
        assert answer.startswith((b"data: {", b"event: message_start"))
    else:
        assert json.loads(talk.body) == json.loads(answer), "blank lines before it do not change what is read"
    assert (hands.due, home.closed) == ([], 1)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("surface", SURFACES)
async def test_while_it_waits_for_a_slot_a_stream_tells_its_place(front: Build, surface: str, stream: bool) -> None:
    """A whole answer may have blank lines before it and nothing else."""
    home = Held(room=Room("home", 1))
    made, first, hands = await asked(front, home, surface=surface, stream=True)
    path, own = SURFACES[surface]
    body = request_body(stream=stream, **own)
    second, third = (Talk(made.front, path, body, {"x-tidegate-class": "public"}) for _ in range(2))
    await breath()
    await hands.turned(asgi._UNWATCHED_S)
    await hands.turned(10)
    assert first.body == SIGN[True]
    waits = [b": keep-alive, %d before you, waiting 0 s\n\n" % before for before in (0, 1)]
    assert [second.body, third.body] == (waits if stream else [b"\n", b"\n"])
    home.go_on()
    for talk in (first, second, third):
        await talk.done
    assert all(b"scripted" in talk.body for talk in (first, second, third))


async def test_an_answer_that_waited_says_why_and_how_long(front: Build) -> None:
    home = Held(room=Room("home", 1))
    made, first, _ = await asked(front, home, surface="chat")
    second = Talk(made.front, "/chat/completions", request_body(), {})
    await breath()
    await asyncio.sleep(0.002)
    home.go_on()
    for talk in (first, second):
        await talk.done
    assert "x-tidegate-queued-s" not in first.headers
    assert float(second.headers["x-tidegate-queued-s"]) > 0
    assert second.headers["x-tidegate-rules"].endswith(",RES020")


async def test_headers_say_only_what_is_known_when_they_go_out(front: Build) -> None:
    home = Held()
    _, talk, hands = await asked(front, home)
    await hands.turned(10)
    told = {name for name in talk.headers if name.startswith("x-tidegate-")}
    assert told == {"x-tidegate-exchange", "x-tidegate-class", "x-tidegate-rules"}
    home.go_on()
    await talk.done


async def test_a_whole_answer_under_way_is_kept_alive_and_names_no_backend(front: Build) -> None:
    home = Held()
    _, talk, hands = await asked(front, home, stream=False)
    home.go_on(3)  # opened, and two events that the client cannot see yet
    await hands.turned(10)
    assert (talk.status, talk.body, "x-tidegate-backend" in talk.headers) == (200, b"\n", False), "another may answer"
    home.go_on()
    await talk.done
    assert json.loads(talk.body)["choices"][0]["message"]["content"].startswith("This is")


async def test_a_silence_between_frames_counts_from_the_last_one(front: Build) -> None:
    home = Held()
    _, talk, hands = await asked(front, home)
    await hands.turned(6)
    home.go_on(3)
    await breath()
    begun = talk.body
    assert begun.startswith(b"data: {")
    await hands.turned(9)
    assert talk.body == begun, "15 s after the request, and 9 after the last frame"
    await hands.turned(1)
    assert talk.body == begun + SIGN[True]
    home.go_on()
    await talk.done
    assert talk.body.count(b": keep-alive") == 1
    assert talk.body.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_in_the_middle_of_a_sign_leaves_nothing_behind(front: Build, stream: bool) -> None:
    home = Held()
    made, talk, hands = await asked(front, home, stream=stream)
    talk.takes.clear()
    await hands.turned(20)
    assert len(talk.sent) == 1, "the head is being sent"
    await talk.leave()
    talk.takes.set()
    await breath()
    assert (len(talk.sent), hands.due, used(made.front.gateway.guard, home.name)) == (1, [], 0)


async def test_a_quick_answer_and_a_switched_off_keep_alive_say_nothing(front: Build) -> None:
    home = Held()
    home.go_on()
    _, talk, hands = await asked(front, home)
    await talk.done
    assert (b"keep-alive" in talk.body, hands.due) == (False, [])
    silent = front(home := Held(), keep_alive_s=0.0, timers=hands)
    never = Talk(silent, "/chat/completions", request_body(stream=True))
    await breath()
    await hands.turned(10_000)
    assert (never.sent, hands.due) == ([], [])
    home.go_on()
    await never.done


@pytest.mark.parametrize("stream", [True, False])
async def test_another_candidate_may_still_answer_after_it(front: Build, stream: bool) -> None:
    first, second = Held("first", BackendTimedOut("too slow")), Held("second")
    _, talk, hands = await asked(front, first, second, stream=stream)
    await hands.turned(10)
    first.go_on()
    await hands.turned(10)
    second.go_on()
    await talk.done
    assert talk.body.startswith(2 * SIGN[stream])
    assert (talk.ended, b"scripted" in talk.body) == (True, True)


@pytest.mark.parametrize("stream", [True, False])
async def test_a_private_request_that_waits_goes_nowhere_else(front: Build, stream: bool) -> None:
    home = Held("home", BackendTimedOut("too slow"))
    cloud = FakeBackend("cloud", boundary=Boundary.EXTERNAL, accepts=DataClass.INTERNAL)
    _, talk, hands = await asked(front, cloud, home, stream=stream, data_class="private")
    await hands.turned(30)
    home.go_on()
    await talk.done
    assert cloud.heard == []
    assert b"too slow" in talk.body


@pytest.mark.parametrize("surface", SURFACES)
async def test_a_stream_tells_an_error_after_it_inside_the_stream(front: Build, surface: str) -> None:
    home = Held("home", BackendTimedOut("too slow"))
    _, talk, hands = await asked(front, home, surface=surface)
    await hands.turned(10)
    home.go_on()
    await talk.done
    event = talk.body.removeprefix(SIGN[True])
    assert (talk.status, talk.ended) == (200, True)
    data = next(line for line in event.splitlines() if line.startswith(b"data: "))
    assert json.loads(data[6:])["error"]["message"] == "too slow"
    assert b"[DONE]" not in event


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("error", [BackendTimedOut("too slow"), ClientMistake("too slow")])
async def test_a_whole_reply_tells_an_error_after_it_and_is_left_without_its_end(
    front: Build, surface: str, error: GatewayError
) -> None:
    home = Held("home", error)
    _, talk, hands = await asked(front, home, surface=surface, stream=False)
    await hands.turned(10)
    home.go_on()
    await talk.done
    assert (talk.status, json.loads(talk.body)["error"]["message"]) == (200, "too slow")
    assert not talk.ended, "with its end it would be a good answer to every SDK"


async def test_an_answer_that_breaks_off_after_it_is_told_too(front: Build) -> None:
    home = Held("home", Start(model="m"), Text("half"), BrokenContract("cut"))
    _, talk, hands = await asked(front, home, stream=False)
    home.go_on(3)
    await hands.turned(10)
    home.go_on()
    await talk.done
    assert (talk.status, json.loads(talk.body)["error"]["message"], talk.ended) == (200, "cut", False)


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_while_it_waits_stops_everything(front: Build, stream: bool) -> None:
    home = Held()
    made, talk, hands = await asked(front, home, stream=stream)
    await hands.turned(10)
    await talk.leave()
    assert talk.body == SIGN[stream]
    assert (home.heard, hands.due, used(made.front.gateway.guard, home.name)) == ([], [], 0)
    assert not talk.ended


async def test_what_is_refused_before_anybody_is_asked_keeps_its_own_status(front: Build) -> None:
    _, talk, hands = await asked(front, Held(), model="gpt-17")
    await talk.done
    assert (talk.status, hands.calls) == (400, [])


# -- by itself ---------------------------------------------------------------------------------------------------------


class Signs:
    """A keep-alive whose client takes each sign when it is let."""

    def __init__(self, *, takes: bool = True) -> None:
        self.hands, self.given, self.takes = Hands(), 0, asyncio.Event()
        if takes:
            self.takes.set()
        self.alive = KeepAlive(10.0, self.sign, self.hands)

    async def sign(self) -> None:
        await self.takes.wait()
        self.given += 1


async def test_one_timer_serves_a_whole_answer() -> None:
    signs = Signs()
    for _ in range(1000):
        signs.alive.heard()
    assert len(signs.hands.calls) == 1
    signs.alive.stop()
    assert signs.hands.due == []
    signs.alive.stop()


async def test_a_client_that_takes_nothing_gets_no_heap_of_signs() -> None:
    signs = Signs(takes=False)
    await signs.hands.turned(100)
    settled = asyncio.create_task(signs.alive.settled())
    await breath()
    assert not settled.done(), "nothing else may be sent while a sign is"
    signs.takes.set()
    await settled
    assert signs.given == 1


async def test_after_a_stop_the_sign_under_way_is_still_given_and_no_other() -> None:
    signs = Signs(takes=False)
    await signs.hands.turned(10)
    signs.alive.stop()
    signs.takes.set()
    await signs.alive.settled()
    await signs.hands.turned(100)
    assert signs.given == 1


async def test_when_nobody_listens_any_more_the_sign_under_way_ends_too() -> None:
    signs = Signs(takes=False)
    await signs.hands.turned(10)
    signs.alive.abandon()
    signs.takes.set()
    await breath()
    assert (signs.given, signs.hands.due) == (0, [])


async def test_a_sign_that_fails_fails_what_is_sent_next() -> None:
    async def broken() -> None:
        raise OSError("gone")

    hands = Hands()
    alive = KeepAlive(10.0, broken, hands)
    await hands.turned(10)
    with pytest.raises(OSError, match="gone"):
        await alive.settled()
    await alive.settled()
    alive.stop()
