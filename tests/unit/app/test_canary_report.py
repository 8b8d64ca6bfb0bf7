from __future__ import annotations

from tidegate.app.canary_report import Report


def test_what_arrived_is_counted_by_path_and_place() -> None:
    report = Report(sinks=("cloud",))
    report.line("first answer").planted += 5
    report.statuses[200] += 2
    assert report.clean
    for _ in range(2):
        report.arrive("first answer", "cloud", "SEN001", "card")
    assert not report.clean
    told = report.as_json()
    assert (told["ok"], told["requests"], told["planted"], told["arrived"]) == (False, 2, 5, 2)
    assert told["arrivals"] == [
        {"path": "first answer", "where": "cloud", "code": "SEN001", "kind": "card", "times": 2}
    ]
    assert told["paths"][0]["arrived"] == 2


def test_a_fault_is_no_clean_run() -> None:
    report = Report()
    report.faults["a masked card did not come back"] += 1
    report.allowed["aws", "AWS key", "cloud"] += 3
    assert not report.clean
    assert report.as_json()["faults"] == [{"what": "a masked card did not come back", "times": 1}]
    assert report.as_json()["allowed"] == [{"row": "aws", "kind": "AWS key", "backend": "cloud", "times": 3}]
