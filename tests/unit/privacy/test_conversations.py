"""A conversation that was private is known again by what it brings back, for its own client and for as long as it sticks."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.core.messages import Message, OpaquePart, TextPart, ToolCallPart
from tidegate.core.requests import ChatRequest, FimRequest
from tidegate.privacy.conversations import Conversations, opening_of

LONG = "The contract between the two parties ends in March; please write the notice for it today."
ANSWER = "Here is the notice, ready to be signed."


def said(role: Any, text: str, *parts: Any) -> Message:
    return Message(role, (TextPart(text), *parts))


def chat(*messages: Message) -> ChatRequest:
    return ChatRequest(model="m", messages=messages)


def memory(*private: ChatRequest, answer: str = "", name: str | None = None, client: str = "a") -> Conversations:
    made = Conversations(b"key", 100.0)
    for request in private:
        marks = made.marks(client, name, request)
        if answer:
            marks += made.answer_marks(client, request, said("assistant", answer))
        made.remember(marks, 0.0)
    return made


def was(
    made: Conversations, *messages: Message, client: str = "a", name: str | None = None, now_s: float = 1.0
) -> bool:
    return made.was_private(client, name, chat(*messages), now_s)


FIRST = (said("system", "You help with contracts."), said("user", "Hi"))


def test_a_later_turn_is_known_by_the_opening_even_if_the_answer_was_short() -> None:
    made = memory(chat(*FIRST), answer="Hello!")
    assert was(made, *FIRST, said("assistant", "Hello!"), said("user", "And now something public"))
    assert was(made, *FIRST, said("assistant", " Hello!\n"), said("user", "trimmed by the client"))
    assert not was(made, *FIRST, said("assistant", "Good day!"), said("user", "another conversation"))
    assert not was(made, *FIRST), "a first question that is said everywhere is not known"


def test_an_answer_is_known_wherever_it_turns_up() -> None:
    made = memory(chat(*FIRST), answer=ANSWER)
    assert was(made, said("user", "cut off"), said("assistant", ANSWER), said("user", "go on"))
    assert was(made, said("user", ANSWER))
    assert not was(made, said("system", ANSWER), said("user", "Hi")), "programs share their system texts"


def test_a_long_question_is_known_and_a_short_one_is_not() -> None:
    made = memory(chat(said("user", LONG)), chat(said("user", "Please go on with it, thank you")))
    assert was(made, said("user", LONG))
    assert not was(made, said("user", "Please go on with it, thank you"))


def test_a_tool_call_that_comes_back_is_known() -> None:
    call = ToolCallPart("call_1", "send", '{"to":"someone in the contract"}')
    made = Conversations(b"key", 100.0)
    made.remember(made.answer_marks("a", chat(*FIRST), Message("assistant", (call,))), 0.0)
    assert was(made, said("user", "x"), Message("assistant", (call,)), said("tool", "done"))


def test_an_answer_that_was_cut_off_anywhere_is_known_by_its_beginning() -> None:
    whole = "The notice for the contract that ends in March begins with the names of both, and then it says why."
    made = memory(chat(*FIRST), answer=whole)
    assert was(made, said("user", "Hi"), said("assistant", whole[:80]), said("user", "go on"))
    assert not was(made, said("user", "Hi"), said("assistant", whole[:30]), said("user", "go on"))
    assert not was(made, said("user", whole[:80])), "programs begin their questions alike"


def test_the_name_that_a_client_gives_is_enough() -> None:
    made = memory(chat(said("user", "Hi")), name="case 7")
    assert was(made, said("user", "quite another text"), name="case 7")
    assert not was(made, said("user", "quite another text"), name="case 8")
    assert made.was_private("a", "case 7", FimRequest(model="m", prompt="def f("), 1.0)


def test_another_client_is_not_touched() -> None:
    made = memory(chat(said("user", LONG)), answer=ANSWER, name="case 7")
    assert not was(made, said("user", LONG), said("assistant", ANSWER), client="b", name="case 7")


def test_it_is_forgotten_in_time_and_each_private_turn_makes_it_last() -> None:
    made = memory(chat(said("user", LONG)))
    assert was(made, said("user", LONG), now_s=99.0)
    made.remember(made.marks("a", None, chat(said("user", LONG))), 50.0)
    assert was(made, said("user", LONG), now_s=149.0)
    assert not was(made, said("user", LONG), now_s=150.0)
    assert len(made) == 0


def test_zero_seconds_switch_it_off() -> None:
    made = Conversations(b"key", 0.0)
    made.remember(made.marks("a", "n", chat(said("user", LONG))), 0.0)
    assert (made.on, len(made)) == (False, 0)


def test_the_same_key_knows_it_again_and_another_does_not() -> None:
    marks = memory().marks("a", None, chat(said("user", LONG)))
    for key, known in ((b"key", True), (b"other", False)):
        made = Conversations(key, 100.0)
        made.remember(marks, 0.0)
        assert was(made, said("user", LONG)) is known
    assert all(LONG[:10] not in mark for mark in marks)


@pytest.mark.parametrize("text", ["\ud800 a lone surrogate makes this text strange to write", LONG])
def test_a_text_that_is_no_proper_unicode_is_marked_too(text: str) -> None:
    made = memory(chat(said("user", text * 2)))
    assert was(made, said("user", text * 2))


def test_the_least_recent_marks_are_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidegate.privacy.conversations._MOST_MARKS", 2)
    made = Conversations(b"key", 100.0)
    for mark in ("1", "2", "1", "3"):
        made.remember((mark,), 0.0)
    assert list(made._until) == ["1", "3"]


def test_what_no_longer_counts_takes_no_memory() -> None:
    made = memory(chat(said("user", LONG)), name="over")
    made.remember(("ab",), 99.0)
    assert len(made) == 3
    made.remember(("cd",), 100.0)
    assert len(made) == 2, "those of the first request ended after 100 s"


def test_the_opening_for_pseudonyms_is_the_same_in_every_turn() -> None:
    later = chat(*FIRST, said("assistant", "Hello!"), said("user", "more"))
    assert opening_of(chat(*FIRST)) == opening_of(later) != opening_of(chat(said("user", "Hi")))
    assert opening_of(chat(said("user", "Hi", OpaquePart({"type": "image"})))) != opening_of(chat(said("user", "Hi")))
    assert opening_of(FimRequest(model="m", prompt="x")) == b""
