"""A small blocking HTTP client for the commands that talk to a running gateway, on the standard library."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from ssl import SSLCertVerificationError, SSLContext
from typing import Any
from urllib.parse import urlsplit

from tidegate.cli.failure import GatewaySaid
from tidegate.core.errors import Misconfigured
from tidegate.core.jsonvalue import as_object

DEFAULT_URL = "http://127.0.0.1:4141"
URL_HELP = "Where the gateway listens."
KEY_VARIABLE = "TIDEGATE_KEY"
ADMIN_KEY_VARIABLE = "TIDEGATE_ADMIN_KEY"


@contextmanager
def call(
    url: str,
    path: str,
    body: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
    key: str | None = None,
    tls: SSLContext | None = None,
) -> Generator[HTTPResponse]:
    """One request; the answer is open inside the block. Any status but 200 is a `GatewaySaid`.

    `tls` says whom to trust with https; by default whom the system trusts, or what SSL_CERT_FILE names."""
    connection = _connection(url, tls)
    sent = dict(headers or {})
    if key := key or _own_key(path):
        if not key.isascii() or not key.isprintable():
            raise Misconfigured(
                f"the environment variable {KEY_VARIABLE} or {ADMIN_KEY_VARIABLE} holds characters that cannot stand in a "
                "header"
            )
        sent["Authorization"] = f"Bearer {key}"
    try:
        try:
            if body is None:
                connection.request("GET", path, headers=sent)
            else:
                sent["Content-Type"] = "application/json"
                connection.request("POST", path, json.dumps(body), sent)
            response = connection.getresponse()
        except SSLCertVerificationError as error:
            raise Misconfigured(
                f"the certificate of {url} is not trusted ({error.verify_message}); name its CA's PEM file in SSL_CERT_FILE"
            ) from None
        except (OSError, HTTPException) as error:
            raise Misconfigured(
                f"no gateway answers at {url} ({type(error).__name__}); start it with `tidegate up`"
            ) from None
        if response.status != 200:
            raise GatewaySaid(_message(response))
        yield response
    finally:
        connection.close()


def _own_key(path: str) -> str | None:
    """The admin's for what is about the gateway itself, where it is set; else the client's."""
    admin_key = os.environ.get(ADMIN_KEY_VARIABLE) if path.startswith("/-/") else None
    return admin_key or os.environ.get(KEY_VARIABLE)


def _connection(url: str, tls: SSLContext | None = None) -> HTTPConnection:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, None
    if parts is None or parts.scheme not in ("http", "https") or not host:
        raise Misconfigured(f"--url {url} must look like {DEFAULT_URL}")
    if parts.scheme == "https":
        return HTTPSConnection(host, port, timeout=600, context=tls)
    return HTTPConnection(host, port, timeout=600)


def _message(response: HTTPResponse) -> str:
    body = response.read()
    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"the gateway answered HTTP {response.status}; is it Tidegate?"


def get_json(url: str, path: str, key: str | None = None, tls: SSLContext | None = None) -> dict[str, Any]:
    with call(url, path, key=key, tls=tls) as response:
        try:
            found = as_object(json.loads(response.read()))
        except ValueError:
            found = None
    if found is None:
        raise not_tidegate(url)
    return found


def not_tidegate(url: str) -> Misconfigured:
    return Misconfigured(f"what answers at {url} is not Tidegate; check --url")
