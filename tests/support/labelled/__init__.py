"""Labelled texts for measuring detection: own templates, English and Chinese, valid check digits, two splits.

The development split is for tuning. The held-out split has other templates and is what is reported; nothing of it may be
shown to whoever tunes. Both were written before the rules.
"""

from .compose import labelled, negatives
from .kinds import BY_NAME, KINDS, STRUCTURED
from .values import LANGUAGES, SPLITS, Label, Labelled, Language, Split

__all__ = [
    "BY_NAME",
    "KINDS",
    "LANGUAGES",
    "SPLITS",
    "STRUCTURED",
    "Label",
    "Labelled",
    "Language",
    "Split",
    "labelled",
    "negatives",
]
