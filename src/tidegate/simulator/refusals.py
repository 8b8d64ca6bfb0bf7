"""Errors as the hosted API sends them: status, content type and body by the profile's rows, odd ones included. Pure."""

from __future__ import annotations

import orjson

from tidegate.catalog.contracts.contract import Contract, HostedError
from tidegate.core.errors import BodyTooLarge, BrokenJson, ClientMistake, UnsupportedMedia, WrongShape
from tidegate.simulator.faults import Fault

_ROWS = {
    "401": "bad_key",
    "402": "no_balance",
    "404": "unknown_path",
    "405": "wrong_method",
    "415": "wrong_media_type",
    "422": "wrong_shape",
    "429": "concurrency",
    "500": "server",
    "502": "server",
    "503": "overloaded",
    "moderation": "moderation",
}
_HTML = b"<html>\r\n<head><title>%d</title></head>\r\n<body>\r\n<center><h1>%d</h1></center>\r\n</body>\r\n</html>\r\n"
_INVENTED = {"tail": "0000", "request_id": "00000000-0000-4000-8000-000000000000", "concurrency": 26, "limit": 25}
_FAULT = "missing field `messages` at line 1 column 2"


class Refusal(Exception):
    """An answer that is an error. `content_type` is empty where the hosted API sends none."""

    def __init__(self, status: int, body: bytes, content_type: str) -> None:
        super().__init__(status)
        self.status = status
        self.body = body
        self.content_type = content_type


def refusal(contract: Contract, name: str, **shown: object) -> Refusal:
    """The error of this row of the profile."""
    row = contract.errors[name]
    return _rendered(row, row.text.format(**shown), row.status)


def refusal_of(contract: Contract, mistake: ClientMistake, shape_status: int) -> Refusal:
    """A mistake in the request; its message is the hosted text already."""
    errors = contract.errors
    match mistake:
        case BrokenJson():
            return _rendered(errors["broken_json"], mistake.message, errors["broken_json"].status)
        case WrongShape():
            return _rendered(errors["wrong_shape"], mistake.message, shape_status)
        case UnsupportedMedia():
            return refusal(contract, "wrong_media_type")
        case BodyTooLarge():
            return _rendered(errors["rule"], mistake.message, mistake.status)
        case _:
            return _rendered(errors["rule"], mistake.message, errors["rule"].status)


def refusal_on_order(contract: Contract, fault: Fault) -> Refusal:
    """The error that a fault asks for; what its text names is invented."""
    row = contract.errors[_ROWS[fault.name]]
    status = int(fault.name) if fault.name.isdecimal() else row.status
    match fault.value:
        case "empty":
            return Refusal(status, b"", "")
        case "html":
            return Refusal(status, _HTML.replace(b"%d", b"%d" % status), "text/html")
        case _:
            return _rendered(row, row.text.format(fault=_FAULT, **_INVENTED), status)


def _rendered(row: HostedError, text: str, status: int) -> Refusal:
    match row.body:
        case "json":
            error = {"message": text, "type": row.type, "param": None, "code": row.code}
            return Refusal(status, orjson.dumps({"error": error}), row.content_type)
        case "text":
            return Refusal(status, text.encode(), row.content_type)
        case "empty":
            return Refusal(status, b"", "")
