"""Ollama's quirks: what its `/api/chat` does otherwise than the contract, and what is refused for that reason."""

from __future__ import annotations

from tidegate.core.rulebook import Rulebook

_SOURCE = "Ollama source fb30760 (v0.33.0-rc2), 2026-08-21, read and not run"
OLLAMA_RULES = Rulebook("OLL", "Ollama")

LOCAL = OLLAMA_RULES.rule(
    "OLL001",
    "unless the backend is external, cloud models are refused and the model is asked for as `NAME:local`",
    why="Names that end in `:cloud` or `-cloud`, and models with a `remote_host`, are passed on to ollama.com through the "
    "same port and path. With `:local` the server answers 404 rather than pass a request on. A server too old to know "
    "that ending knows no such model: update it, or declare the backend external.",
    source=_SOURCE + "; `:local` in ollama/ollama at 0018813 and 2e429a7, read 2026-11-24",
    checked="2026-11-24",
)

WINDOW = OLLAMA_RULES.rule(
    "OLL002",
    "truncate and shift are switched off, so a prompt longer than the window is an error",
    why="By default the oldest messages are dropped without any signal, and the answer looks right. The window is the "
    "server's: 4,096 tokens by default below 24 GiB of video memory; set OLLAMA_CONTEXT_LENGTH.",
    source=_SOURCE + "; ollama/ollama#4967, #17889",
    checked="2026-11-24",
)

THINKING = OLLAMA_RULES.rule(
    "OLL003",
    "thinking is switched by `think`, always explicitly: false, or the effort as the contract maps it",
    why="`thinking` and `reasoning_effort` are ignored by this endpoint. A model that cannot think refuses the switch; "
    "ask it with thinking disabled. A model that knows no efforts takes any of them as on.",
    source=_SOURCE + "; server/routes.go at 0018813, read 2026-11-24; ollama/ollama#10983",
    checked="2026-11-24",
)

SAMPLING = OLLAMA_RULES.rule(
    "OLL004",
    "temperature and top_p are 1 unless asked for, and always in thinking mode; top_k, min_p and penalties are off",
    why="The server and each model file have defaults of their own (0.8, 0.9, top_k 40). Thinking forces temperature 1 on "
    "the hosted API.",
    source=_SOURCE + "; DeepSeek thinking-mode guide, 2026-08-16",
    checked="2026-11-24",
)

LENGTH = OLLAMA_RULES.rule(
    "OLL005",
    "a missing max_tokens becomes the contract's default",
    why="The server's default is unlimited; the contract's is 8,192, in thinking mode 65,536, at maximum effort 131,072.",
    source=_SOURCE + "; DeepSeek create-chat-completion reference, 2026-08-27",
    checked="2026-11-24",
)

STREAM = OLLAMA_RULES.rule(
    "OLL006",
    "always asked for a stream; an unstreamed answer is put together by the gateway",
    why="Unstreamed, nothing arrives until the last token, so a long answer looks like a server that hangs, and the "
    "logprobs of thought and answer come in one list that cannot be told apart.",
    source=_SOURCE,
    checked="2026-11-24",
)

PREFIX = OLLAMA_RULES.rule(
    "OLL007",
    "Chat Prefix Completion is refused while nothing is known of the model",
    why="Whether a trailing assistant message is continued depends on the model's template; where it is not, the answer "
    "begins anew and looks right. A model of a known encoding goes the raw path (RAW001), one that was seen to be continued "
    "gets the message (OLL012).",
    source=_SOURCE,
    checked="2026-11-24",
)

TOOL_CHOICE = OLLAMA_RULES.rule(
    "OLL008",
    "tool_choice `required` or a named function is asked for as JSON by `format`, see REQ013; with `none` no tools are sent",
    why="The server has no such field: it would answer in prose where a call was promised, or call where none was allowed.",
    source=_SOURCE,
    checked="2026-11-24",
)

STRICT = OLLAMA_RULES.rule(
    "OLL009",
    "strict tools are offered as plain tools: arguments that do not follow their schema are an error, see REQ012",
    why="The server has no `strict` and does not constrain calls, so they are checked when they have come.",
    source=_SOURCE,
    checked="2026-11-24",
)

FORMAT = OLLAMA_RULES.rule(
    "OLL010",
    "JSON output is asked for by `format`: in thinking mode usage covers the second pass only; regex is refused",
    why="A thinking model thinks unconstrained, is stopped and asked again with the format, so the tokens of its thought "
    "are not counted. With thinking disabled some thinking models are not constrained at all.",
    source=_SOURCE + "; ollama/ollama#11545, #14850",
    checked="2026-11-24",
)

CONTINUED = OLLAMA_RULES.rule(
    "OLL012",
    "a prefix is sent as a trailing assistant message, where the model was seen to be continued; not one with reasoning",
    why="Models with a template or renderer of the server's own continue it. Whether they keep the reasoning beside it is "
    "not known.",
    source=_SOURCE,
    checked="2026-11-24",
)

REMINDER = OLLAMA_RULES.rule(
    "OLL011",
    "messages of the role latest_reminder are sent with the role system",
    why="Templates other than DeepSeek's do not know the role and drop such messages or fail.",
    source=_SOURCE,
    checked="2026-11-24",
)
