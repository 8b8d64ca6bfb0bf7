"""The faults that can be asked for, each a numbered rule: what it does, why a client should meet it, where it was seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tidegate.core.rulebook import Rule, Rulebook

SIMULATOR = Rulebook("SIM", "Faults of the simulator")

Takes = Literal["body", "count", "seconds", "word", "nothing"]
_DOCS = "DeepSeek API, error codes, 2026-08-02"
BODIES = ("hosted", "empty", "html")


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A fault that can be asked for. `otherwise` is its value when none is given."""

    name: str
    rule: Rule
    takes: Takes
    otherwise: str


FAULTS: dict[str, FaultKind] = {}
STATUSES = frozenset({"401", "402", "404", "405", "415", "422", "429", "500", "502", "503", "moderation"})


def _kind(
    name: str, code: str, title: str, *, why: str, source: str, takes: Takes = "nothing", otherwise: str = ""
) -> None:
    rule = SIMULATOR.rule(code, title, why=why, source=source, checked="2026-11-22")
    FAULTS[name] = FaultKind(name, rule, takes, otherwise)


def _status(name: str, code: str, title: str, *, why: str, source: str, otherwise: str = "hosted") -> None:
    _kind(name, code, title, why=why, source=source, takes="body", otherwise=otherwise)


_status(
    "401",
    "SIM001",
    "401: the key is refused",
    why="A client must not retry it. `=empty` and `=html` replace the body, as a proxy in between does.",
    source=_DOCS,
)
_status(
    "402",
    "SIM002",
    "402: Insufficient Balance",
    why="Money ran out in the middle of the day; a gateway must go elsewhere and say so, not retry.",
    source="many GitHub issues, 2026",
)
_status(
    "404",
    "SIM003",
    "404 with an empty body",
    why="The hosted API answers unknown paths without a body; parsers that expect JSON fail on it.",
    source="chatdeepai/deepseek-api-reproducible-tests, 2026-07-27",
)
_status(
    "405",
    "SIM004",
    "405 with an empty body",
    why="As 404, for a method that the path does not take.",
    source="chatdeepai/deepseek-api-reproducible-tests, 2026-07-27",
)
_status(
    "415",
    "SIM005",
    "415 with a text body",
    why="The text is no JSON although the request asked for JSON.",
    source="chatdeepai/deepseek-api-reproducible-tests, 2026-07-27",
)
_status(
    "422",
    "SIM006",
    "422: the shape of the request is refused",
    why="Documented, and seen once where 400 is usual; a client must not retry it.",
    source="third-party live probe, 2026-09-23",
)
_status(
    "429",
    "SIM007",
    "429: too many requests at once",
    why="Comes without Retry-After; the limit stands in the text, and falls with the balance.",
    source="jobfetcher#42 and #44, 2026-09",
)
_status(
    "500",
    "SIM008",
    "500: the server failed",
    why="Worth a retry, with a growing pause.",
    source=_DOCS,
)
_status(
    "502",
    "SIM009",
    "502 with an HTML page",
    why="Comes from a proxy before the API; the body is no JSON at all.",
    source="DeepSeek API pages do not name it; proxies do it",
    otherwise="html",
)
_status(
    "503",
    "SIM010",
    "503: the service is too busy",
    why="Worth a retry or another backend.",
    source="GitHub issues, 2026",
)
_status(
    "moderation",
    "SIM011",
    "400: Content Exists Risk",
    why="A refusal by content, in the shape of a wrong request; sending it again changes nothing.",
    source="GitHub issues, 2026",
)
_kind(
    "queue",
    "SIM012",
    "Keep-alives for some seconds before the answer begins",
    why="While a request waits, streams carry comments and whole answers begin with blank lines: the status 200 is out. "
    "From the profile's `close_after_s` on (600 s) the connection is closed without an answer.",
    source="DeepSeek API, rate limit, 2026-08-02",
    takes="seconds",
    otherwise="45",
)
_kind(
    "slow",
    "SIM013",
    "Silence for some seconds before the first token",
    why="Long prompts and a busy server: first-byte time-outs show what they are set to.",
    source="DeepSeek API, rate limit, 2026-08-02",
    takes="seconds",
    otherwise="20",
)
_kind(
    "stall",
    "SIM014",
    "Silence after N pieces, until the client leaves or the connection is closed",
    why="A stream that stops without ending: only an idle time-out notices.",
    source="DeepSeek API, rate limit, 2026-08-02: connections are closed after 10 minutes",
    takes="count",
    otherwise="2",
)
_kind(
    "no_done",
    "SIM015",
    "A stream that ends without its last word",
    why="All content and the finish reason came, but not `[DONE]`: an answer without its proper end counts as broken.",
    source="tidegate, core/events.py",
)
_kind(
    "cut",
    "SIM016",
    "The connection breaks after N bytes of the body",
    why="Inside an event, a character or a JSON text: what was read so far must not pass for an answer.",
    source="tidegate, core/events.py",
    takes="count",
    otherwise="200",
)
_kind(
    "dsml",
    "SIM017",
    "Tool calls leak into the content as DSML text",
    why="A wrong parser on the server's side: no tool_calls, finish reason stop, markup in the text.",
    source="deepseek-ai/DeepSeek-V3#1244",
)
_kind(
    "truncated_arguments",
    "SIM018",
    "Tool arguments that are no JSON",
    why="The finish reason says tool_calls and the arguments are cut: whoever parses must expect it. A whole Messages "
    "answer has no place for text that is no JSON and shows `{}` as the input; its stream carries the cut text.",
    source="deepseek-ai/DeepSeek-V3#1069; chatdeepai/deepseek-api-reproducible-tests, 2026-07-27",
)
_kind(
    "remap",
    "SIM019",
    "Another model answers than was asked",
    why="The response's `model` is the only sign; aliases were remapped that way.",
    source="chatdeepai/deepseek-api-reproducible-tests, 2026-07-27",
    takes="word",
    otherwise="deepseek-v4-flash",
)
_kind(
    "wrong_usage",
    "SIM020",
    "Usage that is not what was used",
    why="Ten times the prompt, all of it cached, 1000 output tokens more; the account is charged what is right.",
    source="tidegate, for ledgers that compare with the invoice",
)
_kind(
    "empty",
    "SIM021",
    "An empty answer with finish reason stop",
    why="JSON mode is documented to return empty content now and then.",
    source="DeepSeek API, JSON output, 2026-08-02; deepseek-ai/DeepSeek-V3#1673",
)
_kind(
    "insufficient_system_resource",
    "SIM022",
    "The answer is broken off for lack of resources, after N pieces",
    why="A finish reason that only this API has; the text so far stays. Messages has no word for it: there a stream breaks "
    "off with an `error` event, and a whole answer is a 503 that costs nothing.",
    source="DeepSeek API, create chat completion, 2026-08-27",
    takes="count",
    otherwise="3",
)
_kind(
    "content_filter",
    "SIM023",
    "The answer is stopped by the content filter, after N pieces",
    why="The text so far stays, the finish reason says why.",
    source="DeepSeek API, create chat completion, 2026-08-27",
    takes="count",
    otherwise="3",
)
