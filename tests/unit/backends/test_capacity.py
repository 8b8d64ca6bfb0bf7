"""What a backend can take: configured before told before known, and the longer limit only where a load may come first."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.backends.capacity import Capacity
from tidegate.backends.connection import Limits
from tidegate.core.errors import BackendRefused, BrokenContract, GatewayError
from tidegate.dialects.base import Dialect
from tidegate.dialects.generic import GENERIC
from tidegate.dialects.llamacpp import LLAMACPP
from tidegate.dialects.lmstudio import LMSTUDIO
from tidegate.dialects.ollama import OLLAMA
from tidegate.dialects.vllm import VLLM

LIMITS = Limits(first_byte_s=20, load_s=700, queue_s=9)


def capacity(dialect: Dialect, **more: Any) -> Capacity:
    return Capacity("home", dialect, LIMITS, **more)


class Server:
    """Answers each path with these bytes, or fails as told; keeps what it was asked."""

    def __init__(self, *answers: bytes | GatewayError) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, path: str) -> bytes:
        self.asked.append(path)
        answer = self._answers.pop(0)
        if isinstance(answer, GatewayError):
            raise answer
        return answer


@pytest.mark.parametrize(("dialect", "total"), [(GENERIC, None), (VLLM, None), (OLLAMA, None), (LMSTUDIO, 4)])
def test_what_the_runtime_is_known_for_holds_until_more_is_known(dialect: Dialect, total: int | None) -> None:
    assert capacity(dialect).slots.total == total
    assert capacity(dialect, slots=7).slots.total == 7


async def test_real_slots_are_taken_where_they_are_told() -> None:
    one, server = capacity(LLAMACPP), Server(b'{"total_slots":3}', b'{"total_slots":2}', BackendRefused(""), b"{}")
    assert one.slots.total is None
    seen: list[int | None] = []
    for _ in range(4):
        await one.refresh(server)
        seen.append(one.slots.total)
    assert seen == [3, 2, 2, 2], "a cap that was told once stays when the server does not tell it any more"
    assert server.asked == ["/props"] * 4


async def test_configured_slots_are_not_asked_for() -> None:
    one, server = capacity(LLAMACPP, slots=1), Server()
    await one.refresh(server)
    assert (one.slots.total, server.asked) == (1, [])


async def test_a_runtime_that_tells_nothing_is_asked_nothing() -> None:
    server = Server()
    await capacity(VLLM).refresh(server)
    assert server.asked == []


async def test_a_model_that_must_be_loaded_first_has_the_longer_limit() -> None:
    one = capacity(OLLAMA)
    assert one.first_byte_s("qwen3") == 700, "nobody has looked yet"
    server = Server(b'{"models":[{"name":"qwen3:latest"}]}', b'{"models":[]}', b'{"models":[{"name":"qwen3:latest"}]}')
    seen: list[tuple[float | None, float | None]] = []
    for _ in range(3):
        await one.refresh(server)
        seen.append((one.first_byte_s("qwen3"), one.first_byte_s("llama4:8b")))
    assert seen == [(None, 700), (700, 700), (None, 700)]
    assert server.asked == ["/api/ps"] * 3


@pytest.mark.parametrize("failure", [BackendRefused("no"), BrokenContract("no"), b"<html>"])
async def test_what_is_in_memory_is_not_known_any_more_when_it_cannot_be_read(failure: bytes | GatewayError) -> None:
    one = capacity(LMSTUDIO)
    server = Server(b'{"data":[{"id":"m","state":"loaded"}]}', failure)
    await one.refresh(server)
    assert one.first_byte_s("m") is None
    await one.refresh(server)
    assert one.first_byte_s("m") == 700


@pytest.mark.parametrize("dialect", [GENERIC, VLLM, LLAMACPP])
def test_a_runtime_that_loads_at_its_start_has_one_limit(dialect: Dialect) -> None:
    assert capacity(dialect).first_byte_s("m") is None


async def test_the_line_has_the_length_and_the_limit_it_was_given() -> None:
    one = capacity(GENERIC, slots=1, queue=0)
    held = await one.slots.take()
    with pytest.raises(GatewayError, match="0 wait for it"):
        await one.slots.take()
    held.release()
