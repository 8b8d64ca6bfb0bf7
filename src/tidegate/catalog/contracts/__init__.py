"""The hosted API's contract as data: dated profiles, each row with its basis, source and checked-on date.

A profile is a TOML file beside this one. A later one names its `base` and states only what changed, so what changed
between two dates is data too. Codecs and surfaces are handed a `Contract`; nobody else spells a limit or an error text.
"""

from __future__ import annotations

from tidegate.catalog.contracts.contract import Contract, HostedModel, LegacyName, Row
from tidegate.catalog.contracts.profiles import DEFAULT_PROFILE, PROFILES, contract_named

__all__ = ["DEFAULT_PROFILE", "PROFILES", "Contract", "HostedModel", "LegacyName", "Row", "contract_named"]
