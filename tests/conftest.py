from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.support.reports import LINES

from tidegate.cli.policy import fetch_sentence_model
from tidegate.cli.up import fetch_model

# Before any test imports numpy: several of its threads on a busy machine only wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--real", action="store_true", help="also test against a real vLLM and transformers serve")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in LINES:
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def model_path() -> Path:
    """The embedded model's file, verified, in the user's own cache; `make test` fetched it when it installed."""
    return fetch_model()


@pytest.fixture(scope="session")
def sentence_model() -> tuple[Path, Path]:
    """Weights and tokenizer of the sentence model, verified, in the user's own cache; `make test` fetched them too."""
    return fetch_sentence_model()
