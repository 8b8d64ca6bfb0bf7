"""Every fault of the simulated hosted API: a client straight at it sees it, and the gateway in front does what it must."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from http.client import HTTPConnection, IncompleteRead
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.support.process import Running, tidegate_up
from tests.support.simulated import KEY, Simulated, simulated

from tidegate.simulator.fault_kinds import FAULTS

TOOL = {
    "type": "function",
    "function": {
        "name": "get_tide",
        "parameters": {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
    },
}
# Each fault is to be seen: what is asked again is another test's (test_keeps_working).
CONFIG = (
    "[probe]\nenabled = false\n[retry]\nattempts = 1\n[breaker]\nfailures = 1000\n"
    "[backends.deepseek]\nkind = 'deepseek'\nbase_url = '{url}'\n"
)


class Seen(NamedTuple):
    """What came over the wire: the status, the body as far as it came, whether it came to its end, the headers."""

    status: int
    body: str
    ended: bool
    headers: dict[str, str]

    @property
    def chunks(self) -> list[dict[str, Any]]:
        data = [line[6:] for line in self.body.splitlines() if line.startswith("data: ")]
        return [json.loads(one) for one in data if one != "[DONE]"]

    @property
    def text(self) -> str:
        return "".join(one["choices"][0]["delta"].get("content") or "" for one in self.chunks if "choices" in one)

    @property
    def finish(self) -> str | None:
        return next((one["choices"][0]["finish_reason"] for one in reversed(self.chunks) if "choices" in one), None)

    @property
    def error(self) -> str:
        """The text of an error answer, or of the error event that ends a stream."""
        whole = json.loads(self.body) if self.body.startswith("{") else self.chunks[-1]
        return whole["error"]["message"]

    @property
    def broke(self) -> bool:
        """A stream that did not come to its proper end: cut off, or ended by an error event."""
        return not self.body.endswith("data: [DONE]\n\n")


def send(port: int, *, stream: bool, tools: bool) -> Seen:
    content = "Call get_tide for Brest." if tools else "Tell me of the tides."
    body: dict[str, Any] = {
        "model": "deepseek-flash",
        "messages": [{"role": "user", "content": content}],
        "stream": stream,
    }
    body |= {"tools": [TOOL]} if tools else {"thinking": {"type": "disabled"}}
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}
    try:
        connection.request("POST", "/chat/completions", json.dumps(body), headers)
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        try:
            return Seen(response.status, response.read().decode(errors="replace"), True, found)
        except IncompleteRead as cut:
            return Seen(response.status, cut.partial.decode(errors="replace"), False, found)
    finally:
        connection.close()


Check = Callable[[Seen], bool]


class Case(NamedTuple):
    """A fault as it is armed; what shows it to a client straight at the simulator; what the gateway makes of it."""

    fault: str
    straight: Check
    behind: Check
    stream: bool = True
    tools: bool = False


def status(code: int) -> Check:
    return lambda seen: seen.status == code


def broken(seen: Seen) -> bool:
    """The gateway says inside the stream that the answer broke off, in the envelope that SDKs raise on."""
    return seen.status == 200 and seen.ended and seen.broke and bool(seen.error)


def good(seen: Seen) -> bool:
    return seen.status == 200 and seen.ended and not seen.broke and seen.finish == "stop" and "simulated" in seen.text


PRO = {"deepseek-v4-pro"}
CASES = [
    Case("401", status(401), status(502)),
    Case("402", status(402), lambda seen: seen.status == 402 and seen.error == "Insufficient Balance"),
    Case("404", lambda seen: (seen.status, seen.body) == (404, ""), status(502)),
    Case("405", lambda seen: (seen.status, seen.body) == (405, ""), status(502)),
    Case("415", lambda seen: seen.status == 415 and not seen.body.startswith("{"), status(502)),
    Case("422", status(422), status(422)),
    Case("429", status(429), lambda seen: seen.status == 429 and "concurrency limit of" in seen.error),
    Case("500", status(500), status(502)),
    Case("500=empty", lambda seen: (seen.status, seen.body) == (500, ""), status(502)),
    Case("502", lambda seen: seen.status == 502 and seen.body.startswith("<"), status(503)),
    Case("503", status(503), lambda seen: seen.status == 503 and "too busy" in seen.error),
    Case("moderation", status(400), lambda seen: seen.status == 400 and seen.error == "Content Exists Risk"),
    Case("queue=45", lambda seen: seen.body.startswith(": keep-alive\n\n"), good),
    Case("queue=45", lambda seen: seen.body.startswith("\n"), lambda seen: seen.body.startswith('{"id"'), stream=False),
    Case("slow=20", good, good),
    Case("stall=2", lambda seen: not seen.ended and seen.broke, broken),
    Case("stall=2", lambda seen: not seen.ended, status(502), stream=False),
    Case("no_done", lambda seen: seen.ended and seen.broke and seen.finish == "stop", broken),
    Case("cut=700", lambda seen: not seen.ended and len(seen.body) == 700, broken),
    Case("cut=20", lambda seen: not seen.ended and len(seen.body) == 20, status(502), stream=False),
    Case("dsml", lambda seen: "DSML" in seen.text, lambda seen: "DSML" in seen.text, tools=True),
    Case(
        "truncated_arguments",
        lambda seen: seen.finish == "tool_calls" and not is_json(arguments(seen)),
        lambda seen: seen.finish == "tool_calls" and not is_json(arguments(seen)),
        tools=True,
    ),
    Case("remap=deepseek-v4-pro", lambda seen: models(seen) == PRO, lambda seen: models(seen) == PRO),
    Case("wrong_usage", lambda seen: output_tokens(seen) > 1000, lambda seen: output_tokens(seen) > 1000),
    Case("empty", lambda seen: (seen.text, seen.finish) == ("", "stop"), lambda seen: (seen.text, seen.finish) == ("", "stop")),
    *(
        Case(name, lambda seen, name=name: seen.finish == name, lambda seen, name=name: seen.finish == name)
        for name in ("insufficient_system_resource", "content_filter")
    ),
]  # fmt: skip


def arguments(seen: Seen) -> str:
    deltas = [call for one in seen.chunks for call in one["choices"][0]["delta"].get("tool_calls") or ()]
    return "".join(call["function"]["arguments"] for call in deltas)


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def models(seen: Seen) -> set[str]:
    return {one["model"] for one in seen.chunks}


def output_tokens(seen: Seen) -> int:
    return seen.chunks[-1]["usage"]["completion_tokens"]


@pytest.fixture(scope="module")
def sim() -> Generator[Simulated]:
    with simulated(time_scale=100_000.0) as running:  # ten simulated minutes pass in six milliseconds
        yield running


@pytest.fixture(scope="module")
def gateway(sim: Simulated, tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    folder: Path = tmp_path_factory.mktemp("faults")
    with tidegate_up(folder, CONFIG.format(url=sim.url), "--no-embedded", DEEPSEEK_API_KEY=KEY) as running:
        yield running


def test_every_fault_has_its_case() -> None:
    assert {case.fault.partition("=")[0] for case in CASES} == set(FAULTS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.fault}{'' if case.stream else ' unstreamed'}")
def test_a_fault_is_seen_and_the_gateway_does_what_it_must(sim: Simulated, gateway: Running, case: Case) -> None:
    sim.clear()
    sim.arm(case.fault)
    assert case.straight(send(sim.port, stream=case.stream, tools=case.tools))
    sim.arm(case.fault)
    behind = send(gateway.port, stream=case.stream, tools=case.tools)
    assert case.behind(behind), behind
    assert [one["faults"] for one in sim.requests()] == [[case.fault if "=" in case.fault else named(case.fault)]] * 2
    healthy = send(gateway.port, stream=True, tools=False)
    assert good(healthy), "the request after a fault is answered as if nothing had been"


def named(fault: str) -> str:
    """As the simulator notes a fault whose value was left out."""
    otherwise = FAULTS[fault].otherwise
    return f"{fault}={otherwise}" if otherwise else fault


def test_what_answered_and_what_was_reported_is_what_is_booked(sim: Simulated, gateway: Running) -> None:
    sim.clear()
    sim.arm("remap=deepseek-v4-pro, wrong_usage")
    seen = send(gateway.port, stream=True, tools=False)
    code, entry = gateway.get(f"/-/exchanges/{seen.headers['x-tidegate-exchange']}")
    assert code == 200
    assert (entry["asked_model"], entry["model"]) == ("deepseek-flash", "deepseek-v4-pro")
    assert entry["output_tokens"] == output_tokens(seen)


@pytest.mark.parametrize("case", [case for case in CASES if case.behind not in (good,)], ids=lambda case: case.fault)
def test_without_its_fault_no_check_would_pass(sim: Simulated, case: Case) -> None:
    """The fault test of this file: each check fails on a healthy answer."""
    sim.clear()
    healthy = send(sim.port, stream=case.stream, tools=case.tools)
    assert healthy.status == 200
    with pytest.raises((AssertionError, json.JSONDecodeError, KeyError, IndexError)):
        assert case.straight(healthy) and case.fault != "slow=20"
