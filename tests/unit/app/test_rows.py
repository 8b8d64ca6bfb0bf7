"""Rows as written to rows that can be enforced: groups become tags, and what cannot be kept refuses to start by name."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.app.rows import rows_of
from tidegate.config import parse_config
from tidegate.core.boundary import DataClass
from tidegate.core.errors import Misconfigured
from tidegate.routing.policy import Row

KEY = {"name": "app", "key_env": "KEY"}


def rows(*written: dict[str, Any], takes: DataClass = DataClass.PRIVATE, **more: Any) -> tuple[Row, ...]:
    def check_kept(place: str, data_class: DataClass) -> None:
        if data_class.rank > takes.rank:
            raise Misconfigured(f"{place} = {data_class.value!r} cannot be enforced")

    return rows_of(parse_config({"policy": list(written), "clients": [KEY], **more}), check_kept)[0]


def row(**written: Any) -> Row:
    more = written.pop("more", {})
    return rows({"name": "r", "action": "local", **written}, **more)[0]


def test_a_group_means_all_its_rules_and_a_rule_itself() -> None:
    personal = row(found=["personal"]).found or frozenset()
    assert {"SEN001", "SEN004"} <= personal
    assert "SEN050" not in personal
    assert row(found=["SEN001"]).found == {"SEN001"}
    assert row(found=["secret", "SEN001"]).found == (row(found=["secret"]).found or frozenset()) | {"SEN001"}


def test_any_means_everything_but_that_detection_failed() -> None:
    more = {"privacy": {"terms": [{"name": "falcon", "terms": ["Falcon"]}]}}
    found = row(found=["any"], more=more).found or frozenset()
    assert {"SEN001", "SEN050", "SEN095", "term:falcon"} <= found
    assert not {"SEN096", "SEN097"} & found
    with pytest.raises(Misconfigured, match=r"SEN096.*is neither a rule"):
        row(found=["SEN096"])


def test_a_row_that_allows_or_masks_without_saying_what_means_everything() -> None:
    everything = row(found=["any"]).found
    assert row(action="mask").found == row(action="allow").found == everything
    assert row().found is None


def test_what_can_be_masked_is_what_has_a_value_of_its_own() -> None:
    config = parse_config({"privacy": {"terms": [{"name": "falcon", "terms": ["Falcon"]}]}})
    maskable = rows_of(config, lambda *_: None)[1]
    assert {"SEN001", "SEN050", "term:falcon", "SEN085"} <= maskable
    assert not {"SEN095", "SEN096", "SEN097"} & maskable


def test_conditions_are_read() -> None:
    made = row(clients=["app"], models=["deepseek-*", "a.b"], hours="08:30-18:00", days=["mon", "sun"], min_bytes=5)
    assert (made.clients, made.days, made.from_minute, made.to_minute) == ({"app"}, {0, 6}, 510, 1080)
    assert made.models is not None
    assert [bool(made.models.fullmatch(name)) for name in ("deepseek-flash", "a.b", "axb", "my-deepseek-x")] == [
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"clients": ["nobody"]}, r"\[\[policy\]\] r clients: there is no \[\[clients\]\] nobody"),
        ({"action": None}, r"\[\[policy\]\] r says nothing"),
        ({"min_bytes": 2, "max_bytes": 1}, r"\[\[policy\]\] r min_bytes is larger"),
        ({"found": ["SEN999"]}, r"\[\[policy\]\] r found: 'SEN999' is neither a rule"),
        ({"found": ["sensitive_data_routing"]}, r"\[\[policy\]\] r found: 'sensitive_data_routing' is neither"),
        ({"found": ["term:falcon"]}, r"\[\[policy\]\] r found: 'term:falcon' is neither"),
        ({"found": ["name"]}, r"\[\[policy\]\] r found = 'name' cannot be enforced: \[privacy\] names is empty"),
        ({"found": ["SEN085"]}, r"\[privacy\] names is empty"),
        ({"found": ["example"]}, r"\[privacy\] examples is empty"),
        ({"found": ["term"]}, r"\[privacy\] terms is empty"),
        ({"found": ["unscannable"], "action": "mask"}, r"\[\[policy\]\] r action = 'mask' cannot be enforced"),
        ({"found": ["any"], "more": {"privacy": {"detect": False}}}, r"\[\[policy\]\] r found .*detect is off"),
    ],
)
def test_what_cannot_be_enforced_names_its_row(written: dict[str, Any], said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        row(**written)


def test_a_class_that_no_backend_may_take_names_its_row() -> None:
    for written, said in (
        ({"name": "a", "action": "local"}, r"\[\[policy\]\] a action = 'local', so class = 'private' cannot"),
        ({"name": "a", "class": "internal"}, r"\[\[policy\]\] a class = 'internal' cannot"),
    ):
        with pytest.raises(Misconfigured, match=said):
            rows(written, takes=DataClass.PUBLIC)


def test_two_rows_cannot_share_a_name() -> None:
    with pytest.raises(Misconfigured, match=r"\[\[policy\]\] a: another row has this name"):
        rows({"name": "a", "action": "local"}, {"name": "a", "action": "block"})
