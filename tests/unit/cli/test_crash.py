"""Whoever prints an error of a serving process prints no text of it. Tried in processes of their own: it is global."""

from __future__ import annotations

import subprocess
import sys

import pytest

CANARY = "CANARY-4711"
BEFORE = f"""
import asyncio, logging, resource, sys, threading, gc
from tidegate.cli.crash import say_no_content, watch
from tidegate.cli.serving import run
say_no_content()
def fail():
    raise KeyError({CANARY!r})
"""
TASK = """
async def failing(): fail()
async def main():
    task = asyncio.create_task(failing())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task
    gc.collect()
run(main())
"""
CALLBACK = """
async def main():
    asyncio.get_running_loop().call_soon(fail)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
run(main())
"""
LOGGED = """
try:
    fail()
except KeyError as error:
    logging.getLogger("uvicorn.error").error("Exception in ASGI application", exc_info=error)
"""
CHAINED = """
try:
    fail()
except KeyError as error:
    try:
        raise ValueError(str(error)) from error
    except ValueError:
        logging.getLogger("a.library").exception("oh")
"""
FINALIZER = """
class Bad:
    def __del__(self): fail()
Bad()
"""
WAYS = {
    "a task": (TASK, "an unwatched task ended with KeyError at "),
    "a callback": (CALLBACK, "the event loop met KeyError at "),
    "a thread": ("t = threading.Thread(target=fail); t.start(); t.join()", "a thread ended with KeyError at "),
    "a finalizer": (FINALIZER, "nobody could handle KeyError at "),
    "a library's log": (LOGGED, "Exception in ASGI application"),
    "a chain": (CHAINED, "ValueError"),
    "a line that cannot be formatted": (f"logging.error('%d', {CANARY!r})", ""),
    "the program's end": ("fail()", "KeyError"),
}


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", BEFORE + program], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("way", WAYS)
def test_an_error_is_told_without_its_text(way: str) -> None:
    program, said = WAYS[way]
    done = run(program)
    assert CANARY not in done.stdout + done.stderr
    assert said in done.stderr


def test_a_handler_before_ours_does_not_bring_the_text_back() -> None:
    done = run(
        "import io\n"
        "before = logging.StreamHandler(io.StringIO())\n"
        "logging.getLogger().handlers.insert(0, before)\n" + LOGGED
    )
    assert "KeyError" in done.stderr
    assert CANARY not in done.stderr


def test_there_is_no_image_of_the_memory() -> None:
    assert run("print(resource.getrlimit(resource.RLIMIT_CORE)[0])").stdout == "0\n"
