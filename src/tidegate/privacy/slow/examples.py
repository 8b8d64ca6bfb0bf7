"""Detection by example (SEN090): a window of text whose embedding is near those of the operator's samples of one kind.

Runs in a worker process, and in `tidegate policy calibrate`. Samples are read once, at the start; what is worked out from
them stays in memory: an embedding of a private text is private, and none is ever written to disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import Struct, msgpack

from tidegate.core.findings import Finding
from tidegate.privacy.rules import EXAMPLE
from tidegate.privacy.slow.calibration import Choice, calibrated, closeness, neutral_texts
from tidegate.privacy.slow.embedding import MISSING, Array, Embedder
from tidegate.privacy.slow.worker_child import CannotStart, ExampleOrder, Kind

FEWEST_SAMPLES = 3
MOST_SAMPLE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Samples:
    """One kind: for each sample the vectors of its windows, one a row."""

    name: str
    threshold: float | None
    vectors: tuple[Array, ...]


class _Kept(Struct, frozen=True):
    name: str
    threshold: float
    windows: tuple[bytes, ...]


class ExampleDetector:
    def __init__(self, embedder: Embedder, kinds: Sequence[Samples]) -> None:
        self._embedder = embedder
        self._kinds = kinds

    def look(self, text: str, check: Callable[[], None]) -> Iterator[Finding]:
        spans: dict[str, list[tuple[int, int]]] = {kind.name: [] for kind in self._kinds}
        for start, end, vector in self._embedder.windows(text):
            check()
            for kind in self._kinds:
                assert kind.threshold is not None
                if closeness(vector.reshape(1, -1), kind.vectors) >= kind.threshold:
                    _extend(spans[kind.name], start, end)
        for name, found in spans.items():
            for start, end in found:
                yield Finding(EXAMPLE, "example", start, end, label=name)


def _extend(spans: list[tuple[int, int]], start: int, end: int) -> None:
    """Windows overlap, so those side by side are one place."""
    if spans and start <= spans[-1][1]:
        spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
    else:
        spans.append((start, end))


def example_detector(
    order: ExampleOrder, kept: bytes, progress: Callable[[int, int], None]
) -> tuple[ExampleDetector, bytes]:
    """From the folders, or from what an earlier child kept: the same vectors, in a moment."""
    embedder = open_embedder(Path(order.weights), Path(order.tokenizer))
    if kept:
        return ExampleDetector(embedder, _restored(kept)), kept
    kinds = embedded_samples(embedder, order.kinds, progress)
    if any(kind.threshold is None for kind in kinds):
        neutral = tuple(window_vectors(embedder, text) for text in neutral_texts())
        chosen = {kind.name: choice(kind, kinds, neutral).threshold for kind in kinds if kind.threshold is None}
        kinds = [Samples(kind.name, chosen.get(kind.name, kind.threshold), kind.vectors) for kind in kinds]
    return ExampleDetector(embedder, kinds), _packed(kinds)


def choice(kind: Samples, kinds: Sequence[Samples], neutral: Sequence[Array]) -> Choice:
    """Leave-one-out over this kind; what must not be taken for it are the other kinds' samples and the neutral texts."""
    others = [vectors for other in kinds if other.name != kind.name for vectors in other.vectors]
    return calibrated(kind.vectors, [*others, *neutral])


def open_embedder(weights: Path, tokenizer: Path) -> Embedder:
    try:
        return Embedder(weights, tokenizer)
    except ModuleNotFoundError as error:
        raise CannotStart(MISSING.format(package=error.name)) from None
    except Exception as error:  # the loaders' own types; the files were verified, so this is the disk or a package
        raise CannotStart(f"the model of [[privacy.examples]] cannot be read ({type(error).__name__})") from None


def embedded_samples(embedder: Embedder, kinds: Sequence[Kind], progress: Callable[[int, int], None]) -> list[Samples]:
    texts = [(kind, read_samples(kind)) for kind in kinds]
    total, done = sum(len(found) for _, found in texts), 0
    embedded: list[Samples] = []
    for kind, found in texts:
        vectors: list[Array] = []
        for text in found:
            vectors.append(window_vectors(embedder, text))
            done += 1
            progress(done, total)
        embedded.append(Samples(kind.name, kind.threshold, tuple(vectors)))
    return embedded


def window_vectors(embedder: Embedder, text: str) -> Array:
    import numpy as np

    return np.stack([vector for _, _, vector in embedder.windows(text)])


def read_samples(kind: Kind) -> list[str]:
    """The texts of one folder, in the order of their names; whatever cannot be a sample is refused, not passed over:
    the operator would believe that it counts."""
    place = f"[[privacy.examples]] {kind.name}: folder {kind.folder}"
    folder = Path(kind.folder).expanduser()
    try:
        files = sorted(
            file
            for file in folder.rglob("*")
            if file.is_file() and not any(part.startswith(".") for part in file.relative_to(folder).parts)
        )
        texts = [_read(file, place) for file in files]
    except OSError as error:
        raise CannotStart(f"{place} cannot be read: {error.strerror or type(error).__name__}") from None
    if len(texts) < FEWEST_SAMPLES:
        raise CannotStart(f"{place} holds {len(texts)} sample texts; at least {FEWEST_SAMPLES} are needed")
    return texts


def _read(file: Path, place: str) -> str:
    if file.stat().st_size > MOST_SAMPLE_BYTES:
        raise CannotStart(f"{place}: {file.name} is larger than {MOST_SAMPLE_BYTES:,} bytes; cut it into parts")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise CannotStart(f"{place}: {file.name} is not a text in UTF-8; convert it or take it away") from None
    if not any(letter.isalnum() for letter in text):
        raise CannotStart(f"{place}: {file.name} holds no words; take it away")
    return text


def _packed(kinds: Sequence[Samples]) -> bytes:
    return msgpack.encode(
        [_Kept(kind.name, kind.threshold or 1.0, tuple(v.tobytes() for v in kind.vectors)) for kind in kinds]
    )


def _restored(kept: bytes) -> list[Samples]:
    import numpy as np

    def rows(packed: bytes) -> Any:
        return np.frombuffer(packed, dtype=np.float32).reshape(-1, 384)

    return [
        Samples(kind.name, kind.threshold, tuple(map(rows, kind.windows)))
        for kind in msgpack.decode(kept, type=list[_Kept])
    ]
