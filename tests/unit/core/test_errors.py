"""The error tree: drawn in the docstring as it stands in the code, each error with its status, retry and fault."""

from __future__ import annotations

import re

import pytest

from tidegate.core import errors
from tidegate.core.errors import (
    AuthenticationFailed,
    BackendFailure,
    BackendOverloaded,
    BackendRefused,
    BackendTimedOut,
    BackendUnreachable,
    BodyTooLarge,
    BoundaryBreach,
    BrokenContract,
    ClientLeft,
    ClientMistake,
    GatewayError,
    MethodNotAllowed,
    Misconfigured,
    NoBalance,
    NotFound,
    NotSupported,
    PolicyRefusal,
    RateLimited,
    UnknownModel,
    Unmaskable,
    UnsupportedMedia,
)

_BRANCH = re.compile(r"(?P<indent>[ │]*)[├└]─ (?P<name>\w+) +(?:(?P<status>\d{3})\b)?")


def drawn_tree(docstring: str) -> dict[str, tuple[str, int | None]]:
    """Each drawn class with its parent and the status beside it."""
    found: dict[str, tuple[str, int | None]] = {}
    parents = ["GatewayError"]
    for line in docstring.splitlines():
        if match := _BRANCH.match(f"{line} "):
            depth = (len(match["indent"]) - 4) // 3
            del parents[depth + 1 :]
            found[match["name"]] = (parents[depth], int(match["status"]) if match["status"] else None)
            parents.append(match["name"])
    return found


def real_tree(root: type[GatewayError]) -> dict[str, tuple[str, int]]:
    found: dict[str, tuple[str, int]] = {}
    for child in root.__subclasses__():
        found[child.__name__] = (root.__name__, child.status)
        found |= real_tree(child)
    return found


def test_the_tree_in_the_docstring_is_the_tree_in_the_code():
    drawn, real = drawn_tree(errors.__doc__ or ""), real_tree(GatewayError)
    assert {name: parent for name, (parent, _) in drawn.items()} == {name: parent for name, (parent, _) in real.items()}


def test_the_statuses_in_the_docstring_are_the_statuses_in_the_code():
    real = real_tree(GatewayError)
    drawn = {name: status for name, (_, status) in drawn_tree(errors.__doc__ or "").items() if status is not None}
    assert drawn == {name: real[name][1] for name in drawn}
    assert set(real) - set(drawn) == {"Misconfigured"}


def test_the_docstring_reader_sees_a_class_that_moved():
    moved = (errors.__doc__ or "").replace("    │  ├─ NotFound", "    ├─ NotFound")
    assert drawn_tree(moved)["NotFound"] == ("GatewayError", 404)
    assert drawn_tree(errors.__doc__ or "")["NotFound"] == ("ClientMistake", 404)


@pytest.mark.parametrize(
    ("error", "status", "retry", "fault", "kind"),
    [
        (ClientMistake, 400, "never", "client", "invalid_request_error"),
        (AuthenticationFailed, 401, "never", "client", "authentication_error"),
        (UnknownModel, 400, "never", "client", "invalid_request_error"),
        (NotFound, 404, "never", "client", "invalid_request_error"),
        (MethodNotAllowed, 405, "never", "client", "invalid_request_error"),
        (BodyTooLarge, 413, "never", "client", "invalid_request_error"),
        (UnsupportedMedia, 415, "never", "client", "invalid_request_error"),
        (PolicyRefusal, 403, "never", "policy", "invalid_request_error"),
        (BackendFailure, 502, "elsewhere", "backend", "server_error"),
        (BackendUnreachable, 503, "same", "backend", "service_unavailable_error"),
        (BackendTimedOut, 504, "same", "backend", "server_error"),
        (BackendOverloaded, 503, "same", "backend", "service_unavailable_error"),
        (RateLimited, 429, "same", "backend", "rate_limit_error"),
        (NoBalance, 402, "elsewhere", "backend", "unknown_error"),
        (BackendRefused, 502, "elsewhere", "backend", "server_error"),
        (BrokenContract, 502, "same", "backend", "server_error"),
        (BoundaryBreach, 500, "never", "gateway", "server_error"),
        (ClientLeft, 499, "never", "client", "server_error"),
        (Misconfigured, 500, "never", "gateway", "server_error"),
    ],
)
def test_each_error_knows_its_status_its_retry_and_whose_fault_it_is(error, status, retry, fault, kind):
    assert (error.status, error.retry, error.fault, error.kind) == (status, retry, fault, kind)


def test_only_what_a_backend_did_or_may_not_get_may_be_tried_elsewhere():
    def walk(kind: type[GatewayError]) -> list[type[GatewayError]]:
        return [kind, *(one for child in kind.__subclasses__() for one in walk(child))]

    assert {kind for kind in walk(GatewayError) if kind.retry != "never"} == {
        *walk(BackendFailure),
        NotSupported,
        Unmaskable,
    }


def all_kinds(kind: type[GatewayError] = GatewayError) -> list[type[GatewayError]]:
    return [kind, *(one for child in kind.__subclasses__() for one in all_kinds(child))]


def test_only_what_a_backend_fails_at_itself_counts_against_it() -> None:
    trips = {kind.__name__ for kind in all_kinds() if kind.trips}
    assert trips == {"BackendUnreachable", "BackendTimedOut", "BackendFailed", "BrokenContract"}
    assert {kind.__name__ for kind in all_kinds() if kind.trips and kind.by_request} == {
        "BackendFailed",
        "BrokenContract",
    }


def test_nothing_that_a_client_or_a_policy_caused_counts_or_is_asked_again() -> None:
    for kind in all_kinds():
        if kind.fault in ("client", "policy"):
            assert (kind.trips, kind.retry == "same") == (False, False), kind


def test_what_passes_by_itself_is_asked_again_and_what_does_not_is_not() -> None:
    assert {kind.__name__ for kind in all_kinds() if kind.retry == "same"} == {
        "BackendUnreachable",
        "ConnectionLost",
        "BackendTimedOut",
        "BackendOverloaded",
        "BackendLoading",
        "BreakerOpen",
        "RateLimited",
        "BackendFailed",
        "BrokenContract",
        "BadAnswer",
    }


def test_the_message_is_what_was_said():
    error = PolicyRefusal("nothing was sent")
    assert error.message == "nothing was sent" == str(error)
