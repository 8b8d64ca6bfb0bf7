"""One dated contract as values: rows by table and name, and typed looks at them. Pure; reads no file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal, NamedTuple

from tidegate.core.errors import ClientMistake, UnknownModel
from tidegate.core.requests import ChatRequest, ThinkingSwitch

Basis = Literal["documented", "measured", "inferred"]
AppliedEffort = Literal["off", "low", "high", "max"]
Encoding = Literal["v4-preview", "v4", "v4.1"]


@dataclass(frozen=True, slots=True)
class Row:
    """One fact. `profile` is the dated file that states it; `values` are its columns beside name and provenance."""

    table: str
    name: str
    values: Mapping[str, Any]
    basis: Basis
    source: str
    checked: str
    profile: str


@dataclass(frozen=True, slots=True)
class HostedModel:
    """A model id of the hosted API. Token limits are in tokens, concurrency in requests of one account."""

    name: str
    title: str
    encoding: Encoding
    context_tokens: int
    output_tokens: int
    concurrency: int
    inputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LegacyName:
    """A name that once worked: the model and thinking switch it meant (None: the default), and what became of it."""

    name: str
    model: str
    thinking: ThinkingSwitch | None
    fate: str


class Limit(NamedTuple):
    """An inclusive range; `open` leaves its lower end out. `span` is how the error text writes it."""

    least: int
    most: int
    span: str
    open: bool

    def holds(self, value: float) -> bool:
        return self.least <= value <= self.most and not (self.open and value == self.least)


@dataclass(frozen=True, slots=True)
class HostedError:
    """An error that is not about a field: its status, and a body of JSON, text or nothing."""

    name: str
    status: int
    body: Literal["json", "text", "empty"]
    content_type: str
    text: str
    type: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class CacheParameters:
    """The context cache. `interval_tokens` 0: no units at fixed intervals."""

    block_tokens: int
    reserve_tokens: int
    interval_tokens: int
    build_delay_s: float
    ttl_s: float


@dataclass(frozen=True)
class Contract:
    """What the hosted API promised from `valid_from` on."""

    profile: str
    title: str
    valid_from: datetime
    tables: Mapping[str, Mapping[str, Row]]

    def row(self, table: str, name: str) -> Row | None:
        return self.tables.get(table, {}).get(name)

    def value(self, table: str, name: str) -> Any:
        """The column `value` of a row that must be there."""
        return self.tables[table][name].values["value"]

    @cached_property
    def models(self) -> dict[str, HostedModel]:
        """By id; the first is the default."""
        return {
            row.name: HostedModel(row.name, **{**row.values, "inputs": tuple(row.values["inputs"])})
            for row in self.tables["models"].values()
        }

    @cached_property
    def concurrency(self) -> tuple[tuple[str, int], ...]:
        """How many requests of one account each model takes at once."""
        return tuple((name, model.concurrency) for name, model in self.models.items())

    @cached_property
    def legacy_names(self) -> dict[str, LegacyName]:
        return {
            row.name: LegacyName(row.name, row.values["model"], row.values["thinking"] or None, row.values["fate"])
            for row in self.tables["aliases"].values()
        }

    @cached_property
    def efforts(self) -> dict[str, AppliedEffort]:
        """What a requested effort becomes; a name that is not here is refused."""
        return {row.name: row.values["becomes"] for row in self.tables["efforts"].values()}

    @cached_property
    def limits(self) -> dict[str, Limit]:
        return {
            row.name: Limit(row.values["least"], row.values["most"], row.values["span"], row.values.get("open", False))
            for row in self.tables["limits"].values()
        }

    @cached_property
    def errors(self) -> dict[str, HostedError]:
        return {row.name: HostedError(row.name, **row.values) for row in self.tables["errors"].values()}

    @cached_property
    def cache(self) -> CacheParameters:
        return CacheParameters(**{row.name: row.values["value"] for row in self.tables["cache"].values()})

    @cached_property
    def rules(self) -> dict[str, str]:
        """The text of each rule of this date, with `{}` fields; a rule that is not here does not hold."""
        return {row.name: row.values["text"] for row in self.tables["rules"].values()}

    def mistake(self, rule: str, **shown: Any) -> ClientMistake:
        """The error that this rule's breach is, in the hosted API's words."""
        return ClientMistake(self.rules[rule].format(**shown))

    def unknown_model(self, asked: str, names: Sequence[str] = ()) -> UnknownModel:
        """The error for a model that does not exist; `names` stands in for the profile's own ids."""
        values = self.tables["rules"]["unknown_model"].values
        listed = values["joined"].join(names or values["listed"])
        return UnknownModel(values["text"].format(names=listed, model=asked))

    def applied_effort(self, request: ChatRequest) -> AppliedEffort:
        """What the hosted API makes of the thinking switch and effort of a request; an effort it does not know is its default."""
        if not request.thinks:
            return "off"
        default: AppliedEffort = self.value("defaults", "effort")
        asked = self.efforts.get(request.effort or default, default)
        return default if asked == "off" else asked

    def default_max_tokens(self, *, thinks: bool, effort: AppliedEffort) -> int:
        if not thinks:
            return self.value("defaults", "max_tokens, not thinking")
        return self.value("defaults", "max_tokens, thinking, effort max" if effort == "max" else "max_tokens, thinking")

    def sampled(self, field: str, asked: float, *, model: str, thinks: bool, tools: bool) -> float:
        """What becomes of a sampling parameter inside its range: the row that says most about this request decides."""
        fitting = [
            values
            for row in self.tables["sampling"].values()
            if (values := row.values)["field"] == field
            and values["thinking"] is thinks
            and values.get("model", model) == model
            and values.get("tools", tools) is tools
        ]
        if not fitting:
            return asked
        closest = max(fitting, key=len)
        return min(max(asked, closest["least"]), closest["most"])

    def hidden_tokens(self, encoding: Encoding, effort: AppliedEffort) -> int:
        """Tokens of the effort prefix that the server puts before a thinking request's messages."""
        row = self.row("prefixes", f"{encoding}, {effort}")
        return row.values["tokens"] if row else 0
