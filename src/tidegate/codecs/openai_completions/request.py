"""A completion request, bytes to `FimRequest` and back, and the contract's rules about it.

DeepSeek's package does not know this endpoint: the members are documented, the name of the struct and the order of the
rules are those of chat, inferred.
"""

from __future__ import annotations

from typing import Any

from tidegate.catalog.contracts import Contract
from tidegate.codecs.json_text import dump_fields, load, wrong_shape
from tidegate.codecs.members import (
    Member,
    Slips,
    check_range,
    check_stop,
    read_include_usage,
    read_members,
    read_stop,
    read_struct,
)
from tidegate.codecs.shapes import Misfit, boolean, number, string, unsigned
from tidegate.core.requests import FimRequest

MEMBERS: dict[str, Member] = {
    "model": ("model", string),
    "prompt": ("prompt", string),
    "echo": ("echo", boolean),
    "frequency_penalty": ("frequency_penalty", number),
    "logprobs": ("logprobs", unsigned(8)),
    "max_tokens": ("max_tokens", unsigned(32)),
    "presence_penalty": ("presence_penalty", number),
    "stop": ("stop", None),
    "stream": ("stream", boolean),
    "stream_options": ("include_usage", read_include_usage),
    "suffix": ("suffix", string),
    "temperature": ("temperature", number),
    "top_p": ("top_p", number),
}

_REQUIRED = ("model", "prompt")
_WORDS = frozenset(MEMBERS) | {"include_usage"}
_AS_IS = (
    *("prompt", "suffix", "echo", "max_tokens", "temperature", "top_p", "logprobs"),
    *("frequency_penalty", "presence_penalty"),
)


def decode_request(body: bytes, contract: Contract | None = None, *, quoting: bool = False) -> FimRequest:
    """The request as it was written, rules not yet checked. No dated contract has changed its shape so far."""
    del contract
    value = load(body, _WORDS, quoting=quoting)
    try:
        return read_struct(value, MEMBERS, "struct CompletionRequest", _read)
    except Misfit as misfit:
        raise wrong_shape(misfit, body, quoting=quoting) from None


def _read(fields: dict[str, Any]) -> FimRequest:
    slips: Slips = []
    values, extras = read_members(fields, MEMBERS, _REQUIRED, lambda _, value: read_stop(value, slips))
    return FimRequest(extras=extras, slips=tuple(slips), **values)


def check_request(request: FimRequest, contract: Contract) -> None:
    """Raises the first breach of the contract's rules."""
    if request.stop:
        check_stop(request.stop, request.slips, contract, "FIM stop")
    if request.include_usage is not None and not request.stream:
        raise contract.mistake("stream_options_alone")
    for field, limit in _RANGES:
        value = getattr(request, field)
        if value is not None:
            check_range(field, value, contract, limit)


_RANGES = (
    ("presence_penalty", ""),
    ("frequency_penalty", ""),
    ("temperature", ""),
    ("top_p", ""),
    ("logprobs", "FIM logprobs"),
    ("max_tokens", "FIM max_tokens"),
)


def request_fields(request: FimRequest) -> dict[str, Any]:
    """The request as the JSON object that goes on the wire. Fields the client did not set are not there."""
    fields: dict[str, Any] = {**request.extras, "model": request.model}
    for name in _AS_IS:
        if (value := getattr(request, name)) is not None:
            fields[name] = value
    if request.stop:
        fields["stop"] = list(request.stop)
    if request.stream:
        fields["stream"] = True
    if request.include_usage is not None:
        fields["stream_options"] = {"include_usage": request.include_usage}
    return fields


def encode_request(request: FimRequest) -> bytes:
    return dump_fields(request_fields(request))
