"""Chinese names and addresses with the real jieba, on single sentences and on the labelled ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.support import name_samples as labelled

from tidegate.privacy.rules import NAME as PERSON
from tidegate.privacy.rules import PLACE
from tidegate.privacy.slow.names import NameDetector, name_detectors
from tidegate.privacy.slow.names_zh import by_pattern, is_given, is_person, is_place


@pytest.fixture(scope="module")
def detector() -> NameDetector:
    return name_detectors(["zh"])[0]


def no_limit() -> None:
    return


def found(detector: NameDetector, text: str) -> list[tuple[str, str]]:
    return [(text[finding.start : finding.end], finding.code) for finding in detector.look(text, no_limit)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("请帮我给彭俊杰写信", [("彭俊杰", PERSON)]),
        ("抄送欧阳子涵。", [("欧阳子涵", PERSON)]),
        ("提醒丁立新，房贷逾期", [("丁立新", PERSON)]),
        ("王总说明天开会", [("王", PERSON)]),
        ("本周总结和周总结会议", []),
        ("患者：郭静，女", [("郭静", PERSON)]),
        ("我住在上海市浦东新区张杨路188号", [("上海市浦东新区张杨路188号", PLACE)]),
        ("在合肥被捕", [("合肥", PLACE)]),
        ("他去过法国和日本", []),
        ("李白和杜甫是唐代诗人", []),
        ("from Leeds to Lyon", []),
        ("", []),
    ],
)
def test_sentences(detector: NameDetector, text: str, names: list[tuple[str, str]]) -> None:
    assert found(detector, text) == names


@pytest.mark.parametrize(
    ("parts", "persons", "places"),
    [(labelled.TUNED, 0.97, 0.98), (labelled.HELD_OUT, 0.94, 0.98), (labelled.RARE, 0.7, 0.85)],
    ids=["first", "second", "rare"],
)
def test_labelled_sentences(detector: NameDetector, parts: dict[str, object], persons: float, places: float) -> None:
    samples = labelled.chinese(parts)
    findings = [list(detector.look(sample.text, no_limit)) for sample in samples]
    for code, floor in ((PERSON, persons), (PLACE, places)):
        score = labelled.score(samples, findings, code)
        assert score.wanted >= 60
        assert score.recall >= floor, score
        assert score.precision >= 0.98, score


def test_offsets_hold_beside_other_scripts(detector: NameDetector) -> None:
    text = "😀 Hello\r\n\t患者彭俊杰 (ID 42)　住在  成都"
    assert found(detector, text) == [("彭俊杰", PERSON), ("成都", PLACE)]


def test_persons_are_judged_by_their_characters_and_neighbours() -> None:
    assert is_person("王芳", "nr", "", "")
    assert not is_person("索引", "nr", "的", "应该") and not is_person("张开", "nr", "请", "双手")
    assert is_person("高明", "nr", "给", "写") and not is_person("高明", "nr", "很", "的")
    assert is_person("史密斯", "nrt", "", "") and not is_person("李白", "nr", "", "")


def test_a_given_name_may_be_a_word() -> None:
    assert is_given("建国", "ns", "nr") and is_given("志远", "nrfg", "m")
    assert not is_given("应该", "v", "nr") and not is_given("立新", "d", "p")


def test_places() -> None:
    assert is_place("成都") and not is_place("法国") and not is_place("亚洲") and not is_place("京")


def test_an_address_begins_after_the_word_that_leads_to_it() -> None:
    text = "快递请寄到杭州市西湖区文三路100号2单元301室，谢谢"
    spans = [(text[start:end], code) for start, end, code in by_pattern(text)]
    assert ("杭州市西湖区文三路100号2单元301室", PLACE) in spans


def test_jieba_leaves_no_file_in_the_shared_folder(tmp_path: Path) -> None:
    program = (
        "from tidegate.privacy.slow.names import name_detectors as d; list(d(['zh'])[0].look('我叫王芳', lambda: None))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env={"TMPDIR": str(tmp_path), "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        check=True,
    )
    assert list(tmp_path.iterdir()) == []
    assert done.stdout == b""
