"""A new connection on which it is first asked who is there. The transport makes one where an endpoint has a greeting.

Nobody else can take the connection until the greeting is over; the request then goes over the same one. Knows nothing of
what is asked and what is answered.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tidegate.backends.connection import Connection, StaleConnection, read_whole

OnIdle = Callable[[Connection], None]
_LIMIT_BYTES = 4 * 1024 * 1024


class Meeting:
    """Once its connection is lost the greeting has to begin anew: who answers next may be another server.

    A server that closes after each answer, and says so, gets a new connection for each, so there the request goes over
    one made just after. `keep` takes the connection once it has carried the request.
    """

    def __init__(
        self, connect: Callable[[OnIdle], Awaitable[Connection]], payload_of: Callable[[str], bytes], keep: OnIdle
    ) -> None:
        self._connect = connect
        self._payload_of = payload_of
        self._keep = keep
        self._kept: Connection | None = None
        self.over = False

    def _on_idle(self, connection: Connection) -> None:
        if self.over:
            self._keep(connection)
        else:
            self._kept = connection

    async def line(self) -> Connection:
        """The connection, for whoever sends next."""
        line, self._kept = self._kept, None
        if line is None:
            return await self._connect(self._on_idle)
        if line.closed:
            raise StaleConnection
        return line

    async def get(self, path: str) -> tuple[int, bytes]:
        """Ask over it; what the greeting is given."""
        line = await self.line()
        try:
            await line.request(self._payload_of(path))
            body = await read_whole(line, _LIMIT_BYTES)
        except BaseException:
            line.abort()
            raise
        line.release(ended=True)
        return line.status, body

    def leave(self) -> None:
        if self._kept is not None:
            self._kept.abort()
