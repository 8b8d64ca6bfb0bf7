"""Looking around candidates finds what looking through all of a long text finds, and reads far less of it."""

from __future__ import annotations

import random

import pytest
from tests.support.labelled import labelled, negatives

from tidegate.privacy.patterns.found import Detector, Found
from tidegate.privacy.patterns.nearby import SHORT, find_nearby
from tidegate.privacy.patterns.scanner import DETECTORS, Scanner

PLAIN = "The tide comes in twice a day, and nobody on the quay looks up from the nets for it.\n潮水每天来两次，没有人抬头。\n"
FILL = PLAIN * 30
FAR = (
    "nhs " + "and so on " * 4 + "943 476 5919",
    "cookie: " + "a=b; " * 70 + "session=Zk3v9QpL7sT2xR8w",
    "date of birth as we all know: 1980-01-02",
    "my wechat id: lisi_1988",
    "wxid_abcdefghij12, QQ号码是 123456789",
    "license plate number is the: KL-AB 1234",
    "steuer " + "und so weiter " * 2 + "86095742719",
    "authorization: bearer " + "Zk3v9QpL7sT2xR8w" * 60,
    "anna.maria at mail dot example dot com, at www.example.com",
    "https://anna:" + "Zk3v9QpL7s" + "@host.example/",
)
"""Values that stand as far from their cues as they may, of kinds that the labelled texts do not have."""
AROUND = [one for one in DETECTORS if one.reach]


class Reading:
    """A detector that finds one word, or what stands before it, and notes what it was given."""

    def __init__(self, reach: int = 16) -> None:
        self.given: list[str] = []
        self.detector = Detector("words", "falcon", self.find, reach=reach)

    def find(self, text: str) -> list[Found]:
        self.given.append(text)
        at, found = text.find("falcon"), list[Found]()
        while at >= 0:
            found.append(Found(at, at + 6, "SEN080"))
            at = text.find("falcon", at + 1)
        return found


def places(detector: Detector, text: str) -> list[tuple[int, int]]:
    return [(one.start, one.end) for one in find_nearby(detector, text, text.encode())]


def test_a_long_text_is_read_around_the_candidates_only() -> None:
    reading = Reading()
    text = FILL + "falcon" + FILL + FILL + "falcon" + FILL
    assert places(reading.detector, text) == [
        (len(FILL), len(FILL) + 6),
        (3 * len(FILL) + 6, 3 * len(FILL) + 12),
    ]
    assert len(reading.given) == 2
    assert sum(map(len, reading.given)) < len(text) / 4


def test_candidates_that_stand_together_are_read_once() -> None:
    reading = Reading()
    assert len(places(reading.detector, FILL + "falcon falcon " + PLAIN + "falcon" + FILL + FILL)) == 3
    assert len(reading.given) == 1


@pytest.mark.parametrize(
    "text",
    ["falcon" + "x" * SHORT, "x" * (SHORT - 6) + "falcon", FILL + "falcon", "falcon " * 1000, ("falcon" + PLAIN) * 90],
)
def test_what_is_found_is_found_at_the_edges_and_in_a_crowd_too(text: str) -> None:
    reading = Reading()
    assert places(reading.detector, text) == [(one.start, one.end) for one in reading.find(text)]


def test_a_short_text_and_one_full_of_candidates_are_read_as_they_are() -> None:
    for text in ("falcon", "falcon " * 1000):
        reading = Reading()
        find_nearby(reading.detector, text, text.encode())
        assert reading.given == [text]


def test_what_may_go_on_behind_the_part_that_was_read_is_looked_at_as_a_whole() -> None:
    whole = FILL + "falcon" + "x" * 5_000 + "\n" + FILL + FILL

    def find(text: str) -> list[Found]:
        at = text.find("falcon")
        end = text.find("\n", at)
        return [Found(at, end if end >= 0 else len(text), "SEN080")]

    assert places(Detector("words", "falcon", find, reach=16), whole) == [(len(FILL), len(FILL) + 5_006)]


def test_what_is_only_found_because_the_text_was_cut_is_not_found() -> None:
    """Half of a number at the edge of what was read would look like a shorter one."""
    text = "7" * 4_000 + " falcon " + FILL + FILL

    def find(given: str) -> list[Found]:
        return [Found(0, 9, "SEN003")] if given.startswith("7") and len(given) < len(text) else []

    assert places(Detector("words", "falcon", find, reach=16), text) == []


@pytest.mark.parametrize("text", FAR)
def test_each_of_these_is_one(scanner: Scanner, text: str) -> None:
    assert scanner.scan(text)


@pytest.mark.parametrize("detector", AROUND, ids=lambda one: one.name)
def test_every_detector_with_a_reach_finds_the_same_as_in_the_whole_text(detector: Detector) -> None:
    """Every labelled text and every trap stands alone in a long one, and in groups: a reach or a place that is too narrow
    shows here."""
    shuffle = random.Random(20261124)
    texts = [*FAR, *(one.text for one in (*labelled("dev", 1), *negatives("dev", 2)))]
    shuffle.shuffle(texts)
    for at in range(0, len(texts), 12):
        group = texts[at : at + 12]
        text = FILL + "".join(one + shuffle.choice(("\n", " ", FILL, FILL[:700])) for one in group) + FILL
        assert sorted(find_nearby(detector, text, text.encode())) == sorted(detector.find(text))
