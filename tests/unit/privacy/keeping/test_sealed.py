"""The seal: bound to exchange, class, file and key; whatever is changed in it is found."""

from __future__ import annotations

import pytest

from tidegate.core.boundary import DataClass
from tidegate.privacy.keeping.sealed import HEADER_BYTES, Seal, Unsealable, began_at, pieces

SECRET = "0123456789abcdef"
ID, OTHER = "ex_" + "01" * 16, "ex_" + "02" * 16
TEXT = "什么 CANARY".encode()
SEAL = Seal(SECRET)
FILE = SEAL.header + SEAL.close(ID, DataClass.PUBLIC, TEXT) + SEAL.close(OTHER, DataClass.INTERNAL, b"")


def opened(data: bytes, secret: str = SECRET) -> list[tuple[str, DataClass, bytes]]:
    seal = Seal.of(secret, data)
    return [(piece.exchange_id, piece.data_class, seal.open(piece)) for piece in pieces(data)]


def test_what_is_sealed_can_be_opened_and_not_be_read() -> None:
    assert opened(FILE) == [(ID, DataClass.PUBLIC, TEXT), (OTHER, DataClass.INTERNAL, b"")]
    assert b"CANARY" not in FILE


def test_equal_content_looks_different_each_time() -> None:
    assert SEAL.close(ID, DataClass.PUBLIC, TEXT) != SEAL.close(ID, DataClass.PUBLIC, TEXT)
    assert Seal(SECRET).header != SEAL.header


def test_every_changed_byte_after_the_header_is_found() -> None:
    for at in range(HEADER_BYTES, len(FILE)):
        changed = bytearray(FILE)
        changed[at] ^= 1
        seal = Seal.of(SECRET, FILE) if at == HEADER_BYTES else SEAL
        with pytest.raises(Unsealable):
            [seal.open(piece) for piece in pieces(bytes(changed))]


@pytest.mark.parametrize("at", [0, 19, HEADER_BYTES - 1])
def test_a_changed_header_is_found(at: int) -> None:
    changed = bytearray(FILE)
    changed[at] ^= 1
    with pytest.raises(Unsealable):
        opened(bytes(changed))


def test_a_file_cut_anywhere_but_between_pieces_is_found() -> None:
    between = (HEADER_BYTES, len(SEAL.header + SEAL.close(ID, DataClass.PUBLIC, TEXT)), len(FILE))
    for length in range(HEADER_BYTES, len(FILE) + 1):
        if length in between:
            list(pieces(FILE[:length]))
        else:
            with pytest.raises(Unsealable):
                list(pieces(FILE[:length]))
    with pytest.raises(Unsealable):
        Seal.of(SECRET, FILE[: HEADER_BYTES - 1])


def test_a_wrong_key_is_told_from_damage() -> None:
    with pytest.raises(Unsealable) as found:
        opened(FILE, "another key of mine")
    assert found.value.wrong_key


def test_a_piece_of_one_file_is_worth_nothing_in_another() -> None:
    other = Seal(SECRET)
    moved = other.header + SEAL.close(ID, DataClass.PUBLIC, TEXT)
    with pytest.raises(Unsealable) as found:
        opened(moved)
    assert not found.value.wrong_key


def test_private_has_no_place_in_the_format() -> None:
    with pytest.raises(ValueError, match="private is never sealed"):
        SEAL.close(ID, DataClass.PRIVATE, TEXT)


@pytest.mark.parametrize("exchange_id", ["ex_1", "../" + ID, ID.upper(), ID + "0", ""])
def test_only_exchange_ids_are_taken(exchange_id: str) -> None:
    assert began_at(exchange_id) is None
    with pytest.raises(ValueError, match="exchange id"):
        SEAL.close(exchange_id, DataClass.PUBLIC, TEXT)


def test_an_id_tells_when_its_exchange_began() -> None:
    assert began_at(f"ex_{1_790_000_000_250:012x}{7:020x}") == 1_790_000_000.25


def test_nothing_secret_is_shown() -> None:
    (piece, _) = pieces(FILE)
    assert "sealed" not in repr(piece).removeprefix("Piece")
    assert SECRET not in repr(SEAL)
