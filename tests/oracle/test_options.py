"""What becomes of sampling, effort and output length is what DeepSeek's own package makes of the same request."""

from __future__ import annotations

import json
from typing import Any

import pytest
from deepseek_recipe import ChatCompletionRequest, ConversationRequest
from tests.support.recipe import FLASH, OPTIONS, PRO

from tidegate.catalog.contracts import DEFAULT_PROFILE, contract_named
from tidegate.codecs.openai_chat.request import decode_request

CONTRACT = contract_named(DEFAULT_PROFILE)
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
MODES: list[dict[str, Any]] = [{}, {"thinking": {"type": "disabled"}}]


def converted(**fields: Any) -> tuple[ConversationRequest, bytes]:
    body = json.dumps({"model": FLASH, "messages": [{"role": "user", "content": "Hi"}], **fields}).encode()
    return ChatCompletionRequest(body).convert(OPTIONS), body


@pytest.mark.parametrize("model", [FLASH, PRO])
@pytest.mark.parametrize("mode", MODES, ids=["thinking", "not thinking"])
@pytest.mark.parametrize("tools", [[], [TOOL]], ids=["", "tools"])
@pytest.mark.parametrize("asked", [0.01, 0.5, 0.95, 0.97, 1.0])
def test_sampling(model: str, mode: dict[str, Any], tools: list[Any], asked: float) -> None:
    theirs, _ = converted(model=model, temperature=asked, top_p=asked, **mode, **({"tools": tools} if tools else {}))
    said = {"model": model, "thinks": not mode, "tools": bool(tools)}
    options = theirs.inference_options
    assert options.temperature == pytest.approx(CONTRACT.sampled("temperature", asked, **said))
    assert options.top_p == pytest.approx(CONTRACT.sampled("top_p", asked, **said))


@pytest.mark.parametrize("mode", [*MODES, {"thinking": {"type": "enabled"}}])
@pytest.mark.parametrize("effort", CONTRACT.efforts)
def test_effort_and_default_length(effort: str, mode: dict[str, Any]) -> None:
    theirs, body = converted(reasoning_effort=effort, **mode)
    request = decode_request(body, CONTRACT)
    assert request.thinks is theirs.conversation.thinking_mode
    becomes = CONTRACT.efforts[effort]
    applied = CONTRACT.value("defaults", "effort") if becomes == "off" else becomes
    if request.thinks:
        # The package keeps the name `xhigh` and renders it as high.
        assert (theirs.conversation.reasoning_effort or "high").replace("xhigh", "high") == applied
    assert theirs.resolve_max_tokens(10, 1_048_576) == CONTRACT.default_max_tokens(
        thinks=request.thinks, effort=applied
    )


def test_the_comparison_can_fail() -> None:
    theirs, _ = converted(top_p=0.5)
    assert theirs.inference_options.top_p != pytest.approx(
        CONTRACT.sampled("top_p", 0.5, model=PRO, thinks=False, tools=False)
    )
