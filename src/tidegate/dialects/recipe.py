"""DeepSeek's own encoder and parser: a chat becomes its exact prompt, raw text becomes the parts of an answer.

The only module of the gateway that imports `deepseek-recipe` (the extra `raw`), and only when it is used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import orjson

from tidegate.catalog.contracts import DEFAULT_PROFILE, contract_named
from tidegate.codecs.openai_chat.chunks import ChunkDecoder
from tidegate.codecs.openai_chat.request import request_fields
from tidegate.core.errors import BadAnswer, NotSupported
from tidegate.core.events import Event, Finish, Start, UsageReport
from tidegate.core.profile import Encoding
from tidegate.core.requests import ChatRequest, NamedTool
from tidegate.dialects.raw import FORMAT_KINDS, Constraint
from tidegate.dialects.raw_rules import BEYOND, RAW

BEGIN, EOS = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"
_NAME = "model"
_MEANT = ("messages", "tools", "tool_choice", "response_format", "stop", "temperature", "top_p", "seed", "max_tokens")
_CONTRACT = contract_named(DEFAULT_PROFILE)

# Every spelling that the V4 vocabulary has as one token of its own (tokenizer.json, 1,283 of them, read 2026-11-24).
_MARKER = re.compile(r"<(?=｜/?[^｜<>]{1,40}[｜>]|/?think>|\|(?:EOT|place_holder_\w{1,40})\|>|/?dsml:)|｜(?=DSML｜)")


def broken_up(text: str) -> str:
    """The text without control tokens: a zero-width space stands in each spelling of one."""
    return _MARKER.sub(lambda found: found[0] + "\u200b", text)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A chat as a prompt and how to sample. `broke`: control tokens in its texts were broken up."""

    prompt: str
    broke: bool
    max_tokens: int | None
    temperature: float
    top_p: float
    seed: int | None
    constraint: Constraint | None
    parser: Parser


class Parser:
    """Raw text of one answer to events; it finishes by itself where a stop string is found."""

    def __init__(self, package: Any, converted: Any, opened: str) -> None:
        """`opened`: what of the answer the prompt holds already."""
        self._package = package
        options = converted.parsing_options
        options.parse_tool_calls = True  # also without tools: what is markup must not pass for text
        generator = package.ChatCompletionRequest.chunk_generator(converted, "", _NAME)
        self._processor = package.StreamProcessor(generator, options)
        self._decoder = ChunkDecoder()
        self._events(self._push(package.InferenceChunk.ready()))
        self.opening = self.feed(opened) if opened else ()

    @property
    def finished(self) -> bool:
        return bool(self._processor.finished)

    def feed(self, text: str) -> tuple[Event, ...]:
        return self._events(self._push(self._package.InferenceChunk.text(text, 1)))

    def finish(self, reason: str) -> tuple[Event, ...]:
        """What is held back, and why it ended; a reason that the parser does not know stays as it is."""
        reasons = self._package.InferenceFinishReason
        known = {"stop": reasons.Stop, "length": reasons.Length, "content_filter": reasons.ContentFilter}
        chunks = self._push(self._package.InferenceChunk.finish(known.get(reason, reasons.Length)))
        events = self._events([*chunks, *self._processor.finish()])
        if reason in known:
            return events
        return tuple(Finish(reason) if isinstance(event, Finish) else event for event in events)

    def _push(self, chunk: Any) -> list[Any]:
        try:
            return self._processor.push(chunk)
        except RuntimeError:
            raise BadAnswer("the backend's raw answer cannot be parsed") from None

    def _events(self, chunks: list[Any]) -> tuple[Event, ...]:
        """Who answers and what it used is the runtime's to say."""
        events = (event for chunk in chunks for event in self._decoder.decode(orjson.loads(chunk.to_json())))
        return tuple(event for event in events if not isinstance(event, Start | UsageReport))


def render(request: ChatRequest, encoding: Encoding) -> Rendered:
    package = _package()
    converted = _converted(package, request, encoding)
    encoder = package.DeepseekV41Encoding() if encoding == "v4.1" else package.DeepseekV4Encoding()
    written = encoder.render_conversation(converted.conversation)
    prompt, broke = _without_markers(written.prompt, written.special_ranges)
    opened = _opened_call(request, encoding)
    options = converted.inference_options
    return Rendered(
        prompt + opened,
        broke,
        options.max_tokens,
        round(options.temperature, 6),
        round(options.top_p, 6),  # the package keeps 32 bits: 0.95 would be sent as 0.949999988
        options.seed,
        _constraint(options.output_constraint),
        Parser(package, converted, opened),
    )


def is_installed() -> bool:
    """Quick: looks for the package and imports nothing."""
    return find_spec("deepseek_recipe") is not None


def _package() -> Any:
    try:
        import deepseek_recipe  # pyright: ignore[reportMissingTypeStubs]
    except ImportError:
        raise NotSupported(
            f"this request needs the raw path, see {RAW.code}, and deepseek-recipe is not installed: run `pip install "
            "'tidegate[raw]'` (Linux or macOS), or use another `model`"
        ) from None
    return deepseek_recipe


def _converted(package: Any, request: ChatRequest, encoding: Encoding) -> Any:
    """The efforts of the contract are those of both encodings. The texts of refusals may quote the request."""
    written = request_fields(request)
    fields: dict[str, Any] = {name: written[name] for name in _MEANT if name in written}
    fields |= {"model": _NAME, "thinking": {"type": "enabled" if request.thinks else "disabled"}}
    if request.thinks:
        fields["reasoning_effort"] = _CONTRACT.applied_effort(request)
    versions = package.ModelVersion
    version = versions.DeepseekV41Flash if encoding == "v4.1" else versions.DeepseekV4Pro
    options = package.ConversionOptions().with_model_versions_by_name({_NAME: version})
    try:
        return package.ChatCompletionRequest(fields).convert(options)
    except (package.ConversionError, ValueError, TypeError, RecursionError):
        raise NotSupported(
            f"this conversation cannot be written in DeepSeek's prompt format, see {BEYOND.code}; use another `model`"
        ) from None


def _without_markers(prompt: str, special_ranges: list[tuple[int, int]]) -> tuple[str, bool]:
    """Only what stands between the package's own control tokens is text of the request."""
    pieces: list[str] = []
    end = 0
    for begin, after in special_ranges:
        pieces += [broken_up(prompt[end:begin]), prompt[begin:after]]
        end = after
    pieces.append(broken_up(prompt[end:]))
    mended = "".join(pieces)
    return mended, mended != prompt


def _opened_call(request: ChatRequest, encoding: Encoding) -> str:
    """The package opens the block of calls for a forced tool; which one was named, it leaves to a constraint."""
    if not request.tools or not isinstance(request.tool_choice, NamedTool) or request.thinks:
        return ""
    mark = "｜DSML｜ invoke" if encoding == "v4.1" else "｜DSML｜invoke"
    return f'<{mark} name="{request.tool_choice.name}">\n'


def _constraint(wanted: Any) -> Constraint | None:
    """Constraints of calls are not enforced anywhere on the raw path."""
    return Constraint(wanted.kind, wanted.schema) if wanted is not None and wanted.kind in FORMAT_KINDS else None
