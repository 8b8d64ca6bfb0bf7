"""The embedded engine as a backend, for the gateway and for the simulator that lets it speak."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from tidegate.backends.embedded import EmbeddedBackend
from tidegate.backends.engine import Engine, EngineRole, EngineSettings, default_threads
from tidegate.backends.model_file import is_this_model
from tidegate.backends.transport import Transport
from tidegate.catalog.embedded import embedded_model
from tidegate.config import Embedded
from tidegate.dialects import EMBEDDED, LLAMACPP


def embedded_backend(
    transport: Transport, options: Embedded, model_path: Path, engine: EngineRole | None = None
) -> EmbeddedBackend:
    """The demo model with its own template and quirks; any other file as the llama.cpp server it then is.

    `engine`: one that another process keeps running."""
    demo = embedded_model()
    is_demo = is_this_model(model_path, demo)
    model = demo.id if is_demo else model_path.stem
    note = demo.notice if is_demo else f"your own model file {model_path.name}"
    engine = engine or embedded_engine(options, model_path)
    return EmbeddedBackend(transport, engine, EMBEDDED if is_demo else LLAMACPP, model, note, options.slots)


def embedded_engine(options: Embedded, model_path: Path) -> Engine:
    demo = embedded_model()
    is_demo = is_this_model(model_path, demo)
    template = resources.files("tidegate.backends").joinpath("demo_chat.jinja").read_text(encoding="utf-8")
    return Engine(
        EngineSettings(
            model_path=model_path,
            alias=demo.id if is_demo else model_path.stem,
            context_tokens=options.context_tokens,
            slots=options.slots,
            threads=options.threads or default_threads(),
            template=template if is_demo else "",
        )
    )
