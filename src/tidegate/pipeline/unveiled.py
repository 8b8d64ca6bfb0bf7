"""The answer to a masked request with the real values in it again, read by read. Knows no backend.

Frames come out without the bytes that came in: what a client gets is written anew by its surface.
"""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.backends.base import Answering
from tidegate.core.events import Frame
from tidegate.privacy.masking.mask import Veil
from tidegate.privacy.masking.unmasking import Unmask, unmasked_frames


class Unveiled:
    """An answer on its way (`backends.base.Answering`) behind a veil."""

    def __init__(self, answering: Answering, veil: Veil) -> None:
        self._answering = answering
        self._unmask = Unmask(veil)

    @property
    def quirks(self) -> Sequence[str]:
        return (*self._answering.quirks, *self._unmask.quirks)

    async def read(self) -> list[Frame]:
        """An empty list means the end, so what holds everything back is read on."""
        while frames := await self._answering.read():
            if told := unmasked_frames(frames, self._unmask):
                return told
        return []

    def close(self) -> None:
        self._answering.close()
