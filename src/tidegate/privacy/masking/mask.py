"""Reversible masking: what was found is replaced by pseudonyms in the whole request, or the request is refused.

Stands between detection and sending. What it returns holds none of the values in any spelling; `Veil` is the only thing
that knows them, for as long as the exchange lasts. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from tidegate.core.errors import Unmaskable
from tidegate.core.findings import Finding
from tidegate.core.requests import ChatRequest, Request
from tidegate.privacy.masking.occurrences import BODY_LEVELS, occurrences, occurs
from tidegate.privacy.masking.pseudonyms import Coiner, kind_of
from tidegate.privacy.masking.rewriting import rewritten
from tidegate.privacy.masking.rules import LAST_LOOK, NOT_MASKABLE, TOO_MANY, UNLOOKED
from tidegate.privacy.masking.spans import Origins, Span, merged, string_spans, value_at
from tidegate.privacy.texts.passages import passages, standing
from tidegate.privacy.texts.places import Passage, Place

MOST_SEARCHED = 250_000_000
"""Characters times values. Each value is looked for in all of the request, and others wait meanwhile: half a second."""


@dataclass(frozen=True, slots=True)
class Veil:
    """What stands for what. `text_is_json`: the answer's text was asked for as JSON, so values go into it escaped."""

    pairs: Mapping[str, str] = field(repr=False)
    """Pseudonym to value."""
    values: tuple[str, ...] = field(repr=False)
    """Everything that must not leave: the values, as they stand and as they are read."""
    text_is_json: bool = False

    def __len__(self) -> int:
        """How many values are masked."""
        return len(self.pairs)

    def holds(self, data: bytes) -> bool:
        """Whether a value is in these outgoing bytes, escaped or not: the last look before the socket (MSK006)."""
        return occurs(data.decode("utf-8", "replace"), self.values, BODY_LEVELS)


@dataclass(frozen=True, slots=True)
class Masked:
    request: Request = field(repr=False)
    veil: Veil


def mask(request: Request, findings: Mapping[Place, Sequence[Finding]], coiner: Coiner) -> Masked:
    """Raises `Unmaskable` if anything that was found would still leave."""
    if isinstance(request, ChatRequest) and request.extras:
        request = replace(request, extras={})  # no dialect sends them, and nobody has looked at them
    before = standing(request)
    everything = passages(request)
    spans = _spans(request, before, everything, findings)
    text_of = "\n".join(passage.text for passage in everything)
    veiled = _Veiled(coiner, lambda coined: coined in text_of)
    changed = {
        passage.place: veiled.text(passage, merged(spans[passage.place]))
        for passage in before
        if passage.place in spans
    }
    masked = rewritten(request, lambda place, text: changed.get(place, text))
    values = tuple(dict.fromkeys(value for found in spans.values() for span in found for value in span.values))
    veil = Veil(veiled.pairs, tuple(dict.fromkeys((*values, *veiled.pairs.values()))), _wants_json(request))
    _check(masked, veil)
    return Masked(masked, veil)


def _spans(
    request: Request, before: list[Passage], everything: list[Passage], findings: Mapping[Place, Sequence[Finding]]
) -> dict[Place, list[Span]]:
    """Of every text that stands in the request, the characters that must go."""
    texts = {passage.place: passage.text for passage in everything}
    maskable = {passage.place: passage.maskable for passage in before}
    kinds: dict[str, tuple[str, str]] = {}
    spans: dict[Place, list[Span]] = {}
    origins = Origins(request, texts)
    for place, found in findings.items():
        for finding in found:
            home, start, end = _home(origins, texts, place, finding)
            said = texts[place][finding.start : finding.end]
            written = texts[home][start:end]
            kinds.setdefault(said, (kind_of(finding), finding.code))
            kinds.setdefault(written, (kind_of(finding), finding.code))
            if not maskable[home]:
                raise _unmaskable(home, finding.code)
            spans.setdefault(home, []).append(Span(start, end, kind_of(finding), finding.code, (said, written)))
    if len(kinds) * sum(map(len, texts.values())) > MOST_SEARCHED:
        raise Unmaskable(
            f"too many values for a request of this size ({TOO_MANY.code}: {len(kinds)} were found), so it may not leave; "
            "split messages, or change the policy's row with action = mask"
        )
    for place, text, allowed in before:
        for value, start, end in occurrences(text, kinds):
            kind, code = kinds[value]
            if not allowed:
                raise _unmaskable(place, code)
            spans.setdefault(place, []).append(Span(start, end, kind, code, (value, text[start:end])))
    return spans


def _home(origins: Origins, texts: dict[Place, str], place: Place, finding: Finding) -> tuple[Place, int, int]:
    if finding.group == "unscannable":
        raise _unmaskable(place, finding.code, UNLOOKED.code)
    text = texts.get(place)
    if text is None or finding.group == "example" or not 0 <= finding.start < finding.end <= len(text):
        raise _unmaskable(place, finding.code)
    home = origins.find(place, finding.start, finding.end)
    if home is None:
        raise _unmaskable(place, finding.code)
    return home


class _Veiled:
    """Texts with their spans replaced, and what was put where."""

    def __init__(self, coiner: Coiner, stands: Callable[[str], bool]) -> None:
        self._coiner = coiner
        self._stands = stands
        self._coined: dict[tuple[str, str], str] = {}
        self.pairs: dict[str, str] = {}

    def text(self, passage: Passage, spans: list[Span]) -> str:
        place, text, _ = passage
        is_json = place.inner == "arguments"
        if is_json:
            spans = self._in_strings(place, text, spans)
        said: list[str] = []
        done = 0
        for span in spans:
            value = value_at(text, span, is_json)
            coined = self._coined.get((span.kind, value)) or self._coin(span.kind, value)
            said += (text[done : span.start], coined)
            done = span.end
        return "".join((*said, text[done:]))

    def _coin(self, kind: str, value: str) -> str:
        coined = self._coined[kind, value] = self._coiner.pseudonym(kind, value, self._stands)
        self.pairs[coined] = value
        return coined

    def _in_strings(self, place: Place, text: str, spans: list[Span]) -> list[Span]:
        found = string_spans(text, spans)
        if found is None:
            raise _unmaskable(place, spans[0].code)
        return merged(found)


def _wants_json(request: Request) -> bool:
    wanted = request.response_format if isinstance(request, ChatRequest) else None
    return wanted is not None and wanted.get("type") in ("json_object", "json_schema")


def _check(masked: Request, veil: Veil) -> None:
    """The work is looked at as if someone else had done it."""
    for place, text, _ in passages(masked):
        if occurs(text, veil.values):
            raise _unmaskable(place, LAST_LOOK.code, LAST_LOOK.code)


def _unmaskable(place: Place, code: str, rule: str = NOT_MASKABLE.code) -> Unmaskable:
    return Unmaskable(
        f"{place} has something that cannot be masked ({rule}; found by {code}), so the request may not leave; change that "
        "field, or the policy's row with action = mask"
    )
