"""The numbered rules of routing. Each verdict and each step of a class names one."""

from __future__ import annotations

from tidegate.core.rulebook import Rulebook

CLASSES = Rulebook("CLS", "Data classes")
ROUTES = Rulebook("RTE", "Routing")

_DESIGN = "Tidegate design, boundaries and classes (docs/how-a-request-travels.md), 2026-11-23"
_LITELLM = "BerriAI/litellm 1.109.1, run with a private prompt and a failing local backend, 2026-11-22"

DEFAULT_CLASS = CLASSES.rule(
    "CLS001",
    "the default class applies",
    why="Nothing else said how far this request may travel: `[privacy] default_class` does.",
    source=_DESIGN,
    checked="2026-11-23",
)
CLIENT_CLASS = CLASSES.rule(
    "CLS002",
    "the client's class applies",
    why="The key that was used belongs to a client with a class of its own (`[[clients]] class`); it may be higher than "
    "the default, never lower.",
    source=_DESIGN,
    checked="2026-11-23",
)
ALIAS_CLASS = CLASSES.rule(
    "CLS003",
    "the model alias raises the class",
    why="The alias that was asked for pins a class (`[aliases.NAME] class`).",
    source=_DESIGN,
    checked="2026-11-23",
)
HEADER_CLASS = CLASSES.rule(
    "CLS004",
    "the header x-tidegate-class raises the class",
    why="A client knows best that a prompt is sensitive, so it may always ask for more protection.",
    source=_DESIGN,
    checked="2026-11-23",
)
HEADER_IGNORED = CLASSES.rule(
    "CLS005",
    "the header x-tidegate-class asked for a lower class and was not followed",
    why="The header may only raise a class; otherwise whoever controls a client could lower the policy.",
    source=_DESIGN,
    checked="2026-11-23",
)

STICKY = CLASSES.rule(
    "CLS006",
    "the conversation was private before, so it stays private",
    why="What was private in an earlier turn is in the model's answers too, where no detector may see it: an answer given "
    "to a private request marks the conversation for `[privacy] sticky_s`. It is known by its opening, by each longer text of "
    "it and each such answer that comes back, whole or cut off, and by the header x-tidegate-conversation; kept as keyed "
    "digests only.",
    source="BerriAI/litellm 1.109.1, later turns of a private session sent to a cloud fallback, run 2026-11-22",
    checked="2026-11-24",
)
ROW_CLASS = CLASSES.rule(
    "CLS007",
    "a row of the policy raises the class",
    why="A [[policy]] row whose conditions all hold has a `class`. Rows may only raise it, so their order does not matter.",
    source=_DESIGN,
    checked="2026-11-24",
)
ROW_LOCAL = CLASSES.rule(
    "CLS008",
    "a row of the policy keeps the request at home",
    why='A [[policy]] row whose conditions all hold has `action = "local"`, which is the class private.',
    source=_DESIGN,
    checked="2026-11-24",
)
UNSPOKEN = CLASSES.rule(
    "CLS009",
    "something was found that no row of the policy speaks of, so the request is private",
    why="Detection found personal data, a secret or a part that cannot be looked into, or it failed. Without a [[policy]] "
    "row that names it, nothing says that it may leave. `tidegate scan` shows what is found in a text.",
    source=_DESIGN,
    checked="2026-11-24",
)
ROW_MASKS = CLASSES.rule(
    "CLS010",
    "a row of the policy lets the request leave with pseudonyms only",
    why='A [[policy]] row has `action = "mask"`: as it is, the request is private; once each found value has a pseudonym in '
    "its place, it has the class of what is left.",
    source=_DESIGN,
    checked="2026-11-24",
)
NOT_MASKABLE = CLASSES.rule(
    "CLS011",
    "a row wants to mask what no pseudonym can stand for, so the request is private",
    why="An image, an unknown part or a text that is close to an example has no single value to replace.",
    source=_DESIGN,
    checked="2026-11-24",
)

NAMED_BACKEND = ROUTES.rule(
    "RTE001",
    "the request names one backend",
    why="A model written as `backend/model`, or a backend's bare name, asks for this backend and no other.",
    source=_DESIGN,
    checked="2026-11-23",
)
ALIASED = ROUTES.rule(
    "RTE002",
    "the model is an alias",
    why="`[aliases.NAME] targets` lists where it leads, in order.",
    source=_DESIGN,
    checked="2026-11-23",
)
AUTO = ROUTES.rule(
    "RTE003",
    "model `auto`: every backend is considered",
    why="Order: configured ones as written, runtimes found on this machine, the hosted API, the embedded demo model.",
    source=_DESIGN,
    checked="2026-11-23",
)
LOCAL = ROUTES.rule(
    "RTE004",
    "model `local`: only backends on this machine or an allow-listed network are considered",
    why="The name promises that the prompt stays at home, whatever its class.",
    source=_DESIGN,
    checked="2026-11-23",
)
MODEL_ID = ROUTES.rule(
    "RTE005",
    "a real model id: every backend that serves it is considered",
    why="The same id may be served in more than one place; policy and order choose.",
    source=_DESIGN,
    checked="2026-11-23",
)
LEGACY = ROUTES.rule(
    "RTE006",
    "a retired model name was rewritten to what it meant",
    why='`[contract] legacy_names` is "rewrite". Renaming alone would switch thinking on, so the thinking switch that the '
    "name meant is set too, unless the request says itself how it should think. The header x-tidegate-legacy says what "
    "became of it.",
    source="api-docs.deepseek.com, change log, 2026-08-02; contract table `aliases`",
    checked="2026-11-24",
)
FOREIGN = ROUTES.rule(
    "RTE007",
    "another provider's model name was taken for one of DeepSeek's",
    why="The Messages surface is used by clients that only know names such as claude-sonnet-...; the hosted API maps them "
    "too. A backend or an alias that has the name itself comes first.",
    source="DeepSeek create-message reference, 2026-10; contract table `claude_names`",
    checked="2026-11-24",
)
PRIVATE_STAYS = ROUTES.rule(
    "RTE010",
    "dropped: a private request may not leave, and this backend is external",
    why="Private data stays home whatever breaks. Peers that keep a cloud fallback in the list have leaked through it.",
    source=_LITELLM,
    checked="2026-11-22",
)
NOT_ACCEPTED = ROUTES.rule(
    "RTE011",
    "dropped: this backend was not given this class",
    why="`accepts` in its configuration is the highest class it takes; an external one takes public unless told more.",
    source=_DESIGN,
    checked="2026-11-23",
)
NOT_LOCAL = ROUTES.rule(
    "RTE012",
    "dropped: external, and the model name asked for local backends only",
    why="See RTE004.",
    source=_DESIGN,
    checked="2026-11-23",
)
NOT_SERVED = ROUTES.rule(
    "RTE013",
    "dropped: this backend does not serve the model",
    why="Some runtimes answer to any name with whatever model is loaded; a listed id is the only proof.",
    source="llama.cpp b11549, run 2026-11-22; SGLang 0.5.23 source",
    checked="2026-11-22",
)
UNATTESTED = ROUTES.rule(
    "RTE014",
    "dropped: nothing shows that this backend keeps requests, so it takes public ones only",
    why="What is not shown counts as external. `tidegate status` says of each backend what is missing and which option to "
    "change; the rules are LOC001 to LOC007.",
    source=_DESIGN,
    checked="2026-11-24",
)
LACKS = ROUTES.rule(
    "RTE016",
    "dropped: this backend cannot do what the request depends on",
    why="Its profile says so, by declaration or by measurement. Asked all the same, it would answer and the answer would "
    "look right: prose for JSON, a new answer for a continued one. `tidegate status` shows the profiles.",
    source="facts of vLLM 0.32.0, llama.cpp b11549 and transformers serve 5.19, run 2026-11-22",
    checked="2026-11-24",
)
NOT_KNOWN = ROUTES.rule(
    "RTE017",
    "dropped: nobody knows whether this backend can do what the request depends on",
    why="Nothing is declared for its kind and nothing was measured yet. A backend at home is measured by a short probe "
    "once it is up (`[profiles] measure`); for an external one, `[backends.NAME] features` takes your word.",
    source=_DESIGN,
    checked="2026-11-24",
)
KEPT = ROUTES.rule(
    "RTE020",
    "kept: allowed, serves the model, not known to be down",
    why="Candidates are tried in the order of preference.",
    source=_DESIGN,
    checked="2026-11-23",
)
KEPT_DOWN = ROUTES.rule(
    "RTE021",
    "kept as a last resort: allowed, but it was down when last seen",
    why="What was seen may be seconds old; trying it last can only turn an error into an answer.",
    source=_DESIGN,
    checked="2026-11-23",
)
KEPT_MASKED = ROUTES.rule(
    "RTE022",
    "kept: it gets the request with pseudonyms",
    why="The policy lets what was found leave masked; the answer is given back with the real values. Backends at home get "
    "the request as it is.",
    source=_DESIGN,
    checked="2026-11-24",
)
BLOCKED = ROUTES.rule(
    "RTE023",
    "a row of the policy refuses the request",
    why='A [[policy]] row whose conditions all hold has `action = "block"`.',
    source=_DESIGN,
    checked="2026-11-24",
)
FELL_BACK = ROUTES.rule(
    "RTE030",
    "an earlier candidate failed before its first frame, or cannot do what was asked; the next one was asked",
    why="Only candidates of the same decision are ever asked, so class and boundary bind every fallback.",
    source=_LITELLM,
    checked="2026-11-22",
)
WAITED = ROUTES.rule(
    "RTE031",
    "a candidate was loading its model, no other one answered, and it was asked again",
    why="A load takes seconds to minutes and ends by itself, so waiting helps where an error would only make the client "
    "ask again. The waiting ends with `[timeouts] load_s`; meanwhile the client gets keep-alives.",
    source="llama.cpp b11549 (503 `Loading model`), run 2026-11-22",
    checked="2026-11-24",
)
HOSTED_FIRST = ROUTES.rule(
    "RTE040",
    "ordered: the hosted API and other external backends first, those at home after them",
    why='`order = "hosted-first"` ([routing] or the alias). Only those that were kept are ordered; one that was down stays '
    "last.",
    source=_DESIGN,
    checked="2026-11-24",
)
LOCAL_FIRST = ROUTES.rule(
    "RTE041",
    "ordered: backends at home first, external ones after them",
    why='`order = "local-first"` ([routing] or the alias). Only those that were kept are ordered; one that was down stays '
    "last.",
    source=_DESIGN,
    checked="2026-11-24",
)
NEEDS_HOSTED = ROUTES.rule(
    "RTE042",
    "ordered by needs: external first, as the request asks for what local models often lack or do badly",
    why='`order = "by-needs"`, and the request has tools, JSON Output, a prefix to continue, FIM, thinking switched on by '
    "name, a part that is not text (an image, a file) or a body above 12 KiB, about 3,000 tokens: runtimes at home often "
    "have a window of 4,096 tokens by default, and the answer has to fit into it too.",
    source="ollama/ollama#18107 and #3839 (window of 4,096 tokens); vLLM 0.32.0, llama.cpp b11549, transformers serve 5.19, "
    "run 2026-11-22",
    checked="2026-11-24",
)
PLAIN_LOCAL = ROUTES.rule(
    "RTE043",
    "ordered by needs: backends at home first, as the request is a plain chat",
    why='`order = "by-needs"`, and the request has nothing of what RTE042 lists.',
    source=_DESIGN,
    checked="2026-11-24",
)
BALANCED = ROUTES.rule(
    "RTE044",
    "ordered by cost and waiting: the lowest sum of both first",
    why='`order = "balanced"`. The cost is that of this request at the price of this minute, 4 bytes to a token, with as '
    "many answer tokens as that model gave lately; at home it is 0. The waiting is the average time of a whole answer and "
    "half that of its first piece once more, newer ones counting more; a second of it counts as 0.0001 USD. A backend that "
    "failed in the last minute, or is external with a price that nobody knows, comes after those that have both figures.",
    source=_DESIGN,
    checked="2026-11-24",
)
EXPLORED = ROUTES.rule(
    "RTE045",
    "ordered by cost and waiting: one that is not known yet is tried first",
    why='`order = "balanced"`. A candidate that was not asked twice yet, or not in the last 15 minutes (one that failed: '
    "not in the last minute), has no figures that hold, so it is tried, in the configured order; nothing is left to chance.",
    source=_DESIGN,
    checked="2026-11-24",
)
SHADOWED = ROUTES.rule(
    "RTE050",
    "a shadow: a public request that was answered is asked once more, to compare",
    why="`[shadow] to` names who is asked. Decided anew with the class of the first, so routing and transport bind it; never "
    "for what is not public, was masked, or could not have left the first time. The client's answer is over before it "
    "begins, and it is dropped rather than piled up when its target is slow.",
    source=_DESIGN,
    checked="2026-11-24",
)
EACH = ROUTES.rule(
    "RTE055",
    "each target of the alias answers, and the answer holds all of them",
    why='`[aliases.NAME] answers` is "each": one answer below the other, each under a heading with its backend and model. '
    "Each backend asked has a ledger row of its own, with its class, tokens and cost; the client's exchange is the one "
    "without a backend. Those that the class forbids are left out and named at the end.",
    source=_DESIGN,
    checked="2026-11-24",
)
