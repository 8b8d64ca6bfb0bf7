"""A key as it is asked for, by the command or by the admin API, and as it is kept. No key itself stands in any of these."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, ValidationError, convert, field, json, to_builtins

from tidegate.core.boundary import DataClass
from tidegate.core.errors import WrongShape
from tidegate.core.terms import Priority, Terms, WhenSpent

Count = Annotated[int, Meta(ge=1)]
State = Literal["active", "expired", "revoked"]
_VALUE = re.compile(r"Invalid enum value \S+")
_ModelName = Annotated[str, Meta(min_length=1, max_length=200)]


class KeyOrder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The fields bear the names of the options in [[clients]], which mean the same."""

    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$")]
    models: tuple[_ModelName, ...] = ()
    data_class: DataClass | None = field(default=None, name="class")
    rate_per_minute: Count | None = None
    concurrency: Count | None = None
    budget_usd_per_day: Decimal | None = None
    budget_usd_per_month: Decimal | None = None
    when_spent: WhenSpent = "refuse"
    weight: Annotated[float, Meta(gt=0, le=1000)] = 1.0
    priority: Priority = "normal"
    expires_in_days: Annotated[float, Meta(gt=0, le=36500)] | None = None

    def __post_init__(self) -> None:
        for budget in (self.budget_usd_per_day, self.budget_usd_per_month):
            if budget is not None and not (budget.is_finite() and budget > 0):
                raise ValueError("a budget must be more than 0 USD; leave it out for none")

    def terms(self, key_id: str) -> Terms:
        return Terms(
            key_id,
            self.models,
            self.data_class,
            self.rate_per_minute,
            self.concurrency,
            self.budget_usd_per_day,
            self.budget_usd_per_month,
            self.when_spent,
            self.weight,
            self.priority,
        )


class KeyRecord(Struct, frozen=True, kw_only=True):
    """What is known of a key. Times are unix seconds."""

    key_id: str
    name: str
    terms: Terms
    created_at: float
    expires_at: float | None = None
    revoked_at: float | None = None

    def state(self, now: float) -> State:
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and now >= self.expires_at else "active"


def order_from(given: Any) -> KeyOrder:
    """From JSON that was read. Raises WrongShape, which names the field and not its value."""
    try:
        return convert(given, KeyOrder)
    except ValidationError as error:
        said = _VALUE.sub("not one of the words that it takes", str(error))
        raise WrongShape(f"this is no order for a key: {said}") from None


def view_of(record: KeyRecord, now: float) -> dict[str, Any]:
    """As JSON for people and programs."""
    terms: dict[str, Any] = to_builtins(record.terms)
    del terms["key_id"]
    terms["class"] = terms.pop("data_class")
    return {
        "id": record.key_id,
        "name": record.name,
        "state": record.state(now),
        "created_at": record.created_at,
        "expires_at": record.expires_at,
        "revoked_at": record.revoked_at,
        **terms,
    }


def encode_terms(terms: Terms) -> bytes:
    return json.encode(terms)


def decode_terms(text: bytes | str) -> Terms:
    return json.decode(text, type=Terms)
