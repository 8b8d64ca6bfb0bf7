"""Posts a message of the gateway's own to an address outside, such as a webhook. Never content: it travels as public.

Goes through the transport like everything else, so it follows no redirect and reads no proxy from the environment.
"""

from __future__ import annotations

from tidegate.backends.base import Endpoint
from tidegate.backends.connection import read_whole
from tidegate.backends.transport import Call, Transport
from tidegate.core.boundary import DataClass

_ANSWER_LIMIT_BYTES = 64 * 1024


async def post(
    transport: Transport, endpoint: Endpoint, path: str, body: bytes, headers: tuple[tuple[str, str], ...]
) -> int:
    """The status of the answer, whose body is read and forgotten."""
    connection = await transport.send(Call(endpoint, DataClass.PUBLIC, path, body, headers=headers))
    ended = False
    try:
        await read_whole(connection, _ANSWER_LIMIT_BYTES)
        ended = True
        return connection.status
    finally:
        connection.release(ended=ended)
