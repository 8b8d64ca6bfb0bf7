"""Off the wire: bytes that may pass are kept, chunks are held to their order, and an answer without its end is broken."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from tests.support.samples import chunk, reader_of, request

from tidegate.codecs import sse
from tidegate.core.errors import BackendRefused, BrokenContract, GatewayError
from tidegate.core.events import NOTHING, End, Event, Finish, Frame, Milestones, Reasoning, Start, Text, UsageReport
from tidegate.core.rulebook import Rulebook
from tidegate.core.usage import Usage
from tidegate.dialects import readers
from tidegate.dialects.base import Dialect
from tidegate.dialects.readers import FIM, MESSAGES, AnswerReader, Fields, StreamReader

RULES = Rulebook("TST", "Tests")
SHOUT = RULES.rule("TST001", "content is shouted", why="a test", source="this file", checked="2026-11-22")

FIRST = sse.encode(orjson.dumps(chunk(delta={"role": "assistant", "content": ""})))
HELLO = sse.encode(orjson.dumps(chunk(delta={"content": "Hello"})))
LAST = sse.encode(
    orjson.dumps(
        chunk(delta={"content": ""}, finish_reason="stop") | {"usage": {"prompt_tokens": 2, "completion_tokens": 1}}
    )
)
DONE = sse.encode(b"[DONE]")
START = Start("deepseek-flash", 1700000000, "fp_abc", "ID-1")
USAGE = UsageReport(Usage(prompt=2, output=1))


def refuse(_status: int, _body: bytes) -> GatewayError:
    return BackendRefused("refused")


def shout(fields: Fields) -> bool:
    for choice in fields["choices"]:
        said = choice.get("delta") or choice.get("message")
        if said.get("content"):
            said["content"] = said["content"].upper()
            return True
    return False


def dialect(**changes: Any) -> Dialect:
    return Dialect(name="test", title="a test", rules=RULES, read_error=refuse, **changes)


def events_of(frames: list[Frame]) -> list[Event]:
    return [event for frame in frames for event in frame.events]


def test_a_transparent_stream_passes_its_bytes_untouched():
    frames = reader_of(dialect(transparent=True), streamed=True).feed(FIRST + HELLO + LAST + DONE)
    assert [frame.wire for frame in frames] == [FIRST, HELLO, LAST, DONE]
    assert events_of(frames) == [START, Text("Hello"), Finish("stop"), USAGE, End()]


def test_a_transparent_stream_decodes_only_what_matters(monkeypatch):
    decoded: list[bytes] = []
    load_chunk = readers.load_chunk
    monkeypatch.setattr(readers, "load_chunk", lambda data: decoded.append(data) or load_chunk(data))
    frames = reader_of(dialect(transparent=True), streamed=True).feed(FIRST + HELLO + HELLO + LAST + DONE)
    assert len(decoded) == 2
    assert frames[1].events == frames[1].events == (Text("Hello"),)
    assert len(decoded) == 3


@pytest.mark.parametrize("transparent", [True, False])
def test_the_books_learn_what_they_need_from_each_frame(transparent):
    frames = reader_of(dialect(transparent=transparent), streamed=True).feed(FIRST + HELLO + LAST + DONE)
    assert [frame.passed for frame in frames] == [
        Milestones(start=START),
        NOTHING,
        Milestones(finish=Finish("stop"), usage=USAGE),
        Milestones(ended=True),
    ]


def test_any_other_stream_has_no_bytes_to_pass_on():
    frames = reader_of(dialect(), streamed=True).feed(FIRST + HELLO + LAST + DONE)
    assert [frame.wire for frame in frames] == [None] * 4
    assert events_of(frames) == [START, Text("Hello"), Finish("stop"), USAGE, End()]


def test_quirks_on_the_way_back_change_the_chunks_and_are_named_once():
    reader = reader_of(dialect(on_chunk=((SHOUT, shout),)), streamed=True)
    frames = reader.feed(FIRST + HELLO + HELLO + LAST + DONE)
    assert [event for event in events_of(frames) if isinstance(event, Text)] == [Text("HELLO"), Text("HELLO")]
    assert reader.quirks == ["TST001"]


def test_a_quirk_that_never_applied_is_not_named():
    reader = reader_of(dialect(on_chunk=((SHOUT, shout),)), streamed=True)
    reader.feed(FIRST + LAST + DONE)
    assert reader.quirks == []


KEEP_ALIVE = b": keep-alive\n\n"


@pytest.mark.parametrize("transparent", [True, False])
def test_comments_before_the_answer_begins_are_no_frames(transparent):
    reader = reader_of(dialect(transparent=transparent), streamed=True)
    assert reader.feed(KEEP_ALIVE) == []
    assert len(reader.feed(FIRST)) == 1


def test_comments_inside_a_transparent_answer_pass_on_and_say_nothing():
    reader = reader_of(dialect(transparent=True), streamed=True)
    _, comment, hello = reader.feed(FIRST + KEEP_ALIVE + HELLO)
    assert (comment.wire, comment.events, comment.passed) == (KEEP_ALIVE, (), NOTHING)
    assert hello.wire == HELLO


def test_comments_inside_any_other_answer_are_no_frames():
    assert len(reader_of(dialect(), streamed=True).feed(FIRST + KEEP_ALIVE + HELLO)) == 2


@pytest.mark.parametrize("transparent", [True, False])
def test_a_comment_after_the_end_breaks_nothing(transparent):
    reader = reader_of(dialect(transparent=transparent), streamed=True)
    assert len(reader.feed(FIRST + LAST + DONE + KEEP_ALIVE)) == 3
    assert reader.close() == []


@pytest.mark.parametrize("behind", [HELLO, DONE, b"data: nonsense\n\n", b'data: {"error":{"message":"late"}}\n\n'])
@pytest.mark.parametrize("transparent", [True, False])
def test_what_comes_after_the_end_is_not_looked_at_however_it_is_cut(behind, transparent):
    whole, cut = (reader_of(dialect(transparent=transparent), streamed=True) for _ in range(2))
    at_once = whole.feed(FIRST + LAST + DONE + behind)
    apart = [*cut.feed(FIRST + LAST + DONE), *cut.feed(behind)]
    assert [frame.events for frame in at_once] == [frame.events for frame in apart]
    assert at_once[-1].passed.ended
    assert whole.close() == cut.close() == []


@pytest.mark.parametrize("transparent", [True, False])
@pytest.mark.parametrize(
    ("stream", "said"),
    [
        (FIRST + DONE, "End after Start"),
        (DONE, "End after the beginning"),
        (FIRST + b"event: error\ndata: {}\n\n", "error inside its stream"),
        (FIRST + b'data: {"error":{"message":"CANARY"}}\n\n', "error inside its stream"),
        (FIRST + b"data: nonsense\n\n", "not JSON"),
        (b"data: []\n\n", "not a JSON object"),
    ],
)
def test_a_stream_against_the_contract_is_broken(stream, said, transparent):
    with pytest.raises(BrokenContract, match=said) as caught:
        reader_of(dialect(transparent=transparent), streamed=True).feed(stream)
    assert "CANARY" not in caught.value.message


@pytest.mark.parametrize("transparent", [True, False])
@pytest.mark.parametrize("name", [b"", b"event: error\n"])
@pytest.mark.parametrize(
    ("code", "kind"),
    [(b"400", BackendRefused), (b"503", BackendRefused), (b'"400"', BrokenContract), (b"7", BrokenContract)],
)
def test_a_status_that_is_reported_inside_a_stream_is_read_like_one_before_it(code, kind, name, transparent):
    event = name + b'data: {"error":{"message":"CANARY","code":' + code + b"}}\n\n"
    for begun in (b"", FIRST, FIRST + HELLO):
        reader = reader_of(dialect(transparent=transparent), streamed=True)
        reader.feed(begun)
        with pytest.raises(GatewayError) as caught:
            reader.feed(event)
        assert type(caught.value) is kind
        assert "CANARY" not in caught.value.message


@pytest.mark.parametrize("transparent", [True, False])
@pytest.mark.parametrize(
    "stream", [b"", FIRST, FIRST + HELLO, FIRST + LAST, FIRST + LAST + DONE[:-1], b": keep-alive\n\n"]
)
def test_a_stream_without_its_end_broke_off(stream, transparent):
    reader = reader_of(dialect(transparent=transparent), streamed=True)
    reader.feed(stream)
    with pytest.raises(BrokenContract, match="broke off before its end"):
        reader.close()


def test_a_whole_answer_becomes_one_frame_at_the_end():
    body = b'{"id":"ID-1","choices":[{"message":{"content":"Hello"},"finish_reason":"stop"}]}'
    reader = reader_of(dialect(on_chunk=((SHOUT, shout),)), streamed=False)
    assert [reader.feed(body[:9]), reader.feed(body[9:])] == [[], []]
    (frame,) = reader.close()
    assert frame.wire is None
    assert frame.events == (Start(answer_id="ID-1"), Text("HELLO"), Finish("stop"), End())
    assert reader.quirks == ["TST001"]


def test_a_transparent_whole_answer_keeps_its_bytes_without_the_blank_lines_before_it():
    body = b'{ "choices": [ {"message": {"content": "Hello"}, "finish_reason": "stop"} ] }'
    reader = reader_of(dialect(transparent=True), streamed=False)
    for piece in (b"\n", b"\n", body):
        reader.feed(piece)
    (frame,) = reader.close()
    assert frame.wire == body


def test_a_whole_answer_to_a_request_for_a_stream_must_be_written_anew():
    body = b'{"choices":[{"message":{"content":"Hello"},"finish_reason":"stop"}]}'
    one = dialect(transparent=True)
    reader = one.reader(one.encode(request(stream=True), "m"), got_stream=False)
    reader.feed(body)
    (frame,) = reader.close()
    assert frame.wire is None
    assert frame.events == (Start(), Text("Hello"), Finish("stop"), End())


def test_the_books_learn_what_they_need_from_a_whole_answer():
    body = b'{"id":"ID-1","choices":[{"message":{"content":"Hello"},"finish_reason":"length"}],"usage":{"prompt_tokens":2}}'
    reader = reader_of(dialect(transparent=True), streamed=False)
    reader.feed(body)
    (frame,) = reader.close()
    usage = UsageReport(Usage(prompt=2))
    assert frame.passed == Milestones(Start(answer_id="ID-1"), Finish("length"), usage, ended=True)


@pytest.mark.parametrize("body", [b"", b"\n\n", b"<html>", b"[]", b"{}", b'{"choices":[]}'])
def test_a_whole_answer_that_is_none_breaks_the_contract(body):
    reader = reader_of(dialect(transparent=True), streamed=False)
    reader.feed(body)
    with pytest.raises(BrokenContract):
        reader.close()


def test_a_whole_answer_up_to_the_limit_passes_and_one_above_does_not(monkeypatch):
    monkeypatch.setattr(readers, "ANSWER_LIMIT_BYTES", 10)
    reader = reader_of(dialect(), streamed=False)
    reader.feed(b"12345")
    reader.feed(b"67890")
    with pytest.raises(BrokenContract, match="larger than 10 bytes"):
        reader.feed(b"1")


def test_an_event_that_never_ends_breaks_the_contract():
    reader = reader_of(dialect(), streamed=True)
    with pytest.raises(BrokenContract, match="larger than 4194304 bytes"):
        reader.feed(b"data: " + b"x" * sse.DEFAULT_EVENT_LIMIT_BYTES)


# -- the other codecs --------------------------------------------------------------------------------------------------

MESSAGE = b"""event: message_start
data: {"type":"message_start","message":{"id":"ID-1","model":"deepseek-flash","usage":{"input_tokens":2,"output_tokens":0}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

event: ping
data: {"type":"ping"}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hm"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":1}}

event: message_stop
data: {"type":"message_stop"}

"""


def test_a_messages_stream_passes_its_bytes_and_ends_with_its_own_last_word():
    reader = StreamReader(MESSAGES, (), passes=True)
    frames = reader.feed(MESSAGE)
    assert b"".join(frame.wire or b"" for frame in frames) == MESSAGE
    usage = UsageReport(Usage(prompt=2, output=1))
    assert events_of(frames) == [
        Start("deepseek-flash", answer_id="ID-1"), Reasoning("Hm"), Finish("stop"), usage, End(),
    ]  # fmt: skip
    assert [frame.passed.ended for frame in frames] == [False] * 6 + [True]
    assert reader.close() == []


def test_a_ping_before_the_answer_begins_is_no_frame():
    reader = StreamReader(MESSAGES, (), passes=True)
    ping = b'event: ping\ndata: {"type":"ping"}\n\n'
    assert reader.feed(ping) == []
    first, *_ = reader.feed(MESSAGE)
    assert first.passed.start is not None
    assert StreamReader(MESSAGES, (), passes=True).feed(MESSAGE + ping)[-1].passed.ended


def test_usage_may_come_with_the_finish_and_again_by_itself():
    reader = reader_of(dialect(), streamed=True)
    later = sse.encode(orjson.dumps(chunk() | {"choices": [], "usage": {"prompt_tokens": 2, "completion_tokens": 9}}))
    assert events_of(reader.feed(FIRST + LAST + later + DONE))[-3:] == [
        USAGE, UsageReport(Usage(prompt=2, output=9)), End(),
    ]  # fmt: skip


def test_a_messages_stream_without_its_last_word_broke_off():
    reader = StreamReader(MESSAGES, (), passes=True)
    reader.feed(MESSAGE.partition(b"event: message_stop")[0])
    with pytest.raises(BrokenContract, match="broke off before its end"):
        reader.close()


def test_a_whole_message_and_a_whole_completion_tell_the_books_what_they_need():
    message = (
        b'{"id":"ID-1","type":"message","model":"m","content":[{"type":"text","text":"Hi"}],'
        b'"stop_reason":"max_tokens","usage":{"input_tokens":2,"output_tokens":1}}'
    )
    completion = (
        b'{"id":"ID-1","model":"m","choices":[{"text":"Hi","finish_reason":"length"}],'
        b'"usage":{"prompt_tokens":2,"completion_tokens":1}}'
    )
    for wire, body in ((MESSAGES, message), (FIM, completion)):
        reader = AnswerReader(wire, (), passes=True)
        reader.feed(body)
        (frame,) = reader.close()
        assert frame.wire == body
        assert frame.passed == Milestones(Start("m", answer_id="ID-1"), Finish("length"), USAGE, ended=True)
        assert Text("Hi") in frame.events


def test_a_completion_stream_passes_content_without_decoding_it():
    first = sse.encode(
        b'{"id":"I","model":"m","choices":[{"text":"a","index":0,"logprobs":null,"finish_reason":null}]}'
    )
    last = sse.encode(
        b'{"id":"I","model":"m","choices":[{"text":"","index":0,"logprobs":null,"finish_reason":"stop"}],'
        b'"usage":{"prompt_tokens":2,"completion_tokens":1}}'
    )
    frames = StreamReader(FIM, (), passes=True).feed(first + first + last + DONE)
    assert [frame.wire for frame in frames] == [first, first, last, DONE]
    assert events_of(frames) == [Start("m", answer_id="I"), Text("a"), Text("a"), Finish("stop"), USAGE, End()]


# -- stages ------------------------------------------------------------------------------------------------------------


class Held:
    """Holds every text back until the finish, and shouts it."""

    def __init__(self) -> None:
        self.quirks: list[str] = []
        self._texts: list[str] = []

    def take(self, event: Event) -> list[Event]:
        if isinstance(event, Text):
            self._texts.append(event.text)
            return []
        if isinstance(event, Finish):
            self.quirks = ["TST001"]
            return [Text("".join(self._texts).upper()), event]
        return [event]


def test_a_stage_changes_the_events_of_a_stream_and_is_made_anew_for_each_answer():
    one = dialect(stages=(lambda _request: Held(), lambda _request: None))
    for _ in range(2):
        reader = reader_of(one, streamed=True)
        frames = reader.feed(FIRST + HELLO + HELLO + LAST + DONE)
        assert events_of(frames) == [START, Text("HELLOHELLO"), Finish("stop"), USAGE, End()]
        assert reader.quirks == ["TST001"]
        assert reader.close() == []


def test_a_stage_changes_a_whole_answer_the_same_way():
    body = b'{"id":"ID-1","choices":[{"message":{"content":"Hello"},"finish_reason":"stop"}]}'
    reader = reader_of(dialect(stages=(lambda _request: Held(),)), streamed=False)
    reader.feed(body)
    (frame,) = reader.close()
    assert frame.events == (Start(answer_id="ID-1"), Text("HELLO"), Finish("stop"), End())
    assert reader.quirks == ["TST001"]


class Enough:
    """Ends the answer at the first text."""

    quirks: tuple[str, ...] = ()

    def take(self, event: Event) -> tuple[Event, ...]:
        return (event, Finish("stop"), End()) if isinstance(event, Text) else (event,)


def test_a_stage_that_ends_an_answer_early_is_known_from_a_server_that_ended():
    early = StreamReader(readers.CHAT, (), (Enough(),), passes=False)
    assert events_of(early.feed(FIRST + HELLO + HELLO + LAST + DONE))[1:] == [Text("Hello"), Finish("stop"), End()]
    assert early.cut_short
    proper = StreamReader(readers.CHAT, (), passes=False)
    proper.feed(FIRST + HELLO)
    assert not proper.cut_short
    proper.feed(LAST + DONE)
    assert not proper.cut_short
    assert not AnswerReader(readers.CHAT, (), passes=False).cut_short
