"""What the tests against the real embedded engine share: the verified model, from the user's own cache folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tidegate.backends.model_file import ensure_model
from tidegate.catalog.embedded import embedded_model


@pytest.fixture(scope="session")
def model_path() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return ensure_model(embedded_model(), cache / "tidegate", lambda text: print(text, file=sys.stderr))
