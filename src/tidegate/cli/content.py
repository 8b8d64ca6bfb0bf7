"""`tidegate explain ex_... --content`: what was kept of an exchange, for whoever has the key. Reads files, asks no gateway."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any, assert_never

from tidegate.app.capture import content_folder, content_secret
from tidegate.cli.failure import GatewaySaid
from tidegate.cli.places import config_path, state_folder
from tidegate.config import read_config
from tidegate.core.errors import Misconfigured


def content_of(exchange_id: str, config_file: Path | None) -> dict[str, Any]:
    config = read_config(config_path(config_file))
    secret = content_secret(config, os.environ)
    folder, keep_s = content_folder(config, state_folder()), config.capture.keep_s
    from tidegate.privacy.keeping.content import read_content

    reading = read_content(folder, secret, keep_s, exchange_id, time.time())
    match reading.state:
        case "found":
            return json.loads(reading.body)
        case "expired":
            raise GatewaySaid(f"the content of {exchange_id} is no longer kept: [capture] keep_s is {keep_s:g}")
        case "absent":
            kept = ", ".join(config.capture.classes)
            raise GatewaySaid(
                f"no content of {exchange_id} is kept in {folder}: kept are whole answers of the classes of [capture] "
                f"classes ({kept}), never private ones, what a policy masks or keeps local, or shadows"
            )
        case "wrong key":
            raise Misconfigured(
                f"the content of {exchange_id} was kept with another key than the one in {config.capture.key_env} "
                "([capture] key_env)"
            )
        case "damaged":
            raise GatewaySaid(f"the file with the content of {exchange_id} in {folder} was damaged or changed")
        case _:
            assert_never(reading.state)


def lines_of(content: dict[str, Any]) -> str:
    """For people: who said what."""
    request, answer = content["request"], content["answer"]
    lines = [f"content of {content['exchange']} ({content['class']}), as the client sent it:"]
    for turn in request.get("messages", ()):
        lines += [f"[{turn['role']}]", *(_part(part) for part in turn["parts"])]
    for name, value in request.items():
        if name != "messages":
            lines.append(f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}")
    lines.append(f"[answer, {answer['finish']}]")
    if answer["reasoning"]:
        lines.append(f"(reasoning) {answer['reasoning']}")
    lines += [answer["text"], *(f"(call) {call['name']} {call['arguments']}" for call in answer["tool_calls"])]
    return "\n".join(lines)


def _part(part: dict[str, Any]) -> str:
    match part["kind"]:
        case "text":
            return part["text"]
        case "reasoning":
            return f"(reasoning) {part['text']}"
        case "tool_call":
            return f"(call) {part['name']} {part['arguments']}"
        case _:
            return f"({part['value'].get('type', 'other')}) {json.dumps(part['value'], ensure_ascii=False)}"
