"""Detection by example with the real model: folders read or refused, texts near and far, vectors handed on."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support import example_samples as samples

from tidegate.core.findings import Finding
from tidegate.privacy.slow.examples import ExampleDetector, example_detector, open_embedder, read_samples
from tidegate.privacy.slow.worker_child import CannotStart, ExampleOrder, Kind, OverBudget

CLAUSE = (
    "The Franchisee shall pay the Franchisor a royalty of four percent of net sales, due on the tenth day of each month. "
    "Either party may terminate this agreement upon ninety days' written notice."
)
PROSE = (
    "Bake the bread for forty minutes, let it cool on a rack, and eat it with salted butter and honey from the market. "
)


@pytest.fixture(scope="module")
def order(tmp_path_factory: pytest.TempPathFactory, sentence_model: tuple[Path, Path]) -> ExampleOrder:
    kinds = []
    for name, texts in (("contracts", samples.CONTRACTS), ("notes", samples.PATIENT_NOTES)):
        folder = tmp_path_factory.mktemp(name)
        for number, text in enumerate(texts):
            (folder / f"{number:02}.txt").write_text(text, encoding="utf-8")
        kinds.append(Kind(name, str(folder), None))
    return ExampleOrder(str(sentence_model[0]), str(sentence_model[1]), tuple(kinds))


@pytest.fixture(scope="module")
def started(order: ExampleOrder) -> tuple[ExampleDetector, bytes, list[tuple[int, int]]]:
    told: list[tuple[int, int]] = []
    detector, kept = example_detector(order, b"", lambda done, total: told.append((done, total)))
    return detector, kept, told


Started = tuple[ExampleDetector, bytes, list[tuple[int, int]]]


def no_limit() -> None:
    return


def test_a_clause_is_like_the_contracts_and_prose_is_not(started: Started) -> None:
    detector, _, told = started
    assert list(detector.look(CLAUSE, no_limit)) == [Finding("SEN090", "example", 0, len(CLAUSE), label="contracts")]
    assert list(detector.look(PROSE, no_limit)) == []
    assert list(detector.look("  ", no_limit)) == []
    assert told == [(number, 20) for number in range(1, 21)]


def test_the_window_is_named_in_a_long_text(started: Started) -> None:
    text = PROSE * 20 + CLAUSE + PROSE * 20
    (finding,) = started[0].look(text, no_limit)
    assert finding.tag == "example:contracts"
    assert finding.start < text.index(CLAUSE) + len(CLAUSE) and finding.end > text.index(CLAUSE)
    assert finding.end - finding.start < len(text) / 2


def test_what_was_kept_gives_the_same_findings_without_the_folders(order: ExampleOrder, started: Started) -> None:
    gone = ExampleOrder(order.weights, order.tokenizer, (Kind("contracts", "/nowhere", None),))
    detector, kept = example_detector(gone, started[1], lambda done, total: pytest.fail("nothing is read again"))
    assert kept == started[1]
    assert list(detector.look(CLAUSE, no_limit)) == list(started[0].look(CLAUSE, no_limit))


def test_a_threshold_of_the_operator_is_kept(order: ExampleOrder) -> None:
    strict = ExampleOrder(order.weights, order.tokenizer, (Kind("contracts", order.kinds[0].folder, 0.99),))
    detector, _ = example_detector(strict, b"", lambda done, total: None)
    assert list(detector.look(CLAUSE, no_limit)) == []
    assert len(list(detector.look(samples.CONTRACTS[0] + " " + CLAUSE, no_limit))) == 0


def test_the_budget_is_asked_at_each_window(started: Started) -> None:
    def spent() -> None:
        raise OverBudget

    with pytest.raises(OverBudget):
        list(started[0].look(CLAUSE, spent))


def three(folder: Path) -> Kind:
    for number in range(3):
        (folder / f"{number}.txt").write_text(f"sample {number}")
    return Kind("notes", str(folder), None)


def test_samples_are_read_below_the_folder_and_hidden_files_are_not(tmp_path: Path) -> None:
    kind = three(tmp_path)
    (tmp_path / ".DS_Store").write_bytes(b"\xff\x00")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "bom.md").write_bytes(b"\xef\xbb\xbfwith a mark")
    assert read_samples(kind) == ["sample 0", "sample 1", "sample 2", "with a mark"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"\xff\xfe", "UTF-8"), (b" -- \n", "no words"), (b"x" * ((1 << 20) + 1), "cut it into parts")],
)
def test_what_cannot_be_a_sample_is_refused_by_name(tmp_path: Path, content: bytes, reason: str) -> None:
    kind = three(tmp_path)
    (tmp_path / "odd.pdf").write_bytes(content)
    with pytest.raises(CannotStart, match=rf"\[\[privacy.examples\]\] notes: folder .*odd.pdf.*{reason}"):
        read_samples(kind)


def test_too_few_samples_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="holds 0 sample texts; at least 3"):
        read_samples(Kind("notes", str(tmp_path), None))


def test_a_model_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="cannot be read"):
        open_embedder(tmp_path / "none", Path(__file__))
