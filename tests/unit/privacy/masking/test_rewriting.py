from __future__ import annotations

from hypothesis import given
from tests.support.planted import picture
from tests.support.strategies import MODERATE, chat_requests, fim_requests

from tidegate.core.messages import Message, OpaquePart, ReasoningPart, TextPart, ToolCallPart
from tidegate.core.requests import ChatRequest, FimRequest, Request, ToolSpec
from tidegate.privacy.masking.rewriting import rewritten
from tidegate.privacy.texts.passages import passages, standing
from tidegate.privacy.texts.places import Place


def shout(place: Place, text: str) -> str:
    return f"<{place}>" if place.inner != "arguments" else text.upper()


def test_each_text_is_changed_where_it_stands():
    file = OpaquePart({"type": "file", "file_id": "f", "filename": "a.txt"})
    request = ChatRequest(
        model="m",
        messages=(
            Message("user", (TextPart("a"), picture(), file, TextPart("b")), "n"),
            Message(
                "assistant", (ReasoningPart("r"), ToolCallPart("c", "f", '{"x":"y"}'), ToolCallPart("d", "f", "{"))
            ),
        ),
        tools=(ToolSpec("f", "d", {"title": "t"}),),
        stop=("s",),
        user_id="u",
        response_format={"type": "json_schema", "json_schema": {"schema": {"description": "z"}}},
    )
    assert rewritten(request, shout) == ChatRequest(
        model="m",
        messages=(
            Message(
                "user",
                (
                    TextPart("<messages[0].content[0]>"),
                    picture(),
                    OpaquePart({"type": "file", "file_id": "f", "filename": "<messages[0].content[2] (text 0)>"}),
                    TextPart("<messages[0].content[3]>"),
                ),
                "<messages[0].name>",
            ),
            Message(
                "assistant",
                (
                    ReasoningPart("<messages[1].reasoning_content>"),
                    ToolCallPart("c", "f", '{"X":"Y"}'),
                    ToolCallPart("d", "f", "{"),
                ),
            ),
        ),
        tools=(ToolSpec("f", "<tools[0].description>", {"title": "<tools[0].parameters (text 0)>"}),),
        stop=("<stop[0]>",),
        user_id="<user_id>",
        response_format={
            "type": "json_schema",
            "json_schema": {"schema": {"description": "<response_format (text 0)>"}},
        },
    )
    assert rewritten(FimRequest(model="m", prompt="p", stop=("s",)), shout) == FimRequest(
        model="m", prompt="<prompt>", stop=("<stop[0]>",)
    )


@MODERATE
@given(chat_requests() | fim_requests())
def test_any_request_is_rewritten_exactly_where_it_is_maskable(request: Request):
    met: dict[Place, str] = {}
    assert rewritten(request, lambda place, text: met.setdefault(place, text)) == request
    assert met == {place: text for place, text, maskable in standing(request) if maskable}
    assert len({place for place, _, _ in passages(request)}) == len(passages(request))
