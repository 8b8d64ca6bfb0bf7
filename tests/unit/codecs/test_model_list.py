"""Entries of the model list: the documented members, and what the hosted API of each date says beyond them."""

from __future__ import annotations

from tidegate.catalog.contracts import PROFILES, contract_named
from tidegate.codecs.model_list import hosted_model_fields, model_fields

PREVIEW, _, V41 = (contract_named(profile) for profile in PROFILES)


def test_the_documented_members_in_their_order() -> None:
    assert list(model_fields("m", "me").items()) == [("id", "m"), ("object", "model"), ("owned_by", "me")]
    assert model_fields("m", "me", "a note")["note"] == "a note"


def test_what_the_hosted_api_says_of_its_models_since_september() -> None:
    pro = V41.models["deepseek-v4-pro"]
    assert hosted_model_fields(pro, V41) == {
        "name": "DeepSeek-V4-Pro-0813",
        "context_window": 1_048_576,
        "max_output_tokens": 393_216,
        "input_modalities": ["text"],
        "output_modalities": ["text"],
        "effort": {"supported_levels": ["low", "high", "max"], "default_level": "high"},
        "api_capabilities": ["anthropic_messages"],
    }
    assert hosted_model_fields(PREVIEW.models["deepseek-v4-pro"], PREVIEW) == {}
