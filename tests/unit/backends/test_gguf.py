"""How long a GGUF file must be: told from its header, whatever the header says, and without reading without bound."""

from __future__ import annotations

import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tidegate.backends.gguf import MAX_ARRAY_ITEMS, MAX_KEYS, MAX_STRING_BYTES, MAX_TENSORS, BrokenGguf, needed_bytes

F32, F16, Q4_0, Q8_0, Q4_K, NEWER = 0, 1, 2, 8, 12, 999
Needed = Callable[[bytes], int]


@pytest.fixture
def needed(tmp_path: Path) -> Needed:
    def needed_of(content: bytes) -> int:
        path = tmp_path / "model.gguf"
        path.write_bytes(content)
        with path.open("rb") as file:
            return needed_bytes(file)

    return needed_of


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def key(name: str, layout: str, *values: Any) -> bytes:
    return text(name) + struct.pack(layout, *values)


def tensor(kind: int, offset: int, *shape: int, name: str = "t") -> bytes:
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


def header(*tensors: bytes, keys: tuple[bytes, ...] = (), version: int = 3, count: int | None = None) -> bytes:
    counted = len(tensors) if count is None else count
    return b"GGUF" + struct.pack("<IQQ", version, counted, len(keys)) + b"".join((*keys, *tensors))


def aligned(size: int, to: int = 32) -> int:
    return size + -size % to


@pytest.mark.parametrize(
    ("kind", "shape", "weights"),
    [
        (F32, (3, 5), 60),
        (F16, (7,), 14),
        (Q4_0, (64,), 36),
        (Q8_0, (32, 4), 136),
        (Q4_K, (256, 2), 288),
        (Q8_0, (33,), 68),
        (F32, (), 4),
        (F32, (0,), 0),
    ],
)
def test_the_weights_begin_aligned_and_are_as_long_as_their_type_says(
    needed: Needed, kind: int, shape: tuple[int, ...], weights: int
) -> None:
    content = header(tensor(kind, 0, *shape))
    assert needed(content) == aligned(len(content)) + weights


def test_the_last_tensor_counts_wherever_it_is_listed(needed: Needed) -> None:
    content = header(tensor(F32, 640, 8), tensor(F32, 0, 8), tensor(F32, 32, 8))
    assert needed(content) == aligned(len(content)) + 640 + 32


def test_a_type_newer_than_the_table_must_at_least_be_reached(needed: Needed) -> None:
    content = header(tensor(NEWER, 4096, 1024))
    assert needed(content) == aligned(len(content)) + 4096


@pytest.mark.parametrize("version", [2, 3])
def test_every_kind_of_key_is_walked_over(needed: Needed, version: int) -> None:
    keys = (
        key("u8", "<IB", 0, 7),
        key("i16", "<Ih", 3, -7),
        key("f32", "<If", 6, 0.5),
        key("flag", "<I?", 7, True),
        key("u64", "<IQ", 10, 7),
        key("f64", "<Id", 12, 0.5),
        key("name", "<I", 8) + text("日本語"),
        key("floats", "<IIQff", 9, 6, 2, 0.5, 0.25),
        key("words", "<IIQ", 9, 8, 2) + text("a") + text(""),
        key("nothing", "<IIQ", 9, 8, 0),
        key("general.alignment", "<II", 4, 256),
    )
    content = header(tensor(F32, 0, 1), keys=keys, version=version)
    assert needed(content) == aligned(len(content), 256) + 4


def test_an_alignment_that_is_no_number_is_left_at_the_default(needed: Needed) -> None:
    content = header(tensor(F32, 0, 1), keys=(key("general.alignment", "<I", 8) + text("64"),))
    assert needed(content) == aligned(len(content)) + 4


DAMAGED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "is empty"),
    "a web page": (b"<html>" * 20, r"it begins with b'<htm' instead of b'GGUF'"),
    "old": (header(tensor(F32, 0, 1), version=1), "has GGUF version 1"),
    "big-endian": (b"GGUF" + struct.pack(">IQQ", 3, 1, 0), "has GGUF version 50331648"),
    "no tensors": (header(), "holds no tensors"),
    "too many tensors": (header(count=MAX_TENSORS + 1), "damaged header"),
    "too many keys": (b"GGUF" + struct.pack("<IQQ", 3, 1, MAX_KEYS + 1), "damaged header"),
    "long text": (header(keys=(struct.pack("<Q", MAX_STRING_BYTES + 1),), count=1), "a text of"),
    "long list": (header(keys=(key("a", "<IIQ", 9, 0, MAX_ARRAY_ITEMS + 1),), count=1), "a list of"),
    "list of lists": (header(keys=(key("a", "<IIQ", 9, 9, 1),), count=1), "unknown value type 9"),
    "unknown value": (header(keys=(key("a", "<I", 99),), count=1), "unknown value type 99"),
    "alignment 0": (header(tensor(F32, 0, 1), keys=(key("general.alignment", "<II", 4, 0),)), "alignment 0"),
    "huge alignment": (header(tensor(F32, 0, 1), keys=(key("general.alignment", "<II", 4, 2**31),)), "alignment"),
    "five dimensions": (header(tensor(F32, 0, 1, 1, 1, 1, 1)), "a tensor of 5 dimensions"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_header_says_what_is_wrong(needed: Needed, case: str) -> None:
    content, message = DAMAGED[case]
    with pytest.raises(BrokenGguf, match=message):
        needed(content)


def test_a_header_cut_anywhere_is_a_finding(needed: Needed) -> None:
    whole = header(tensor(F32, 0, 8), keys=(key("words", "<IIQ", 9, 8, 2) + text("a") + text("bc"),))
    for length in range(1, len(whole)):
        with pytest.raises(BrokenGguf):
            needed(whole[:length])
    assert needed(whole) == aligned(len(whole)) + 32


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.binary(max_size=200), places=st.lists(st.integers(0, 120), max_size=4))
def test_noise_never_raises_anything_else(needed: Needed, noise: bytes, places: list[int]) -> None:
    content = bytearray(header(tensor(F32, 0, 8), keys=(key("words", "<IIQ", 9, 8, 1) + text("a"),)) + noise)
    for place in places:
        content[place % len(content)] ^= 0xFF
    with suppress(BrokenGguf):
        assert needed(bytes(content)) >= 0
