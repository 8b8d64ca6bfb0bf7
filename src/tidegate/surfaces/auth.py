"""Who is asking: a bearer key to a client. Without configured clients only this machine may ask, and by a local name."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from tidegate.asgi import Scope, header, require_local_name
from tidegate.core.boundary import DataClass
from tidegate.core.errors import AuthenticationFailed


@dataclass(frozen=True, slots=True)
class Client:
    name: str
    data_class: DataClass | None = None


class Door:
    """Keys are held and compared as digests, so a lookup tells nothing about a key by its time."""

    def __init__(self, clients: dict[str, Client]) -> None:
        """`clients` by key."""
        self._by_digest = {_digest(key): client for key, client in clients.items()}

    @property
    def open(self) -> bool:
        """Whether no key is asked for."""
        return not self._by_digest

    def admit(self, scope: Scope, key_header: bytes | None = None) -> Client | None:
        """The client behind this request; None where no clients are configured.

        The key may also come bare in `key_header`; Authorization wins where both are sent.
        """
        if self.open:
            require_local_name(scope, "configure [[clients]] with keys")
            return None
        given = header(scope, b"authorization")
        if given is None and key_header is not None and (bare := header(scope, key_header)):
            given = f"Bearer {bare}"
        scheme, _, key = (given or "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise AuthenticationFailed("Authentication Fails: send `Authorization: Bearer KEY`")
        client = self._by_digest.get(_digest(key.strip()))
        if client is None:
            raise AuthenticationFailed("Authentication Fails, your api key is invalid")
        return client


def _digest(key: str) -> bytes:
    return hashlib.blake2b(key.encode("utf-8", "surrogateescape"), digest_size=32).digest()
