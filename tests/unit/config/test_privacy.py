"""The rows of the policy and the options of detection: defaults, and faults that name the row."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.config import parse_config
from tidegate.core.errors import Misconfigured


def test_detection_is_on_and_capture_is_off_unless_told_otherwise() -> None:
    config = parse_config({})
    assert config.policy == ()
    assert config.privacy.detect
    assert (config.privacy.names, config.privacy.terms, config.privacy.examples) == ((), (), ())
    assert config.capture.key_env is None


def test_a_row_is_read_whole() -> None:
    row = {
        "name": "cards",
        "clients": ["app"],
        "models": ["deepseek-*"],
        "found": ["SEN001", "secret"],
        "min_bytes": 1,
        "max_bytes": 9,
        "hours": "22:00-06:00",
        "days": ["sat", "sun"],
        "class": "internal",
        "action": "mask",
    }
    (read,) = parse_config({"policy": [row]}).policy
    assert (read.name, read.clients, read.models, read.found) == (
        "cards",
        ("app",),
        ("deepseek-*",),
        ("SEN001", "secret"),
    )
    assert (read.min_bytes, read.max_bytes, read.hours, read.days) == (1, 9, "22:00-06:00", ("sat", "sun"))
    assert (read.data_class, read.action) == ("internal", "mask")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"name": "a", "action": "guard"}, "'guard' is not one of allow, mask, local, block"),
        ({"name": "a", "fond": ["any"]}, "policy.fond does not exist; did you mean found"),
        ({"name": "a", "hours": "8-18"}, r"\[\[policy\]\] a hours: expected `str` matching"),
        ({"name": "a", "min_bytes": -1}, r"\[\[policy\]\] a min_bytes: expected `int` >= 0"),
        ({"action": "block"}, r"\[\[policy\]\] 1: object missing required field `name`"),
        ({"name": "A b"}, r"\[\[policy\]\] A b name: expected `str` matching"),
    ],
)
def test_a_wrong_row_is_named(row: dict[str, Any], said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        parse_config({"policy": [row]})


def test_the_old_table_is_told_where_its_options_are() -> None:
    with pytest.raises(Misconfigured, match=r"write rows.*\[privacy\].*\[contract\]"):
        parse_config({"policy": {"default_class": "internal"}})


def test_private_content_can_never_be_captured() -> None:
    with pytest.raises(Misconfigured, match="capture"):
        parse_config({"capture": {"classes": ["private"]}})
