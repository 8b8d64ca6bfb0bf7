"""Ids of our own: the hosted form, the same for the same call, another for any other."""

from __future__ import annotations

import re

from tidegate.codecs.call_ids import call_id_of


def test_an_id_has_the_hosted_form():
    assert re.fullmatch(r"call_07_[0-9a-f]{24}", call_id_of(7, "answer", 1795386344, None))


def test_it_follows_from_its_parts_alone():
    assert call_id_of(0, "a", 1) == call_id_of(0, "a", 1)
    assert len({call_id_of(0, "a", 1), call_id_of(1, "a", 1), call_id_of(0, "b", 1), call_id_of(0, "a", None)}) == 4
