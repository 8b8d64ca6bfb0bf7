"""Every format has a name of its own, and they all read under the same dated contract."""

from __future__ import annotations

from tidegate.catalog.contracts import DEFAULT_PROFILE, contract_named
from tidegate.core.errors import BackendTimedOut
from tidegate.surfaces.anthropic import MessagesFormat
from tidegate.surfaces.formats import Format, Identity
from tidegate.surfaces.openai import ChatFormat, FimFormat

CONTRACT = contract_named(DEFAULT_PROFILE)
FORMATS: list[Format] = [ChatFormat(CONTRACT, beta=True), FimFormat(CONTRACT, beta=True), MessagesFormat(CONTRACT)]


def test_their_names_tell_them_apart_in_the_ledger() -> None:
    assert [form.surface for form in FORMATS] == ["openai_chat", "openai_completions", "anthropic_messages"]


def test_each_says_inside_a_stream_that_it_broke_off() -> None:
    for form in FORMATS:
        said = form.broken_off(BackendTimedOut("too slow"))
        assert said.endswith(b"\n\n")
        assert b"too slow" in said


def test_only_the_messages_format_takes_a_bare_key() -> None:
    assert [form.key_header for form in FORMATS] == [None, None, b"x-api-key"]


def test_an_identity_is_a_value() -> None:
    assert Identity("id", "m", 1, "fp") == Identity("id", "m", 1, "fp")
