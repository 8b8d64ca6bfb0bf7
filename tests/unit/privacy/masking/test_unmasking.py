from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from tidegate.core.errors import BrokenContract
from tidegate.core.events import End, Event, Finish, Reasoning, Start, Text, ToolCall, UsageReport, frame_of
from tidegate.core.usage import Usage
from tidegate.privacy.masking.mask import Veil
from tidegate.privacy.masking.unmasking import Unmask, unmasked_frames

PEM = '-----BEGIN KEY-----\nab"c\\\n'
PAIRS = {"EMAIL_aaaaaaaaaa": "ada@example.test", "KEY_bbbbbbbbbb": PEM}
VEIL = Veil(PAIRS, tuple(PAIRS.values()))


def through(events: Iterable[Event], veil: Veil = VEIL) -> list[Event]:
    unmask = Unmask(veil)
    return [changed for event in events for changed in unmask.take(event)]


def texts(*pieces: str, veil: Veil = VEIL) -> list[str]:
    return [event.text for event in through([*map(Text, pieces), Finish("stop")], veil) if isinstance(event, Text)]


@pytest.mark.parametrize("size", range(1, 40))
def test_however_it_is_cut_the_text_comes_back(size: int):
    said = "To EMAIL_aaaaaaaaaa, with KEY_bbbbbbbbbb and EMAIL_EMAIL_aaaaaaaaaa."
    pieces = [said[at : at + size] for at in range(0, len(said), size)]
    assert "".join(texts(*pieces)) == f"To ada@example.test, with {PEM} and EMAIL_ada@example.test."


def test_no_more_is_held_than_may_become_a_pseudonym():
    unmask = Unmask(VEIL)
    assert unmask.take(Text("Hello E")) == (Text("Hello "),)
    assert unmask.take(Text("M")) == ()
    assert unmask.take(Text("U KEY")) == (Text("EMU "),)
    assert unmask.take(Text("S")) == (Text("KEYS"),)
    assert unmask.take(Text("EMAIL_aaaaaaaaaa")) == (Text("ada@example.test"),)
    assert unmask.take(Text("aaaaaaaaaa")) == (Text("aaaaaaaaaa"),)


def test_what_passes_unchanged_is_the_same_event():
    event = Text("plain")
    assert next(iter(Unmask(VEIL).take(event))) is event


@pytest.mark.parametrize("rest", ["E", "EMAIL", "EMAIL_", "KEY_", "K"])
def test_a_word_that_only_begins_like_one_is_given_out(rest: str):
    assert "".join(texts("see ", rest)) == f"see {rest}"


@pytest.mark.parametrize("rest", ["EMAIL_a", "KEY_bbbbbbbbb"])
@pytest.mark.parametrize("after", [Finish("length"), ToolCall(0, "c", "f", ""), Reasoning("hm")])
def test_half_a_pseudonym_at_the_end_is_an_error(rest: str, after: Event):
    with pytest.raises(BrokenContract, match="MSK005") as broken:
        through([Text(f"see {rest}"), after])
    assert rest not in broken.value.message


def test_half_a_pseudonym_at_the_end_of_a_thought_or_a_call_is_one_too():
    for event in (Reasoning("KEY_b"), ToolCall(0, "c", "f", '{"a":"KEY_b')):
        with pytest.raises(BrokenContract, match="MSK005"):
            through([event, Finish("stop")])


def test_what_the_model_changed_stays():
    assert "".join(texts("email_aaaaaaaaaa <EMAIL> EMAIL_aaaa. EMAIL_zzzzzzzzzz")) == (
        "email_aaaaaaaaaa <EMAIL> EMAIL_aaaa. EMAIL_zzzzzzzzzz"
    )


def test_channels_do_not_mix():
    events = [
        *(Start("EMAIL_aaaaaaaaaa"), Reasoning("KEY_"), Reasoning("bbbbbbbbbb")),
        *(Text("KEY_bbbbb"), Text("bbbbb")),
        *(ToolCall(0, "EMAIL_aaaaaaaaaa", "KEY_bbbbbbbbbb", '{"k":"KEY_bbb'), ToolCall(1, "d", "g", '"EMAIL_aaaaa')),
        *(ToolCall(0, arguments='bbbbbbb"}'), ToolCall(1, arguments='aaaaa"')),
        *(Finish("stop", "EMAIL_aaaaaaaaaa!"), UsageReport(Usage()), End()),
    ]
    quoted = json.dumps(PEM)
    assert through(events) == [
        *(Start("EMAIL_aaaaaaaaaa"), Reasoning(PEM), Text(PEM)),
        ToolCall(0, "EMAIL_aaaaaaaaaa", "KEY_bbbbbbbbbb", '{"k":"'),
        ToolCall(1, "d", "g", '"'),
        ToolCall(0, arguments=f'{quoted[1:-1]}"}}'),
        ToolCall(1, arguments='ada@example.test"'),
        *(Finish("stop", "ada@example.test!"), UsageReport(Usage()), End()),
    ]


def test_an_answer_asked_for_as_json_stays_json():
    veil = Veil(PAIRS, (), text_is_json=True)
    assert json.loads("".join(texts('{"k": "KEY_bbbbb', 'bbbbb"}', veil=veil))) == {"k": PEM}


def test_logprobs_pass_as_they_came_with_whatever_text():
    logprobs = ({"token": "EMAIL_a"},)
    assert through([Text("EMAIL_a", logprobs), Text("aaaaaaaaa", logprobs)]) == [
        Text("", logprobs),
        Text("ada@example.test", logprobs),
    ]


def test_events_that_say_nothing_pass():
    events = [Start("m"), Reasoning(""), Text(""), ToolCall(0, "c", "f", ""), ToolCall(0), Finish("stop"), End()]
    assert through(events) == events


def test_one_that_begins_another_waits_for_the_longer():
    veil = Veil({"AB_x": "short", "AB_xy": "long", "ZAB_xyz": "longest"}, ())
    assert texts("AB_x", veil=veil) == ["short"]
    assert "".join(texts("AB_x", "y", veil=veil)) == "long"
    assert "".join(texts("AB_x", "!", veil=veil)) == "short!"
    assert "".join(texts("ZAB_x", "y", "z", veil=veil)) == "longest"
    assert "".join(texts("ZAB_x", "y", "!", veil=veil)) == "Zlong!"
    assert "".join(texts("ZAB_x", veil=veil)) == "Zshort"


def test_the_code_is_told_once_something_was_restored():
    unmask = Unmask(VEIL)
    list(unmask.take(Text("nothing")))
    assert unmask.quirks == ()
    list(unmask.take(Text("EMAIL_aaaaaaaaaa")))
    assert unmask.quirks == ("MSK002",)
    stopped = Unmask(VEIL)
    list(stopped.take(Finish("stop", "KEY_bbbbbbbbbb")))
    assert stopped.quirks == ("MSK002",)


def test_without_pairs_nothing_is_held():
    assert texts("EMAIL_aaaaaaaaaa", veil=Veil({}, ())) == ["EMAIL_aaaaaaaaaa"]


def test_frames_are_made_anew_without_their_bytes():
    frames = [frame_of(Start("m"), Text("EMAIL_")), frame_of(Text("aaaaaaaaaa")), frame_of(Text("E")), frame_of()]
    frames.append(frame_of(Finish("stop"), UsageReport(Usage(prompt=1)), End()))
    for frame in frames:
        frame.wire = b"data: EMAIL_aaaaaaaaaa"
    done = unmasked_frames(frames, Unmask(VEIL))
    assert [frame.events for frame in done] == [
        (Start("m"),),
        (Text("ada@example.test"),),
        (Text("E"), Finish("stop"), UsageReport(Usage(prompt=1)), End()),
    ]
    assert [frame.wire for frame in done] == [None] * 3
    assert done[0].passed.start == Start("m")
    assert done[2].passed.ended
    assert done[2].passed.usage == UsageReport(Usage(prompt=1))
