"""Runtimes that need an environment of their own: asked for by `--real`, skipped with the reason where they are not."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from tests.real.runtimes import servers


@pytest.fixture(scope="session")
def installed(request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("--real"):
        pytest.skip("vLLM and transformers serve take minutes: `make test-real` runs them")
    if not (servers.ENVIRONMENT / ".installed").is_file():
        pytest.skip(
            "vLLM and transformers serve are not installed: `make real-runtimes` does it, or says why it cannot"
        )


@pytest.fixture(scope="module")
def vllm_v4(installed: None) -> Generator[str]:
    with servers.vllm("v4") as url:
        yield url


@pytest.fixture(scope="module")
def vllm_r1(installed: None) -> Generator[str]:
    with servers.vllm("r1") as url:
        yield url


@pytest.fixture(scope="module")
def vllm_demo(installed: None) -> Generator[str]:
    with servers.vllm("demo") as url:
        yield url


@pytest.fixture(scope="module")
def transformers_serve(installed: None) -> Generator[str]:
    with servers.transformers_serve() as url:
        yield url
