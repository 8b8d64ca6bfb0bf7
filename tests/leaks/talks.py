"""Generated conversations: requests on every surface, with something planted in any field, turn after turn."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.leaks.message_shape import as_messages
from tests.leaks.policies import CLASSES, CLIENTS
from tests.leaks.values import KINDS, Planted, escaped, planted, written
from tests.support.upstreams import FAILURES, Failure

SURFACES = ("chat", "chat", "chat", "beta", "messages", "messages", "fim")
MODELS = (
    *("auto", "auto", "auto", "local", "mine", "mine", "cloud", "cloud/m", "cloud/deepseek-flash", "deepseek-flash"),
    *("other", "m", "home", "den/m", "gone", "claude-sonnet-9"),
)
PATHS = {
    "chat": "/chat/completions",
    "beta": "/beta/chat/completions",
    "messages": "/anthropic/v1/messages",
    "fim": "/beta/completions",
}
BACKENDS = ("home", "den")
TEMPTING = ("fallbacks", "api_base", "base_url", "models", "route", "provider", "metadata", "x-tidegate-class")
_FILLER = "please read this with care, it belongs to what we spoke of before, and answer in one short sentence:"
FITS_NAMES = ("word", "DeepSeek key")
ALL_KINDS = KINDS
BY_CLASS = ("word",)
"""Where nothing is detected: only what a class protects is planted then, nothing else could protect the rest."""
FIELDS = (
    *("user", "user", "user", "system", "answer", "reasoning", "arguments", "escaped arguments", "result", "name"),
    *("schema", "stop", "user_id", "image", "extra"),
)


@dataclass
class Turn:
    """One request, and what the servers shall do with it. `values` is all that is planted in it, history included;
    `never` stands in fields that no backend is ever sent; `thought` is what a server at home will think."""

    step: int
    client: str
    surface: str
    model: str
    header: str | None
    stream: bool
    thinks: bool
    failures: dict[str, Failure]
    cut: int
    """Where the outside server cuts its stream: at this byte, or 0: into single bytes."""
    values: list[Planted] = field(default_factory=list)
    never: list[Planted] = field(default_factory=list)
    image: bool = False
    thought: Planted | None = None
    answer: str = ""
    """What an outside server says, once pseudonyms in it are values again."""
    path: str = ""
    body: bytes = b""

    @property
    def marker(self) -> str:
        return f"step-{self.step:07}"


class Talk:
    """One conversation of one client. A later turn repeats all earlier ones, as clients do."""

    def __init__(self, random: Random, kinds: tuple[str, ...], *more_models: str) -> None:
        self._random = random
        self._models = (*MODELS, *more_models)
        self._kinds = kinds
        self.client = random.choice(CLIENTS)
        self.surface = random.choice(SURFACES)
        self.thoughts: list[tuple[Planted, str]] = []
        """With the class of the request that they were thought about, which the judge notes."""
        self.sticky = False
        """Whether an earlier turn was private, which the judge notes."""
        self._messages: list[dict[str, Any]] = []
        self._said: list[Planted] = []
        self._now: list[Planted] = []
        self._image = False
        self._model = random.choice(self._models)
        self._header = random.choice((None, None, None, *CLASSES, "private"))
        self._tools = random.random() < 0.5
        self._tool_note = ""

    def turns(self) -> int:
        return 1 if self.surface == "fim" else self._random.choice((1, 1, 2, 3, 4))

    def next(self, step: int) -> Turn:
        random = self._random
        turn = Turn(
            step=step,
            client=self.client,
            surface=self.surface,
            model=self._model if random.random() < 0.7 else random.choice(self._models),
            # Often only one turn says that it is private.
            header=self._header if random.random() < 0.6 else None,
            stream=random.random() < 0.6,
            thinks=self._tools and random.random() < 0.8,
            failures={name: self._failure() for name in BACKENDS},
            cut=0 if random.random() < 0.04 else step % 4093 + 1,
        )
        self._now = []
        fields: dict[str, Any] = {"model": turn.model, "stream": turn.stream, **self._tempting()}
        if self.surface == "fim":
            fields |= self._fim(turn)
        else:
            fields |= self._chat(turn)
        if self.surface == "messages":
            fields = as_messages(fields)
        turn.values, turn.image = [*self._said, *self._now], self._image
        turn.path, turn.body = PATHS[self.surface], json.dumps(fields, ensure_ascii=random.random() < 0.3).encode()
        return turn

    def _failure(self) -> Failure:
        random = self._random
        if random.random() < 0.4:
            return "none"
        if random.random() < 0.2:
            return "dies mid-stream"
        one = random.choice(FAILURES)
        return one if one not in ("hangs", "loading") or random.random() < 0.1 else "503"

    def _plant(self, into: list[Planted] | None = None, *, name: bool = False) -> Planted:
        """By default into what later turns repeat."""
        kinds = [kind for kind in self._kinds if not name or kind in FITS_NAMES]
        one = planted(self._random, self._random.choice(kinds))
        (self._said if into is None else into).append(one)
        return one

    def _text(self) -> str:
        return written(self._random, self._plant())

    def _tempting(self) -> dict[str, Any]:
        random = self._random
        if random.random() < 0.6:
            return {}
        where = random.choice(("cloud", "cloud/m", "public", "http://127.0.0.1:1/v1"))
        name = random.choice(TEMPTING)
        return {name: {"model": where} if name == "metadata" else random.choice((where, [where]))}

    def _fim(self, turn: Turn) -> dict[str, Any]:
        fields = {"prompt": f"# {turn.marker} {self._text()}", "max_tokens": 9}
        if self._random.random() < 0.6:
            fields["suffix"] = f"# {self._text()}"
        if self._random.random() < 0.2:
            fields["stop"] = [self._plant().text]
        self._now, self._said = self._said, []
        return fields

    def _chat(self, turn: Turn) -> dict[str, Any]:
        random = self._random
        chosen = random.sample(FIELDS, random.randint(1, 3))
        if not self._messages:
            note = self._text() if "system" in chosen else "be brief"
            self._messages.append({"role": "system", "content": note})
            self._tool_note = self._text() if self._tools and "schema" in chosen else "a look"
        self._past(chosen)
        asked = f"[{turn.marker}] {_FILLER} {self._text() if 'user' in chosen else 'thank you'}"
        message: dict[str, Any] = {"role": "user", "content": asked}
        if "name" in chosen and self.surface != "messages":
            message["name"] = self._plant(name=True).value
        if "image" in chosen and random.random() < 0.3:
            message["content"] = [{"type": "text", "text": asked}, self._picture()]
        self._messages.append(message)
        fields: dict[str, Any] = {"messages": list(self._messages), "max_tokens": 50}
        if self._tools:
            fields["tools"] = [self._tool()]
        if "stop" in chosen:
            fields["stop"] = [self._plant(self._now).text]
        if "user_id" in chosen and self.surface != "messages":
            fields["user_id"] = self._plant(self._now, name=True).value
        if "extra" in chosen:
            fields["metadata"] = {"note": self._plant(turn.never).text}
        if not turn.thinks:
            fields["thinking"] = {"type": "disabled"}
        turn.thought = planted(random, "word")
        # What the servers answer, as the client sends it back with the next turn; it drops the reasoning.
        turn.answer = echo(asked)
        self._messages.append({"role": "assistant", "content": turn.answer})
        return fields

    def _past(self, chosen: list[str]) -> None:
        """Turns that the client says were answered elsewhere."""
        random = self._random
        if self._tools and {"arguments", "escaped arguments", "result"} & set(chosen):
            value = self._plant()
            plain = "escaped arguments" not in chosen
            arguments = f'{{"x":"{value.text if plain else escaped(value.text)}"}}'
            call_id = f"call_00_{random.getrandbits(112):028x}"[:32]
            call = {"id": call_id, "type": "function", "function": {"name": "look", "arguments": arguments}}
            result = self._text() if "result" in chosen else "nothing"
            turn = {"role": "assistant", "content": "", "reasoning_content": "a thought", "tool_calls": [call]}
            asked = {"role": "user", "content": "look it up"}
            self._messages += [asked, turn, {"role": "tool", "tool_call_id": call_id, "content": result}]
            self._messages.append({"role": "assistant", "content": "I have looked.", "reasoning_content": "done"})
        if "answer" in chosen or "reasoning" in chosen:
            before: dict[str, Any] = {"role": "assistant", "content": self._text() if "answer" in chosen else "yes"}
            if "reasoning" in chosen:
                before["reasoning_content"] = self._text()
            self._messages += [{"role": "user", "content": "and then?"}, before]

    def _picture(self) -> dict[str, Any]:
        self._image = True
        hidden = planted(self._random, "word")  # nobody can look into a picture, so it has no tag of its own
        self._said.append(hidden)
        data = base64.b64encode(hidden.value.encode()).decode()
        return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}

    def _tool(self) -> dict[str, Any]:
        shape = {"type": "object", "properties": {"x": {"type": "string", "description": self._tool_note}}}
        return {"type": "function", "function": {"name": "look", "description": "a look", "parameters": shape}}


def echo(text: str) -> str:
    return f"You said: {text}"
