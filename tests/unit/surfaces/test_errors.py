"""Errors as bytes: DeepSeek's envelope for every class of the tree, and nothing of the inside for what was unexpected."""

from __future__ import annotations

import json
import logging

import pytest

from tidegate.core.errors import (
    BackendLoading,
    BackendOverloaded,
    BackendUnreachable,
    BreakerOpen,
    ConnectionLost,
    Draining,
    GatewayError,
    Unattested,
)
from tidegate.surfaces.errors import error_body, error_event, log_unexpected, unexpected

CANARY = "canary-7f3 the patient said"


def tree(root: type[GatewayError] = GatewayError) -> list[type[GatewayError]]:
    own = [one for one in root.__subclasses__() if one.__module__ == GatewayError.__module__]
    return [root, *(below for one in own for below in tree(one))]


def test_the_whole_tree_is_looked_at() -> None:
    assert len(tree()) >= 20


@pytest.mark.parametrize("kind", tree())
def test_every_error_is_the_hosted_envelope_in_its_key_order(kind: type[GatewayError]) -> None:
    body = error_body(kind('a "quoted" line\n日本'))
    envelope = json.loads(body)
    assert list(envelope) == ["error"]
    assert list(envelope["error"]) == ["message", "type", "param", "code"]
    assert envelope["error"]["message"] == 'a "quoted" line\n日本'
    assert envelope["error"]["param"] is None
    assert envelope["error"]["type"] == kind.kind
    unavailable = kind in (
        BackendUnreachable,
        BackendOverloaded,
        BackendLoading,
        Unattested,
        BreakerOpen,
        ConnectionLost,
        Draining,
    )
    assert envelope["error"]["code"] == ("service_unavailable_error" if unavailable else "invalid_request_error")


@pytest.mark.parametrize("kind", tree())
def test_inside_a_stream_an_error_is_one_event(kind: type[GatewayError]) -> None:
    event = error_event(kind("line one\nline two"))
    assert event.startswith(b"data: {")
    assert event.endswith(b"}\n\n")
    assert event.count(b"\n") == 2
    assert json.loads(event[6:]) == json.loads(error_body(kind("line one\nline two")))


def test_the_envelope_is_compact() -> None:
    assert error_body(GatewayError("no")) == (
        b'{"error":{"message":"no","type":"server_error","param":null,"code":"invalid_request_error"}}'
    )


def test_an_unexpected_error_says_nothing_of_the_inside() -> None:
    error = unexpected()
    assert (error.status, error.kind) == (500, "server_error")
    assert "exchange id" in error.message


def test_the_log_names_class_and_place_and_not_the_text(caplog: pytest.LogCaptureFixture) -> None:
    def deep() -> None:
        raise KeyError(CANARY)

    with caplog.at_level(logging.ERROR, "tidegate.surfaces"):
        try:
            deep()
        except KeyError as error:
            log_unexpected(error)
    (record,) = caplog.records
    assert record.getMessage().startswith("unexpected KeyError at ")
    assert f"{__file__}:{deep.__code__.co_firstlineno + 1}" in record.getMessage()
    assert record.exc_info is None
    assert CANARY not in caplog.text


def test_an_error_that_was_never_raised_has_an_unknown_place(caplog: pytest.LogCaptureFixture) -> None:
    log_unexpected(ValueError(CANARY))
    assert caplog.messages == ["unexpected ValueError at unknown place"]


def test_a_chain_of_errors_is_not_logged_either(caplog: pytest.LogCaptureFixture) -> None:
    try:
        try:
            raise ValueError(CANARY)
        except ValueError as cause:
            raise RuntimeError("outer " + CANARY) from cause
    except RuntimeError as error:
        log_unexpected(error)
    assert CANARY not in caplog.text
    assert "unexpected RuntimeError" in caplog.text
