from __future__ import annotations

from pathlib import Path

import pytest

from tidegate.cli.up import fetch_model


@pytest.fixture(scope="session")
def model_path() -> Path:
    """The embedded model's file, verified, in the user's own cache; `make test` fetched it when it installed."""
    return fetch_model()
