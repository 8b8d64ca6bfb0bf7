"""Addresses of the network: e-mail, also spelled out; IPv4, IPv6 and network cards."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from tidegate.privacy import rules
from tidegate.privacy.patterns.found import CHECKED, SHAPED, Detector, Found, Regex, closes, opens
from tidegate.privacy.patterns.gates import EDGE

_MAILBOX = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}"
_DOMAIN = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}"
_AT = Regex(rf"@({_DOMAIN})")
_BEFORE_AT = Regex(r"[A-Za-z0-9_+%.'&/=#~-]")
_UNICODE_AT = Regex(r"@([\w-]{1,63}(?:\.[\w-]{1,63}){0,6}\.[^\W\d_a-zA-Z]{2,24})")
_SPELLED = Regex(
    r"(?ai)([a-z0-9_+%-]{1,40}(?:(?:\.| ?[\[({<] ?(?:dot|punkt|点) ?[\])}>] ?| dot )[a-z0-9_+%-]{1,40}){0,4})"
    r"(?: ?[\[({<（【] ?(?:at|@|ät|艾特) ?[\])}>）】] ?| at (?=[a-z0-9-]{1,40}(?: dot | ?[\[({<] ?dot))"
    r"| @ ?(?=[a-z0-9-]{1,40}\.[a-z]{2,})|@ (?=[a-z0-9-]{1,40}\.[a-z]{2,}))"
    r"([a-z0-9-]{1,40}(?:(?:\.| ?[\[({<（【] ?(?:dot|punkt|点|\.) ?[\])}>）】] ?| dot )[a-z0-9-]{1,40}){1,5})(?![a-z0-9])"
)
_USER = Regex(r"://[^\s/@]{0,64}:$")
_COMMON = Regex(
    r"(?i)com|net|org|edu|gov|info|biz|io|co|me|ai|eu|cn|hk|tw|jp|kr|sg|in|au|nz|us|ca|mx|br|uk|ie|de|fr|ch|at"
    r"|nl|be|it|es|pt|pl|se|no|dk|fi|ru|za"
)
_FILES = frozenset(
    [
        "png",
        "jpg",
        "jpeg",
        "gif",
        "svg",
        "webp",
        "ico",
        "bmp",
        "css",
        "js",
        "mjs",
        "ts",
        "jsx",
        "tsx",
        "json",
        "yaml",
        "yml",
        "toml",
        "py",
        "rb",
        "go",
        "rs",
        "java",
        "cpp",
        "html",
        "htm",
        "md",
        "txt",
        "zip",
        "gz",
    ]
)
_IPV4 = Regex(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}")
_VERSION = Regex(
    r"(?ai)(?:\bv|version|ver\.|release|build|firmware|版本|section |sections |§ ?|[=~^<>]=)[^0-9\n]{0,4}$"
)
_IPV6 = Regex(r"[0-9A-Fa-f:]{2,39}(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3})?")
_MAC = Regex(r"[0-9A-Fa-f]{2}(?:([:-])[0-9A-Fa-f]{2})(?:\1[0-9A-Fa-f]{2}){4}")
_DEFAULTS = frozenset(
    [
        "10.0.0.1",
        "10.0.0.2",
        "10.0.2.2",
        "10.0.2.15",
        "172.17.0.1",
        "192.168.0.1",
        "192.168.1.1",
        "192.168.1.254",
        "192.168.100.1",
    ]
)
_DOCUMENTS = tuple(
    ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
)
_SHARED = ipaddress.ip_network("100.64.0.0/10")
_BENCHMARK = ipaddress.ip_network("198.18.0.0/15")


def _mail(text: str) -> Iterator[Found]:
    for at in _AT.finditer(text):
        place = at.start()
        start = place
        while start and place - start < 64 and _BEFORE_AT.match(text, start - 1):
            start -= 1
        # What stands between the mailbox and what came before: `mailto:`, `user=`, a path or a quote are no part of it.
        start += len(text[start:place]) - len(text[start:place].lstrip("/=.'&#%~-"))
        for mark in "=/&":
            start = max(start, text.rfind(mark, start, place) + 1)
        if start > 1 and text[start - 1] == "\\" and text[start] in "nrt":
            start += 1
        end = at.end()
        if start == place or not closes(text, end) or text[place - 1] == ".":
            continue
        last = at[1].rpartition(".")[2].lower()
        # `weights@x.mean(` is code; an address in front of a bracket is one all the same.
        if last in _FILES or (text[end : end + 1] == "(" and not _COMMON.fullmatch(last)):
            continue
        if start and text[start - 1] == ":" and _USER.search(text, max(0, start - 96), start):
            continue
        if text[start:place] == "git" and text[end : end + 1] in (":", "/"):
            continue
        yield Found(start, end, rules.EMAIL, CHECKED)
    if not text.isascii():
        yield from _international_mail(text)


def _international_mail(text: str) -> Iterator[Found]:
    """Domains in other scripts; the mailbox is still ASCII, so that Chinese text before it is no part of it."""
    for at in _UNICODE_AT.finditer(text):
        start = at.start()
        while start and at.start() - start < 64 and _BEFORE_AT.match(text, start - 1):
            start -= 1
        if start < at.start():
            yield Found(start, at.end(), rules.EMAIL)


def _spelled_mail(text: str) -> Iterator[Found]:
    for found in _SPELLED.finditer(text):
        last = re.split(r"[^A-Za-z0-9]+", found[2])[-1]
        spaced = " @" in found[0] or "@ " in found[0]
        if text[found.end() : found.end() + 1] == "(" or (spaced and not _COMMON.fullmatch(last)):
            continue
        if opens(text, found.start()) and last.isalpha() and 2 <= len(last) <= 12 and last.lower() not in _FILES:
            yield Found(found.start(), found.end(), rules.EMAIL, SHAPED)


def _ipv4(text: str) -> Iterator[Found]:
    for found in _IPV4.finditer(text):
        start, end = found.span()
        if not opens(text, start) or not closes(text, end) or text[start - 1 : start] in (".", "_", "-"):
            continue
        if text[end : end + 1] in ("_", "-") or (text[end : end + 1] == "." and text[end + 1 : end + 2].isdigit()):
            continue
        if _VERSION.search(text, max(0, start - 16), start):
            continue
        try:
            address = ipaddress.IPv4Address(found[0])
        except ValueError:
            continue
        network = text[end : end + 1] == "/" and text[end + 1 : end + 2].isdigit() and found[0].endswith(".0")
        if (code := _rule_of(address)) and not network and found[0] not in _DEFAULTS:
            yield Found(start, end, code, SHAPED)


def _rule_of(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str | None:
    """None for what belongs to nobody."""
    if address.is_loopback or address.is_unspecified or address.is_multicast or address.is_link_local:
        return None
    four = isinstance(address, ipaddress.IPv4Address)
    if any(address in network for network in _DOCUMENTS) or (four and address in _BENCHMARK):
        return None
    if four and (int(address) >> 24 in (0,) or int(address) >> 28 == 15):
        return None
    if not four and not (int(address) >> 125 == 1 or int(address) >> 121 == 126):
        return None
    if address.is_private or (four and address in _SHARED):
        # A netmask or a network's own address tells nothing.
        return None if four and str(address).endswith(".0") else rules.PRIVATE_IP
    return rules.IPV4 if four else rules.IPV6


def _ipv6(text: str) -> Iterator[Found]:
    for found in _IPV6.finditer(text):
        start, end = found.span()
        word = found[0]
        if word.count(":") < 2:
            continue
        while word.endswith(":") and not word.endswith("::"):
            word, end = word[:-1], end - 1
        if not opens(text, start) or not closes(text, end) or text[start - 1 : start] == "_":
            continue
        groups = [group for group in word.split(":") if group]
        if len(groups) < 3 or not any(character.isdigit() for character in word) or max(map(len, groups)) < 3:
            continue
        try:
            address = ipaddress.IPv6Address(word)
        except ValueError:
            continue
        if code := _rule_of(address):
            yield Found(start, end, code, SHAPED)


def _mac(text: str) -> Iterator[Found]:
    for found in _MAC.finditer(text):
        start, end = found.span()
        if not opens(text, start) or not closes(text, end) or text[end : end + 1] in (":", "-"):
            continue
        plain = re.sub("[:-]", "", found[0]).lower()
        if (
            text[start - 1 : start] not in (":", "-")
            and len(set(plain)) > 2
            and plain not in ("001122334455", "aabbccddeeff")
        ):
            yield Found(start, end, rules.MAC, SHAPED)


ADDRESSES = (
    Detector("mail", "@", _mail),
    Detector(
        "spelled mail",
        r"(?i)[a-z0-9] ?[\[({<（【] ?(?:at|@|ät|艾特) ?[\])}>）】] ?[a-z0-9]| dot (?:com|net|org|edu|cn|de|io|co|gov"
        r"|uk|fr|me)|[a-z0-9](?: @ ?|@ )[a-z0-9-]{1,40}\.[a-z]{2}",
        _spelled_mail,
        reach=600,
        places=r"(?i)[a-z0-9_+%-] ?[\[({<（【] ?(?:at|@|ät|艾特) ?[\])}>）】]"
        r"|[a-z0-9_+%-] at [a-z0-9-]{1,40}(?: dot | ?[\[({<] ?dot)|[a-z0-9_+%-](?: @ ?|@ )[a-z0-9-]{1,40}\.[a-z]{2}",
    ),
    Detector("ipv4", EDGE + r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]", _ipv4, reach=64),
    Detector(
        "ipv6",
        r"(?i)[0-9a-f]{1,4}:(?:[0-9a-f]{1,4}:[0-9a-f:]*[0-9a-f]{1,4}:|:?[0-9a-f]{1,4}:)",
        _ipv6,
        reach=128,
    ),
    Detector(
        "mac",
        r"(?i)(?:\b|_|\\[nrtbf])[0-9a-f]{2}[:-][0-9a-f]{2}[:-][0-9a-f]{2}[:-][0-9a-f]{2}[:-][0-9a-f]{2}[:-][0-9a-f]{2}",
        _mac,
        reach=64,
    ),
)
