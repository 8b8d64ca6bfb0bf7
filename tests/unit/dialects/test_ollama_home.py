"""Names that an Ollama would pass on, in every spelling that it takes for one, and names that it runs itself."""

from __future__ import annotations

import pytest

from tidegate.core.errors import NotSupported
from tidegate.dialects.ollama_home import is_cloud, listed_name, loaded_in, local_name, plain_name

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


@pytest.mark.parametrize(
    ("asked", "listed"),
    [
        ("qwen3:8b", "qwen3:8b"),
        ("qwen3", "qwen3:latest"),
        ("Qwen3", "qwen3:latest"),
        ("qwen3:8b:local", "qwen3:8b"),
        ("qwen3:local", "qwen3:latest"),
        ("hf.co:443/a/b", "hf.co:443/a/b:latest"),
        ("hf.co/a/b:Q4_K_M", "hf.co/a/b:q4_k_m"),
    ],
)
def test_a_model_is_known_by_the_name_that_is_listed(asked, listed):
    assert listed_name(asked) == listed


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
    assert not models or listed_name("hf.co/a/b:Q4_K_M") in loaded
