"""The numbered rules of masking: what is replaced, what cannot be, and what becomes of an answer."""

from __future__ import annotations

from tidegate.core.rulebook import Rulebook

MASKING = Rulebook("MSK", "Masking")

_DECISION = "docs/decisions/0012-pseudonyms.md, 2026-11-24"
_CHECKED = "2026-11-24"

MASKED = MASKING.rule(
    "MSK001",
    "what was found is replaced by a pseudonym, wherever it stands in the request",
    why="A value that a rule knows by the word in front of it may stand elsewhere without that word. So every occurrence "
    "of a found value is replaced, in every turn, and a request in which one is left does not leave.",
    source=_DECISION,
    checked=_CHECKED,
)
RESTORED = MASKING.rule(
    "MSK002",
    "pseudonyms in the answer are replaced by what they stand for",
    why="In texts, reasoning and the arguments of tool calls, however the stream is cut. Only pseudonyms that were coined "
    "for this very request are known; any other text that looks like one stays as it is. So does a pseudonym that the "
    "model changed (another case, a missing end): it tells nothing.",
    source="BerriAI/litellm#31950 (arguments never restored), #41611 and #30028 (split over chunks), read 2026-11-22",
    checked=_CHECKED,
)
NOT_MASKABLE = MASKING.rule(
    "MSK003",
    "what was found cannot be masked, so the request stays at home",
    why="Renaming would change what a program reads: names and ids of tools, names of a schema's properties, enumerated "
    "values, numbers and keys in a call's arguments, arguments that are no JSON, addresses of images, the model's name. "
    "A text that is like an example, and a value that stands in two parts of a message, cannot be cut out either.",
    source=_DECISION,
    checked=_CHECKED,
)
UNLOOKED = MASKING.rule(
    "MSK004",
    "images, files and data cannot be masked",
    why="Nothing can be replaced in what cannot be read: whether such a request may leave is the policy's to say "
    '(`found = ["unscannable"]`).',
    source=_DECISION,
    checked=_CHECKED,
)
CUT = MASKING.rule(
    "MSK005",
    "an answer that ends inside a pseudonym is an error",
    why="What is left is neither the pseudonym nor the value. Handed out, it would look like an answer and be a wrong one. "
    "A word that only begins like one is handed out.",
    source="voidmind-io/voidllm PR #135 and #137, read 2026-11-22",
    checked=_CHECKED,
)
LAST_LOOK = MASKING.rule(
    "MSK006",
    "no byte of a masked request goes out while a found value is in it",
    why="The body is searched once more just before it is sent, with all escapes undone: a mistake in masking, or text "
    "that was added after it, is not a leak. A value that is also a word of the wire format, such as `user`, is found "
    "there too, and stays at home.",
    source=_DECISION,
    checked=_CHECKED,
)
TOKENS = MASKING.rule(
    "MSK007",
    "logprobs describe the pseudonyms",
    why="They are the backend's word about the tokens that it made. Those of the real value were never computed.",
    source=_DECISION,
    checked=_CHECKED,
)
FRESH = MASKING.rule(
    "MSK008",
    "pseudonyms are stable in one conversation and different in every other",
    why="They come from a random key of the client's conversation, kept in memory only and forgotten after `[privacy] "
    "mask_s`. The map back is built anew from the values in each request, so no request can name another's value.",
    source="BerriAI/litellm PR #19950 (tokens shared between requests) and #41600 (numbers restart), read 2026-11-22",
    checked=_CHECKED,
)
TOO_MANY = MASKING.rule(
    "MSK009",
    "too many values for a request of this size stay at home",
    why="Each value is looked for in the whole request, and others wait meanwhile. A table of thousands of people is not "
    "what masking is for; the product of values and characters has a limit of 250 million.",
    source=_DECISION,
    checked=_CHECKED,
)
