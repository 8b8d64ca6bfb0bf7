"""Keys and tokens that begin as their provider makes them begin. One table; a row is a prefix and what must follow.

The prefix is written out in each pattern, so that Python's `re` jumps from one to the next.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from tidegate.privacy import secret_rules as rules
from tidegate.privacy.patterns.found import CHECKED, SHAPED, Detector, Found, Regex, closes, opens
from tidegate.privacy.patterns.gates import EDGE

_BODY = frozenset("_-")
_ROWS: tuple[tuple[str, str], ...] = (
    (rules.ANTHROPIC, r"sk-ant-[A-Za-z0-9]{3,12}-[A-Za-z0-9_-]{20,}"),
    (rules.OPENAI, r"sk-[A-Za-z0-9_-]{16,100}T3BlbkFJ[A-Za-z0-9_-]{16,100}"),
    (rules.OPENAI, r"sk-(?:proj|svcacct|admin|None|service)-[A-Za-z0-9_-]{20,}"),
    (rules.PROVIDER, r"sk-or-v[0-9]-[0-9a-f]{32,}"),
    (rules.PROVIDER, r"sk-lf-[0-9a-f-]{36}"),
    (rules.DEEPSEEK, r"sk-[0-9a-z]{32}(?![0-9A-Za-z_-])"),
    (rules.OPENAI, r"sk-[A-Za-z0-9_]{20,}(?:-[A-Za-z0-9_]+)*"),
    (rules.GOOGLE, r"AIza[0-9A-Za-z_-]{35}"),
    (rules.GOOGLE, r"GOCSPX-[0-9A-Za-z_-]{20,}"),
    (rules.GOOGLE, r"ya29\.[0-9A-Za-z_-]{20,}"),
    (rules.GOOGLE, r"1//0[0-9A-Za-z_-]{30,}"),
    (rules.HUGGING_FACE, r"hf_[A-Za-z0-9]{30,}"),
    (rules.HUGGING_FACE, r"api_org_[A-Za-z0-9]{30,}"),
    (rules.GITHUB, r"gh[pousr]_[A-Za-z0-9]{30,}"),
    (rules.GITHUB, r"github_pat_[A-Za-z0-9_]{30,}"),
    (rules.GITLAB, r"gl(?:pat|ptt|dt|rt|oas|ft|soat|cbt|agent|imt|ffct)-[A-Za-z0-9_-]{20,}(?:\.[A-Za-z0-9_.]{5,})?"),
    (rules.SLACK, r"xox[abcdeprs](?:\.xox[a-z])?-[A-Za-z0-9-]{10,}"),
    (rules.SLACK, r"xapp-[0-9]-[A-Za-z0-9-]{10,}"),
    (rules.SLACK, r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/+]{20,}"),
    (rules.STRIPE, r"[srp]k_(?:live|test|prod)_[A-Za-z0-9]{10,}"),
    (rules.STRIPE, r"whsec_[A-Za-z0-9+/=]{24,}"),
    (rules.AWS, r"A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}"),
    (rules.ALIYUN, r"LTAI[A-Za-z0-9]{12,26}"),
    (rules.TENCENT, r"AKID[A-Za-z0-9]{13,40}"),
    (rules.PROVIDER, r"AKLT[A-Za-z0-9_-]{32,}"),
    (rules.REGISTRY, r"npm_[A-Za-z0-9]{30,}"),
    (rules.REGISTRY, r"pypi-[A-Za-z0-9_-]{50,}"),
    (rules.REGISTRY, r"rubygems_[0-9a-f]{40,}"),
    (rules.REGISTRY, r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}"),
    (rules.REGISTRY, r"cio[A-Za-z0-9]{32}"),
    (rules.REGISTRY, r"oy2[a-z0-9]{43}"),
    (rules.MESSAGING, r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}"),
    (rules.MESSAGING, r"key-[0-9a-f]{32}"),
    (rules.MESSAGING, r"[0-9a-f]{32}-us[0-9]{1,2}"),
    (rules.MESSAGING, r"(?:SK|AC)[0-9a-f]{32}"),
    (rules.MESSAGING, r"xkeysib-[0-9a-f]{40,}(?:-[A-Za-z0-9]{8,})?"),
    (rules.MESSAGING, r"(?:bot)?[0-9]{8,10}:AA[A-Za-z0-9_-]{32,34}"),
    (rules.MESSAGING, r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}"),
    (rules.MESSAGING, r"discord(?:app)?\.com/api/webhooks/[0-9]{15,20}/[A-Za-z0-9_-]{40,}"),
    (
        rules.MESSAGING,
        r"(?:oapi\.dingtalk\.com/robot/send\?access_token=[0-9a-f]{40,}|qyapi\.weixin\.qq\.com/cgi-bin/webhook/send\?key=[0-9a-f-]{36})",
    ),
    (rules.PROVIDER, r"gsk_[A-Za-z0-9]{40,}"),
    (rules.PROVIDER, r"xai-[A-Za-z0-9]{40,}"),
    (rules.PROVIDER, r"pplx-[A-Za-z0-9]{32,}"),
    (rules.PROVIDER, r"r8_[A-Za-z0-9]{30,}"),
    (rules.PROVIDER, r"nvapi-[A-Za-z0-9_-]{40,}"),
    (rules.PROVIDER, r"fw_[A-Za-z0-9]{20,}"),
    (rules.PROVIDER, r"ntn_[A-Za-z0-9]{40,}"),
    (rules.PROVIDER, r"secret_[A-Za-z0-9]{43}"),
    (rules.PROVIDER, r"lin_(?:api|oauth)_[A-Za-z0-9]{32,}"),
    (rules.PROVIDER, r"do[oprt]_v1_[0-9a-f]{64}"),
    (rules.PROVIDER, r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    (rules.PROVIDER, r"sq0(?:atp|csp|idp)-[A-Za-z0-9_-]{22,43}"),
    (rules.PROVIDER, r"EAAA[A-Za-z0-9_-]{60}"),
    (rules.PROVIDER, r"hv[sbr]\.[A-Za-z0-9_-]{20,}"),
    (rules.PROVIDER, r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9.]{40,}"),
    (rules.PROVIDER, r"gl(?:sa|c)_[A-Za-z0-9+/=_]{32,}"),
    (rules.PROVIDER, r"NRAK-[A-Z0-9]{27}"),
    (rules.PROVIDER, r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    (rules.PROVIDER, r"fig[dou]_[A-Za-z0-9_-]{40,}"),
    (rules.PROVIDER, r"AT(?:ATT|CTT)3[A-Za-z0-9_=-]{60,}"),
    (rules.PROVIDER, r"HRKU-[A-Za-z0-9_-]{36,}"),
    (rules.PROVIDER, r"sntry[su]_[A-Za-z0-9+/=_-]{40,}"),
    (rules.PROVIDER, r"dapi[0-9a-f]{32}(?:-[0-9])?"),
    (rules.PROVIDER, r"sbp_[0-9a-f]{40}"),
    (rules.PROVIDER, r"sb_secret_[A-Za-z0-9_-]{20,}"),
    (rules.PROVIDER, r"phc_[A-Za-z0-9]{40,}"),
    (rules.PROVIDER, r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.-]{30,}"),
    (rules.PROVIDER, r"tskey-[a-z]{2,8}-[A-Za-z0-9]{8,}(?:-[A-Za-z0-9]{16,})?"),
    (rules.PROVIDER, r"ops_eyJ[A-Za-z0-9+/=_-]{100,}"),
    (rules.PROVIDER, r"[0-9a-f]{32}\.[A-Za-z0-9]{16}"),
    (rules.PROVIDER, r"tvly-[A-Za-z0-9-]{20,}"),
    (rules.PROVIDER, r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"),
    (rules.PROVIDER, r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
    (rules.AZURE, r"[A-Za-z0-9_~.]{3}[78]Q~[A-Za-z0-9_~.-]{31,34}"),
    (rules.PRIVATE_KEY, r"AGE-SECRET-KEY-1[0-9A-Z]{58}"),
)
_PLACEHOLDERS = Regex(r"(?ai)x{8}|\*{4}|0{12}|1234567890abcdef1234|your|example|placeholder|redacted|<|>")


def entropy(word: str) -> float:
    """Shannon's, in bits per character."""
    if not word:
        return 0.0
    # Most characters of a key stand once, and add nothing to the sum.
    repeated = [count for count in Counter(word).values() if count > 1]
    return math.log2(len(word)) - sum([count * math.log2(count) for count in repeated]) / len(word)


def _finder(code: str, pattern: str) -> Callable[[str], Iterable[Found]]:
    compiled = Regex(pattern)
    named = code in (rules.OPENAI, rules.PROVIDER, rules.MESSAGING)
    own = not named or "T3Blbk" in pattern or "proj" in pattern

    def find(text: str) -> Iterator[Found]:
        for found in compiled.finditer(text):
            start, end = found.span()
            while end > start and text[end - 1] in "-_.":
                end -= 1
            word = text[start:end]
            if not opens(text, start) or text[start - 1 : start] == "_" or not closes(text, end):
                continue
            # Words joined with dashes (`sk-learn-contrib-...`, `key-value-...`) have no digits, or few different letters.
            if _PLACEHOLDERS.search(word) or entropy(word) < 2.8 or (named and not any(map(str.isdigit, word))):
                continue
            yield Found(start, end, code, CHECKED if own else SHAPED)

    return find


def _as_gate(pattern: str) -> str:
    """The least that must be there, in RE2's syntax."""
    least = re.sub(r"\{(\d+),\}", r"{\1}", pattern).replace("(?![0-9A-Za-z_-])", "")
    return f"{EDGE}(?:{least})"


KEYS = tuple(
    # Where a pattern begins with letters of its own, `re` jumps to them by itself.
    Detector(f"key {index}", _as_gate(pattern), _finder(code, pattern), reach=256 if pattern[0] in "[(" else 0)
    for index, (code, pattern) in enumerate(_ROWS)
)
