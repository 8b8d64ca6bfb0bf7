"""What is shown of several processes: counts added, health said once, and what only one of them has."""

from __future__ import annotations

from typing import Any

from tidegate.app.whole import merged


def status(written: int, error: str | None = None, **more: Any) -> dict[str, Any]:
    ledger = {"written": written, "waiting": 1, "dropped": 0, "error": error}
    return {"version": "1", "ledger": ledger, "legacy_names": {"policy": "reject", "seen": {}}, **more}


def watched(asked: list[int | None], first: list[float | None], **more: Any) -> dict[str, Any]:
    backends = {"box": {"health": ["up", "up"], "asked": asked, "failed": [0, None], "first_frame_s": first}}
    alerts = {"receivers": 0, "sent": 0, "lost": 0, "waiting": 0, "last": []}
    told = {"history": {"until": 1.0, "backends": backends}, "balance": None, "spent_today_usd": "0.10"}
    return told | {"alerts": alerts} | more


def test_counts_are_added_and_an_error_of_any_is_shown() -> None:
    other = status(2, "OperationalError: locked")
    other["legacy_names"]["seen"] = {"deepseek-chat": 3}
    shown = merged(status(5, content={"written": 1, "error": None}), [other, status(1, content={"written": 4})])
    assert shown["ledger"] == {"written": 8, "waiting": 3, "dropped": 0, "error": "OperationalError: locked"}
    assert shown["content"] == {"written": 5, "error": None}
    assert shown["legacy_names"] == {"policy": "reject", "seen": {"deepseek-chat": 3}}
    assert shown["version"] == "1"


def test_the_history_is_that_of_all_requests() -> None:
    balance = {"backend": "cloud", "amounts": {"USD": "3"}}
    first = status(0, **watched([3, None], [1.0, None], balance=balance))
    alert = {"receivers": 1, "sent": 2, "lost": 0, "waiting": 0, "last": [{"at": 5.0}]}
    second = status(0, **watched([1, None], [3.0, None], alerts=alert))
    for own, other in ((first, second), (second, first)):
        shown = merged(own, [other])
        past = shown["history"]["backends"]["box"]
        assert (past["asked"], past["failed"]) == ([4, None], [0, None])
        assert past["first_frame_s"] == [1.5, None]
        assert past["health"] == ["up", "up"]
        assert (shown["balance"], shown["spent_today_usd"]) == (balance, "0.20")
        assert (shown["alerts"]["sent"], shown["alerts"]["last"]) == (2, [{"at": 5.0}])
