"""The embedded model as data: which file, out of which package, with which hash and licence.

Read by the backend that runs it and by the commands that show it. Fetching and verifying happen in
`backends/model_file`; nothing here touches the network or the cache folder.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One model file and the wheel it travels in."""

    id: str
    title: str
    notice: str
    licence: str
    context_tokens: int
    package: str
    version: str
    wheel_bytes: int
    wheel_sha256: str
    member: str
    file_name: str
    file_bytes: int
    file_sha256: str
    source: str
    checked: date


@cache
def embedded_model() -> ModelFile:
    text = files("tidegate.catalog").joinpath("embedded.toml").read_text(encoding="utf-8")
    return ModelFile(**tomllib.loads(text))
