"""A real gateway over scripted backends, for the examples of the documentation."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

GATEWAY_CONFIG = """
[embedded]
enabled = false

[probe]
enabled = false

[backends.home]
kind = "fake"

[backends.deepseek]
kind = "fake"
boundary = "external"
models = ["deepseek-flash", "deepseek-v4-pro"]

[aliases.contracts]
targets = ["home"]
class = "private"

[aliases.assistant]
targets = ["deepseek/deepseek-flash", "home"]

[[policy]]
name = "contact-data"
found = ["SEN007", "SEN008", "SEN009"]
action = "mask"
"""

EMPTY_CONFIG = """
embedded.enabled = false
probe.enabled = false
backends.outside = { kind = "generic", boundary = "external", base_url = "http://127.0.0.1:1" }
"""


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment without keys, colours or files of the user's."""
    folder = tmp_path_factory.mktemp("home")
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH", "PYTHONPATH") if name in os.environ}
    places = {f"XDG_{name}_HOME": str(folder / name.lower()) for name in ("CONFIG", "CACHE", "STATE")}
    return kept | places | {"HOME": str(folder), "COLUMNS": "100", "NO_COLOR": "1", "PYTHONUTF8": "1"}


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Iterator[str]:
    """The URL of a running gateway."""
    config = tmp_path_factory.mktemp("gateway") / "tidegate.toml"
    config.write_text(GATEWAY_CONFIG, encoding="utf-8")
    with Running(config, environment) as url:
        yield url


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Iterator[str]:
    """The URL of a running simulator."""
    with Serving(["sim", "--port", "0"], tmp_path_factory.mktemp("simulator"), environment) as url:
        yield url


@pytest.fixture(scope="session")
def empty_gateway(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Iterator[str]:
    """The URL of a running gateway whose one backend stands outside and has named no model yet."""
    config = tmp_path_factory.mktemp("empty") / "tidegate.toml"
    config.write_text(EMPTY_CONFIG, encoding="utf-8")
    with Running(config, environment) as url:
        yield url


class Serving:
    """A command that serves, in a process of its own while the block lasts."""

    def __init__(self, words: list[str], folder: Path, environment: dict[str, str]) -> None:
        command = [sys.executable, "-m", "tidegate", *words]
        self._process = subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        found = re.search(r"http://[\d.:]+", line)
        if found is None:
            self.__exit__()
            pytest.fail(f"it did not start: {line!r}")
        return found[0]

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate(timeout=15)


class Running(Serving):
    """A gateway with this configuration."""

    def __init__(self, config: Path, environment: dict[str, str]) -> None:
        super().__init__(["up", "--port", "0", "--config", str(config)], config.parent, environment)
