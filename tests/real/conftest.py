"""Runtimes that need an environment of their own: asked for by `--real`, skipped with one reason where they are not."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import NoReturn

import pytest
from tests.real.runtimes import servers

NEED_THEM = (
    "test_vllm_v4_real.py",
    "test_vllm_r1_real.py",
    "test_vllm_demo_real.py",
    "test_transformers_serve_real.py",
)


class LeftOut(pytest.Module):
    """A whole module that is skipped, so that the run says the reason once."""

    def collect(self) -> NoReturn:
        pytest.skip(missing(self.config))


def missing(config: pytest.Config) -> str:
    if not config.getoption("--real"):
        return "vLLM and transformers serve take minutes: `make test-real` runs them"
    if not servers.INSTALLED.is_file():
        return "vLLM and transformers serve are not there: `make real-runtimes` installs them or says why it cannot"
    return ""


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    if module_path.name in NEED_THEM and missing(parent.config):
        return LeftOut.from_parent(parent, path=module_path)
    return None


@pytest.fixture(scope="module")
def vllm_v4() -> Generator[str]:
    with servers.vllm("v4") as url:
        yield url


@pytest.fixture(scope="module")
def vllm_r1() -> Generator[str]:
    with servers.vllm("r1") as url:
        yield url


@pytest.fixture(scope="module")
def vllm_demo() -> Generator[str]:
    with servers.vllm("demo") as url:
        yield url


@pytest.fixture(scope="module")
def transformers_serve() -> Generator[str]:
    with servers.transformers_serve() as url:
        yield url
