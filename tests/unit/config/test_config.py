"""The one TOML file: defaults, typed options, and a fault that names its place and what to write instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest

from tidegate.config import Config, Kind, options_of, parse_config, read_config
from tidegate.core.errors import Misconfigured
from tidegate.dialects import DIALECTS

WHOLE = """
[server]
host = "0.0.0.0"
port = 4242
[privacy]
default_class = "internal"
[embedded]
enabled = false
threads = 3
[probe]
interval_s = 5
[ledger]
path = "ledger.sqlite3"
[replay]
memory_bytes = 0
[timeouts]
connect_s = 0.5
[backends.box]
kind = "llamacpp"
base_url = "http://127.0.0.1:8080"
models = ["qwen", "org/model"]
[backends.lab]
kind = "generic"
boundary = "private"
networks = ["192.0.2.0/24"]
accepts = "internal"
[aliases.work]
targets = ["box/qwen", "lab"]
class = "private"
[[clients]]
name = "app"
key_env = "APP_KEY"
class = "internal"
"""


def refused(**written: Any) -> str:
    with pytest.raises(Misconfigured) as caught:
        parse_config(written)
    return caught.value.message


def test_without_a_file_the_defaults_hold():
    config = read_config(None)
    assert config == parse_config({}) == Config()
    assert (config.server.host, config.server.port) == ("127.0.0.1", 4141)
    assert config.privacy.default_class == "public"
    assert config.embedded.enabled
    assert config.probe.enabled
    assert (config.backends, config.aliases, config.clients) == ({}, {}, ())


def test_a_whole_file_is_read(tmp_path):
    path = tmp_path / "tidegate.toml"
    path.write_text(WHOLE, encoding="utf-8")
    config = read_config(path)
    assert (config.server.host, config.server.port) == ("0.0.0.0", 4242)
    assert config.privacy.default_class == "internal"
    assert (config.embedded.enabled, config.embedded.threads, config.embedded.slots) == (False, 3, 2)
    assert config.probe.interval_s == 5.0
    assert config.ledger.path == "ledger.sqlite3"
    assert (config.replay.memory_bytes, Config().replay.memory_bytes) == (0, 32 * 1024 * 1024)
    assert (config.timeouts.connect_s, config.timeouts.idle_s) == (0.5, 300.0)
    assert list(config.backends) == ["box", "lab"]
    assert config.backends["box"].models == ("qwen", "org/model")
    assert (config.backends["lab"].boundary, config.backends["lab"].accepts) == ("private", "internal")
    assert config.aliases["work"].targets == ("box/qwen", "lab")


def test_a_class_is_written_class_and_held_as_data_class():
    config = parse_config(
        {
            "aliases": {"work": {"targets": ["box"], "class": "private"}},
            "clients": [{"name": "app", "key_env": "K", "class": "internal"}],
        }
    )
    assert config.aliases["work"].data_class == "private"
    assert config.clients[0].data_class == "internal"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"servr": {}}, "config option servr does not exist; did you mean server?"),
        ({"server": {"prot": 1}}, "config option server.prot does not exist; did you mean port?"),
        (
            {"embedded": {"context": 1}},
            "config option embedded.context does not exist; did you mean context_tokens?",
        ),
        (
            {"backends": {"box": {"kind": "generic", "url": "x"}}},
            "config option backends.box.url does not exist; did you mean base_url?",
        ),
        (
            {"aliases": {"work": {"targets": ["a"], "klass": "private"}}},
            "config option aliases.work.klass does not exist; did you mean class?",
        ),
        (
            {"aliases": {"work": {"targets": ["a"], "data_class": "private"}}},
            "config option aliases.work.data_class does not exist; did you mean class?",
        ),
        (
            {"clients": [{"name": "a", "key_env": "K"}, {"name": "b", "key_evn": "K"}]},
            "config option clients.key_evn does not exist; did you mean key_env?",
        ),
        ({"replay": {"xyz": 1}}, "config option replay.xyz does not exist; known are: memory_bytes"),
    ],
)
def test_an_unknown_option_is_refused_with_the_nearest_known_one(written, said):
    assert refused(**written) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            {"privacy": {"default_class": "secret"}},
            "config option privacy.default_class: 'secret' is not one of public, internal, private",
        ),
        (
            {"backends": {"box": {"kind": "vlm"}}},
            "config option backends.box.kind: 'vlm' is not one of deepseek, llamacpp, ollama, vllm, sglang, "
            "lmstudio, transformers_serve, generic, fake",
        ),
        (
            {"backends": {"box": {"kind": "generic", "boundary": "local"}}},
            "config option backends.box.boundary: 'local' is not one of device, private, external",
        ),
        (
            {"backends": {"box": {"kind": "generic", "accepts": "all"}}},
            "config option backends.box.accepts: 'all' is not one of public, internal, private",
        ),
        (
            {"aliases": {"work": {"targets": ["a"], "class": "Private"}}},
            "config option aliases.work.class: 'Private' is not one of public, internal, private",
        ),
        (
            {"clients": [{"name": "a", "key_env": "K", "class": "secret"}]},
            "config option clients.class: 'secret' is not one of public, internal, private",
        ),
    ],
)
def test_a_word_outside_a_closed_set_is_refused_with_the_set(written, said):
    assert refused(**written) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"server": 3}, "config option server: expected `object`, got `int`"),
        ({"server": {"port": "4141"}}, "config option server.port: expected `int`, got `str`"),
        ({"server": {"port": 65536}}, "config option server.port: expected `int` <= 65535"),
        ({"server": {"port": -1}}, "config option server.port: expected `int` >= 0"),
        ({"server": {"body_limit_bytes": 0}}, "config option server.body_limit_bytes: expected `int` >= 1"),
        ({"embedded": {"enabled": "yes"}}, "config option embedded.enabled: expected `bool`, got `str`"),
        ({"embedded": {"threads": 0}}, "config option embedded.threads: expected `int` >= 1"),
        ({"probe": {"interval_s": 0}}, "config option probe.interval_s: expected `float` > 0.0"),
        ({"backends": []}, "config option backends: expected `object`, got `array`"),
        ({"clients": {"name": "a"}}, "config option clients: expected `array`, got `object`"),
        ({"clients": [{"name": "a"}]}, "config option clients[0]: object missing required field `key_env`"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_by_its_place(written, said):
    assert refused(**written) == said


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ({"backends": {"good": {"kind": "fake"}, "box": {"kind": "generic", "base_url": 3}}}, "backends.box.base_url"),
        ({"backends": {"good": {"kind": "fake"}, "box": {}}}, "backends.box"),
        ({"backends": {"box": 3}}, "backends.box"),
        ({"aliases": {"work": {"targets": []}}}, "aliases.work.targets"),
        ({"aliases": {"work": {"targets": ["a", 1]}}}, "aliases.work.targets[1]"),
    ],
)
def test_a_fault_inside_a_named_table_says_which(written, place):
    assert refused(**written).startswith(f"config option {place}: ")


def test_an_alias_needs_a_target():
    assert "expected `array` of length >= 1" in refused(aliases={"work": {"targets": []}})


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(Misconfigured, match=r"none\.toml does not exist; check --config"):
        read_config(tmp_path / "none.toml")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(Misconfigured, match="cannot be read: IsADirectoryError"):
        read_config(tmp_path)


@pytest.mark.parametrize("text", ["[server", "port = ", "[server]\nport = 1\nport = 2\n", "= 1"])
def test_broken_toml_is_refused_and_says_where(tmp_path: Path, text):
    path = tmp_path / "tidegate.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Misconfigured, match=r"is not valid TOML: .*\(at (line|end)"):
        read_config(path)


def test_a_file_in_another_encoding_is_refused(tmp_path):
    path = tmp_path / "tidegate.toml"
    path.write_bytes('[server]\nhost = "für"\n'.encode("latin-1"))
    with pytest.raises(Misconfigured, match="cannot be read: UnicodeDecodeError"):
        read_config(path)


def test_every_option_has_a_line_of_help():
    def helped(kind: type) -> None:
        for hint in options_of(kind).values():
            (description,) = (meta.description for meta in hint.__metadata__ if meta.description)
            assert description.endswith(".")
            inner = hint.__origin__
            for part in (inner, *getattr(inner, "__args__", ())):
                if hasattr(part, "__struct_fields__"):
                    helped(part)

    helped(Config)


def test_every_dialect_can_be_named_but_the_demos_whose_server_is_ours():
    assert {*get_args(Kind), "embedded"} == {*(dialect.name for dialect in DIALECTS), "fake"}
