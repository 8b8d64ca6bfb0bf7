"""Every text is looked at, and a look that fails, hangs or takes too long is a finding that keeps the request at home."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from tests.support.samples import request

from tidegate.core.findings import NOTHING_SEEN, Finding, Sight
from tidegate.core.requests import FimRequest
from tidegate.privacy.detection import Detection

WORD = "falcon"


class Words:
    """Finds one word, and notes every text that it was given."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def scan(self, text: str) -> tuple[Finding, ...]:
        self.seen.append(text)
        at = text.find(WORD)
        return (Finding("SEN080", "term", at, at + len(WORD), label="falcon"),) if at >= 0 else ()

    def scan_all(self, texts: Sequence[str]) -> list[tuple[Finding, ...]]:
        return [self.scan(text) for text in texts]


class Slow:
    def __init__(self, *answers: tuple[Finding, ...], error: Exception | None = None) -> None:
        self.answers, self.error = answers, error

    async def look(self, texts: Sequence[str], budget_s: float) -> list[tuple[Finding, ...]]:
        if self.error is not None:
            raise self.error
        return [*self.answers, *([()] * (len(texts) - len(self.answers)))]


def detection(scanner: Any, timer: Callable[[], float] = lambda: 0.0, **more: Any) -> Detection:
    return Detection(scanner, budget_s=more.pop("budget_s", 1.0), timer=timer, **more)


async def test_what_is_found_is_told_with_its_place() -> None:
    sight = await detection(Words()).look(FimRequest(model="m", prompt="x", suffix=f"the {WORD}"))
    assert [str(place) for place, _ in sight.places][:1] == ["suffix"]
    assert sight.tags == {"term:falcon"}
    assert not sight.failed


async def test_nothing_found_is_nothing_seen_and_without_a_scanner_nothing_is_looked_at() -> None:
    assert await detection(Words()).look(request()) is NOTHING_SEEN
    assert await detection(None).look(request()) is NOTHING_SEEN


async def test_a_detector_that_fails_is_found() -> None:
    class Failing(Words):
        def scan(self, text: str) -> tuple[Finding, ...]:
            raise RuntimeError(text)

    sight = await detection(Failing()).look(request())
    assert (sight.failed, sight.tags, sight.counts) == ("SEN096", {"SEN096"}, {"SEN096": 1})


async def test_a_detector_that_was_slower_than_its_budget_is_found() -> None:
    times = iter((0.0, 1.01, 2.0, 2.9))
    slow = detection(Words(), timer=lambda: next(times))
    assert (await slow.look(request())).failed == "SEN097"
    assert (await slow.look(request())).failed == ""


async def test_a_detector_that_hangs_on_a_long_text_is_not_waited_for() -> None:
    hangs = threading.Event()

    class Hanging(Words):
        def scan(self, text: str) -> tuple[Finding, ...]:
            hangs.wait()
            return ()

    try:
        sight = await detection(Hanging(), budget_s=0.01).look(FimRequest(model="m", prompt="x" * 100_001))
        assert sight.failed == "SEN097"
    finally:
        hangs.set()


async def test_a_long_text_is_looked_at_in_another_thread() -> None:
    threads: list[str] = []

    class Noting(Words):
        def scan(self, text: str) -> tuple[Finding, ...]:
            threads.append(threading.current_thread().name)
            return super().scan(text)

    sight = await detection(Noting()).look(FimRequest(model="m", prompt="x" * 100_000 + WORD))
    assert sight.tags == {"term:falcon"}
    assert threading.main_thread().name not in threads


async def test_the_slow_tiers_add_to_what_was_found() -> None:
    name = Finding("SEN085", "name", 0, 1)
    looking = detection(Words(), slow=Slow((), (name,)))
    asked = FimRequest(model="m", prompt=WORD)
    sight = await looking.look_slowly(asked, await looking.look(asked))
    assert sight.tags == {"term:falcon", "SEN085"}
    assert detection(Words()).has_slow is False


@pytest.mark.parametrize(("error", "code"), [(TimeoutError(), "SEN097"), (RuntimeError("text"), "SEN096")])
async def test_a_slow_tier_that_fails_is_found(error: Exception, code: str) -> None:
    looking = detection(Words(), slow=Slow(error=error))
    assert (await looking.look_slowly(request(), NOTHING_SEEN)).failed == code


async def test_a_slow_tier_that_forgets_a_text_is_found() -> None:
    class Forgetting(Slow):
        async def look(self, texts: Sequence[str], budget_s: float) -> list[tuple[Finding, ...]]:
            return []

    assert (await detection(Words(), slow=Forgetting()).look_slowly(request(), NOTHING_SEEN)).failed == "SEN096"


async def test_what_failed_before_is_not_looked_at_again() -> None:
    failed = Sight(failed="SEN096")
    assert await detection(Words(), slow=Slow()).look_slowly(request(), failed) is failed
