from __future__ import annotations

import pytest
import pytest_socket


@pytest.fixture(autouse=True)
def only_loopback() -> None:
    """Unit tests reach no other machine; servers of their own on loopback are theirs to start."""
    pytest_socket.socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)
