"""From the options of [capture] to the parts that keep content, and the refusal of a key that could not protect it."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tidegate.config import Config
from tidegate.core.boundary import DataClass
from tidegate.core.errors import Misconfigured

if TYPE_CHECKING:
    from tidegate.privacy.keeping.content import ContentStore

SHORTEST_KEY = 16


def content_store(config: Config, environment: Mapping[str, str], state_folder: Path) -> ContentStore | None:
    """Where content is kept; None when nobody asked for it."""
    options = config.capture
    if options.key_env is None:
        return None
    secret = content_secret(config, environment)
    if not options.classes:
        raise Misconfigured(
            "[capture] classes is empty, so nothing would be kept: name public or internal, or remove key_env"
        )
    from tidegate.privacy.keeping.content import ContentStore

    classes = frozenset(DataClass(name) for name in options.classes)
    return ContentStore(content_folder(config, state_folder), secret, classes, options.keep_s)


def content_secret(config: Config, environment: Mapping[str, str]) -> str:
    """What the keys of the files are made of."""
    name = config.capture.key_env
    if name is None:
        raise Misconfigured("[capture] key_env is not set, so no content is kept or can be read")
    secret = environment.get(name, "")
    if not secret:
        raise Misconfigured(f"[capture] key_env: the environment variable {name} is not set")
    if len(secret) < SHORTEST_KEY:
        raise Misconfigured(
            f"[capture] key_env: the environment variable {name} holds fewer than {SHORTEST_KEY} characters; "
            "make a key with `openssl rand -hex 32`"
        )
    if importlib.util.find_spec("cryptography") is None:
        raise Misconfigured(
            "[capture] key_env needs cryptography: run `pip install 'tidegate[capture]'`, or leave the option out"
        )
    return secret


def content_folder(config: Config, state_folder: Path) -> Path:
    return Path(config.capture.folder).expanduser() if config.capture.folder else state_folder / "content"
