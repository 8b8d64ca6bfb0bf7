from __future__ import annotations

import pytest
from tests.support.samples import request

from tidegate.core.events import Text, UsageReport
from tidegate.core.usage import Usage
from tidegate.dialects.cache_fields import tell_unknown_cache


@pytest.mark.parametrize(("hit", "quirks"), [(None, ("REQ031",)), (0, ()), (64, ())])
def test_only_what_was_not_told_is_unknown(hit: int | None, quirks: tuple[str, ...]) -> None:
    stage = tell_unknown_cache(request())
    report = UsageReport(Usage(prompt=100, output=3, cache_hit=hit))
    assert tuple(stage.take(Text("Hi"))) == (Text("Hi"),)
    assert stage.quirks == ()
    assert tuple(stage.take(report)) == (report,)
    assert stage.quirks == quirks
