"""The options of what may leave: the rows of the policy, detection, masking, and the capture of content.

A part of the configuration; imports nothing of ours but the shared option types.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from tidegate.config.tables import ClassName, Count, Seconds

ActionName = Literal["allow", "mask", "local", "block"]
DayName = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
NamesIn = Literal["en", "zh"]
_HOURS = r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-4]):[0-5]\d$"
Hours = Annotated[str, Meta(pattern=_HOURS)]
Bytes = Annotated[int, Meta(ge=0)]
Similarity = Annotated[float, Meta(gt=0, le=1)]
_TERM_NAME = r"^[a-z0-9][a-z0-9_-]*$"


class PolicyRow(Struct, frozen=True):
    """All conditions of a row must hold; one that is left out holds always."""

    name: Annotated[str, Meta(description="Name in decisions, errors and the ledger.", pattern=_TERM_NAME)]
    clients: Annotated[tuple[str, ...], Meta(description="Who asks: names of [[clients]].")] = ()
    models: Annotated[
        tuple[str, ...], Meta(description="Which model is asked for; `*` stands for any characters.")
    ] = ()
    found: Annotated[
        tuple[str, ...],
        Meta(
            description="What detection found: a rule (SEN001), a group (personal, secret, term, name, example, unscannable), "
            "term:NAME, example:NAME, or any."
        ),
    ] = ()
    min_bytes: Annotated[Bytes | None, Meta(description="Bodies of this size or larger.")] = None
    max_bytes: Annotated[Bytes | None, Meta(description="Bodies of this size or smaller.")] = None
    hours: Annotated[
        Hours | None, Meta(description="Time of day in UTC, such as 08:00-18:00; over midnight: 22:00-06:00.")
    ] = None
    days: Annotated[tuple[DayName, ...], Meta(description="Days of the week in UTC.")] = ()
    data_class: Annotated[
        ClassName | None, Meta(description="Raises the class; of what is left, if the action is mask.")
    ] = field(default=None, name="class")
    action: Annotated[
        ActionName | None,
        Meta(
            description="allow: what was found may leave; mask: only as pseudonyms; local: it stays home; block: it is refused. "
            "The strictest row wins."
        ),
    ] = None


class TermOptions(Struct, frozen=True):
    name: Annotated[str, Meta(description="Name in findings: term:NAME.", pattern=_TERM_NAME)]
    terms: Annotated[tuple[str, ...], Meta(description="Words or phrases, in any case.")] = ()
    patterns: Annotated[tuple[str, ...], Meta(description="Regular expressions in RE2's syntax.")] = ()


class ExampleOptions(Struct, frozen=True):
    name: Annotated[str, Meta(description="Name in findings: example:NAME.", pattern=_TERM_NAME)]
    folder: Annotated[str, Meta(description="Folder of text files that are like what is to be found.")]
    threshold: Annotated[
        Similarity | None,
        Meta(description="Similarity from which a text is like them; `tidegate policy calibrate` finds it."),
    ] = None


class PrivacyOptions(Struct, frozen=True):
    default_class: Annotated[ClassName, Meta(description="Data class of a request that nothing else classifies.")] = (
        "public"
    )
    detect: Annotated[bool, Meta(description="Look for personal data and secrets in every text that leaves.")] = True
    budget_s: Annotated[
        Seconds,
        Meta(description="Longest time for patterns and terms in one request; one that takes longer is private."),
    ] = 1.0
    names: Annotated[
        tuple[NamesIn, ...],
        Meta(description="Languages whose names and addresses are looked for too (slow; needs `tidegate[names]`)."),
    ] = ()
    slow_budget_s: Annotated[
        Seconds,
        Meta(description="The same for names and examples; they are looked for only where a request could leave."),
    ] = 10.0
    workers: Annotated[Count, Meta(description="Processes that look for names and examples.")] = 1
    terms: Annotated[tuple[TermOptions, ...], Meta(description="[[privacy.terms]]: your own words and patterns.")] = ()
    examples: Annotated[
        tuple[ExampleOptions, ...],
        Meta(description="[[privacy.examples]]: kinds of text by example (needs `tidegate[examples]`)."),
    ] = ()
    sticky_s: Annotated[
        float,
        Meta(description="How long a conversation that was private stays private; 0: only each request counts.", ge=0),
    ] = 7 * 24 * 3600.0
    mask_s: Annotated[
        Seconds, Meta(description="How long a conversation keeps its pseudonyms after its last request.")
    ] = 24 * 3600.0


class CaptureOptions(Struct, frozen=True):
    key_env: Annotated[
        str | None,
        Meta(description="Environment variable with the key that content is encrypted with; none: no capture."),
    ] = None
    classes: Annotated[
        tuple[Literal["public", "internal"], ...], Meta(description="Classes whose content is kept; never private.")
    ] = ("public",)
    keep_s: Annotated[Seconds, Meta(description="How long content is kept.")] = 24 * 3600.0
    folder: Annotated[
        str | None, Meta(description="Where it is kept; default: tidegate/content in the state folder.")
    ] = None
