"""The table of common mistakes in docs/start.md: each is made, and the page quotes what is really said."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

START = (Path(__file__).parents[2] / "docs" / "start.md").read_text(encoding="utf-8")
PLACEHOLDER_URL = "http://127.0.0.1:4141"
NO_WHEEL = "import sys; sys.modules['xllamacpp'] = None; sys.argv[0] = 'tidegate'\n"
MAIN = "from tidegate.cli.main import main; main()"
CLOUD_ONLY = """
embedded.enabled = false
probe.enabled = false
backends.cloud.kind = "deepseek"
aliases.contracts = { targets = ["cloud"], class = "private" }
"""


@dataclass(frozen=True)
class Mistake:
    name: str
    words: tuple[str, ...]
    config: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    exit_code: int = 2


UP = ("up", "--no-embedded", "--port", "0")
MISTAKES = (
    Mistake("unknown option", UP, "server.prot = 5000"),
    Mistake("wrong type", UP, 'server.port = "4141"'),
    Mistake("wrong kind", UP, 'backends.box = { kind = "olama" }'),
    Mistake("private alias leads outside", ("up",), CLOUD_ONLY, {"DEEPSEEK_API_KEY": "fake"}),
    Mistake(
        "external accepts private",
        UP,
        'backends.cloud = { kind = "generic", boundary = "external", base_url = "https://x.test", accepts = "private" }',
    ),
    Mistake(
        "no word",
        UP,
        'backends.studio = { kind = "lmstudio", boundary = "device", base_url = "http://127.0.0.1:1234" }',
    ),
    Mistake("outside its boundary", UP, 'backends.box = { kind = "llamacpp", base_url = "http://10.1.2.3:8080" }'),
    Mistake(
        "no networks",
        UP,
        'backends.box = { kind = "llamacpp", boundary = "private", base_url = "http://10.1.2.3:8080" }',
    ),
    Mistake("no key", UP, 'backends.cloud.kind = "deepseek"'),
    Mistake("alias to nowhere", UP, 'aliases.contracts.targets = ["boxx"]'),
    Mistake("open door", ("up", "--host", "0.0.0.0")),
    Mistake("no config file", ("up", "--config", "nofile.toml")),
    Mistake("no model file", ("up", "--port", "0", "--model", "nofile.gguf")),
    Mistake("not a model", ("up", "--port", "0", "--model", "noise.gguf")),
    Mistake("unknown rule", ("explain", "RTE10")),
)


def run_tidegate(
    words: tuple[str, ...], folder: Path, environment: dict[str, str], before: str = ""
) -> tuple[int, str]:
    """Exit code and what was said on standard error, without its beginning."""
    done = subprocess.run(
        [sys.executable, "-c", before + MAIN, *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr.strip().removeprefix("tidegate: ")


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_the_page_quotes_what_is_said(mistake: Mistake, tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "tidegate.toml").write_text(mistake.config, encoding="utf-8")
    (tmp_path / "noise.gguf").write_bytes(b"noise" * 1000)
    code, said = run_tidegate(mistake.words, tmp_path, environment | mistake.environment)
    assert code == mistake.exit_code
    assert said and f"`{said}" in START


def test_a_busy_port(gateway: str, tmp_path: Path, environment: dict[str, str]) -> None:
    port = gateway.rpartition(":")[2]
    code, said = run_tidegate(("up", "--port", port), tmp_path, environment)
    assert code == 2
    assert said.replace(port, "4141") in START


def test_no_wheel_of_the_engine(tmp_path: Path, environment: dict[str, str]) -> None:
    code, said = run_tidegate(("up", "--port", "0"), tmp_path, environment, NO_WHEEL)
    assert code == 2
    assert said in START


def test_no_gateway_runs(tmp_path: Path, environment: dict[str, str]) -> None:
    url = "http://127.0.0.1:1"
    code, said = run_tidegate(("ask", "hi", "--url", url), tmp_path, environment)
    assert code == 2
    assert said.replace(url, PLACEHOLDER_URL) in START


@pytest.mark.parametrize(
    "words", [("--model", "deepseek-chat"), ("--model", "local"), ("--class", "secret")], ids=" ".join
)
def test_what_a_gateway_without_backends_refuses(
    words: tuple[str, ...], empty_gateway: str, tmp_path: Path, environment: dict[str, str]
) -> None:
    code, said = run_tidegate(("ask", "hi", "--url", empty_gateway, *words), tmp_path, environment)
    assert code == 1
    assert said in START


def test_a_model_file_that_is_cut_short(tmp_path: Path, environment: dict[str, str], model_path: Path) -> None:
    with model_path.open("rb") as file:
        (tmp_path / "short.gguf").write_bytes(file.read(5_000_000))
    code, said = run_tidegate(("up", "--port", "0", "--model", "short.gguf"), tmp_path, environment)
    assert code == 2
    assert said in START
