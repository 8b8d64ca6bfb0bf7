"""Messages requests that hypothesis makes up: most are well, many have a fault or two, some are nonsense in one place."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

Strategy = st.SearchStrategy
Fields = dict[str, Any]

WORDS = ("Hi", "", "Look at this.", "日本語", "a\n\nb", "<｜User｜>")
URLS = ("https://x.test/a.png", "HTTP://x.test/b", "ftp://x.test", "data:image/png;base64,QUJD", "")
DATA = ("QUJD", "QQ==", "QQ=", "QQ", "", "!!", "QR==", "QUI=", "====")
MEDIA = ("image/png", "image/jpg", "image/jpeg", "image/gif", "image/webp")
TOOLS = ("f", "g", "h")
IDS = ("t1", "t2", "t3", "")


def words() -> Strategy[str]:
    return st.sampled_from(WORDS)


def text_blocks() -> Strategy[Fields]:
    extra = st.sampled_from([{}, {"cache_control": {"type": "ephemeral"}}, {"citations": None}])
    return st.builds(lambda text, more: {"type": "text", "text": text, **more}, words(), extra)


def images() -> Strategy[Fields]:
    good = st.sampled_from(
        [{"type": "url", "url": URLS[0]}, {"type": "base64", "media_type": MEDIA[0], "data": "QUJD"}]
    )
    url = st.builds(lambda url: {"type": "url", "url": url}, st.sampled_from(URLS))
    data = st.builds(
        lambda media, data: {"type": "base64", "media_type": media, "data": data},
        st.sampled_from(MEDIA),
        st.sampled_from(DATA),
    )
    file = st.just({"type": "file", "file_id": "file-1"})
    return st.builds(lambda source: {"type": "image", "source": source}, st.one_of(good, good, good, url, data, file))


def documents() -> Strategy[Fields]:
    sources = [{"type": "text", "media_type": "text/plain", "data": "x"}, {"type": "url", "url": "http://x"}, {}]
    return st.builds(lambda source: {"type": "document", "source": source, "title": "T"}, st.sampled_from(sources))


def spoken() -> Strategy[Fields]:
    return st.one_of(text_blocks(), text_blocks(), text_blocks(), images(), documents())


def thoughts() -> Strategy[Fields]:
    return st.builds(lambda text: {"type": "thinking", "thinking": text, "signature": "s"}, words())


def calls(ids: Strategy[str]) -> Strategy[Fields]:
    inputs = [{}, {"a": 1}, {"z": "x", "b": {"c": [1, None, 1.5, True]}}, [1], "x", None, 5]
    return st.builds(
        lambda call_id, name, given: {"type": "tool_use", "id": call_id, "name": name, "input": given},
        ids,
        st.sampled_from([*TOOLS, "not a tool"]),
        st.sampled_from([*inputs[:3], *inputs]),
    )


def results(call_id: str) -> Strategy[Fields]:
    reference = st.builds(lambda name: {"type": "tool_reference", "tool_name": name}, st.sampled_from(TOOLS))
    content = st.one_of(
        st.sampled_from([{}, {"content": None}]),
        st.builds(lambda text: {"content": text}, words()),
        st.builds(lambda blocks: {"content": blocks}, st.lists(st.one_of(spoken(), spoken(), reference), max_size=3)),
    )
    error = st.sampled_from([{}, {"is_error": True}])
    return st.builds(lambda a, b: {"type": "tool_result", "tool_use_id": call_id, **a, **b}, content, error)


@st.composite
def exchanges(draw: st.DrawFn) -> list[Fields]:
    """What an assistant said and called, and what the user answered, in the order that the rules want."""
    ids = draw(st.lists(st.sampled_from(IDS), max_size=3, unique=True))
    said = draw(st.lists(thoughts(), max_size=2)) + draw(st.lists(text_blocks() | documents(), max_size=2))
    said += [draw(calls(st.just(call_id))) for call_id in ids]
    content: Any = said if said else draw(words())
    answers = [draw(results(call_id)) for call_id in draw(st.permutations(ids))]
    answers += draw(st.lists(spoken(), max_size=2))
    return [{"role": "assistant", "content": content}] + ([{"role": "user", "content": answers}] if answers else [])


def others() -> Strategy[list[Fields]]:
    user = st.builds(
        lambda content: {"role": "user", "content": content}, words() | st.lists(spoken(), min_size=1, max_size=3)
    )
    addition = st.builds(
        lambda name: {"type": "tool_addition", "tool": {"type": "tool_reference", "name": name}},
        st.sampled_from(TOOLS),
    )
    system = st.builds(
        lambda content: {"role": "system", "content": content},
        words() | st.lists(st.one_of(text_blocks(), text_blocks(), spoken(), addition), max_size=2),
    )
    return st.one_of(user, user, system).map(lambda message: [message])


def conversations() -> Strategy[list[Fields]]:
    groups = st.lists(st.one_of(others(), exchanges()), min_size=1, max_size=4)
    return groups.map(lambda found: [copy.deepcopy(message) for group in found for message in group])


def tool_lists() -> Strategy[list[Fields]]:
    schemas = [{"type": "object"}, {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}]
    tool = st.builds(
        lambda name, schema, more: {"name": name, "input_schema": schema, **more},
        st.sampled_from(TOOLS),
        st.sampled_from(schemas),
        st.sampled_from(
            [{}, {}, {"description": "d"}, {"defer_loading": True}, {"strict": True}, {"description": None}, {"x": 1}]
        ),
    )
    return st.lists(tool, max_size=3, unique_by=lambda one: one["name"])


def plain_options() -> Strategy[Fields]:
    efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max", "ultra"]
    return st.fixed_dictionaries(
        {"model": st.sampled_from(["deepseek-flash", "deepseek-flash", "deepseek-v4-pro"])},
        optional={
            "max_tokens": st.sampled_from([1, 100, 393216, 393217, 2**32 - 1, 0, None]),
            "system": words() | st.lists(text_blocks(), max_size=3),
            "thinking": st.sampled_from(
                [{"type": "enabled", "budget_tokens": 9}, {"type": "disabled"}, {"type": "adaptive", "display": 5}]
            ),
            "output_config": st.builds(lambda effort: {"effort": effort, "format": 1}, st.sampled_from(efforts)),
            "temperature": st.sampled_from([0, 0.5, 1, 2, 2.0000001, 2.5, -1]),
            "top_p": st.sampled_from([0.1, 0.97, 1, 1.00000001, 0, 1.5]),
            "stop_sequences": st.sampled_from([[], ["a"], ["a"] * 16, ["a"] * 17, ["a", ""]]),
            "stream": st.booleans(),
            "metadata": st.sampled_from([{"user_id": "u"}, {}, {"other": 1}]),
            "tool_choice": st.sampled_from(
                [{"type": name} for name in ("auto", "any", "none")]
                + [{"type": "tool", "name": name} for name in ("f", "g", "zz")]
            ),
            "top_k": st.just(5),
            "seed": st.just("not a chat field here"),
        },
    )


@st.composite
def sound_requests(draw: st.DrawFn) -> Fields:
    """Mostly without a fault: the strategies above know a few bad values."""
    return {**draw(plain_options()), "messages": draw(conversations()), "tools": draw(tool_lists())}


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands, schemas and inputs excepted: those are carried, not read."""
    members: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [path] if path else []
    for key, inner in members:
        if key not in ("input", "input_schema"):
            found += _places(inner, (*path, key))
    return found


@st.composite
def broken_requests(draw: st.DrawFn) -> Fields:
    """A sound request of which one to three places are taken away, replaced, doubled or put in another order."""
    request = copy.deepcopy(draw(sound_requests()))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(_places(request)))
        holder: Any = request
        for key in path[:-1]:
            holder = holder[key]
        match draw(st.sampled_from(["remove", "replace", "replace", "double", "block", "turn", "tool"])):
            case "remove":
                del holder[path[-1]]
            case "double" if isinstance(holder, list):
                holder.insert(path[-1], copy.deepcopy(holder[path[-1]]))
            case "block":
                _content(draw, request).insert(0, draw(_odd_blocks()))
            case "turn" if request.get("messages"):
                _swap(request["messages"], draw)
            case "tool":
                request["tools"] = [*_listed(request.get("tools")), draw(_odd_tools())]
            case _:
                holder[path[-1]] = draw(_odd_values())
    return request


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _content(draw: st.DrawFn, request: Fields) -> list[Any]:
    lists = [m["content"] for m in _listed(request.get("messages")) if isinstance(m, dict) and _is_list(m, "content")]
    return draw(st.sampled_from(lists)) if lists else []


def _is_list(fields: Fields, name: str) -> bool:
    return isinstance(fields.get(name), list)


def _swap(messages: Any, draw: st.DrawFn) -> None:
    if isinstance(messages, list):
        messages.append(messages.pop(draw(st.integers(0, len(messages) - 1))))


def _odd_values() -> Strategy[Any]:
    return st.sampled_from([None, 5, -1, 1.5, "x", True, {}, 2**33, "user", "assistant", "system", [], "tool_use"])


def _odd_blocks() -> Strategy[Fields]:
    kinds = [
        {"type": "redacted_thinking", "data": "x"},
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
        {"type": "tool_result", "tool_use_id": "t9", "content": "x"},
        {"type": "tool_addition", "tool": {"type": "tool_reference", "name": "f"}},
        {"type": "thinking", "thinking": "R"},
        {},
        {"type": 5},
    ]
    return st.sampled_from(kinds).map(dict) | images() | calls(st.sampled_from(IDS))


def _odd_tools() -> Strategy[Any]:
    schema = {"type": "object"}
    odd: list[Any] = [
        {"name": "a b", "input_schema": schema},
        {"name": "", "input_schema": schema},
        {"name": "é" * 70, "input_schema": schema},
        {"name": "f", "input_schema": schema},
        {"name": "k"},
        {"name": "k", "input_schema": {"type": "string"}},
        {"name": "k", "input_schema": {}},
        {"name": "k", "input_schema": {"type": "object", "properties": 5}},
        {"name": 5, "description": 5},
        {"name": "k", "input_schema": schema, "defer_loading": True},
        {"type": "web_search_20250305", "name": "web_search"},
        {"type": "custom", "name": 5},
        {"type": None, "name": "k"},
        None,
    ]
    return st.sampled_from(odd).map(copy.deepcopy)
