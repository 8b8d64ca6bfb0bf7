from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from tidegate.app.canary_search import Search, forms
from tidegate.app.canary_values import KINDS, WORD, Kind, Planted, plant

ODD = Planted('Kanarie "7Q9zX" 秘密\n4711', WORD)


@pytest.mark.parametrize("kind", [WORD, *KINDS], ids=lambda kind: kind.name)
def test_every_form_of_a_value_is_found_among_other_bytes(kind: Kind) -> None:
    one, other = plant(kind), plant(kind)
    search = Search([one, other])
    for form in forms(one.value):
        assert search.found(b"before " + form + b" after") == [one]
    assert search.found(b"nothing here") == []


@pytest.mark.parametrize(
    "data",
    [
        json.dumps({"x": ODD.value}).encode(),
        json.dumps({"x": json.dumps({"y": ODD.value})}).encode(),
        quote(ODD.value).encode(),
        "".join(f"\\u{ord(one):04x}" for one in ODD.value).encode(),
        *(base64.b64encode(b"x" * shift + ODD.value.encode() + b"yy") for shift in range(3)),
        *(base64.urlsafe_b64encode(b"x" * shift + ODD.value.encode() + b"yy") for shift in range(3)),
        repr(ODD.value).encode(),
    ],
)
def test_what_careless_code_writes_is_found(data: bytes) -> None:
    assert Search([ODD]).found(data) == [ODD]


def test_separators_and_case_hide_nothing() -> None:
    card, key = Planted("4111111111111111", KINDS[0]), Planted("AKIAABCDEFGHIJKLMNOP", KINDS[7])
    search = Search([card])
    search.add([key])
    assert search.found(b"4111 1111-1111.1111") == [card]
    assert search.found(b"akia-abcd efgh_ijkl mnop") == [key]
    assert search.found(b"4111 1111-1111.1112") == []
