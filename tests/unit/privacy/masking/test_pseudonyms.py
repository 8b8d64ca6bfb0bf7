from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.core.findings import Finding, Group
from tidegate.privacy.masking.pseudonyms import KINDS, Coiner, Vault, kind_of

KEY = b"k" * 32


def serial_vault(mask_s: float = 10, most: int = 100) -> Vault:
    serial = iter(range(1000))
    return Vault(lambda size: next(serial).to_bytes(size), mask_s, most)


def test_a_pseudonym_passes_everywhere():
    coined = Coiner(KEY).pseudonym("EMAIL", "ada@example.test")
    assert re.fullmatch(r"EMAIL_[a-z2-9]{10}", coined)
    assert coined == Coiner(KEY).pseudonym("EMAIL", "ada@example.test")


@given(st.text(), st.text())
def test_each_value_has_its_own(one: str, other: str):
    coiner = Coiner(KEY)
    assert (coiner.pseudonym("DATA", one) == coiner.pseudonym("DATA", other)) == (one == other)
    assert coiner.pseudonym("DATA", one) != Coiner(b"x" * 32).pseudonym("DATA", one)


def test_the_same_card_in_two_spellings_is_two_values():
    coiner = Coiner(KEY)
    assert coiner.pseudonym("CARD", "4111 1111") != coiner.pseudonym("CARD", "4111-1111")


def test_what_stands_in_the_request_is_not_coined():
    first = Coiner(KEY).pseudonym("DATA", "v")
    second = Coiner(KEY).pseudonym("DATA", "v", lambda coined: coined == first)
    assert second != first
    assert second == Coiner(KEY).pseudonym("DATA", "v", lambda coined: coined == first)


def test_two_values_that_would_get_one_get_two(monkeypatch: pytest.MonkeyPatch):
    """With a hash that says nothing of the value, as a chance of 1 in 2**50 would have it."""
    monkeypatch.setattr(Coiner, "_tag", lambda self, kind, value, attempt: f"tag{attempt}")
    coiner = Coiner(KEY)
    assert [coiner.pseudonym("DATA", value) for value in ("a", "b", "a", "b")] == [
        *("DATA_tag0", "DATA_tag1", "DATA_tag0", "DATA_tag1")
    ]


def test_a_conversation_keeps_its_key_until_it_was_silent_for_long():
    vault = serial_vault(mask_s=10)

    def coined(conversation: bytes, now_s: float) -> str:
        return vault.coiner(conversation, now_s).pseudonym("DATA", "v")

    first = coined(b"a", 0)
    assert coined(b"b", 0) != first
    assert [coined(b"a", now_s) for now_s in (9, 18, 27.9)] == [first] * 3
    assert len(vault) == 1
    assert coined(b"a", 37.9) != first


def test_the_least_used_conversation_goes_when_there_are_too_many():
    vault = serial_vault(most=2)
    first = vault.coiner(b"a", 0).pseudonym("DATA", "v")
    for conversation in (b"b", b"a", b"c"):
        vault.coiner(conversation, 1)
    assert len(vault) == 2
    assert vault.coiner(b"a", 1).pseudonym("DATA", "v") == first
    assert repr(vault) == "Vault(2 conversations)"


@pytest.mark.parametrize(
    ("code", "group", "kind"),
    [
        ("SEN001", "personal", "CARD"),
        ("SEN009", "personal", "EMAIL"),
        ("SEN099", "personal", "DATA"),
        ("SEN051", "secret", "KEY"),
        ("SEN080", "term", "TERM"),
        ("SEN085", "name", "NAME"),
        ("SEN086", "name", "PLACE"),
    ],
)
def test_the_kind_is_a_word_for_the_model(code: str, group: Group, kind: str):
    assert kind_of(Finding(code, group, 0, 1)) == kind
    assert all(re.fullmatch("[A-Z]+", one) for one in KINDS.values())
