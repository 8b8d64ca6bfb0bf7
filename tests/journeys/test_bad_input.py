"""Bad input of every kind: one clear message that names what to change, the right status or exit code, no traceback."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from tests.support.process import Running, tidegate, tidegate_up

HELLO = [{"role": "user", "content": "hi"}]
CONFIG = """
[probe]
enabled = false
[backends.fake]
kind = "fake"
"""


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    with tidegate_up(tmp_path_factory.mktemp("fake"), CONFIG, "--no-embedded") as running:
        yield running
        assert running.post({"model": "fake", "messages": HELLO})[0] == 200, "it must have survived all of this"
    assert "Traceback" not in running.output


def body(**fields: Any) -> bytes:
    return json.dumps({"model": "fake", "messages": HELLO, **fields}).encode()


BAD_BODIES: dict[str, tuple[bytes, int, str]] = {
    "nothing": (b"", 400, "Failed to parse the request body as JSON"),
    "half a JSON": (b'{"model": "fake", "mess', 400, "Failed to parse the request body as JSON"),
    "no object": (b"[1, 2]", 400, "[0]: invalid type: integer `1`, expected a sequence at line 1 column 2"),
    "20,000 levels": (b'{"model":"fake","messages":' + b"[" * 20_000 + b"]" * 20_000 + b"}", 400, "JSON"),
    "300 levels in a tool": (
        body(
            tools=[
                {
                    "type": "function",
                    "function": {"name": "f", "parameters": json.loads('{"a":' * 300 + "1" + "}" * 300)},
                }
            ]
        ),
        400,
        "tools[0].function.parameters: recursion limit exceeded at line 1 column",
    ),
    "lone surrogate": (
        b'{"model":"fake","messages":[{"role":"user","content":"\\ud800"}]}',
        400,
        "unexpected end of hex escape",
    ),
    "not UTF-8": (b'{"model":"fake","messages":[{"role":"user","content":"\xff"}]}', 400, "Failed to parse"),
    "no model": (json.dumps({"messages": HELLO}).encode(), 400, "missing field `model`"),
    "no messages": (b'{"model":"fake"}', 400, "missing field `messages`"),
    "empty messages": (body(messages=[]), 400, "Empty input messages"),
    "model is a number": (body(model=7), 400, "model: invalid type: integer `7`, expected a string at line 1 column"),
    "model is null": (body(model=None), 400, "model: invalid type: null, expected a string at line 1 column"),
    "messages is a text": (body(messages="hi"), 400, "messages: invalid type: string, expected a sequence"),
    "message is a text": (
        body(messages=["hi"]),
        400,
        "messages[0]: invalid type: string, expected internally tagged enum",
    ),
    "unknown role": (body(messages=[{"role": "developer", "content": "x"}]), 400, "messages[0].role: unknown variant"),
    "content is a number": (body(messages=[{"role": "user", "content": 1}]), 400, "messages[0].content"),
    "temperature is a text": (body(temperature="hot"), 400, "temperature: invalid type: string, expected f32"),
    "temperature too high": (body(temperature=9), 400, "valid range of temperature is [0, 2]"),
    "max_tokens negative": (body(max_tokens=-5), 400, "max_tokens: invalid value: integer `-5`, expected u32"),
    "stream is a text": (body(stream="yes"), 400, "stream: invalid type: string, expected a boolean"),
    "n is two": (body(n=2), 400, "only n = 1 is supported"),
    "unknown model": (body(model="gpt-17"), 400, "The supported API model names are auto, local, fake"),
    "unknown model of a backend": (body(model="fake/gpt-17"), 404, "GET /models"),
    "model holds a prompt": (body(model="my secret is 1234 " * 10), 400, "a name too long or odd to show"),
}


@pytest.mark.parametrize("case", BAD_BODIES)
def test_a_bad_body_gets_one_clear_answer(fake: Running, case: str) -> None:
    sent, status, message = BAD_BODIES[case]
    got, answer = fake.post(sent)
    assert got == status
    if status != 200:
        assert list(answer["error"]) == ["message", "type", "param", "code"]
        assert message in answer["error"]["message"]
        assert fake.get(f"/-/exchanges/{fake.headers['x-tidegate-exchange']}")[1]["status"] == status


def test_a_body_of_20_mb_names_the_option(fake: Running) -> None:
    status, answer = fake.post(body(messages=[{"role": "user", "content": "x" * 20_000_000}]))
    assert status == 413
    assert "[server] body_limit_bytes" in answer["error"]["message"]


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        ({"x-tidegate-class": "secret"}, 400, "x-tidegate-class must be one of public, internal, private"),
        ({"x-tidegate-class": ""}, 400, "x-tidegate-class must be one of"),
        ({"Content-Type": "text/plain"}, 415, "Content-Type: application/json"),
        ({"Host": "evil.example"}, 403, "Host header"),
    ],
)
def test_a_bad_header_is_named(fake: Running, headers: dict[str, str], status: int, message: str) -> None:
    got, answer = fake.post(body(), headers)
    assert got == status
    assert message in answer["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/chat/completions", 405),
        ("POST", "/nowhere", 404),
        ("GET", "/-/exchanges/ex_0", 404),
        ("PUT", "/models", 405),
    ],
)
def test_a_bad_path_or_method_is_an_error_in_the_envelope(fake: Running, method: str, path: str, status: int) -> None:
    got, answer = fake.request(method, path, b"{}", {"Content-Type": "application/json"})
    assert got == status
    assert answer["error"]["message"]


def refused(run: Any, *messages: str) -> None:
    assert run.returncode == 2, run.stderr
    assert "Traceback" not in run.stdout + run.stderr
    assert len(run.stderr.strip().splitlines()) == 1, run.stderr
    assert run.stderr.startswith("tidegate: ")
    for message in messages:
        assert message in run.stderr


def start(folder: Path, config: str, *flags: str, **environment: str) -> Any:
    (folder / "tidegate.toml").write_text(config)
    return tidegate(folder, "up", "--config", "tidegate.toml", "--port", "0", *flags, **environment)


EXTERNAL_ONLY = """
[embedded]
enabled = false
[probe]
enabled = false
[backends.cloud]
kind = "deepseek"
"""


@pytest.mark.parametrize(
    ("config", "messages"),
    [
        ("[server]\nprot = 1\n", ("server.prot", "did you mean port")),
        ("[backends.x]\nkind = 'olama'\n", ("backends.x.kind", "lmstudio, transformers_serve, generic, fake")),
        ("[server\n", ("not valid TOML",)),
        ("[server]\nport = 'x'\n", ("server.port",)),
        ("[server]\nhost = '0.0.0.0'\n", ("[server] host", "[[clients]]")),
        (
            EXTERNAL_ONLY + "[aliases.contracts]\ntargets = ['cloud']\nclass = 'private'\n",
            ("[aliases.contracts] class", "cloud"),
        ),
        (EXTERNAL_ONLY + "[privacy]\ndefault_class = 'private'\n", ("[privacy] default_class",)),
        ("[backends.x]\nkind = 'vllm'\nbase_url = 'http://8.8.8.8'\n", ("[backends.x] boundary", "8.8.8.8")),
        (
            "[backends.x]\nkind = 'lmstudio'\nbase_url = 'http://127.0.0.1:1234'\nboundary = 'device'\n",
            ("[backends.x] boundary", "LM Link off", "stays_home = true", "LOC002"),
        ),
        ("[[clients]]\nname = 'a'\nkey_env = 'NO_SUCH_KEY'\n", ("[[clients]] a key_env", "NO_SUCH_KEY")),
    ],
)
def test_a_config_that_cannot_be_enforced_refuses_to_start(
    tmp_path: Path, config: str, messages: tuple[str, ...]
) -> None:
    refused(start(tmp_path, config, DEEPSEEK_API_KEY="k"), *messages)
    (tmp_path / "tidegate.toml").write_text(config)
    checked = tidegate(tmp_path, "config", "check", DEEPSEEK_API_KEY="k")
    refused(checked, *messages)


def test_a_busy_port_says_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused(tidegate(tmp_path, "up", "--port", port, "--no-embedded"), f"port {port}", "in use", "--port")


def test_a_model_file_that_is_none_says_so(tmp_path: Path) -> None:
    wrong = tmp_path / "model.gguf"
    wrong.write_bytes(b"<html>not found</html>" * 100)
    refused(start(tmp_path, "", "--model", str(wrong)), "--model", "model.gguf")
    refused(start(tmp_path, "", "--model", str(tmp_path / "missing.gguf")), "does not exist")


def test_a_half_downloaded_model_says_so(tmp_path: Path, model_path: Path) -> None:
    half = tmp_path / "half.gguf"
    with model_path.open("rb") as whole:
        half.write_bytes(whole.read(40_000_000))
    refused(start(tmp_path, "", "--model", str(half)), "cut short", "Download it again")


def test_a_missing_engine_wheel_says_how_to_install_it(tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text("import sys\nsys.modules['xllamacpp'] = None\n")
    path = os.pathsep.join([str(hidden), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    refused(start(tmp_path, "", PYTHONPATH=path), "pip install 'tidegate[embedded]'", "--no-embedded")


def test_keys_are_asked_for_when_configured(tmp_path: Path) -> None:
    config = CONFIG + "[[clients]]\nname = 'a'\nkey_env = 'A_KEY'\nclass = 'internal'\n"
    with tidegate_up(tmp_path, config, "--no-embedded", A_KEY="secret-of-a") as running:
        assert running.post(body())[0] == 401
        assert running.post(body(), {"Authorization": "Bearer wrong"})[0] == 401
        assert running.get("/-/status")[0] == 401
        assert running.get("/-/health")[0] == 200
        status, _ = running.post(body(), {"Authorization": "Bearer secret-of-a"})
        assert (status, running.headers["x-tidegate-class"]) == (200, "internal")
        assert running.stop() == 0
    assert "secret-of-a" not in running.output


def test_asking_nobody_says_how_to_start(tmp_path: Path) -> None:
    refused(tidegate(tmp_path, "ask", "hi", "--url", "http://127.0.0.1:1"), "tidegate up")
    refused(tidegate(tmp_path, "explain", "RTE01"), "there is no rule RTE01", "did you mean RTE")
