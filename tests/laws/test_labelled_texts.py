"""The labelled texts are what they say: labels lie on what was made, splits share no template, check digits are right."""

from __future__ import annotations

from collections import Counter
from itertools import chain

import pytest
from stdnum import iban, luhn
from stdnum.cn import uscc
from tests.support.labelled import KINDS, SPLITS, Labelled, Split, labelled, negatives
from tests.support.labelled.compose import EACH, negatives_of, templates, variants
from tests.support.labelled.shapes import NBSP

NARROW = {code + 0xFEE0: code for code in range(0x21, 0x7F)}
CHECKED = {"card": luhn, "bank-card-cn": luhn, "iban": iban, "company-code-cn": uscc}


def bare(value: str) -> str:
    """Without what the variants put in."""
    return value.translate(NARROW).translate(dict.fromkeys(map(ord, f" -.\r\n\\rn{NBSP}")))


@pytest.mark.parametrize("split", SPLITS)
def test_each_kind_stands_in_each_of_its_variants_and_languages(split: Split) -> None:
    found = Counter((one.labels[0].kind, one.variant, one.language) for one in labelled(split))
    assert set(found.values()) == {EACH}
    assert {(kind, variant, language) for kind, variant, language in found} == {
        (kind.name, variant, language)
        for kind in KINDS
        for language in ("en", "zh")
        for variant in variants(kind, language)
    }


@pytest.mark.parametrize("split", SPLITS)
def test_what_has_check_digits_has_right_ones_in_every_variant(split: Split) -> None:
    checked = 0
    for text in labelled(split):
        for label in text.labels:
            if label.kind in CHECKED:
                assert CHECKED[label.kind].is_valid(bare(text.text[label.start : label.end])), (
                    label.kind,
                    text.variant,
                )
                checked += 1
    assert checked > 4 * 25 * EACH


@pytest.mark.parametrize("split", SPLITS)
def test_glued_values_touch_no_space_and_split_ones_lie_on_two_lines(split: Split) -> None:
    for text in labelled(split):
        label = text.labels[0]
        if text.variant == "glued" and label.kind != "bearer":  # there the word Bearer and a space stand before it
            assert not text.text[label.start - 1].isspace()
        if text.variant == "split":
            assert "\n" in text.text[: label.end].strip()


def sentences(split: Split) -> set[str]:
    def leaves(node: object) -> chain[str]:
        if isinstance(node, dict):
            kept = (value for key, value in node.items() if key != "keys")
            return chain.from_iterable(map(leaves, kept))
        return chain([node]) if isinstance(node, str) else chain.from_iterable(map(leaves, node))  # type: ignore[call-overload]

    return set(chain(leaves(templates(split, "en")), leaves(templates(split, "zh")), leaves(negatives_of(split))))


def test_the_splits_share_no_template_but_the_empty_ones() -> None:
    dev, held_out = map(sentences, SPLITS)
    assert len(dev) > 200 and len(held_out) > 250
    assert dev & held_out <= {"«v»"}


def test_the_same_texts_come_every_time_and_no_trap_has_a_label() -> None:
    assert labelled("dev", 2) == labelled("dev", 2)
    traps: tuple[Labelled, ...] = tuple(chain.from_iterable(map(negatives, SPLITS)))
    assert len({trap.text for trap in traps}) > 500
    assert not any(trap.labels for trap in traps)
