"""Names that an Ollama would pass on, in every spelling that it takes for one, and names that it runs itself."""

from __future__ import annotations

import pytest

from tidegate.core.errors import NotSupported
from tidegate.dialects.ollama_home import is_cloud, loaded_in, local_name, plain_name, plain_spelling, remote_names

CLOUD = [
    "deepseek-v4-flash:cloud",
    "deepseek-v4-flash:0731-cloud",
    "deepseek-v3.1:671b-cloud",
    "me/mine:CLOUD",
    "mine:Cloud ",
    "mine: cloud\n",
    "mine:8b-cLOUD\u00a0",
    "gpt-oss-cloud",
]
OWN = ["qwen3:8b", "cloud", "cloudy:8b", "cloud:8b", "me/cloud-9:latest", "hf.co/a/b:Q4_K_M"]


@pytest.mark.parametrize("model", CLOUD)
def test_a_cloud_model_is_known_by_its_name_and_refused(model):
    assert is_cloud(model)
    with pytest.raises(NotSupported, match="OLL001"):
        local_name(model)


@pytest.mark.parametrize("model", OWN)
def test_any_other_is_asked_for_as_local(model):
    assert not is_cloud(model)
    assert local_name(model) == f"{model}:local"


@pytest.mark.parametrize("model", ["mine:local", "mine:LOCAL"])
def test_a_name_that_says_local_says_it_once(model):
    assert local_name(model) == model


@pytest.mark.parametrize("model", [*CLOUD, *OWN])
def test_whatever_is_sent_ends_in_local(model):
    try:
        name = local_name(model)
    except NotSupported:
        return
    assert name.lower().rpartition(":")[2] == "local"


@pytest.mark.parametrize(("said", "told"), [("m:local", "m"), ("m", "m"), (None, None), (7, 7)])
def test_the_ending_is_taken_off_the_answer(said, told):
    chunk = {"model": said}
    assert plain_name(chunk) is False
    assert chunk == {"model": told}


def test_models_that_are_passed_on_are_told_by_their_host_or_their_name_there():
    entries = [
        {"name": "own:8b", "remote_host": ""},
        {"name": "A:1", "model": "a:1", "remote_host": "https://x.test"},
        {"name": "b", "model": "c:2", "remote_model": "gpt-oss:120b"},
        {"remote_host": "https://x.test"},
    ]
    assert remote_names({"models": entries}) == {"a:1", "b:latest", "c:2"}
    assert remote_names({"models": []}) == frozenset()


@pytest.mark.parametrize("answer", [{}, {"models": None}, {"models": {}}, {"models": ["m"]}, {"data": []}])
def test_what_is_no_list_of_models_says_nothing(answer):
    assert remote_names(answer) is None


@pytest.mark.parametrize(
    ("processes", "models"),
    [
        (b'{"models":[{"name":"qwen3:8b","model":"qwen3:8b","size_vram":5},{"name":"hf.co/a/b:Q4_K_M"}]}', 2),
        (b'{"models":[]}', 0),
        (b'{"models":null}', 0),
        (b'{"models":[7,{},{"name":null}]}', 0),
        (b"{}", 0),
    ],
)
def test_the_models_in_memory_are_read_leniently(processes, models):
    loaded = loaded_in(processes)
    assert len(loaded) == models
    assert not models or plain_spelling("hf.co/a/b:Q4_K_M") in loaded
