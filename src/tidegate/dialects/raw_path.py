"""The raw path of a chat: past the chat endpoint where that is known to be wrong, over the raw completion endpoint. Pure.

A dialect says what is wrong with its chat endpoint; here the request is written and the reading of its answer made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from tidegate.catalog.contracts import DEFAULT_PROFILE, contract_named
from tidegate.codecs.json_text import dump_fields
from tidegate.core.errors import NotSupported
from tidegate.core.messages import OpaquePart
from tidegate.core.profile import Encoding
from tidegate.core.requests import ChatRequest
from tidegate.core.rulebook import Rule
from tidegate.dialects.base import PENALTIES, USER_ID, Encoded
from tidegate.dialects.raw import Ask, Constraint, Tally, TextEndpoint, surely_left
from tidegate.dialects.raw_answer import RawAnswer
from tidegate.dialects.raw_rules import BEYOND, FORMAT, LENGTH, MARKERS, NAMED, RAW, STOPS, STRICT
from tidegate.dialects.readers import Stage
from tidegate.dialects.recipe import Rendered, render
from tidegate.dialects.refusals import asks_forced_tool, format_of

_CONTRACT = contract_named(DEFAULT_PROFILE)
Makes = Callable[[ChatRequest], Stage | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPath:
    """Which requests for a model of this encoding take it, and over which endpoint.

    `wrong`: the chat endpoint would answer this request otherwise than the contract. `stages` come behind the parser.
    """

    endpoint: TextEndpoint
    encoding: Encoding
    wrong: Callable[[ChatRequest], bool]
    window_tokens: int | None = None
    stages: tuple[Makes, ...] = ()

    def __call__(self, request: ChatRequest, model: str) -> Encoded | None:
        """None: the chat endpoint is right for this request."""
        if not self.wrong(request):
            return None
        _refuse_beyond(request)
        rendered = render(request, self.encoding)
        ask = self._ask(request, rendered, model)
        tally = Tally(self.endpoint.progress)
        parsing = RawAnswer(
            rendered.parser,
            tally,
            thinks=request.thinks and not request.thought_before,
            calls=bool(request.tools) and request.tool_choice != "none",
        )
        asked = replace(request, model=model)
        return Encoded(
            self.endpoint.path,
            dump_fields(self.endpoint.write(ask)),
            tuple(rule.code for rule in _applied(request, rendered, ask)),
            streamed=True,
            wire=tally.watching(self.endpoint.wire),
            passes=False,
            stages=(parsing, *(stage for make in self.stages if (stage := make(asked)) is not None)),
            on_chunk=self.endpoint.on_chunk,
        )

    def _ask(self, request: ChatRequest, rendered: Rendered, model: str) -> Ask:
        effort = _CONTRACT.applied_effort(request)
        default = _CONTRACT.default_max_tokens(thinks=request.thinks, effort=effort)
        # Where neither a thought nor a call can hold a stop string, the runtime may stop by itself.
        stops_itself = not request.thinks and not request.tools
        return Ask(
            model=model,
            prompt=rendered.prompt,
            rendered=True,
            most=rendered.max_tokens or surely_left(self.window_tokens, rendered.prompt, default),
            temperature=rendered.temperature,
            top_p=rendered.top_p,
            seed=rendered.seed,
            stop=request.stop if stops_itself else (),
            constraint=self._constraint(request, rendered.constraint),
        )

    def _constraint(self, request: ChatRequest, wanted: Constraint | None) -> Constraint | None:
        """JSON of any kind may be left to the prompt, as the hosted API's JSON mode has no guarantee either."""
        if wanted is None:
            return None
        if not request.thinks and wanted.kind in self.endpoint.formats:
            return wanted
        if format_of(request) != "json_object":
            raise NotSupported(
                f"response_format {format_of(request)} is not supported by this backend for this request, see "
                f"{FORMAT.code}; use another `model`"
            )
        return None


def _applied(request: ChatRequest, rendered: Rendered, ask: Ask) -> list[Rule]:
    applies = {
        RAW: True,
        PENALTIES: (request.frequency_penalty, request.presence_penalty) != (None, None),
        USER_ID: request.user_id is not None,
        MARKERS: rendered.broke,
        FORMAT: rendered.constraint is not None and ask.constraint is None,
        STOPS: bool(request.stop) and (request.thinks or bool(request.tools)),
        LENGTH: request.max_tokens is None,
        NAMED: asks_forced_tool(request) and request.tool_choice != "required",
        STRICT: any(tool.strict for tool in request.tools),
    }
    return [rule for rule, applied in applies.items() if applied]


def _refuse_beyond(request: ChatRequest) -> None:
    if request.logprobs:
        raise NotSupported(f"logprobs is not supported by this backend, see {BEYOND.code}; use another `model`")
    if any(isinstance(part, OpaquePart) for message in request.messages for part in message.parts):
        raise NotSupported(
            f"content other than text (messages[].content) is not supported by this backend, see {BEYOND.code}; use "
            "another `model`"
        )
