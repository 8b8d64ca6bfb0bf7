"""Who is asking: a bearer key to a client, and the admin. Where nobody has a key only this machine may ask, by a local name.

No key is held, logged or repeated: they are looked up and compared as digests.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import NoReturn, Protocol

from tidegate.asgi import Scope, header, require_local_name
from tidegate.core.boundary import DataClass
from tidegate.core.errors import AuthenticationFailed, LimitReached, PolicyRefusal
from tidegate.core.terms import Terms
from tidegate.surfaces.attempts import Attempts

_ADMIN = "(admin)"
"""Stands for the admin's key where ids of keys are counted; no client can be named so."""


@dataclass(frozen=True, slots=True)
class Client:
    name: str
    data_class: DataClass | None = None
    terms: Terms | None = None

    @property
    def key_id(self) -> str:
        return self.terms.key_id if self.terms is not None else self.name

    def may_ask(self, *names: str) -> bool:
        """Whether its key lists one of these names of a model."""
        return self.terms is None or not self.terms.models or any(name in self.terms.models for name in names)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who looks at what is there. `client` None: the admin, or this machine's user where nobody has a key."""

    client: Client | None = field(default=None)


class StoredKey(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def terms(self) -> Terms: ...


class StoredKeys(Protocol):
    """Keys that are made and revoked while the gateway runs."""

    @property
    def exist(self) -> bool:
        """Whether any was ever made: then keys are asked for."""
        ...

    def find(self, key: str) -> StoredKey | None: ...


class Door:
    """Keys are looked up by a keyed digest. What such a lookup tells by its time is of a digest that nobody can aim at
    without the key of the hash, so it tells nothing of a key; the one admin key is compared in constant time."""

    def __init__(
        self,
        clients: Mapping[str, Client],
        *,
        stored: StoredKeys | None = None,
        admin_key: str | None = None,
        attempts: Attempts | None = None,
    ) -> None:
        """`clients` by key."""
        self._hash_key = secrets.token_bytes(32)
        self._by_digest = {self._digest(key): client for key, client in clients.items()}
        self._stored = stored
        self._admin_digest = None if admin_key is None else self._digest(admin_key)
        self.attempts = attempts or Attempts(time.monotonic)

    @property
    def open(self) -> bool:
        """Whether no key is asked for."""
        return not self._by_digest and (self._stored is None or not self._stored.exist)

    def admit(self, scope: Scope, key_header: bytes | None = None) -> Client | None:
        """The client behind this request; None where no clients are configured.

        The key may also come bare in `key_header`; Authorization wins where both are sent.
        """
        if self.open:
            require_local_name(scope, "configure [[clients]] with keys")
            return None
        key = _key_of(scope, key_header)
        client = self._find(key)
        if client is None:
            self._refuse(scope)
        _let_in(self.attempts.right(_address(scope), client.key_id))
        return client

    def admit_admin(self, scope: Scope) -> None:
        """Only who runs this gateway: by the admin key, or by sitting at this machine where nobody has a key."""
        if self.admit_caller(scope).client is None:
            return
        if self._admin_digest is None:
            raise PolicyRefusal(
                f"{scope['path']} needs an admin key where clients have keys, and this gateway has none: set `[server] "
                "admin_key_env` to the name of an environment variable that holds one"
            )
        raise PolicyRefusal(
            f"{scope['path']} needs the admin key, not a client's: the one in the variable that `[server] admin_key_env` names"
        )

    def admit_caller(self, scope: Scope) -> Caller:
        """A client, or the admin."""
        if self.open:
            require_local_name(scope, "configure [[clients]] with keys")
            return Caller()
        key = _key_of(scope, None)
        if self._admin_digest is not None and hmac.compare_digest(self._digest(key), self._admin_digest):
            _let_in(self.attempts.right(_address(scope), _ADMIN))
            return Caller()
        client = self._find(key)
        if client is None:
            self._refuse(scope)
        _let_in(self.attempts.right(_address(scope), client.key_id))
        return Caller(client)

    def _find(self, key: str) -> Client | None:
        client = self._by_digest.get(self._digest(key))
        if client is not None or self._stored is None:
            return client
        stored = self._stored.find(key)
        return None if stored is None else Client(stored.name, stored.terms.data_class, stored.terms)

    def _refuse(self, scope: Scope) -> NoReturn:
        _let_in(self.attempts.failed(_address(scope)))
        raise AuthenticationFailed("Authentication Fails, your api key is invalid")

    def _digest(self, key: str) -> bytes:
        return hashlib.blake2b(key.encode("utf-8", "surrogateescape"), key=self._hash_key, digest_size=32).digest()


def model_not_allowed() -> PolicyRefusal:
    return PolicyRefusal(
        "This key may not ask for this `model`; GET /models lists those that it may, and `models` of the key can be widened"
    )


def _key_of(scope: Scope, key_header: bytes | None) -> str:
    given = header(scope, b"authorization")
    if given is None and key_header is not None and (bare := header(scope, key_header)):
        given = f"Bearer {bare}"
    scheme, _, key = (given or "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise AuthenticationFailed("Authentication Fails: send `Authorization: Bearer KEY`")
    return key.strip()


def _let_in(wait_s: float) -> None:
    if wait_s:
        raise LimitReached(
            f"Too many wrong keys came from this address; try again in {ceil(wait_s)} s", retry_after_s=wait_s
        )


def _address(scope: Scope) -> str:
    """Who is at the other end of the connection. What a proxy says of whom it speaks for is anybody's word, and not read."""
    client = scope.get("client")
    return client[0] if client else ""
