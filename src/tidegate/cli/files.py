"""The files that `tidegate scan` looks into, and their text. Knows nothing of what is looked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tidegate.core.errors import Misconfigured

_HISTORIES = frozenset({".git", ".hg", ".svn", ".jj"})
_HEAD = 8192
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that was not looked into, and why."""

    file: str
    why: str


def files_under(names: Iterable[str]) -> Iterator[str]:
    """Files as given, and those in folders, in order; not what version control keeps for itself."""
    for name in names:
        if name == "-":
            yield name
        elif Path(name).is_dir():
            for folder, folders, files in os.walk(name, onerror=_refuse):
                folders[:] = sorted(set(folders) - _HISTORIES)
                yield from (str(path) for file in sorted(files) if (path := Path(folder) / file).is_file())
        elif Path(name).is_file():
            yield name
        else:
            raise Misconfigured(f"{name}: no such file or folder")


def _refuse(error: OSError) -> None:
    raise Misconfigured(f"{error.filename}: {error.strerror}") from error


def read_text(name: str) -> str | Unread:
    """What cannot be read at all is wrong use: nobody looked, and that must not read as clean."""
    try:
        content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise Misconfigured(f"{name}: {error.strerror}") from error
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    if b"\0" in content[:_HEAD]:
        return Unread(name, "not text")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        # Older Chinese files; what is neither is read letter by letter, which keeps all ASCII.
        return _legacy(content)


def _legacy(content: bytes) -> str:
    try:
        return content.decode("gb18030")
    except UnicodeDecodeError:
        return content.decode("latin-1")
