"""The stages that every local runtime's answers go through, in their order. Pure.

What is read comes first (who counted, what is a call), then what is held to the contract. A dialect puts its own stages
before, and the one that refuses an empty answer behind.
"""

from __future__ import annotations

from tidegate.dialects.checked_calls import checked_calls
from tidegate.dialects.checked_json import checked_json
from tidegate.dialects.counted import count_reasoning
from tidegate.dialects.dsml import read_dsml
from tidegate.dialects.uncut import NotCut

READS = (count_reasoning, read_dsml)
CHECKS = (checked_calls, checked_json, NotCut)
