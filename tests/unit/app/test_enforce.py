"""What cannot be enforced refuses to start, naming the option; its accepted counterpart does not."""

from __future__ import annotations

import sys
from ipaddress import ip_network
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from tidegate.app.enforce import (
    check_binding,
    clients_of,
    dialect_of,
    endpoint_of,
    is_loopback,
    policy_of,
    with_hosted_default,
)
from tidegate.backends.base import Endpoint
from tidegate.config import BackendOptions, Config, parse_config
from tidegate.config.tables import OrderName
from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.decision import Order
from tidegate.core.errors import Misconfigured
from tidegate.core.terms import Terms
from tidegate.routing.policy import Alias, Policy
from tidegate.surfaces.auth import Client

ALONE = {"embedded": {"enabled": False}, "probe": {"enabled": False}, "profiles": {"measure": False}}
HOME = {"kind": "llamacpp", "base_url": "http://127.0.0.1:8000"}
CLOUD = {"kind": "generic", "base_url": "https://cloud.example", "boundary": "external"}
KEYS = {
    "A": "key-a",
    "B": "key-b",
    "SAME": "key-a",
    "EMPTY": "",
    "ODD": "key\r\nX: 1",
    "WIDE": "schlüssel",
    "BLANK": "a b",
}


def endpoint(name: str = "b", environment: dict[str, str] | None = None, **options: Any) -> Endpoint:
    kind = options.pop("kind", "llamacpp")
    base_url = options.pop("base_url", "http://127.0.0.1:8000")
    return endpoint_of(name, BackendOptions(kind=kind, base_url=base_url, **options), environment or {})


def policy(**written: Any) -> Policy:
    config = parse_config({**ALONE, **written})
    return policy_of(config, {name: endpoint_of(name, one, {}) for name, one in config.backends.items()})


def refused(*parts: str) -> Any:
    """A refusal whose message holds all of these, in this order."""
    return pytest.raises(Misconfigured, match="(?s)" + ".*".join(parts))


# Backends.


@pytest.mark.parametrize("name", ["auto", "local", "embedded", "a/b", "/", "", "a b", "a,b", "a:b", "ä", ".a", "a\nb"])
def test_a_backend_may_not_bear_this_name(name: str) -> None:
    with refused(r"\[backends\.", "choose another"):
        endpoint(name)


@pytest.mark.parametrize("name", ["home", "Den-2", "a.b_c", "4090", "autos"])
def test_a_backend_may_bear_this_name(name: str) -> None:
    assert endpoint(name).name == name


@pytest.mark.parametrize("kind", ["generic", "llamacpp"])
def test_a_backend_needs_its_url(kind: str) -> None:
    with refused(r"\[backends\.b\] base_url is missing"):
        endpoint(kind=kind, base_url=None)


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8000",
        "ftp://127.0.0.1",
        "http://",
        "http:///v1",
        "file:///etc/passwd",
        "http://user@127.0.0.1",
        "http://user:pass@127.0.0.1",
        "http://:pass@127.0.0.1",
        "http://@127.0.0.1",
        "http://127.0.0.1?key=1",
        "http://127.0.0.1#x",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:port",
        "http://[::1",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/ä",
        "",
    ],
)
def test_a_url_of_another_form_is_refused_without_repeating_it(url: str) -> None:
    with refused(r"\[backends\.b\] base_url") as refusal:
        endpoint(base_url=url)
    assert "pass" not in refusal.value.message


@pytest.mark.parametrize(
    ("url", "scheme", "host", "port", "path"),
    [
        ("http://127.0.0.1:8000", "http", "127.0.0.1", 8000, ""),
        ("http://127.0.0.1", "http", "127.0.0.1", 80, ""),
        ("http://127.0.0.1:8000/", "http", "127.0.0.1", 8000, ""),
        ("http://127.0.0.1:8000/v1", "http", "127.0.0.1", 8000, ""),
        ("http://127.0.0.1:8000/v1/", "http", "127.0.0.1", 8000, ""),
        ("http://127.0.0.1:8000/under/v1", "http", "127.0.0.1", 8000, "/under/v1"),
        ("http://[::1]:8000", "http", "::1", 8000, ""),
        ("HTTP://LocalHost:1", "http", "localhost", 1, ""),
    ],
)
def test_a_url_is_taken_apart(url: str, scheme: str, host: str, port: int, path: str) -> None:
    found = endpoint(base_url=url)
    assert (found.scheme, found.host, found.port, found.base_path) == (scheme, host, port, path)


def test_https_stands_on_its_own_port() -> None:
    assert endpoint(base_url="https://cloud.example", boundary="external").port == 443


@pytest.mark.parametrize(
    "host", ["8.8.8.8", "10.0.0.1", "0.0.0.0", "169.254.169.254", "[2001:db8::1]", "[::ffff:8.8.8.8]"]
)
def test_a_device_does_not_stand_at_a_foreign_address(host: str) -> None:
    with refused(r"\[backends\.b\] boundary: .* lies outside the boundary device"):
        endpoint(base_url=f"http://{host}:8000")


def test_a_name_is_judged_when_it_is_resolved() -> None:
    assert endpoint(base_url="http://home.example:8000").boundary is Boundary.DEVICE


@pytest.mark.parametrize("kind", ["vllm", "sglang", "llamacpp", "ollama", "lmstudio"])
def test_an_encoding_opens_the_raw_path(kind: Any) -> None:
    home = BackendOptions(kind=kind, base_url="http://127.0.0.1:8000")
    assert dialect_of("b", home).raw is None
    assert dialect_of("b", replace(home, encoding="v4")).raw is not None


@pytest.mark.parametrize("kind", ["deepseek", "generic", "transformers_serve"])
def test_an_encoding_where_nothing_is_raw_is_refused(kind: Any) -> None:
    with refused(r"\[backends\.b\] encoding", kind):
        dialect_of("b", BackendOptions(kind=kind, base_url="http://127.0.0.1:8000", encoding="v4"))


def test_an_encoding_needs_the_package_that_knows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "deepseek_recipe", None)
    with refused(r"\[backends\.b\] encoding", r"pip install 'tidegate\[raw\]'"):
        dialect_of("b", BackendOptions(kind="vllm", base_url="http://127.0.0.1:8000", encoding="v4"))


def test_a_private_backend_needs_networks() -> None:
    with refused(r"\[backends\.b\] networks: a private backend needs the networks"):
        endpoint(boundary="private", base_url="http://10.0.0.5")


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0"])
def test_a_network_that_holds_every_address_is_none(network: str) -> None:
    with refused(r"\[backends\.b\] networks: a network that holds every address"):
        endpoint(boundary="private", base_url="http://10.0.0.5", networks=("10.0.0.0/8", network))


@pytest.mark.parametrize("network", ["10.0.0.0/99", "ten", "10.0.0.1/8", ""])
def test_what_is_no_network_is_refused(network: str) -> None:
    with refused(r"\[backends\.b\] networks: each must be a network such as 10\.0\.0\.0/8"):
        endpoint(boundary="private", base_url="http://10.0.0.5", networks=(network,))


def test_a_private_address_lies_in_its_networks() -> None:
    inside = endpoint(boundary="private", base_url="http://10.0.0.5", networks=("10.0.0.0/8", "fd00::/8"))
    assert inside.networks == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    assert inside.accepts is DataClass.PRIVATE
    with refused(r"\[backends\.b\] boundary: 11\.0\.0\.5 lies outside the boundary private"):
        endpoint(boundary="private", base_url="http://11.0.0.5", networks=("10.0.0.0/8",))


def test_an_external_backend_never_takes_private() -> None:
    with refused(r"\[backends\.b\] accepts: an external backend can never take private"):
        endpoint(boundary="external", accepts="private")
    assert endpoint(boundary="external", accepts="internal").accepts is DataClass.INTERNAL
    assert endpoint(boundary="external").accepts is DataClass.PUBLIC


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("MISSING", "MISSING is not set"),
        ("EMPTY", "EMPTY is not set"),
        ("ODD", "ODD holds characters"),
        ("WIDE", "WIDE holds characters"),
        ("BLANK", "BLANK holds characters"),
    ],
)
def test_a_key_that_cannot_be_sent_is_refused_and_not_shown(name: str, message: str) -> None:
    with refused(r"\[backends\.b\] key_env: the environment variable", message) as backend:
        endpoint(environment=KEYS, key_env=name)
    with refused(r"\[\[clients\]\] c key_env: the environment variable", message) as client:
        clients_of(parse_config({"clients": [{"name": "c", "key_env": name}]}), KEYS)
    if value := KEYS.get(name):
        assert value not in backend.value.message + client.value.message


def test_a_key_is_read_from_its_variable() -> None:
    assert endpoint(environment=KEYS, key_env="A").key == "key-a"
    assert endpoint(environment=KEYS).key is None


def test_the_hosted_api_has_its_url_its_key_and_stands_outside() -> None:
    hosted = endpoint(kind="deepseek", base_url=None, environment={"DEEPSEEK_API_KEY": "sk-1"})
    assert (hosted.scheme, hosted.host, hosted.port) == ("https", "api.deepseek.com", 443)
    assert (hosted.boundary, hosted.accepts, hosted.key) == (Boundary.EXTERNAL, DataClass.PUBLIC, "sk-1")
    with refused("DEEPSEEK_API_KEY is not set"):
        endpoint(kind="deepseek", base_url=None)


def test_the_hosted_default_appears_only_with_its_key_and_without_another() -> None:
    key, own = {"DEEPSEEK_API_KEY": "sk-1"}, parse_config({"backends": {"mine": {"kind": "deepseek"}}})
    assert list(with_hosted_default(Config(), key)) == ["deepseek"]
    assert list(with_hosted_default(Config(), {})) == []
    assert list(with_hosted_default(Config(), {"DEEPSEEK_API_KEY": ""})) == []
    assert list(with_hosted_default(own, key)) == ["mine"]
    assert list(with_hosted_default(parse_config({"backends": {"home": HOME}}), key)) == ["home", "deepseek"]


def test_the_hosted_default_takes_no_name_that_is_taken() -> None:
    taken = parse_config({"backends": {"deepseek": HOME}})
    found = with_hosted_default(taken, {"DEEPSEEK_API_KEY": "sk-1"})
    assert found["deepseek"] == taken.backends["deepseek"], "what was configured must not be replaced in silence"


# Clients and binding.


def test_clients_are_known_by_their_keys() -> None:
    written = [{"name": "a", "key_env": "A"}, {"name": "b", "key_env": "B", "class": "private"}]
    assert clients_of(parse_config({"clients": written}), KEYS) == {
        "key-a": Client("a", None, Terms("a")),
        "key-b": Client("b", DataClass.PRIVATE, Terms("b", data_class=DataClass.PRIVATE)),
    }


def test_two_clients_cannot_share_a_key() -> None:
    written = [{"name": "a", "key_env": "A"}, {"name": "b", "key_env": "SAME"}]
    with refused(r"\[\[clients\]\] b: another client has the same key"):
        clients_of(parse_config({"clients": written}), KEYS)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "gateway.example", "localhost.example", ""])
def test_listening_beyond_this_machine_needs_keys(host: str) -> None:
    with refused(r"\[server\] host = ", r"\[\[clients\]\]"):
        check_binding(host, {})
    check_binding(host, {"k": Client("c")})
    check_binding(host, {}, stored=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_listening_on_this_machine_needs_none(host: str) -> None:
    assert is_loopback(host)
    check_binding(host, {})


# The policy.


def test_no_backend_at_all_is_refused() -> None:
    with refused("no backend at all", r"\[backends\.NAME\]"):
        policy()


@pytest.mark.parametrize("part", ["embedded", "probe"])
def test_the_embedded_engine_or_the_probe_is_enough(part: str) -> None:
    made = policy(**{part: {"enabled": True}})
    assert (made.default_class, made.aliases) == (DataClass.PUBLIC, {})


@pytest.mark.parametrize(("wanted", "rewrites"), [("reject", False), ("rewrite", True)])
def test_what_becomes_of_retired_names_is_the_policys(wanted: str, rewrites: bool) -> None:
    made = policy(contract={"legacy_names": wanted}, probe={"enabled": True})
    assert made.rewrites_legacy is rewrites
    assert "deepseek-chat" in made.contract.legacy_names
    older = policy(contract={"profile": "2026-08-ga"}, probe={"enabled": True})
    assert older.contract.profile == "2026-08-ga"


@pytest.mark.parametrize("data_class", ["internal", "private"])
def test_a_class_that_no_backend_takes_is_refused_wherever_it_is_asked_for(data_class: str) -> None:
    cloud = {"cloud": CLOUD}
    alias = {"notes": {"targets": ["cloud"], "class": data_class}}
    client = {"name": "clinic", "key_env": "A", "class": data_class}
    why = f"= '{data_class}' cannot be enforced: no backend may take it"
    with refused(r"\[privacy\] default_class", why, "there are: cloud"):
        policy(backends=cloud, privacy={"default_class": data_class})
    with refused(r"\[aliases\.notes\] class", why):
        policy(backends=cloud, aliases=alias)
    with refused(r"\[\[clients\]\] clinic class", why):
        policy(backends=cloud, clients=[client])
    home = {**cloud, "home": HOME}
    kept = policy(backends=home, privacy={"default_class": data_class}, clients=[client])
    assert kept.default_class is DataClass(data_class)


def test_a_private_alias_needs_a_private_place_among_its_own_targets() -> None:
    both = {"cloud": CLOUD, "home": HOME}
    with refused(r"\[aliases\.notes\] class = 'private' cannot be enforced", r"there are: cloud\)"):
        policy(backends=both, aliases={"notes": {"targets": ["cloud/m"], "class": "private"}})
    kept = policy(backends=both, aliases={"notes": {"targets": ["cloud/m", "home/org/m"], "class": "private"}})
    assert kept.aliases == {"notes": Alias("notes", ("cloud/m", "home/org/m"), DataClass.PRIVATE)}


@pytest.mark.parametrize("target", ["elsewhere", "elsewhere/m", "Home", ""])
def test_an_alias_leads_to_a_backend_that_exists(target: str) -> None:
    with refused(r"\[aliases\.notes\] targets: there is no backend"):
        policy(backends={"home": HOME}, aliases={"notes": {"targets": ["home", target]}})


@pytest.mark.parametrize("name", ["auto", "local"])
def test_an_alias_may_not_bear_a_reserved_name(name: str) -> None:
    with refused(rf"\[aliases\.{name}\]: this name is reserved"):
        policy(backends={"home": HOME}, aliases={name: {"targets": ["home"]}})


@pytest.mark.parametrize(
    ("runtime", "trusted"), [("vllm", True), ("llamacpp", True), ("ollama", True), ("lmstudio", False)]
)
def test_a_runtime_that_may_be_found_takes_private_only_if_it_can_be_proven_to_keep_it(
    runtime: str, trusted: bool
) -> None:
    written = {"probe": {"enabled": True}, "aliases": {"notes": {"targets": [runtime], "class": "private"}}}
    if trusted:
        assert policy(**written).aliases["notes"].targets == (runtime,)
    else:
        with refused(r"\[aliases\.notes\] class = 'private' cannot be enforced"):
            policy(**written)


def test_a_configured_backend_stands_for_the_runtime_of_its_name() -> None:
    written: dict[str, Any] = {
        "probe": {"enabled": True},
        "aliases": {"notes": {"targets": ["ollama"], "class": "private"}},
    }
    assert policy(**written, backends={"ollama": HOME}).aliases["notes"].data_class is DataClass.PRIVATE
    with refused(r"\[aliases\.notes\] class"):
        policy(**written, backends={"ollama": CLOUD})


def test_orders_are_taken_over_and_an_alias_keeps_its_own() -> None:
    aliases = {
        "plain": {"targets": ["home"]},
        "quick": {"targets": ["home"], "order": "balanced"},
        "all": {"targets": ["home"], "answers": "each"},
    }
    made = policy(backends={"home": HOME}, routing={"order": "local-first"}, aliases=aliases)
    assert (made.order, made.balances) == ("local-first", True)
    assert [(one.order, one.each) for one in made.aliases.values()] == [
        ("configured", False),
        ("balanced", False),
        ("configured", True),
    ]


def test_the_orders_of_the_configuration_are_those_of_routing() -> None:
    assert get_args(OrderName) == get_args(Order)
