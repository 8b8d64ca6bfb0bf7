"""The commands' small HTTP client: the gateway's own words when it refuses, a hint when nobody or somebody else answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tidegate.cli.failure import GatewaySaid
from tidegate.cli.http import call, get_json
from tidegate.core.errors import Misconfigured


@pytest.mark.parametrize(
    "url",
    ["", "127.0.0.1:4141", "localhost", "ftp://127.0.0.1", "http://", "http://:4141", "http://127.0.0.1:port",
     "http://127.0.0.1:99999", "http://[::1"],
)  # fmt: skip
def test_a_url_of_another_form_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(Misconfigured, match=r"--url .*must look like http://127\.0\.0\.1:4141"):
        get_json(url, "/-/status")


def test_where_nobody_answers_it_says_how_to_start(gateway: Any) -> None:
    with pytest.raises(Misconfigured, match=r"no gateway answers at http://127\.0\.0\.1:1 .*`tidegate up`"):
        get_json("http://127.0.0.1:1", "/-/status")


@pytest.mark.parametrize("raw", [b"", b"SSH-2.0-x\r\n"])
def test_what_speaks_no_http_is_no_gateway(gateway: Any, raw: bytes) -> None:
    gateway.answers["/-/status"] = raw
    with pytest.raises(Misconfigured, match="no gateway answers at"):
        get_json(gateway.url, "/-/status")


def test_an_answer_is_read_as_json(gateway: Any) -> None:
    gateway.says("/-/status", b'{"version":"1"}')
    assert get_json(gateway.url, "/-/status") == {"version": "1"}
    assert gateway.heard[0].head.startswith(b"GET /-/status HTTP/1.1\r\n")


@pytest.mark.parametrize("body", [b"<html>It works!</html>", b"", b"[]", b'"ok"', b"\xff"])
def test_what_answers_something_else_is_not_tidegate(gateway: Any, body: bytes) -> None:
    gateway.says("/-/status", body)
    with pytest.raises(Misconfigured, match="is not Tidegate; check --url"):
        get_json(gateway.url, "/-/status")


def test_the_gateways_own_refusal_is_shown(gateway: Any) -> None:
    gateway.says("/-/status", b'{"error":{"message":"Authentication Fails, your api key is invalid"}}', "401 No")
    with pytest.raises(GatewaySaid, match=r"^Authentication Fails, your api key is invalid$"):
        get_json(gateway.url, "/-/status")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"error":"no"}', b'{"error":null}'])
def test_a_refusal_in_another_shape_asks_whether_it_is_tidegate(gateway: Any, body: bytes) -> None:
    gateway.says("/-/status", body, "502 Bad Gateway")
    with pytest.raises(GatewaySaid, match=r"HTTP 502; is it Tidegate\?"):
        get_json(gateway.url, "/-/status")


def test_a_body_is_posted_as_json_with_its_headers(gateway: Any) -> None:
    gateway.says("/chat/completions", b"{}")
    with call(gateway.url, "/chat/completions", {"a": "日本"}, {"x-tidegate-class": "private"}) as response:
        assert response.status == 200
    (heard,) = gateway.heard
    assert heard.head.startswith(b"POST /chat/completions HTTP/1.1\r\n")
    assert b"\r\nx-tidegate-class: private\r\n" in heard.head
    assert b"\r\nContent-Type: application/json\r\n" in heard.head
    assert json.loads(heard.body) == {"a": "日本"}


def test_a_key_comes_from_the_caller_or_the_environment(gateway: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway.says("/", b"{}")
    get_json(gateway.url, "/")
    monkeypatch.setenv("TIDEGATE_KEY", "sk-env")
    get_json(gateway.url, "/")
    get_json(gateway.url, "/", "sk-own")
    keys = [line for heard in gateway.heard for line in heard.head.split(b"\r\n") if line.startswith(b"Authorization")]
    assert keys == [b"Authorization: Bearer sk-env", b"Authorization: Bearer sk-own"]
    assert b"Authorization" not in gateway.heard[0].head


def test_the_admins_key_goes_where_the_gateway_itself_is_looked_at(
    gateway: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in ("/-/status", "/models"):
        gateway.says(path, b"{}")
    monkeypatch.setenv("TIDEGATE_KEY", "sk-env")
    monkeypatch.setenv("TIDEGATE_ADMIN_KEY", "admin-env")
    get_json(gateway.url, "/-/status")
    get_json(gateway.url, "/models")
    get_json(gateway.url, "/-/status", key="sk-own")
    keys = [line for heard in gateway.heard for line in heard.head.split(b"\r\n") if line.startswith(b"Authorization")]
    assert [key.rpartition(b" ")[2] for key in keys] == [b"admin-env", b"sk-env", b"sk-own"]


@pytest.mark.parametrize("key", ["sk-1\n", "sk-1\r\nX-Evil: 1", "schlüssel-€"])
def test_a_key_that_cannot_stand_in_a_header_is_named_and_not_shown(
    gateway: Any, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("TIDEGATE_KEY", key)
    with pytest.raises(Misconfigured, match="TIDEGATE_KEY") as refused:
        get_json(gateway.url, "/")
    assert key not in refused.value.message
    assert gateway.heard == []


def test_no_redirect_is_followed(gateway: Any) -> None:
    gateway.says("/-/status", b"", "307 Temporary Redirect", f"Location: {gateway.url}/elsewhere")
    with pytest.raises((Misconfigured, GatewaySaid)):
        get_json(gateway.url, "/-/status")
    assert len(gateway.heard) == 1
