"""llama.cpp's own completions, really: the raw path with text that a grammar forces, and infilling with a file that claims it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.real.test_llamacpp_real import SERVER
from tests.support.infilling_model import write_infilling_copy
from tests.support.samples import WEATHER, request

from tidegate.backends.base import Endpoint
from tidegate.backends.connection import Limits
from tidegate.backends.http import HttpBackend
from tidegate.backends.transport import Transport
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.errors import NotSupported
from tidegate.core.fold import Answer, fold
from tidegate.core.profile import Traits
from tidegate.core.requests import FimRequest, Request
from tidegate.dialects.base import Dialect
from tidegate.dialects.llamacpp import FIT, LLAMACPP
from tidegate.dialects.llamacpp_raw import COMPLETION
from tidegate.dialects.raw import Ask

PLAIN_TEMPLATE = "{% for message in messages %}{{ message.content }}{% endfor %}"
V4 = Traits(encoding="v4", parses_calls=False, splits_reasoning=False, window_tokens=2048)
OFF = {"type": "disabled"}
LOW = {"reasoning_effort": "low"}
"""Without a text of its own, so that prompts begin alike and the server's cache saves their reading."""
CALL = """\
<｜DSML｜invoke name="get_weather">
<｜DSML｜parameter name="city" string="true">Köln</｜DSML｜parameter>
<｜DSML｜parameter name="days" string="false">2</｜DSML｜parameter>
</｜DSML｜invoke>
"""
SPOKEN = f"I look.</think>A call.\n\n<｜DSML｜tool_calls>\n{CALL}</｜DSML｜tool_calls>"


@contextmanager
def served(model: Path) -> Generator[int]:
    command = [sys.executable, "-c", SERVER, str(model), PLAIN_TEMPLATE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout is not None
        yield int(server.stdout.readline().rsplit(b":", 1)[1])
        assert server.stdin is not None
        server.stdin.close()


@pytest.fixture(scope="module")
def port(model_path: Path) -> Generator[int]:
    with served(model_path) as found:
        yield found


@pytest.fixture(scope="module")
def infilling_port(model_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[int]:
    copy = tmp_path_factory.mktemp("model") / "infilling.gguf"
    write_infilling_copy(model_path, copy)
    with served(copy) as found:
        yield found


async def answered(port: int, dialect: Dialect, asked: Request) -> tuple[Answer, list[str]]:
    transport = Transport(Limits(connect_s=10, first_byte_s=60, idle_s=60))
    place = Endpoint(name="b", boundary=Boundary.DEVICE, accepts=DataClass.PRIVATE, host="127.0.0.1", port=port)
    backend = HttpBackend(transport, place, dialect, ("m",), watcher=None)
    try:
        answering = await backend.open(asked, "m", DataClass.PRIVATE)
        events = [event async for frames in _frames(answering) for frame in frames for event in frame.events]
        answering.close()
    finally:
        transport.close()
    return fold(tuple(events)), list(answering.quirks)


async def _frames(answering: Any) -> Any:
    while frames := await answering.read():
        yield frames


def forced(text: str) -> Callable[[Ask], dict[str, Any]]:
    """The gateway's own request, with a grammar that allows this text only."""
    return lambda ask: COMPLETION.write(ask) | {"grammar": f"root ::= {json.dumps(text, ensure_ascii=False)}"}


def speaking(text: str) -> Dialect:
    return replace(FIT, raw=replace(COMPLETION, write=forced(text)))(LLAMACPP, V4)


async def test_thought_text_and_calls_of_v4(port: int) -> None:
    answer, quirks = await answered(port, speaking(SPOKEN), request(tools=[WEATHER], **LOW))
    arguments = '{"city": "Köln", "days": 2}'
    assert (answer.reasoning, answer.text, answer.finish) == ("I look.", "A call.", "tool_calls")
    assert [(call.name, call.arguments) for call in answer.tool_calls] == [("get_weather", arguments)]
    assert answer.usage is not None
    assert answer.usage.reasoning is not None
    assert None not in (answer.usage.prompt, answer.usage.cache_hit)
    assert 0 < answer.usage.reasoning < (answer.usage.output or 0)
    assert quirks == ["RAW001", "RAW007"]


async def test_a_call_that_the_limit_cut_is_cut(port: int) -> None:
    answer, _ = await answered(port, speaking(SPOKEN), request(tools=[WEATHER], max_tokens=60, **LOW))
    assert answer.finish == "length"
    assert "DSML" not in answer.text


async def test_a_stop_string_ends_the_text_and_not_the_thought(port: int) -> None:
    spoken = "I STOP.</think>Then I STOP. And more, and more."
    answer, _ = await answered(port, speaking(spoken), request(stop=["STOP"], **LOW))
    assert (answer.reasoning, answer.text, answer.finish) == ("I STOP.", "Then I ", "stop")
    assert answer.usage is not None
    assert answer.usage.output is not None


async def test_a_named_function_is_called(port: int) -> None:
    named = {"type": "function", "function": {"name": "get_weather"}}
    rest = CALL.partition("\n")[2] + "</｜DSML｜tool_calls>"
    answer, quirks = await answered(port, speaking(rest), request(tools=[WEATHER], tool_choice=named, thinking=OFF))
    assert [call.name for call in answer.tool_calls] == ["get_weather"]
    assert "RAW009" in quirks


async def test_json_is_enforced_by_the_server_itself(port: int) -> None:
    wanted = {
        "type": "json_schema",
        "json_schema": {"name": "x", "schema": {"type": "array", "items": {"const": 7}, "maxItems": 2}},
    }
    dialect = LLAMACPP.fitted(Traits(encoding="v4.1"))
    # At temperature 1 this small model now and then writes empty lines, which JSON allows, until max_tokens ends it.
    asked = request(response_format=wanted, thinking=OFF, max_tokens=400, temperature=0)
    answer, _ = await answered(port, dialect, asked)
    assert (answer.finish, set(json.loads(answer.text)) <= {7}) == ("stop", True)


FILL = FimRequest(model="auto", prompt="def add(a, b):\n", suffix="\n\nprint(add(1, 2))", max_tokens=8, logprobs=2)


async def test_a_model_without_marks_to_fill_in_is_not_supported(port: int) -> None:
    with pytest.raises(NotSupported, match="REQ006"):
        await answered(port, LLAMACPP, FILL)


async def test_infilling(infilling_port: int) -> None:
    answer, quirks = await answered(infilling_port, LLAMACPP, FILL)
    assert answer.finish in ("stop", "length")
    assert answer.usage is not None
    assert answer.usage.prompt is not None
    assert quirks == ["RAW014"]
    assert answer.text_logprobs is None or len(answer.text_logprobs[0]["top_logprobs"]) == 2


async def test_a_plain_completion_with_its_prompt_before_it(port: int) -> None:
    asked = FimRequest(model="auto", prompt="One, two,", max_tokens=6, echo=True, stop=(".",))
    answer, _ = await answered(port, LLAMACPP, asked)
    assert answer.text.startswith("One, two,")
    assert len(answer.text) > len("One, two,")
