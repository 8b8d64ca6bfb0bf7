"""A small blocking HTTP client for the commands that talk to a running gateway, on the standard library."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from tidegate.cli.failure import GatewaySaid
from tidegate.core.errors import Misconfigured

DEFAULT_URL = "http://127.0.0.1:4141"
URL_HELP = "Where the gateway listens."
KEY_VARIABLE = "TIDEGATE_KEY"


@contextmanager
def call(
    url: str,
    path: str,
    body: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
    key: str | None = None,
) -> Generator[HTTPResponse]:
    """One request; the answer is open inside the block. A status of 400 or more is a `GatewaySaid`."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Misconfigured(f"--url {url} must look like {DEFAULT_URL}")
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=600)
    sent = dict(headers or {})
    if key := key or os.environ.get(KEY_VARIABLE):
        sent["Authorization"] = f"Bearer {key}"
    try:
        try:
            if body is None:
                connection.request("GET", path, headers=sent)
            else:
                sent["Content-Type"] = "application/json"
                connection.request("POST", path, json.dumps(body), sent)
            response = connection.getresponse()
        except (OSError, HTTPException) as error:
            raise Misconfigured(
                f"no gateway answers at {url} ({type(error).__name__}); start it with `tidegate up`"
            ) from None
        if response.status >= 400:
            raise GatewaySaid(_message(response))
        yield response
    finally:
        connection.close()


def _message(response: HTTPResponse) -> str:
    body = response.read()
    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"the gateway answered HTTP {response.status}; is it Tidegate?"


def get_json(url: str, path: str, key: str | None = None) -> dict[str, Any]:
    with call(url, path, key=key) as response:
        try:
            return json.loads(response.read())
        except ValueError:
            raise Misconfigured(f"what answers at {url} is not Tidegate; check --url") from None
