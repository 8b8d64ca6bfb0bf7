"""The embedded engine as a backend, for the gateway and for the simulator that lets it speak."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from tidegate.backends.embedded import EmbeddedBackend
from tidegate.backends.engine import Engine, EngineSettings, default_threads
from tidegate.backends.model_file import is_this_model
from tidegate.backends.transport import Transport
from tidegate.catalog.embedded import embedded_model
from tidegate.config import Embedded
from tidegate.dialects import EMBEDDED, LLAMACPP


def embedded_backend(transport: Transport, options: Embedded, model_path: Path) -> EmbeddedBackend:
    """The demo model with its own template and quirks; any other file as the llama.cpp server it then is."""
    demo = embedded_model()
    is_demo = is_this_model(model_path, demo)
    template = resources.files("tidegate.backends").joinpath("demo_chat.jinja").read_text(encoding="utf-8")
    model = demo.id if is_demo else model_path.stem
    engine = Engine(
        EngineSettings(
            model_path=model_path,
            alias=model,
            context_tokens=options.context_tokens,
            slots=options.slots,
            threads=options.threads or default_threads(),
            template=template if is_demo else "",
        )
    )
    note = demo.notice if is_demo else f"your own model file {model_path.name}"
    return EmbeddedBackend(transport, engine, EMBEDDED if is_demo else LLAMACPP, model, note, options.slots)
