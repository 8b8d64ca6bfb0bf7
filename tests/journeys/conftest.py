from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from openai import OpenAI
from tests.support.process import Running, tidegate_up


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    """The gateway with the real embedded model, shared by the tests that do it no harm."""
    with tidegate_up(tmp_path_factory.mktemp("gateway"), "[probe]\nenabled = false\n") as running:
        yield running


@pytest.fixture(scope="session")
def client(gateway: Running) -> Generator[OpenAI]:
    with OpenAI(base_url=gateway.url, api_key="unused", max_retries=0, timeout=60) as found:
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
