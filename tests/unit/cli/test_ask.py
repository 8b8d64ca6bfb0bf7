"""Asking: the pieces as they come, the decision in aligned lines, and an answer that broke off never passes for whole."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.upstreams import STREAM, chunk, head, in_chunk

from tidegate.cli.ask import ask_gateway, decision_lines, print_piece
from tidegate.cli.failure import GatewaySaid
from tidegate.cli.places import own_command

Run = Callable[..., Any]
EXCHANGE: dict[str, Any] = {
    "exchange_id": "ex_1",
    "status": 200,
    "error": None,
    "asked_model": "auto",
    "data_class": "public",
    "backend": "home",
    "model": "m",
    "boundary": "device",
    "rules": ["CLS001", "RTE003", "RTE020"],
    "quirks": ["GEN001", "REQ004"],
    "verdicts": [{"backend": "home", "rule": "RTE020", "kept": True}],
    "prompt_tokens": 5,
    "cache_hit_tokens": 0,
    "output_tokens": 3,
    "reasoning_tokens": None,
    "cost_usd": None,
    "first_frame_s": 0.123,
    "duration_s": 1.456,
}
THOUGHT = (chunk({"reasoning_content": "Hm."}), chunk({"reasoning_content": " Yes."}))
WHOLE = (STREAM[0], *THOUGHT, *STREAM[1:])


def streams(gateway: Any, *pieces: bytes, whole: bool = True) -> None:
    stream = head("200 OK", "text/event-stream", "x-tidegate-exchange: ex_1")
    gateway.answers["/chat/completions"] = stream + b"".join(map(in_chunk, pieces)) + (in_chunk(b"") if whole else b"")
    gateway.says("/-/exchanges/ex_1", json.dumps(EXCHANGE).encode())


def asked(gateway: Any, **more: Any) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    pieces: list[tuple[str, str]] = []
    return ask_gateway(gateway.url, "Hi", model="auto", show=pieces.append, **more), pieces


def test_pieces_arrive_in_order_and_make_the_answer(gateway: Any) -> None:
    streams(gateway, *WHOLE)
    result, pieces = asked(gateway)
    assert pieces == [("reasoning", "Hm."), ("reasoning", " Yes."), ("text", "Hello "), ("text", "there.")]
    assert result == {"answer": "Hello there.", "reasoning": "Hm. Yes.", "exchange": EXCHANGE}


def test_without_thoughts_reasoning_is_null(gateway: Any) -> None:
    streams(gateway, *STREAM)
    assert asked(gateway)[0]["reasoning"] is None


def test_comments_and_blank_lines_are_passed_over(gateway: Any) -> None:
    streams(gateway, b": keep-alive\n\n", *STREAM[:2], b": keep-alive\n\n", *STREAM[2:])
    assert asked(gateway)[0]["answer"] == "Hello there."


def test_what_is_sent_is_what_was_asked_for(gateway: Any) -> None:
    streams(gateway, *STREAM)
    asked(gateway, data_class="private", thinking=False, max_tokens=7, key="sk-1")
    asked(gateway)
    first, _, second, _ = gateway.heard
    assert json.loads(first.body) == {
        "model": "auto",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "thinking": {"type": "disabled"},
        "max_tokens": 7,
    }
    assert b"x-tidegate-class: private" in first.head
    assert all(b"Bearer sk-1" in heard.head for heard in gateway.heard[:2])
    assert b"x-tidegate-class" not in second.head
    assert "max_tokens" not in json.loads(second.body)


@pytest.mark.parametrize("cut", [STREAM[:2], STREAM[:-1], (), (STREAM[0], b'data: {"cho')])
@pytest.mark.parametrize("whole", [True, False])
def test_a_stream_without_its_end_is_bad_news(gateway: Any, cut: tuple[bytes, ...], whole: bool) -> None:
    streams(gateway, *cut, whole=whole)
    with pytest.raises(GatewaySaid, match="the answer broke off"):
        asked(gateway)


def test_an_error_inside_the_stream_is_told_in_its_own_words(gateway: Any) -> None:
    streams(gateway, *STREAM[:2], b'data: {"error":{"message":"the backend sent nothing more in time"}}\n\n')
    with pytest.raises(GatewaySaid, match="the answer broke off: the backend sent nothing more in time"):
        asked(gateway)


def test_a_connection_lost_after_the_end_does_not_matter(gateway: Any) -> None:
    streams(gateway, *STREAM, whole=False)
    assert asked(gateway)[0]["answer"] == "Hello there."


def test_a_refusal_is_told_in_the_gateways_words(gateway: Any) -> None:
    gateway.says("/chat/completions", b'{"error":{"message":"A private request may not go"}}', "403 Forbidden")
    with pytest.raises(GatewaySaid, match="A private request may not go"):
        asked(gateway)


def test_the_command_prints_answer_and_decision(tidegate: Run, gateway: Any) -> None:
    streams(gateway, *WHOLE)
    shown = tidegate("ask", "Hi", "--url", gateway.url)
    assert shown.code == 0
    assert shown.out.startswith("thinking: Hm. Yes.\n\nHello there.\n\n  class     public\n")


def test_the_command_prints_one_json_document(tidegate: Run, gateway: Any) -> None:
    streams(gateway, *WHOLE)
    shown = tidegate("ask", "Hi", "--url", gateway.url, "--json", "--class", "internal", "--no-thinking")
    assert json.loads(shown.out) == {"answer": "Hello there.", "reasoning": "Hm. Yes.", "exchange": EXCHANGE}


def test_a_dash_reads_the_prompt_from_standard_input(
    tidegate: Run, gateway: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams(gateway, *STREAM)
    monkeypatch.setattr("sys.stdin", io.StringIO("from a pipe\n"))
    assert tidegate("ask", "-", "--url", gateway.url).code == 0
    assert json.loads(gateway.heard[0].body)["messages"][0]["content"] == "from a pipe\n"


def test_a_broken_answer_is_exit_code_1_and_one_line(tidegate: Run, gateway: Any) -> None:
    streams(gateway, *STREAM[:3])
    shown = tidegate("ask", "Hi", "--url", gateway.url)
    assert (shown.code, shown.err.count("\n")) == (1, 1)
    assert shown.err.startswith("tidegate: the answer broke off")


@pytest.mark.parametrize(
    ("pieces", "plain"),
    [
        ([("text", "a"), ("text", "b")], "ab"),
        ([("reasoning", "t"), ("text", "a")], "thinking: t\n\na"),
        ([("reasoning", "t"), ("text", "a"), ("reasoning", "u")], "thinking: t\n\na\n\nthinking: u"),
    ],
)
def test_thoughts_are_headed_so_that_nobody_takes_them_for_the_answer(
    capsys: pytest.CaptureFixture[str], pieces: list[Any], plain: str
) -> None:
    show = print_piece(colour=False)
    for piece in pieces:
        show(piece)
    assert capsys.readouterr().out == plain


def test_thoughts_are_dim_on_a_terminal_only(capsys: pytest.CaptureFixture[str]) -> None:
    show = print_piece(colour=True)
    show(("reasoning", "t"))
    show(("text", "a"))
    assert capsys.readouterr().out == "\x1b[2mthinking:\x1b[0m \x1b[2mt\x1b[0m\n\na"


def lines(**changes: Any) -> dict[str, str]:
    shown = decision_lines({**EXCHANGE, **changes}).splitlines()
    assert all(line.startswith("  ") and line[11] == " " for line in shown), "aligned"
    return {line[2:11].strip(): line[12:] for line in shown}


def test_a_local_answer_is_told_in_full() -> None:
    assert lines() == {
        "class": "public",
        "rules": "CLS001 RTE003 RTE020",
        "backend": "home/m",
        "boundary": "device",
        "quirks": "GEN001 REQ004",
        "tokens": "5 in (0 cached), 3 out",
        "cost": "not priced: it ran on hardware of your own",
        "time": "1.46 s, first frame after 0.12 s",
        "exchange": f"ex_1   ({own_command()} explain RTE020 says why)",
    }


def test_what_was_found_and_what_the_policy_said_is_told() -> None:
    found = [{"found": "SEN010", "times": 2}, {"found": "term:falcon", "times": 1}]
    sends = [{"backend": "cloud", "boundary": "external", "class": "public", "masked": True}]
    told = lines(found=found, policy_rows=["mail", "terms"], action="mask", sends=sends)
    assert (told["found"], told["policy"]) == ("SEN010 (2), term:falcon (1)", "mail, terms: mask")
    assert told["masked"].startswith("what was sent outside had pseudonyms")


def test_an_external_answer_shows_its_cost_or_that_it_is_not_known() -> None:
    assert lines(boundary="external", cost_usd="0.00000012")["cost"] == "0.00000012 USD"
    assert lines(boundary="external", cost_usd="0")["cost"] == "0 USD"
    assert lines(boundary="external", cost_usd=None)["cost"] == "not known"


def test_what_was_not_reported_is_never_shown_as_zero() -> None:
    unknown = lines(prompt_tokens=None, cache_hit_tokens=None, output_tokens=None)
    assert unknown["tokens"] == "not reported in (not reported cached), not reported out"
    assert lines(reasoning_tokens=0)["tokens"].endswith("3 out (0 thinking)")


def test_a_refused_request_says_that_nothing_was_sent() -> None:
    refused = lines(backend=None, model=None, boundary=None, quirks=[], first_frame_s=None, rules=["CLS004", "RTE010"])
    assert refused["backend"] == "none: nothing was sent"
    assert refused["time"] == "1.46 s"
    assert refused["exchange"].endswith(f"({own_command()} explain RTE010 says why)")
    assert not refused.keys() & {"boundary", "tokens", "cost", "quirks"}


def test_the_demo_model_is_never_taken_for_deepseek() -> None:
    assert lines(backend="embedded", quirks=["EMB001"])["backend"].endswith("(embedded demo model, not DeepSeek)")
    assert lines(quirks=[])["quirks"] == "none"


SEVERAL = (chunk({"content": "### a/m\n\nHello."}), chunk({"content": "\n\n### b/n\n\nHi."}))


def streams_several(gateway: Any) -> None:
    streams(gateway, STREAM[0], *SEVERAL, *STREAM[2:])
    said = gateway.answers["/chat/completions"]
    gateway.answers["/chat/completions"] = said.replace(
        b"x-tidegate-exchange", b"x-tidegate-rules: RTE002,RTE055,RTE020\r\nx-tidegate-exchange", 1
    )


def test_several_answers_are_shown_by_parts_at_the_end_or_as_they_come(gateway: Any) -> None:
    streams_several(gateway)
    shown: list[Any] = []
    result, pieces = asked(gateway, show_parts=lambda parts, thoughts: shown.append((parts, thoughts)))
    assert pieces == []
    ((parts, thoughts),) = shown
    assert (tuple(parts[0]), thoughts) == (("a/m", "Hello."), [])
    assert result["parts"][0] == {"place": "a/m", "text": "Hello."}
    assert len(result["parts"]) == 2
    _, pieces = asked(gateway)
    assert "".join(text for _, text in pieces).startswith("### a/m")


def test_an_answer_of_several_names_those_who_gave_it() -> None:
    both = {**EXCHANGE, "backend": None, "rules": [*EXCHANGE["rules"], "RTE055"], "attempts": ["a:ok", "b:ok"]}
    assert "backends  a:ok b:ok" in decision_lines(both)
    assert "nothing was sent" in decision_lines({**both, "attempts": []})


def test_a_shadow_says_how_far_it_is_from_the_first() -> None:
    sides = {
        name: {"backend": name, "model": "m", "finish": "stop", "text_chars": 3, "duration_s": 1.0}
        for name in ("a", "b")
    }
    compared = {"similarity": 0.25, "first": sides["a"], "shadow": sides["b"]}
    assert "compared  to a/m: words in common 25%" in decision_lines({**EXCHANGE, "compared": compared})
    assert "compared" not in decision_lines(EXCHANGE)
