from __future__ import annotations

import orjson

from tidegate.core.messages import Message, TextPart
from tidegate.core.requests import ChatRequest, FimRequest
from tidegate.privacy.masking.spans import Origins, Span, merged, string_spans, value_at
from tidegate.privacy.texts.passages import passages
from tidegate.privacy.texts.places import Place


def span(start: int, end: int, kind: str = "DATA", value: str = "v") -> Span:
    return Span(start, end, kind, "SEN001", (value,))


def test_spans_that_overlap_become_one_called_as_the_longest():
    assert merged([span(8, 9), span(0, 4, "EMAIL", "a"), span(3, 6, "NAME", "b")]) == [
        Span(0, 6, "EMAIL", "SEN001", ("a",)),
        span(8, 9),
    ]
    assert merged([span(0, 2), span(2, 4)]) == [span(0, 2), span(2, 4)]
    assert merged([span(2, 3, "A"), span(0, 9, "B")])[0].kind == "B"
    assert "secret" not in repr(span(0, 1, value="secret"))


def test_a_finding_is_traced_to_where_its_characters_stand():
    parts = (TextPart("4111-1111-"), TextPart(r"and \u0034"))
    request = ChatRequest(model="m", messages=(Message("user", parts),))
    texts = {place: text for place, text, _ in passages(request)}
    content, origin = Place("messages", 0, "content"), Origins(request, texts).find
    first, second = content._replace(item=0), content._replace(item=1)
    assert origin(first, 1, 2) == (first, 1, 2)
    assert origin(second._replace(form="unescaped 1"), 4, 5) == (second, 4, 10)
    assert origin(content._replace(form="joined"), 10, 13) == (second, 0, 3)
    assert origin(content._replace(form="joined by a space"), 9, 13) is None
    assert origin(first._replace(form="numbers"), 0, 1) is None
    fim = Origins(FimRequest(model="m", prompt="ab", suffix="cd"), {}).find
    assert fim(Place("prompt", form="joined"), 2, 4) == (Place("suffix"), 0, 2)
    assert fim(Place("prompt", form="joined"), 1, 3) is None


def test_in_json_only_string_values_are_cut_and_whole_escapes():
    text = r'{"key": "a\nbc", "n": 4111, "l": ["x\ud83c\udf0ay"]}'

    def cut(start: int, end: int) -> str | None:
        found = string_spans(text, [span(start, end)])
        return None if found is None else text[found[0].start : found[0].end]

    at = text.index("nbc")
    assert cut(at, at + 2) == r"\nb"
    assert cut(at - 2, at) == r"a\n"
    assert cut(at - 2, at - 1) == "a"
    assert cut(text.index("bc"), text.index("bc") + 2) == "bc"
    assert cut(text.index("key"), text.index("key") + 3) is None
    assert cut(text.index("4111"), text.index("4111") + 4) is None
    assert cut(text.index("bc"), text.index("4111")) is None
    at = text.index("ude") if "ude" in text else text.index("udf0a")
    assert cut(at, at + 6) == r"\ud83c\udf0ay"


def test_a_pseudonym_in_json_stands_for_what_the_string_says():
    text = r'{"a": "x\/y"}'
    at = span(text.index("x"), text.index("y") + 1)
    assert value_at(text, at, is_json=True) == orjson.loads(text)["a"] == "x/y"
    assert value_at(text, at, is_json=False) == r"x\/y"
