"""What hypothesis may make up: JSON, texts, canonical requests, answers, event streams, and everything routing looks at."""

from __future__ import annotations

from typing import Any, get_args

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tidegate.core.boundary import Boundary, DataClass
from tidegate.core.decision import BackendView, Health, Snapshot
from tidegate.core.events import Start
from tidegate.core.fold import Answer
from tidegate.core.messages import Message, OpaquePart, Part, ReasoningPart, TextPart, ToolCallPart
from tidegate.core.requests import ChatRequest, Effort, FimRequest, NamedTool, ThinkingSwitch, ToolSpec
from tidegate.core.usage import Usage
from tidegate.routing.policy import Alias, Ask, Policy

MODERATE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

Strategy = st.SearchStrategy


def texts(least: int = 0) -> Strategy[str]:
    """Any text that JSON can carry, often short, with line ends, quotes and wide characters among it."""
    return st.text(min_size=least, max_size=12) | st.sampled_from(
        ["Hello", "\r\n\n", '"quoted"', "\\", "日本語", "🌊", "\x00", "\u2028", "data: [DONE]\n\n", "</think>"]
    )


def json_values(leaves: int = 8) -> Strategy[Any]:
    """JSON of any shape, objects with the contract's own words as keys among them."""
    keys = texts() | st.sampled_from(
        ["choices", "delta", "message", "content", "reasoning", "tool_calls", "function", "index", "id", "usage"]
    )
    scalars = (
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    )
    return st.recursive(
        scalars | texts(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=leaves,
    )


def json_objects() -> Strategy[dict[str, Any]]:
    return st.dictionaries(texts(1), json_values(4), max_size=3)


def counts() -> Strategy[int | None]:
    return st.none() | st.integers(0, 2**40)


def usages() -> Strategy[Usage]:
    return st.builds(Usage, prompt=counts(), output=counts(), cache_hit=counts(), reasoning=counts())


# Requests.


def content_parts() -> Strategy[tuple[Part, ...]]:
    """Text and opaque parts in canonical form: a lone empty text is no part."""
    image = st.builds(
        lambda rest, url: {**rest, "type": "image_url", "image_url": {"url": url}}, json_objects(), texts()
    )
    file = st.builds(lambda rest, data: {**rest, "type": "file", "file_data": data}, json_objects(), names())
    opaque = (image | file).map(OpaquePart)
    parts = st.lists(st.builds(TextPart, texts()) | opaque, max_size=3).map(tuple)
    return parts.filter(lambda found: found != (TextPart(""),))


def names() -> Strategy[str | None]:
    return st.none() | texts()


def plain_messages() -> Strategy[tuple[Message, ...]]:
    role = st.sampled_from(["system", "user"])
    reminder = texts().map(lambda text: (TextPart(text),) if text else ())
    return st.tuples(
        st.builds(Message, role, content_parts(), names())
        | st.builds(Message, st.just("latest_reminder"), reminder, names())
    )


@st.composite
def turns(draw: st.DrawFn) -> tuple[Message, ...]:
    """What an assistant said and called, and the answer to each call, in any order."""
    thought = draw(st.lists(st.builds(ReasoningPart, texts()), max_size=1))
    calls = draw(
        st.lists(st.builds(ToolCallPart, texts(), texts(), texts()), max_size=3, unique_by=lambda call: call.call_id)
    )
    said = Message("assistant", (*thought, *draw(content_parts()), *calls), draw(names()))
    answers = [Message("tool", draw(content_parts()), draw(names()), call_id=call.call_id) for call in calls]
    return (said, *draw(st.permutations(answers)))


def conversations() -> Strategy[tuple[Message, ...]]:
    groups = st.lists(plain_messages() | turns(), min_size=1, max_size=4)
    whole = groups.map(lambda found: tuple(message for group in found for message in group))
    prefix = st.builds(lambda parts: (Message("assistant", parts, prefix=True),), content_parts())
    return st.builds(lambda first, last: first + last, whole, st.just(()) | prefix)


def tool_specs() -> Strategy[tuple[ToolSpec, ...]]:
    spec = st.builds(
        ToolSpec,
        name=st.from_regex(r"[a-zA-Z0-9_-]{1,20}", fullmatch=True),
        description=names(),
        parameters=st.none() | json_objects(),
        strict=st.none() | st.booleans(),
    )
    return st.lists(spec, max_size=3, unique_by=lambda one: one.name).map(tuple)


@st.composite
def chat_requests(draw: st.DrawFn) -> ChatRequest:
    """Any canonical request that the contract accepts, with fields of the client's own beside it."""
    stream, logprobs = draw(st.booleans()), draw(st.none() | st.booleans())
    thinking, effort = draw(st.none() | st.sampled_from(get_args(ThinkingSwitch))), draw(efforts())
    tools = draw(tool_specs())
    thinks = ChatRequest(model="", messages=(), thinking=thinking, effort=effort).thinks
    choices: list[Any] = [None, "none", "auto"]
    if not (thinks and tools):
        choices += ["required", NamedTool(draw(st.sampled_from([tool.name for tool in tools] or ["f"])))]
    kind = st.sampled_from(["text", "json_object", "json_schema", "regex"])
    answer_form = {"json_schema": {"schema": draw(json_objects())}, "regex": "a+"}
    return ChatRequest(
        model=draw(texts()),
        messages=draw(conversations()),
        stream=stream,
        include_usage=draw(st.none() | st.booleans()) if stream else None,
        thinking=thinking,
        effort=effort,
        max_tokens=draw(st.none() | st.integers(1, 393216)),
        temperature=draw(st.none() | st.floats(0, 2)),
        top_p=draw(st.none() | st.floats(0, 1, exclude_min=True)),
        stop=draw(st.lists(texts(1), max_size=16).map(tuple)),
        tools=tools,
        tool_choice=draw(st.sampled_from(choices)),
        response_format=draw(
            st.none() | st.builds(lambda name, rest: {**rest, **answer_form, "type": name}, kind, json_objects())
        ),
        logprobs=logprobs,
        top_logprobs=draw(st.none() | st.integers(0, 20)) if logprobs else None,
        user_id=draw(names()),
        seed=draw(st.none() | st.integers(0, 2**63 - 1)),
        n=draw(st.sampled_from([None, 1])),
        frequency_penalty=draw(st.none() | st.floats(-2, 2)),
        presence_penalty=draw(st.none() | st.floats(-2, 2)),
        extras=draw(st.dictionaries(texts(1).map(lambda name: f"x-{name}"), json_values(4), max_size=2)),
    )


def fim_requests() -> Strategy[FimRequest]:
    """Any canonical completion request that the contract accepts."""

    def maybe(values: Strategy[Any]) -> Strategy[Any]:
        return st.none() | values

    return st.booleans().flatmap(
        lambda stream: st.builds(
            FimRequest,
            model=texts(),
            prompt=texts(),
            suffix=names(),
            echo=maybe(st.booleans()),
            stream=st.just(stream),
            include_usage=maybe(st.booleans()) if stream else st.none(),
            max_tokens=maybe(st.integers(1, 4096)),
            temperature=maybe(st.floats(0, 2)),
            top_p=maybe(st.floats(2**-100, 1)),
            stop=st.lists(texts(1), max_size=16).map(tuple),
            logprobs=maybe(st.integers(0, 20)),
            frequency_penalty=maybe(st.floats(-2, 2)),
            presence_penalty=maybe(st.floats(-2, 2)),
            extras=st.dictionaries(texts(1).map(lambda name: f"x-{name}"), json_values(4), max_size=2),
        )
    )


def efforts() -> Strategy[Effort | None]:
    return st.none() | st.sampled_from(get_args(Effort))


# Answers.


def logprobs() -> Strategy[tuple[Any, ...] | None]:
    return st.none() | st.lists(json_objects(), min_size=1, max_size=2).map(tuple)


def reasons() -> Strategy[str]:
    return st.sampled_from(["stop", "length", "content_filter", "tool_calls", "insufficient_system_resource"])


def starts() -> Strategy[Start]:
    return st.builds(Start, names(), st.none() | st.integers(0, 2**40), names(), names())


@st.composite
def answers(draw: st.DrawFn, *, streamable: bool = False) -> Answer:
    """Any answer. A streamable one has no empty thought and no logprobs without text: chunks cannot say these."""
    text = draw(texts())
    reasoning = draw(st.none() | texts(1 if streamable else 0))
    return Answer(
        start=draw(starts()),
        text=text,
        reasoning=reasoning,
        tool_calls=tuple(draw(st.lists(st.builds(ToolCallPart, texts(), texts(), texts()), max_size=3))),
        finish=draw(reasons()),
        usage=draw(st.none() | usages()),
        text_logprobs=draw(logprobs()) if text or not streamable else None,
        reasoning_logprobs=draw(logprobs()) if reasoning is not None else None,
    )


# Routing.

_NAMES = ["box", "lab", "cloud", "tide"]
_MODELS = ["m", "org/m", "deepseek-flash", "auto", "local", "box"]


def classes() -> Strategy[DataClass]:
    return st.sampled_from(DataClass)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    return Snapshot(
        tuple(
            BackendView(
                name=name,
                boundary=draw(st.sampled_from(Boundary)),
                accepts=draw(classes()),
                health=draw(st.sampled_from(get_args(Health))),
                models=tuple(draw(st.lists(st.sampled_from(_MODELS), max_size=3, unique=True))),
                serves_any=draw(st.booleans()),
            )
            for name in draw(st.lists(st.sampled_from(_NAMES), max_size=4, unique=True))
        )
    )


def asked_names() -> Strategy[str]:
    known = st.sampled_from([*_NAMES, *_MODELS, "alias", "work"])
    return st.one_of(known, st.builds("{}/{}".format, known, known), texts())


def asks() -> Strategy[Ask]:
    return st.builds(Ask, asked_names(), st.none() | classes(), st.none() | classes())


def policies() -> Strategy[Policy]:
    alias = st.builds(
        lambda name, targets, pinned: Alias(name, tuple(targets), pinned),
        st.sampled_from(["alias", "work", "auto", "m"]),
        st.lists(asked_names(), min_size=1, max_size=3),
        st.none() | classes(),
    )
    by_name = st.lists(alias, max_size=3, unique_by=lambda one: one.name).map(
        lambda found: {one.name: one for one in found}
    )
    return st.builds(Policy, classes(), by_name)
