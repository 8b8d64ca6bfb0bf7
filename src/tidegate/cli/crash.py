"""What a serving process says and leaves behind when something breaks: class and place of an error, never its text.

An exception's text, and what asyncio prints of the task that raised it, may hold a prompt (a `KeyError` is its key). So
no error is printed with its text, whoever prints it, and a native crash leaves no image of the memory.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import sys
import threading
import traceback
from types import TracebackType
from typing import Any

from tidegate.surfaces.errors import named

_log = logging.getLogger("tidegate.crash")
_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class TextlessFormatter(logging.Formatter):
    """Of an exception that is logged only the frames and the class; also of one that a library logs."""

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802  the standard library's name
        return "" if ei[1] is None else _frames(ei[1])

    def format(self, record: logging.LogRecord) -> str:
        record.exc_text = None  # another handler may have put the whole text there
        return super().format(record)


def say_no_content() -> None:
    """From now on nothing that this process prints about an error holds the error's text."""
    handler = logging.StreamHandler()
    handler.setFormatter(TextlessFormatter("tidegate: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.raiseExceptions = False  # a log line that cannot be formatted would be printed with its arguments
    sys.excepthook = lambda _kind, error, _trace: print(_frames(error), file=sys.stderr)
    sys.unraisablehook = lambda unraisable: _say("nobody could handle", unraisable.exc_value)
    threading.excepthook = lambda thread: _say("a thread ended with", thread.exc_value)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def watch(loop: asyncio.AbstractEventLoop) -> None:
    """The same for what asyncio finds out about tasks and callbacks that nobody awaits."""
    loop.set_exception_handler(_on_loop_error)


def _on_loop_error(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    _say("an unwatched task ended with" if "task" in context or "future" in context else "the event loop met", error)


def _say(what: str, error: BaseException | None) -> None:
    _log.error("%s %s", what, "an unknown error" if error is None else named(error))


def _frames(error: BaseException) -> str:
    """The lines of our code that led there; they are the program's, not the prompt's."""
    return "".join([*traceback.format_tb(error.__traceback__), type(error).__name__])
