"""Shadows that could never be are refused at the start."""

from __future__ import annotations

import pytest
from tests.unit.app.test_enforce import CLOUD, HOME, policy, refused


@pytest.mark.parametrize("target", ["gone", "gone/m", "notes", "auto", ""])
def test_a_shadow_goes_to_a_backend_that_exists(target: str) -> None:
    with refused(r"\[shadow\] to: there is no backend"):
        policy(backends={"home": HOME}, aliases={"notes": {"targets": ["home"]}}, shadow={"to": ["home", target]})


def test_a_shadow_that_could_never_be_is_refused() -> None:
    with refused(r"\[shadow\] to: a target stands there twice"):
        policy(backends={"home": HOME}, shadow={"to": ["home", "home"]})
    for name in ("internal", "private"):
        with refused(r"\[shadow\] to: only public requests .* default_class = "):
            policy(backends={"home": HOME}, shadow={"to": ["home"]}, privacy={"default_class": name})
    policy(backends={"home": HOME, "cloud": CLOUD}, shadow={"to": ["home/m", "cloud"]})
