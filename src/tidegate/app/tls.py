"""HTTPS out of the options `tls_cert` and `tls_key` of [server]: read and checked before anything is served.

A certificate that was renewed is taken at the next reload, by connections that begin then. Says nothing of what a key holds.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import NamedTuple

from tidegate.config import Config
from tidegate.core.errors import Misconfigured

_CERT, _KEY = "[server] tls_cert", "[server] tls_key"


class Certificate(NamedTuple):
    """`warning`: others on this machine can read the key."""

    context: ssl.SSLContext
    path: Path
    warning: str | None


class Tls:
    """The context that the HTTP server is given once; each handshake goes on with the certificate of then."""

    def __init__(self, first: Certificate) -> None:
        self._now = first.context
        self.context = _bare_context()
        self.context.sni_callback = self._go_on

    def take(self, fresh: Certificate) -> None:
        self._now = fresh.context

    def _go_on(self, connection: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _first: ssl.SSLContext) -> None:
        connection.context = self._now


def certificate_of(config: Config) -> Certificate | None:
    """None where HTTP is served."""
    server = config.server
    if server.tls_cert is None:
        if server.tls_key is not None:
            raise Misconfigured(f"{_CERT} is missing: {_KEY} alone serves no HTTPS; set both or neither")
        return None
    cert = _readable(_CERT, server.tls_cert)
    key = cert if server.tls_key is None else _readable(_KEY, server.tls_key)
    context = _bare_context()
    try:
        context.load_cert_chain(cert, key, password=_no_password)
    except ssl.SSLError as error:
        raise Misconfigured(_said(error.reason or "", cert, key, alone=server.tls_key is None)) from None
    except _Encrypted:
        raise Misconfigured(
            f"{_KEY}: the key in {key} has a password; write one without, readable by you only"
        ) from None
    except (OSError, ValueError) as error:
        raise Misconfigured(f"{_CERT} and tls_key cannot be used ({type(error).__name__}); both must be PEM") from None
    return Certificate(context, cert, _warning(key))


def trusting(certificate: Certificate) -> ssl.SSLContext:
    """For our own first question to ourselves: this certificate and no other, under whatever name it was made."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(certificate.path)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _bare_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _readable(option: str, written: str) -> Path:
    path = Path(written).expanduser()
    try:
        path.read_bytes()
    except OSError as error:
        what = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read ({type(error).__name__})"
        raise Misconfigured(f"{option}: file {path} {what}") from None
    return path


class _Encrypted(ValueError):
    """The key asks for a password. Nobody is there to type one."""


def _no_password() -> str:
    raise _Encrypted


def _said(reason: str, cert: Path, key: Path, *, alone: bool) -> str:
    if "MISMATCH" in reason:
        return f"{_KEY}: the key in {key} does not belong to the certificate in {cert}"
    if alone:
        return f"{_KEY} is missing, and {cert} ({_CERT}) does not hold certificate and key as PEM"
    return f"{_CERT}: {cert} and {key} (tls_key) are no PEM certificate and its key"


def _warning(key: Path) -> str | None:
    if key.stat().st_mode & 0o004 == 0:
        return None
    return f"{_KEY}: everybody on this machine can read {key}; chmod 600 it"
