from __future__ import annotations

import pytest

from tidegate.privacy.texts.places import Passage, Place


@pytest.mark.parametrize(
    ("place", "printed"),
    [
        (Place("prompt"), "prompt"),
        (Place("stop", 1), "stop[1]"),
        (Place("messages", 2, "content"), "messages[2].content"),
        (Place("messages", 2, "content", 0), "messages[2].content[0]"),
        (Place("messages", 3, "tool_calls", 0, "arguments"), "messages[3].tool_calls[0].arguments"),
        (Place("tools", 0, "parameters", nth=4), "tools[0].parameters (text 4)"),
        (Place("prompt", form="unescaped 1"), "prompt (unescaped 1)"),
    ],
)
def test_a_place_prints_as_a_client_would_name_it(place: Place, printed: str):
    assert str(place) == f"{place}" == printed


def test_a_passage_does_not_print_its_text():
    passage = Passage(Place("prompt"), "hunter2", True)
    assert repr(passage) == "Passage(prompt, 7 characters, maskable=True)"
    assert "hunter2" not in f"{passage} {[passage]}"
