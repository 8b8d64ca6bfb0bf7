"""What a gateway that serves is told from outside: to take a new configuration, or to end. Says on stderr what came of it."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress

from tidegate.app.reload import Running
from tidegate.core.errors import GatewayError

_log = logging.getLogger("tidegate.cli")


async def reload(running: Running) -> None:
    """The configuration is read again. What cannot be put in force changes nothing."""
    if running.asgi.drain.draining:
        return
    try:
        prepared = await running.reload()
    except GatewayError as error:
        say(f"not reloaded, the configuration before stays in force: {error.message}")
        return
    except Exception as error:
        _log.error("unexpected %s", type(error).__name__)
        say("not reloaded, the configuration before stays in force: Tidegate failed internally")
        return
    loaded = prepared.app.loaded
    say(f"reloaded {loaded.file or 'the defaults'}: configuration {loaded.generation} is in force for new requests")
    if prepared.waits:
        say(f"  not before a restart: {', '.join(prepared.waits)}")
    if prepared.app.certificate is not None and prepared.app.certificate.warning:
        say(f"warning: {prepared.app.certificate.warning}")


async def drain(running: Running) -> None:
    """To the end of every answer, or of the time that they have."""
    limit_s, state = running.app.config.server.drain_s, running.asgi.drain
    if state.open:
        answers = "1 answer" if state.open == 1 else f"{state.open} answers"
        say(f"draining: {answers} open, up to {limit_s:g} s; a second signal does not wait")
    await running.drain()
    if state.cut:
        say(f"draining: {state.cut} cut before their end")


def say(line: str) -> None:
    """A terminal that has gone takes nothing; that must not stop what is being done."""
    with suppress(OSError):
        print(line, file=sys.stderr, flush=True)
