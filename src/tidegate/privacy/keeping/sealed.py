"""How kept content is sealed: AES-256-GCM under a key that is made of the operator's secret, anew for each file.

Bytes in, bytes out: no file, no clock. What is sealed is bound to its exchange, its class and its file, so that a piece
cannot pass for another one. The only module that knows the `cryptography` package (extra `capture`).
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from tidegate.core.boundary import DataClass

_MAGIC = b"tidegate content 1\n"
_SALT_BYTES, _KEY_BYTES, _CHECK_BYTES, _NONCE_BYTES = 16, 32, 16, 12
# scrypt, because the secret may be a phrase somebody thought of. 32 MiB and 0.1 s per file of an hour, in the writer's
# thread; parameters of RFC 7914 with the N that OWASP names for 32 MiB (password storage cheat sheet, 2026-11-24).
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 2**15, 8, 1
_HEAD = struct.Struct(">16sBI")
_ORDER = (DataClass.PUBLIC, DataClass.INTERNAL)
"""A class is written as its place here; private has none."""
_ID = re.compile(r"ex_[0-9a-f]{32}")
HEADER_BYTES = len(_MAGIC) + _SALT_BYTES + _CHECK_BYTES


class Unsealable(Exception):
    """`wrong_key`: the file was made with another key; else it was damaged or changed."""

    def __init__(self, *, wrong_key: bool = False) -> None:
        super().__init__("made with another key" if wrong_key else "damaged or changed")
        self.wrong_key = wrong_key


@dataclass(frozen=True, slots=True)
class Piece:
    """One sealed exchange of a file, as it stands there."""

    exchange_id: str
    data_class: DataClass
    head: bytes = field(repr=False)
    sealed: bytes = field(repr=False)


class Seal:
    """The key of one file. `header` is what the file begins with: the salt, and a check that tells a wrong key at once."""

    def __init__(self, secret: str, salt: bytes = b"") -> None:
        salt = salt or os.urandom(_SALT_BYTES)
        derived = Scrypt(salt, _KEY_BYTES + _CHECK_BYTES, _SCRYPT_N, _SCRYPT_R, _SCRYPT_P).derive(secret.encode())
        self.header = _MAGIC + salt + derived[_KEY_BYTES:]
        self._cipher = AESGCM(derived[:_KEY_BYTES])

    @classmethod
    def of(cls, secret: str, header: bytes) -> Seal:
        """The seal of a file that begins with this header."""
        if len(header) < HEADER_BYTES or not header.startswith(_MAGIC):
            raise Unsealable
        seal = cls(secret, header[len(_MAGIC) : len(_MAGIC) + _SALT_BYTES])
        if seal.header != header[:HEADER_BYTES]:
            raise Unsealable(wrong_key=True)
        return seal

    def close(self, exchange_id: str, data_class: DataClass, content: bytes) -> bytes:
        """The piece of the file that holds this content. A private one cannot be written: it has no place in the format."""
        if not _ID.fullmatch(exchange_id):
            raise ValueError("not an exchange id")
        if data_class not in _ORDER:
            raise ValueError(f"content of class {data_class.value} is never sealed")
        head = _HEAD.pack(bytes.fromhex(exchange_id[3:]), _ORDER.index(data_class), len(content))
        nonce = os.urandom(_NONCE_BYTES)
        return head + nonce + self._cipher.encrypt(nonce, content, self.header + head)

    def open(self, piece: Piece) -> bytes:
        nonce, sealed = piece.sealed[:_NONCE_BYTES], piece.sealed[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, sealed, self.header + piece.head)
        except InvalidTag:
            raise Unsealable from None


_TAG_BYTES = 16


def pieces(data: bytes) -> Iterator[Piece]:
    """The pieces of a file, still sealed. One that was cut short, by a crash or by somebody, is `Unsealable`."""
    at = HEADER_BYTES
    while at < len(data):
        if len(data) - at < _HEAD.size:
            raise Unsealable
        head = data[at : at + _HEAD.size]
        number, place, length = cast("tuple[bytes, int, int]", _HEAD.unpack(head))
        end = at + _HEAD.size + _NONCE_BYTES + length + _TAG_BYTES
        if end > len(data) or place >= len(_ORDER):
            raise Unsealable
        yield Piece(f"ex_{number.hex()}", _ORDER[place], head, data[at + _HEAD.size : end])
        at = end


def began_at(exchange_id: str) -> float | None:
    """Unix seconds of the exchange's arrival: its id begins with them, in ms. None: this is no exchange id."""
    return int(exchange_id[3:15], 16) / 1000 if _ID.fullmatch(exchange_id) else None
