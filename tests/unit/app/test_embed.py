"""The engine as a backend: the demo model with its template, any other file as the llama.cpp server it then is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidegate.app import embed
from tidegate.app.embed import embedded_backend
from tidegate.backends.connection import Limits
from tidegate.backends.transport import Transport
from tidegate.catalog.embedded import embedded_model
from tidegate.config import Embedded


@pytest.mark.parametrize("is_demo", [True, False])
def test_what_a_file_becomes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_demo: bool) -> None:
    monkeypatch.setattr(embed, "is_this_model", lambda *_: is_demo)
    transport = Transport(Limits(1, 1, 1))
    backend = embedded_backend(transport, Embedded(slots=3, threads=2), tmp_path / "mine.gguf")
    settings = backend.engine._settings
    demo = embedded_model()
    assert backend.view.models == ((demo.id,) if is_demo else ("mine",))
    assert backend.view.note == (demo.notice if is_demo else "your own model file mine.gguf")
    assert (settings.slots, settings.threads, settings.alias) == (3, 2, backend.view.models[0])
    assert bool(settings.template) == is_demo
    assert backend.engine.state == "stopped"
