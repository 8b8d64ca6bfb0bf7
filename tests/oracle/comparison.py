"""Our verdict on a chat request beside that of DeepSeek's own package, and what may explain that they differ."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from deepseek_recipe import ChatCompletionRequest, ConversionError
from tests.support.recipe import OPTIONS

from tidegate.catalog.contracts import Contract
from tidegate.codecs.json_scanner import find_fault, place
from tidegate.codecs.json_text import BROKEN, MISSHAPEN
from tidegate.codecs.openai_chat.check import check_request
from tidegate.codecs.openai_chat.request import decode_request
from tidegate.core.errors import BrokenJson, ClientMistake, WrongShape


class Verdict(NamedTuple):
    """`said` is the message without the wrappers that only one side has."""

    kind: str
    said: str = ""
    path: str = ""


ACCEPTED = Verdict("accepted")


def theirs(body: bytes) -> Verdict:
    try:
        ChatCompletionRequest(body).convert(OPTIONS)
    except ConversionError as error:
        assert error.status_code == 400
        return Verdict("rule", json.loads(error.body)["error"]["message"])
    except ValueError as error:
        kind, _, said = str(error).partition(": ")
        return Verdict({"invalid JSON request": "json", "invalid request body": "shape"}[kind], said)
    return ACCEPTED


def ours(body: bytes, contract: Contract, *, beta: bool = True) -> Verdict:
    try:
        request = decode_request(body, contract, quoting=True)
        if request.model not in contract.models:
            raise contract.unknown_model(request.model)
        check_request(request, contract, beta=beta, passback=True, quoting=True)
    except BrokenJson as error:
        fault = find_fault(body)
        assert fault is not None
        said = f"{fault.text} {place(body, fault.index)}"
        assert error.message.startswith(BROKEN) and error.message.endswith(said)
        return Verdict("json", said)
    except WrongShape as error:
        said = re.fullmatch(r"(.*) at line \d+ column \d+", error.message.removeprefix(MISSHAPEN), re.DOTALL)
        assert said is not None, error.message
        return _without_path("shape", said[1])
    except ClientMistake as error:
        assert error.status == 400
        return Verdict("rule", error.message)
    return ACCEPTED


_PATH = re.compile(r"((?:\[\d+\]|\.?[\w$?-]+)(?:\[\d+\]|\.[^\s:.\[]*)*): (.*)", re.DOTALL)


def _without_path(kind: str, said: str) -> Verdict:
    found = _PATH.fullmatch(said)
    return Verdict(kind, said) if found is None else Verdict(kind, found[2], found[1])


Explains = Callable[[bytes, Verdict, Verdict], bool]
"""Body, our verdict and theirs: whether this difference is the one that the row states."""

_OWN_NAMES = "DeepSeek-V4-Pro, DeepSeek-V4.1-Flash, "
_UNFOLLOWED = re.compile(
    r"Invalid (schema for function '.*'|json schema): (Pointer|Anchor|Resource|Invalid URI reference) .*"
)
_OLD_DRAFT = re.compile(rb'"\$schema": ?"http://json-schema.org/draft-0')

EXPLANATIONS: dict[str, Explains] = {
    "ORA001": lambda _, us, them: us == (them.kind, them.said.replace(_OWN_NAMES, ""), "") and _OWN_NAMES in them.said,
    "ORA002": lambda _, us, them: "file_id is not supported. Pass the image as a base64 data url" in them.said,
    "ORA003": lambda _, us, them: us.said.startswith("Invalid 'tools': array too long"),
    "ORA004": lambda _, us, them: us.said.startswith("Invalid 'user_id': string too long") and them == ACCEPTED,
    "ORA005": lambda _, us, them: _UNFOLLOWED.fullmatch(them.said) is not None,
    "ORA006": lambda _, us, them: them.said.endswith('is not a "regex"'),
    "ORA007": lambda body, us, them: _OLD_DRAFT.search(body) is not None and "nvalid" in them.said,
    "ORA008": lambda body, us, them: re.search(rb"-0(?![.\deE])", body) is not None and "`-0.0`" in them.said,
    "ORA009": lambda _, us, them: us.said.startswith("prefix is only available when using beta api"),
}


@dataclass
class Report:
    """What a run of comparisons found: how often each side of the contract was reached, and what explains the rest."""

    compared: int = 0
    verdicts: Counter[str] = field(default_factory=Counter[str])
    explained: Counter[str] = field(default_factory=Counter[str])
    unexplained: list[tuple[bytes, Verdict, Verdict]] = field(default_factory=list[Any])

    def add(self, body: bytes, us: Verdict, them: Verdict) -> None:
        self.compared += 1
        self.verdicts[them.kind] += 1
        if us[:2] == them[:2]:
            return
        code = next((code for code, explains in EXPLANATIONS.items() if explains(body, us, them)), None)
        if code is None:
            self.unexplained.append((body, us, them))
        else:
            self.explained[code] += 1

    def __str__(self) -> str:
        found = ", ".join(f"{kind} {count}" for kind, count in sorted(self.verdicts.items()))
        rows = ", ".join(f"{code} {count}" for code, count in sorted(self.explained.items()))
        return f"{self.compared} requests ({found}); {len(self.unexplained)} unexplained; explained: {rows}"
