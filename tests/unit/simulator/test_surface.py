"""What all chunks of an answer share."""

from __future__ import annotations

from tidegate.simulator.chat import ChatSurface
from tidegate.simulator.completions import FimSurface
from tidegate.simulator.messages import MessagesSurface
from tidegate.simulator.surface import FINGERPRINT, Identity, Surface


def test_an_identity_has_the_simulators_own_fingerprint():
    assert Identity("id", "deepseek-flash", 1).fingerprint == FINGERPRINT


def test_the_surfaces_fit_the_role():
    surfaces: list[Surface] = [ChatSurface(), FimSurface(beta=True), MessagesSurface()]
    assert [surface.name for surface in surfaces] == ["openai_chat", "openai_completions", "anthropic_messages"]
