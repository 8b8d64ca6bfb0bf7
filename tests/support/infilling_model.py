"""A copy of a model file that claims to infill: three ids more in its header, the weights untouched.

Good for the protocol only. What the model writes is noise: it never learned what the marks mean.
"""

from __future__ import annotations

import struct
from pathlib import Path

_MARKS = {"fim_pre_token_id": 3, "fim_suf_token_id": 4, "fim_mid_token_id": 5}
_UINT32, _STRING = 4, 8
_COUNTS = struct.Struct("<4sIQQ")  # magic, version, number of tensors, number of keys
_ALIGNMENT_BYTES = 32


def write_infilling_copy(source: Path, target: Path) -> None:
    """What is put in has a length that keeps the weights aligned, so nothing behind it moves against the alignment."""
    data = source.read_bytes()
    magic, version, tensors, keys = _COUNTS.unpack_from(data)
    added = b"".join(
        _key(f"tokenizer.ggml.{name}", _UINT32) + struct.pack("<I", value) for name, value in _MARKS.items()
    )
    filler = _key("general.filler", _STRING)
    free_bytes = -(len(added) + len(filler) + 8) % _ALIGNMENT_BYTES
    added += filler + struct.pack("<Q", free_bytes) + b" " * free_bytes
    counts = _COUNTS.pack(magic, version, tensors, keys + len(_MARKS) + 1)
    target.write_bytes(counts + added + data[_COUNTS.size :])


def _key(name: str, kind: int) -> bytes:
    return struct.pack("<Q", len(name)) + name.encode() + struct.pack("<I", kind)
