"""What servers tell beside their model list: entries of any list are read leniently, what is no JSON is the server's fault."""

from __future__ import annotations

from contextlib import suppress

import pytest

from tidegate.core.errors import BrokenContract
from tidegate.dialects import DIALECTS
from tidegate.dialects.lmstudio import LMSTUDIO
from tidegate.dialects.tells import TellsLoaded, entries


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"data":[{"id":"a"},{"id":"b"}]}', [{"id": "a"}, {"id": "b"}]),
        (b'{"data":[1,null,"x",[],{"id":"a"}]}', [{"id": "a"}]),
        (b'{"data":{"id":"a"}}', []),
        (b'{"models":[{"id":"a"}]}', []),
    ],
)
def test_only_objects_are_entries(body, found):
    assert list(entries(body, "data")) == found


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b"null", b"\xff"])
def test_what_is_no_json_object_is_a_broken_contract(body):
    with pytest.raises(BrokenContract):
        list(entries(body, "data"))


def test_a_model_is_listed_as_it_is_asked_for_unless_the_runtime_has_other_names():
    assert TellsLoaded("/x", lambda _body: frozenset()).listed_as("Some/Model:1") == "Some/Model:1"


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b"null", b"{}", b'{"data":7,"models":7,"total_slots":[]}'])
def test_no_server_can_say_what_breaks_the_look_at_it(body):
    for dialect in DIALECTS:
        for told in (dialect.tells_loaded, dialect.tells_slots):
            if told is not None:
                assert told.path.startswith("/")
                with suppress(BrokenContract):
                    told.read(body)


def test_lm_studio_lists_all_models_and_says_which_are_loaded():
    told = LMSTUDIO.tells_loaded
    assert told is not None
    models = (
        b'{"object":"list","data":[{"id":"a","state":"loaded"},{"id":"b","state":"not-loaded"},{"id":"c"},'
        b'{"state":"loaded"},{"id":"d","state":"loaded"}]}'
    )
    assert told.read(models) == {"a", "d"}


def test_only_runtimes_known_to_need_it_are_capped():
    assert {dialect.name: dialect.slots for dialect in DIALECTS if dialect.slots} == {
        "lmstudio": 4,
        "transformers_serve": 1,
    }
