"""How long a GGUF file must be, read from its header alone.

A download that stopped half-way keeps a perfect header, and llama.cpp notices only while loading; this walk over the
header finds it in milliseconds. It reads no weights, and nothing in the header can make it read without bound.
"""

from __future__ import annotations

import math
import os
import struct
from typing import BinaryIO

MAGIC = b"GGUF"
VERSIONS = (2, 3)

# Far above real models (262,144 tokens of vocabulary, a few thousand tensors), far below what would stall a start.
MAX_KEYS = 10_000
MAX_TENSORS = 100_000
MAX_ARRAY_ITEMS = 4_000_000
MAX_STRING_BYTES = 16 << 20
MAX_HEADER_BYTES = 256 << 20
MAX_DIMENSIONS = 4

_DEFAULT_ALIGNMENT = 32
_UINT32, _STRING, _ARRAY = 4, 8, 9
_SCALAR_BYTES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}

# ggml tensor type -> (elements per block, bytes per block); gguf-py, GGML_QUANT_SIZES, checked 2026-11-23.
# fmt: off
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
    16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82),
    23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2),
    34: (256, 54), 35: (256, 66), 39: (32, 17),
}
# fmt: on


class BrokenGguf(ValueError):
    """What is wrong with the file, as half a sentence that follows its name."""


def needed_bytes(file: BinaryIO) -> int:
    """The length that the header promises; a shorter file is incomplete."""
    head = file.read(len(MAGIC))
    if head != MAGIC:
        raise BrokenGguf(f"is not a GGUF file: it begins with {head!r} instead of {MAGIC!r}" if head else "is empty")
    walk = _Walk(file)
    version = walk.number("<I")
    if version not in VERSIONS:
        raise BrokenGguf(f"has GGUF version {version}; versions 2 and 3 can be read")
    tensors = walk.number("<Q")
    keys = walk.number("<Q")
    if tensors == 0:
        raise BrokenGguf("holds no tensors (0 in its header)")
    if tensors > MAX_TENSORS or keys > MAX_KEYS:
        raise BrokenGguf(f"has a damaged header: {tensors} tensors and {keys} keys")
    alignment = _alignment(walk, keys)
    end = max(_tensor_end(walk) for _ in range(tensors))
    return -(-walk.position // alignment) * alignment + end


class _Walk:
    """A bounded forward walk; running off the end of the file is a finding, not an error of ours."""

    def __init__(self, file: BinaryIO) -> None:
        self.position = file.tell()
        self._file = file
        self._limit = min(os.fstat(file.fileno()).st_size, MAX_HEADER_BYTES)

    def number(self, layout: str) -> int:
        value: int = struct.unpack(layout, self.take(struct.calcsize(layout)))[0]
        return value

    def take(self, count: int) -> bytes:
        self._advance(count)
        data = self._file.read(count)
        if len(data) != count:
            raise BrokenGguf("ends inside its header: the download is probably incomplete")
        return data

    def skip(self, count: int) -> None:
        self._advance(count)
        self._file.seek(count, os.SEEK_CUR)

    def string(self) -> bytes:
        length = self.number("<Q")
        if length > MAX_STRING_BYTES:
            raise BrokenGguf(f"has a damaged header: a text of {length} bytes")
        return self.take(length)

    def _advance(self, count: int) -> None:
        self.position += count
        if self.position > self._limit:
            raise BrokenGguf("ends inside its header: the download is probably incomplete")


def _alignment(walk: _Walk, keys: int) -> int:
    alignment = _DEFAULT_ALIGNMENT
    for _ in range(keys):
        name = walk.string()
        kind = walk.number("<I")
        if name == b"general.alignment" and kind == _UINT32:
            alignment = walk.number("<I")
        else:
            _skip_value(walk, kind)
    if not 0 < alignment <= 1 << 20:
        raise BrokenGguf(f"has a damaged header: alignment {alignment}")
    return alignment


def _skip_value(walk: _Walk, kind: int) -> None:
    if kind == _STRING:
        walk.string()
    elif kind == _ARRAY:
        item_kind, items = walk.number("<I"), walk.number("<Q")
        if items > MAX_ARRAY_ITEMS:
            raise BrokenGguf(f"has a damaged header: a list of {items} items")
        if item_kind == _STRING:
            for _ in range(items):
                walk.string()
        else:
            walk.skip(items * _scalar_bytes(item_kind))
    else:
        walk.skip(_scalar_bytes(kind))


def _scalar_bytes(kind: int) -> int:
    if kind not in _SCALAR_BYTES:
        raise BrokenGguf(f"has a damaged header: unknown value type {kind}")
    return _SCALAR_BYTES[kind]


def _tensor_end(walk: _Walk) -> int:
    """Where this tensor ends, counted from the start of the weights."""
    walk.string()
    dimensions = walk.number("<I")
    if dimensions > MAX_DIMENSIONS:
        raise BrokenGguf(f"has a damaged header: a tensor of {dimensions} dimensions")
    elements = math.prod(walk.number("<Q") for _ in range(dimensions))
    kind = walk.number("<I")
    offset = walk.number("<Q")
    # A type newer than this table: the file must at least reach the tensor's beginning.
    per_block, block_bytes = _BLOCKS.get(kind, (1, 0))
    return offset + -(-elements // per_block) * block_bytes
