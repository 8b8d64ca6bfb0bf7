"""What is written to Ollama's `/api/generate`. Declared: nothing of it was run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.support.samples import request

from tidegate.core.events import Start
from tidegate.core.profile import Traits
from tidegate.dialects.ollama import OLLAMA
from tidegate.dialects.ollama_raw import write
from tidegate.dialects.raw import Ask, Constraint

ASK = Ask(model="m", prompt="Hi", most=7)
OPTIONS: dict[str, Any] = {
    **{"top_k": 0, "min_p": 0, "repeat_penalty": 1, "frequency_penalty": 0, "presence_penalty": 0},
    **{"num_predict": 7, "temperature": 1, "top_p": 1},
}
PLAIN: dict[str, Any] = {
    **{"model": "m", "prompt": "Hi", "raw": True, "think": False, "stream": True},
    **{"truncate": False, "shift": False, "options": OPTIONS},
}


def test_a_plain_ask_is_raw_and_neither_cut_nor_parsed():
    assert write(ASK) == PLAIN


def test_a_suffix_goes_through_the_models_template():
    assert write(replace(ASK, suffix="b")) == {**PLAIN, "raw": False, "suffix": "b"}


def test_everything_that_can_be_asked():
    asked = write(replace(ASK, seed=2**31 + 3, stop=("x", "y"), logprobs=2))
    options = {**OPTIONS, "seed": 3, "stop": ["x", "y"]}
    assert asked == {**PLAIN, "options": options, "logprobs": True, "top_logprobs": 2}


def test_constraints():
    assert write(replace(ASK, constraint=Constraint("json", "")))["format"] == "json"
    assert write(replace(ASK, constraint=Constraint("json", '{"type":"array"}')))["format"] == {"type": "array"}


def test_at_home_the_raw_path_names_the_model_so_that_it_cannot_be_passed_on():
    fitted = OLLAMA.fitted(Traits(encoding="v4"))
    encoded = fitted.encode(request(stream=True), "v4-flash", at_home=True)
    assert b'"model":"v4-flash:local"' in encoded.body
    assert encoded.quirks[:2] == ("OLL001", "RAW001")
    reader = fitted.reader(encoded, got_stream=True)
    (frame,) = reader.feed(b'{"model":"v4-flash:local","response":"I think","done":false}\n')
    assert frame.events[0] == Start("v4-flash")
