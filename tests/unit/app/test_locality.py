"""Where a configured backend may count as standing, and the option that a refusal or a note names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tidegate.app import App
from tidegate.app.enforce import endpoint_of
from tidegate.app.locality import attestation_of, boundary_of, is_unvouched, needs_word, note_of
from tidegate.config import BackendOptions, parse_config
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.decision import BackendView
from tidegate.core.errors import Misconfigured

URL = "http://127.0.0.1:9"
PROVING = ("llamacpp", "ollama", "vllm", "sglang")
MUTE = ("generic", "lmstudio", "transformers_serve")


def options(kind: str, **more: Any) -> BackendOptions:
    return BackendOptions(kind=kind, base_url=URL, **more)  # type: ignore[arg-type]


def view(folder: Path, **written: Any) -> BackendView:
    whole = {
        "embedded": {"enabled": False},
        "probe": {"enabled": False},
        "profiles": {"measure": False},
        "backends": {"box": written},
    }
    return App(parse_config(whole), {"DEEPSEEK_API_KEY": "k"}, folder, None).registry.backends[0].view


def test_who_needs_the_operators_word() -> None:
    kinds = (*PROVING, *MUTE, "deepseek", "fake")
    assert [kind for kind in kinds if needs_word(kind)] == [*MUTE, "deepseek"]


@pytest.mark.parametrize("kind", PROVING)
def test_who_can_show_it_stands_on_the_device_and_is_asked(kind: str) -> None:
    one = options(kind)
    place = endpoint_of("box", one, {})
    assert (place.boundary, place.accepts) == (Boundary.DEVICE, DataClass.PRIVATE)
    assert attestation_of(place, one) is not None
    assert (is_unvouched(place, one), note_of(place, one)) == (False, "")


@pytest.mark.parametrize("kind", PROVING)
def test_outside_nothing_is_asked(kind: str) -> None:
    one = options(kind, boundary="external")
    assert attestation_of(endpoint_of("box", one, {}), one) is None


@pytest.mark.parametrize("kind", MUTE)
def test_without_a_word_it_counts_as_external_and_says_what_is_missing(tmp_path: Path, kind: str) -> None:
    found = view(tmp_path, kind=kind, base_url=URL)
    assert (found.boundary, found.accepts, found.unattested) == (Boundary.EXTERNAL, DataClass.PUBLIC, True)
    assert "`stays_home = true` (LOC002)" in found.note
    assert ("LM Link off" in found.note) is (kind == "lmstudio")


@pytest.mark.parametrize("kind", MUTE)
def test_with_the_word_it_stands_where_it_says(tmp_path: Path, kind: str) -> None:
    found = view(tmp_path, kind=kind, base_url=URL, stays_home=True)
    assert (found.boundary, found.accepts, found.unattested) == (Boundary.DEVICE, DataClass.PRIVATE, False)
    private = options(kind, stays_home=True, boundary="private", networks=("127.0.0.0/8",))
    place = endpoint_of("box", private, {})
    assert place.boundary is Boundary.PRIVATE
    assert (attestation_of(place, private) is None) is (kind == "generic"), "a fingerprint that exists is asked for"
    assert ("LOC003" in note_of(place, private)) is (kind == "generic")


@pytest.mark.parametrize("kind", [*MUTE, "deepseek"])
@pytest.mark.parametrize("boundary", ["device", "private"])
def test_a_boundary_that_nobody_can_keep_refuses_to_start(kind: str, boundary: str) -> None:
    with pytest.raises(Misconfigured, match=r"\[backends\.box\] boundary = .*cannot be enforced.*stays_home = true"):
        boundary_of("[backends.box]", options(kind, boundary=boundary))


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ({"kind": "llamacpp", "base_url": URL}, "shows this itself"),
        ({"kind": "fake"}, "shows this itself"),
        ({"kind": "generic", "base_url": URL, "boundary": "external"}, "is external"),
        ({"kind": "deepseek"}, "is external"),
    ],
)
def test_a_word_that_says_nothing_is_refused(written: dict[str, Any], why: str) -> None:
    with pytest.raises(Misconfigured, match=rf"\[backends\.box\] stays_home: .*{why}.*remove it"):
        boundary_of("[backends.box]", BackendOptions(**written, stays_home=True))


def test_private_requests_for_an_unvouched_backend_name_the_option(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"\[backends\.box\] accepts: .*stays_home = true"):
        view(tmp_path, kind="generic", base_url=URL, accepts="private")
    whole = {"backends": {"box": {"kind": "lmstudio", "base_url": URL}}, "embedded": {"enabled": False}}
    alias = {"aliases": {"notes": {"targets": ["box"], "class": "private"}}}
    with pytest.raises(Misconfigured, match=r"\[aliases\.notes\] class .*look at stays_home of box"):
        App(parse_config({**whole, **alias}), {}, tmp_path, None)


def test_the_hosted_api_is_external_without_a_note(tmp_path: Path) -> None:
    found = view(tmp_path, kind="deepseek")
    assert (found.boundary, found.note, found.unattested) == (Boundary.EXTERNAL, "", False)


@pytest.mark.parametrize(("url", "watched"), [(URL, True), ("https://cloud.example", False)])
async def test_an_unvouched_server_on_this_machine_is_looked_at_and_a_stranger_is_not(
    tmp_path: Path, url: str, watched: bool
) -> None:
    whole = {"embedded": {"enabled": False}, "probe": {"enabled": False}, "profiles": {"measure": False}}
    app = App(parse_config({**whole, "backends": {"box": {"kind": "generic", "base_url": url}}}), {}, tmp_path, None)
    assert (getattr(app.registry.backends[0], "_watcher", None) is not None) is watched
