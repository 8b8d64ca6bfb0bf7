"""Every local dialect's stages: what is read before what is checked, and what is empty last."""

from __future__ import annotations

import pytest
from tests.support.samples import WEATHER, request

from tidegate.dialects import DIALECTS
from tidegate.dialects.answering import CHECKS, READS
from tidegate.dialects.emptiness import SaysSomething

ASKED = request(tools=[WEATHER], response_format={"type": "json_object"})


@pytest.mark.parametrize("dialect", [one for one in DIALECTS if one.name != "deepseek"], ids=lambda one: one.name)
def test_answers_are_read_then_checked_and_refused_last_if_they_are_empty(dialect):
    if dialect.name == "transformers_serve":  # it refuses response formats
        kinds = [type(stage) for stage in dialect.encode(request(tools=[WEATHER]), "m").stages]
    else:
        kinds = [type(stage) for stage in dialect.encode(ASKED, "m").stages]
    reads = [type(stage) for make in READS if (stage := make(ASKED)) is not None]
    checks = [kind for make in CHECKS if (kind := type(make(ASKED))) in kinds]
    assert kinds[-1] is SaysSomething
    assert [kind for kind in kinds if kind in {*reads, *checks}] == [*reads, *checks]
    assert len(checks) >= 2
