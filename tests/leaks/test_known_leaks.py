"""Three leaks measured in BerriAI/litellm 1.106.2 and 1.109.1 (run 2026-11-22), and what happens here instead.

1. A guardrail of a kind that is not there is skipped with a log line, and the proxy starts: the prompt goes to the cloud.
2. A request that was rerouted to a backend at home falls back to the cloud when that one answers 503; so do the later
   turns of a sticky session.
3. The same by the client's own wish: `"fallbacks": ["cloud"]` in the body.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from tests.support.asgi import Reply, call
from tests.support.upstreams import FailingLocal, Failure, RecordingCloud

from tidegate.app import App
from tidegate.config import parse_config
from tidegate.core.errors import Misconfigured

SECRET = "patient 4711 has the number 078-05-1120"
PRIVATE = {"x-tidegate-class": "private"}


def configuration(cloud: str, home: str, **more: Any) -> dict[str, Any]:
    return {
        "embedded": {"enabled": False},
        "probe": {"enabled": False},
        "profiles": {"measure": False},
        "timeouts": {"first_byte_s": 1.0, "load_s": 0.01},
        "retry": {"backoff_s": 0.001},
        # What arrives at the cloud is counted, and the balance would be asked for at once.
        "watch": {"balance_interval_s": 0},
        "backends": {
            "home": {"kind": "llamacpp", "base_url": home, "models": ["m"], "features": ["thinking_off"]},
            "cloud": {"kind": "deepseek", "base_url": cloud, "models": ["deepseek-flash", "m"]},
        },
        # The fallback is configured, as in the peer: at home first, then the cloud.
        "aliases": {"assistant": {"targets": ["home", "cloud"]}},
        **more,
    }


class Asking:
    """A gateway before a local server that fails as told and a cloud that writes everything down."""

    def __init__(self, app: App, cloud: RecordingCloud, home: FailingLocal) -> None:
        self._app = app
        self.cloud = cloud
        self._home = home

    async def ask(
        self, *texts: str, failure: Failure = "none", headers: dict[str, str] | None = None, **more: Any
    ) -> Reply:
        """`texts` are the turns, the user's first and in turn with the assistant's."""
        self._home.failure = failure
        roles = ("user", "assistant")
        messages = [{"role": roles[at % 2], "content": text} for at, text in enumerate(texts)]
        body = {"model": "assistant", "messages": messages, "thinking": {"type": "disabled"}, **more}
        return await call(self._app.asgi, "POST", "/chat/completions", json.dumps(body).encode(), headers)


def with_gateway(folder: Path, asking: Callable[[Asking], Coroutine[Any, Any, None]], **more: Any) -> None:
    async def run() -> None:
        cloud = RecordingCloud()
        home = FailingLocal(cloud)
        for server in (cloud, home):
            await server.start()
        config = parse_config(configuration(cloud.url, home.url, **more))
        async with App(config, {"DEEPSEEK_API_KEY": "hosted-key"}, folder, None) as app:
            await asking(Asking(app, cloud, home))
        for server in (cloud, home):
            await server.stop()

    asyncio.run(run())


UNKNOWN: dict[str, tuple[dict[str, Any], str]] = {
    "a guardrail of the peer": ({"guardrails": [{"guardrail_name": "pii-route"}]}, "guardrails"),
    "an option of a known table": ({"privacy": {"sensitive_data_routing": "local"}}, "sensitive_data_routing"),
    "a misspelt option": ({"privacy": {"detct": True}}, "detct"),
    "a class that is none": ({"privacy": {"default_class": "secret"}}, "default_class"),
    "an unknown action": ({"policy": [{"name": "r", "action": "route"}]}, "action"),
    "a row with a misspelt condition": ({"policy": [{"name": "r", "fond": ["any"], "action": "local"}]}, "fond"),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_a_guard_that_is_not_known_refuses_to_start(case: str, tmp_path: Path) -> None:
    more, named = UNKNOWN[case]
    with pytest.raises(Misconfigured, match=named):
        App(parse_config(configuration("http://127.0.0.1:1", "http://127.0.0.1:1", **more)), {}, tmp_path, None)


def test_a_private_alias_with_a_fallback_outside_that_nobody_could_keep_refuses_to_start(tmp_path: Path) -> None:
    aliases = {"contracts": {"targets": ["cloud"], "class": "private"}}
    config = parse_config(configuration("http://127.0.0.1:1", "http://127.0.0.1:1", aliases=aliases))
    with pytest.raises(Misconfigured, match=r"\[aliases.contracts\] class = 'private' cannot be enforced"):
        App(config, {"DEEPSEEK_API_KEY": "k"}, tmp_path, None)


def test_a_configured_fallback_does_not_take_private_text_along(tmp_path: Path) -> None:
    async def asking(world: Asking) -> None:
        refused = await world.ask(SECRET, failure="503", headers=PRIVATE)
        assert refused.status == 503
        assert world.cloud.requests == 0
        assert b"4711" not in refused.body
        public = await world.ask("why is the sea salty?", failure="503")
        assert (public.status, world.cloud.requests) == (200, 1), "the fallback itself works"

    with_gateway(tmp_path, asking)


def test_a_fallback_that_the_client_asks_for_is_no_way_out(tmp_path: Path) -> None:
    async def asking(world: Asking) -> None:
        wishes: tuple[dict[str, Any], ...] = (
            {"fallbacks": ["cloud"]},
            {"fallbacks": [{"model": "cloud"}], "route": "fallback"},
            {"models": ["cloud"], "api_base": world.cloud.url, "base_url": world.cloud.url},
            {"metadata": {"fallbacks": ["cloud"]}, "provider": {"order": ["cloud"]}},
        )
        for wish in wishes:
            refused = await world.ask(SECRET, failure="503", headers=PRIVATE, **wish)
            assert refused.status == 503
        for header in ("x-litellm-fallbacks", "x-tidegate-backend", "x-tidegate-fallbacks"):
            refused = await world.ask(SECRET, failure="503", headers={**PRIVATE, header: "cloud"})
            assert refused.status == 503
        assert world.cloud.requests == 0

    with_gateway(tmp_path, asking)


def test_later_turns_of_a_private_conversation_stay_home_too(tmp_path: Path) -> None:
    """They say nothing of being private themselves, and the last one holds nothing that could be found."""

    async def asking(world: Asking) -> None:
        asked = "please keep what I tell you about the patient of this morning to yourself, whatever it may be"
        first = await world.ask(asked, headers=PRIVATE)
        said = json.loads(first.body)["choices"][0]["message"]["content"]
        for more in ("and what follows from that?", "thank you"):
            refused = await world.ask(asked, said, more, failure="503", fallbacks=["cloud"])
            assert refused.status == 503
        assert world.cloud.requests == 0
        assert (await world.ask("why is the sea salty?", failure="503")).status == 200

    with_gateway(tmp_path, asking)


def test_what_is_found_in_a_text_needs_no_header_and_no_row(tmp_path: Path) -> None:
    async def asking(world: Asking) -> None:
        refused = await world.ask(SECRET, failure="503", fallbacks=["cloud"])
        assert (refused.status, refused.headers["x-tidegate-class"]) == (503, "private")
        assert world.cloud.requests == 0

    with_gateway(tmp_path, asking)
