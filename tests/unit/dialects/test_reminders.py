"""The role `latest_reminder` for templates that do not know it."""

from __future__ import annotations

import orjson
import pytest
from tests.support.samples import request

from tidegate.core.profile import Traits
from tidegate.dialects import DIALECTS
from tidegate.dialects.reminders import remind_as_system

MESSAGES = [{"role": "user", "content": "Hi"}, {"role": "latest_reminder", "content": "Be brief."}]
LOCAL = [dialect for dialect in DIALECTS if dialect.name != "deepseek"]
FITTED = ("llamacpp", "vllm", "sglang", "generic")


def roles(dialect, **asked):
    encoded = dialect.encode(request(**asked), "m")
    return [message["role"] for message in orjson.loads(encoded.body)["messages"]], encoded.quirks


@pytest.mark.parametrize("dialect", LOCAL, ids=lambda one: one.name)
def test_a_reminder_reaches_every_local_runtime_as_a_system_message_and_that_is_stated(dialect):
    said, quirks = roles(dialect, messages=MESSAGES)
    assert said == ["user", "system"]
    assert ("OLL011" if dialect.name == "ollama" else "REQ024") in quirks


@pytest.mark.parametrize("dialect", LOCAL, ids=lambda one: one.name)
def test_without_one_nothing_is_stated(dialect):
    assert not {"OLL011", "REQ024"} & set(roles(dialect)[1])


@pytest.mark.parametrize("dialect", [one for one in LOCAL if one.name in FITTED], ids=lambda one: one.name)
@pytest.mark.parametrize("encoding", ["v4", "v4.1"])
def test_deepseeks_own_prompts_have_a_place_for_it(dialect, encoding):
    if (dialect.name, encoding) == ("llamacpp", "v4.1"):  # never by its chat endpoint
        assert "RAW001" in dialect.fitted(Traits(encoding=encoding)).encode(request(messages=MESSAGES), "m").quirks
        return
    said, quirks = roles(dialect.fitted(Traits(encoding=encoding)), messages=MESSAGES)
    assert said == ["user", "latest_reminder"]
    assert "REQ024" not in quirks


def test_the_other_messages_stay_the_same_objects():
    asked = request(messages=MESSAGES)
    assert remind_as_system(asked).messages[0] is asked.messages[0]
    plain = request()
    assert remind_as_system(plain) is plain
