"""Faults planted into a gateway of its own process: each raises an error whose text is what the client sent.

Python imports `sitecustomize` by itself, so a folder with one, on PYTHONPATH, changes a command without touching it.
"""

from __future__ import annotations

import os
from pathlib import Path

BUGS = ("check", "encode", "fail", "task", "callback", "thread", "finalizer", "log")

_PROGRAM = """
import sys

if "up" in sys.orig_argv:
    import asyncio, logging, threading
    from tidegate.codecs.openai_chat.chunks import ChunkEncoder
    from tidegate.pipeline.gateway import Gateway
    from tidegate.surfaces.answering import _Reply
    from tidegate.surfaces.openai import ChatFormat

    check, fail, answer = ChatFormat.check, _Reply.fail, Gateway.answer

    class Dying:
        def __init__(self, text):
            self.text = text
        def __del__(self):
            raise KeyError(self.text)

    def text_of(request):
        return "\\n".join(getattr(part, "text", "") for turn in getattr(request, "messages", ()) for part in turn.parts)

    def raise_it(text):
        raise KeyError(text)

    async def raise_it_later(text):
        raise_it(text)

    def broken_check(self, request):
        text = text_of(request)
        loop = asyncio.get_running_loop()
        if "bug:check" in text or "bug:fail" in text:
            raise_it(text)
        if "bug:task" in text:
            loop.create_task(raise_it_later(text), name=text)
        if "bug:callback" in text:
            loop.call_soon(raise_it, text)
        if "bug:thread" in text:
            thread = threading.Thread(target=raise_it, args=(text,))
            thread.start()
            thread.join()
        if "bug:finalizer" in text:
            Dying(text)
        if "bug:log" in text:
            logging.getLogger("a.library").warning("%d", text)
            try:
                raise_it(text)
            except KeyError:
                logging.getLogger("a.library").exception("it happened")
        check(self, request)

    async def broken_fail(self, error):
        if self.request is not None and "bug:fail" in text_of(self.request):
            raise_it(text_of(self.request))
        await fail(self, error)

    async def broken_answer(self, exchange, decided):
        async for frames in answer(self, exchange, decided):
            yield frames
            if "bug:encode" in text_of(decided.request):
                raise_it(text_of(decided.request))

    ChatFormat.check, _Reply.fail, Gateway.answer = broken_check, broken_fail, broken_answer
"""


def with_bugs(folder: Path) -> dict[str, str]:
    """The environment of a command that has them all."""
    place = folder / "bugs"
    place.mkdir()
    (place / "sitecustomize.py").write_text(_PROGRAM)
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(place), os.environ.get("PYTHONPATH")]))}
