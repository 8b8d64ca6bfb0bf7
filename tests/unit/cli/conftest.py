"""Runs commands in this process, in a folder and an environment of their own, and a gateway that says what it is told."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support.upstreams import Request, Upstream, head, served

from tidegate.cli.main import main


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file, key or folder of the user's is seen."""
    for name in ("TIDEGATE_KEY", "TIDEGATE_ADMIN_KEY", "DEEPSEEK_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("CONFIG", "CACHE", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def tidegate(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    def run(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["tidegate", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        code = ended.value.code
        return Ran(code if isinstance(code, int) else 0 if code is None else 1, said.out, said.err)

    return run


class Canned(Upstream):
    """Answers each path with these bytes; anything else is a 404 of nobody in particular."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.answers: dict[str, bytes] = {}
        self.heard: list[Request] = []

    def says(self, path: str, body: bytes, status: str = "200 OK", *more: str) -> None:
        self.answers[path] = head(status, "application/json", *more, length=len(body)) + body

    async def _answer(self, request: Request) -> bool:
        self.heard.append(request)
        path = request.head.split(b" ")[1].decode()
        raw = self.answers.get(path, head("404 Not Found", "text/plain", length=0))
        await request.reply(raw)
        return False


@pytest.fixture
def gateway() -> Generator[Canned]:
    with served(Canned()) as canned:
        assert isinstance(canned, Canned)
        yield canned
