"""English names with the real Presidio and spaCy, in a real worker process that reaches no network."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.support import name_samples as labelled

from tidegate.app.detection import check_slow_look
from tidegate.config import PrivacyOptions
from tidegate.core.errors import Misconfigured
from tidegate.core.findings import Finding
from tidegate.privacy.rules import NAME as PERSON
from tidegate.privacy.rules import PLACE
from tidegate.privacy.slow.names_en import EnglishNames
from tidegate.privacy.slow.slow_look import SlowLook
from tidegate.privacy.slow.worker_child import Order

PATIENCE_S = 110.0


@pytest.fixture
async def look() -> AsyncIterator[SlowLook]:
    try:
        check_slow_look(PrivacyOptions(names=("en",)))
    except Misconfigured as error:
        pytest.skip(f"{error.message} (some 400 MB)")
    look = SlowLook(Order(("en",)), 1)
    await look.start()
    yield look
    await look.stop()


async def test_labelled_sentences(look: SlowLook) -> None:
    sets = {"first": labelled.TUNED, "second": labelled.HELD_OUT, "rare": labelled.RARE}
    floors = {"first": (0.97, 0.93), "second": (0.97, 0.88), "rare": (0.75, 0.98)}
    for name, parts in sets.items():
        samples = labelled.english(parts)
        found = await look.look([sample.text for sample in samples], PATIENCE_S)
        for code, floor in zip((PERSON, PLACE), floors[name], strict=True):
            score = labelled.score(samples, found, code)
            assert score.wanted >= 60
            assert (score.recall, score.precision) >= (floor, 0.98), (name, code, score)
            assert score.precision >= 0.98, (name, code, score)


async def test_offsets_are_characters_also_beside_chinese_and_in_long_texts(look: SlowLook) -> None:
    filler = "The tide comes in and the tide goes out. 潮水每天涨落两次。😀 "
    text = filler * 120 + "患者Margaret Holloway called from Leeds. " + filler * 120
    ((person, place),) = await look.look([text], PATIENCE_S)
    assert text[person.start : person.end] == "Margaret Holloway"
    assert text[place.start : place.end] == "Leeds"


async def test_chinese_and_empty_texts_hold_no_english_names(look: SlowLook) -> None:
    assert await look.look(["王芳住在成都。", "", "\x00\x07", "42"], PATIENCE_S) == [(), (), (), ()]


def test_no_word_of_a_text_stays_in_memory() -> None:
    pytest.importorskip("presidio_analyzer", reason="pip install 'tidegate[names]'")
    english = EnglishNames()
    list(english.names("warm up"))
    before = len(english._model.vocab.strings)
    assert len(list(english.names("Margaret Holloway met zyxwvutsrq in Leeds."))) >= 2
    assert "zyxwvutsrq" not in english._model.vocab.strings
    assert len(english._model.vocab.strings) == before


async def test_a_name_that_a_word_announces_needs_no_model(look: SlowLook) -> None:
    ((found,),) = await look.look(["My name is Xiomara Quill."], PATIENCE_S)
    assert found == Finding(PERSON, "name", 11, 24)
