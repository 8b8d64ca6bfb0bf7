"""Texts for `privacy.py`: what is on every machine with Python, and our own labelled ones.

Prose and sources are read where Python and the installed packages keep them, in a fixed order, up to a number of
characters. Nothing is copied into the repository; the Chinese prose is put together here from clauses of our own.
"""

from __future__ import annotations

import random
import sysconfig
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

from tests.support.labelled import STRUCTURED, labelled

SKIPPED = {
    "test",
    "tests",
    "site-packages",
    "idlelib",
    "lib2to3",
    "pydoc_data",
    "__pycache__",
    "encodings",
    "idle_test",
}
PAPERS = ("LICENSE", "LICENCE", "COPYING", "NOTICE", "README", "CHANGELOG", "METADATA", "AUTHORS")
WHO = (
    "她的同事",
    "这家书店",
    "新来的老师",
    "村里的老人",
    "项目组",
    "隔壁的邻居",
    "那位画家",
    "值班的医生",
    "图书馆",
    "我们的船长",
)
WHEN = ("清晨", "下雨的时候", "去年冬天", "午饭以后", "会议结束前", "每逢周末", "一开始", "后来")
WHAT = (
    "把院子里的落叶扫成了三堆",
    "认真地讨论了预算和时间表",
    "在河边画了四十二张速写",
    "发现旧仓库里还有一些能用的木料",
    "重新安排了二零二五年的展览",
    "给孩子们讲了一个关于潮水的故事",
    "建议先修好屋顶再粉刷墙壁",
    "买了1200本书和35把椅子",
    "从第3页一直读到第17页",
    "慢慢学会了怎样看懂天气图",
)
LINKS = ("，因此", "，但是", "，同时", "，于是", "。", "。", "；")


def english(size: int) -> str:
    """The language's own manual, as `pydoc` carries it."""
    from pydoc_data.topics import topics

    return "\n\n".join(topics[name] for name in sorted(topics))[:size]


def chinese(size: int) -> str:
    rng = random.Random(20261124)
    parts: list[str] = []
    length = 0
    while length < size:
        parts.append(rng.choice(WHEN) + rng.choice(WHO) + rng.choice(WHAT) + rng.choice(LINKS))
        length += len(parts[-1])
    return "".join(parts)[:size]


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="ignore")


def _upto(paths: Iterator[Path], size: int) -> Iterator[tuple[str, str]]:
    left = size
    for path in paths:
        text = _read(path)[:left]
        left -= len(text)
        yield path.name, text
        if left <= 0:
            return


def sources(size: int) -> list[tuple[str, str]]:
    """Files of the standard library: name and text."""
    root = Path(sysconfig.get_paths()["stdlib"])
    paths = sorted(path for path in root.rglob("*.py") if not SKIPPED & set(path.relative_to(root).parts))
    return list(_upto(iter(paths), size))


def papers(size: int) -> list[tuple[str, str]]:
    """Licences, notices, change logs and descriptions of the installed packages, each text once."""

    def paths() -> Iterator[Path]:
        seen: set[str] = set()
        for one in sorted(distributions(), key=lambda one: one.metadata["Name"].lower()):
            for file in one.files or ():
                path = Path(str(one.locate_file(file)))
                if path.name.upper().startswith(PAPERS) and path.suffix.lower() != ".py" and path.is_file():
                    text = _read(path)
                    if text not in seen:
                        seen.add(text)
                        yield path

    return list(_upto(paths(), size))


def clean(text: str, dirty: list[tuple[int, int]]) -> str:
    """The text without the lines in which something was found, so that it is clean for whoever found it."""
    at, kept = 0, []
    for line in text.splitlines(keepends=True):
        if not any(start < at + len(line) and end > at for start, end in dirty):
            kept.append(line)
        at += len(line)
    return "".join(kept)


def dense(size: int) -> str:
    """Labelled texts of the development split one after another: a finding in every line or two."""
    texts = [one.text for one in labelled("dev", 4) if one.labels[0].kind in STRUCTURED]
    random.Random(7).shuffle(texts)
    parts: list[str] = []
    length = number = 0
    while length < size:
        parts.append(texts[number % len(texts)])
        length += len(parts[-1]) + 1
        number += 1
    return "\n".join(parts)[:size]


def filled(text: str, size: int) -> str:
    """Exactly this many characters, repeated where the text is shorter."""
    return (text * (size // len(text) + 1))[:size]
