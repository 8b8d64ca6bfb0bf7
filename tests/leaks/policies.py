"""The policies of one example, as the configuration says them and as the test itself understands them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Any

from tests.leaks.values import TERM, Planted

from tidegate.core.profile import FEATURES

RANKS = {"public": 0, "internal": 1, "private": 2}
CLASSES = tuple(RANKS)
TAGS = ("personal", "secret", "term", "unscannable")
MASKABLE = ("personal", "secret", "term")
CLIENTS = ("ann", "bob")
KEYS = {name: f"key-of-{name}" for name in CLIENTS}
ENVIRONMENT = {"ANN": KEYS["ann"], "BOB": KEYS["bob"], "DEEPSEEK_API_KEY": "hosted-key"}


@dataclass(frozen=True)
class Row:
    found: tuple[str, ...]
    action: str | None
    data_class: str | None
    client: str | None

    def written(self, number: int) -> dict[str, Any]:
        row: dict[str, Any] = {"name": f"row-{number}"}
        said = {"found": list(self.found), "action": self.action, "class": self.data_class}
        said["clients"] = [self.client] if self.client else None
        return row | {name: value for name, value in said.items() if value}


@dataclass(frozen=True)
class Policy:
    """`trap`: one backend's name leads outside its boundary. `detects`: detection is on. `too_slow`: its budget is so
    small that it never keeps it. `reloads`: the gateway is put together anew half-way. `continues`: answers that break off are
    gone on with. `fault`: what is broken inside it."""

    default: str
    client_classes: dict[str, str | None]
    alias_class: str | None
    flash_class: str | None
    alias_targets: tuple[str, ...]
    accepts: dict[str, str]
    cloud_first: bool
    slots: bool
    keep_alive_s: float
    trap: bool = False
    detects: bool = False
    too_slow: bool = False
    rows: tuple[Row, ...] = ()
    shadows: bool = False
    reloads: bool = False
    continues: bool = False
    fault: str = ""

    @property
    def fails_to_look(self) -> bool:
        return self.too_slow or self.fault == "detection"

    def aliased(self, model: str, surface: str) -> str | None:
        """The class that the name pins. A Messages client's other names mean deepseek-flash."""
        if model == "mine":
            return self.alias_class
        means_flash = model == "deepseek-flash" or (surface == "messages" and model == "claude-sonnet-9")
        return self.flash_class if means_flash else None


def highest(*said: str | None) -> str:
    return max((one for one in said if one), key=RANKS.__getitem__, default="public")


@dataclass(frozen=True)
class Verdict:
    """What the test itself says of one request: its class once it is masked, what is to be masked, whether it is refused
    altogether, and whether it is private as it is. A conversation stays private where masking would not help."""

    left_class: str
    masks: frozenset[str]
    blocked: bool
    private: bool

    def lets(self, one: Planted, accepts: str) -> bool:
        """Whether this value may reach a server outside that takes this class."""
        if self.blocked or RANKS[self.left_class] > RANKS[accepts]:
            return False
        return one.tag is None or one.tag not in self.masks


def judge(policy: Policy, said: str, client: str, found: frozenset[str]) -> Verdict:
    """`said` is the class of all but detection; `found` the tags of what was planted in the request."""
    if not policy.detects:
        found = frozenset()
    elif policy.fails_to_look:
        return Verdict("private", frozenset(), False, True)
    left, masks, spoken, blocked = said, set[str](), set[str](), False
    for row in policy.rows:
        hits = found & set(row.found)
        if (row.client and row.client != client) or (row.found and not hits):
            continue
        spoken |= hits
        left = highest(left, row.data_class, "private" if row.action == "local" else None)
        blocked = blocked or row.action == "block"
        if row.action == "mask":
            masks |= hits & set(MASKABLE)
            left = highest(left, "private" if hits - set(MASKABLE) else None)
    if found - spoken:
        left = "private"
    return Verdict(left, frozenset(masks), blocked, left == "private" or bool(masks))


def random_policy(random: Random) -> Policy:
    optional = (None, None, *CLASSES)
    trap = random.random() < 0.1
    names = ["cloud", "other", "home", "den", "gone", "home/m", "cloud/deepseek-flash", *(["trap"] if trap else ())]
    return Policy(
        trap=trap,
        default=random.choice(("public", "public", "public", "public", "internal", "private")),
        client_classes={"ann": random.choice((*optional, None, None)), "bob": None},
        alias_class=random.choice(optional),
        flash_class=random.choice((None, None, None, *CLASSES)),
        alias_targets=tuple(random.sample(names, random.randint(1, 4))),
        accepts={"cloud": random.choice(CLASSES[:2]), "other": random.choice(CLASSES[:2])},
        cloud_first=random.random() < 0.6,
        slots=random.random() < 0.2,
        keep_alive_s=random.choice((0, 0, 0.001)),
        detects=random.random() < 0.9,
        too_slow=random.random() < 0.05,
        shadows=random.random() < 0.3,
        reloads=random.random() < 0.1,
        continues=random.random() < 0.6,
    )


def with_rows(random: Random, policy: Policy) -> Policy:
    """The policy with rows, where detection is on: often one for everything that is found, so that something may leave."""
    if not policy.detects:
        return policy
    rows: list[Row] = []
    if random.random() < 0.6:
        rows += [Row((tag,), random.choice(("mask", "mask", "mask", "allow")), None, None) for tag in MASKABLE]
    if random.random() < 0.3:
        rows.append(Row(("unscannable",), random.choice(("allow", "local")), None, None))
    for _ in range(random.choice((0, 0, 1, 2))):
        action = random.choice(("allow", "mask", "mask", "local", "block", None))
        found = tuple(random.sample(MASKABLE if action == "mask" else TAGS, random.randint(1, 2)))
        data_class = random.choice((None, None, *CLASSES)) if action else random.choice(CLASSES)
        rows.append(Row(found, action, data_class, random.choice((None, None, None, "bob"))))
    random.shuffle(rows)
    return replace(policy, rows=tuple(rows))


def with_fault(policy: Policy, fault: str) -> Policy:
    """Where masking is what is broken, much is to be masked and may leave."""
    if fault.startswith("masking"):
        rows = tuple(Row((tag,), "mask", None, None) for tag in MASKABLE)
        free: dict[str, str | None] = dict.fromkeys(CLIENTS)
        policy = replace(policy, rows=rows, default="public", client_classes=free, detects=True, too_slow=False)
    return replace(policy, fault=fault)


def written(policy: Policy, urls: dict[str, str]) -> dict[str, Any]:
    """The configuration. `urls` by backend."""
    word: dict[str, Any] = {"kind": "generic", "models": ["m"], "stays_home": True, "features": list(FEATURES)}
    llama: dict[str, Any] = {"kind": "llamacpp", "models": ["m"], "features": list(FEATURES)}
    backends: dict[str, Any] = {
        "gone": {**word, "base_url": "http://127.0.0.1:1"},
        "home": {**word, "base_url": urls["home"]},
        "den": {**llama, "base_url": urls["den"], **({"slots": 1, "queue": 1} if policy.slots else {})},
    }
    if policy.trap:
        # Its name leads outside its boundary, to a server that imitates what it should be.
        networks = {"boundary": "private", "networks": ["10.0.0.0/8"]}
        backends = {"trap": {**llama, "base_url": urls["trap"], **networks}, **backends}
    clouds: dict[str, Any] = {
        "cloud": {"kind": "deepseek", "base_url": urls["cloud"], "models": ["deepseek-flash", "m"]},
        "other": {"kind": "generic", "boundary": "external", "base_url": urls["other"], "models": ["m"]},
    }
    for name, cloud in clouds.items():
        cloud["accepts"] = policy.accepts[name]
    clouds["other"]["features"] = list(FEATURES)
    aliases: dict[str, Any] = {"mine": {"targets": list(policy.alias_targets)}}
    if policy.alias_class:
        aliases["mine"]["class"] = policy.alias_class
    if policy.flash_class:
        aliases["deepseek-flash"] = {"targets": ["cloud/deepseek-flash", "home"], "class": policy.flash_class}
    classes = policy.client_classes
    clients = [
        {"name": name, "key_env": name.upper()} | ({"class": classes[name]} if classes[name] else {})
        for name in CLIENTS
    ]
    privacy: dict[str, Any] = {"default_class": policy.default, "detect": policy.detects}
    privacy["terms"] = [{"name": "files", "terms": [TERM]}]
    if policy.too_slow:
        privacy["budget_s"] = 1e-9
    waits = {"connect_s": 1.0, "first_byte_s": 0.1, "idle_s": 0.1, "load_s": 0.02, "queue_s": 0.1}
    more: dict[str, Any] = {"shadow": {"to": ["other"]}} if policy.shadows else {}
    more["streams"] = {"on_break": "continue" if policy.continues else "fail"}
    return more | {
        "embedded": {"enabled": False},
        "probe": {"enabled": False},
        "profiles": {"measure": False},
        "privacy": privacy,
        "policy": [row.written(number) for number, row in enumerate(policy.rows)],
        "timeouts": {**waits, "keep_alive_s": policy.keep_alive_s},
        "retry": {"attempts": 2, "backoff_s": 0.001, "longest_backoff_s": 0.001},
        "breaker": {"open_s": 0.01, "longest_open_s": 0.01},
        "backends": {**clouds, **backends} if policy.cloud_first else {**backends, **clouds},
        "aliases": aliases,
        "clients": clients,
    }
