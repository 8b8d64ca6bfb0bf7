"""Which requests a canary run sends, path by path: every kind of value on every way that a request can take."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tidegate.app.canary_config import StandIns
from tidegate.app.canary_requests import SURFACES, URLS, Shot, Surface, Writer, plain_body, tempting
from tidegate.app.canary_servers import FAILURES, Failure
from tidegate.app.canary_values import WORD, Kind, Planted, plant
from tidegate.config import Config

PATHS: dict[Failure, str] = {
    "none": "first answer",
    "refused": "fallback: connection refused",
    "503": "fallback: error 503",
    "loading": "wait while loading",
    "cut": "answer cut off",
    "error event": "error in a stream",
    "hangs": "fallback: time-out",
}
BY_CLASS, IMAGES, FIELDS = "private by header, alias, client", "images", "fields of the client's"
SHADOW, EACH, MASKED, STICKY = "shadow", "answers from each", "masked streams", "sticky conversations"
WRONG, UNKNOWN = "wrong bodies and headers", "unknown model names"
_SLOW: tuple[Failure, ...] = ("loading", "hangs")
"""Each of these requests waits for its time-out."""
_MOST_NAMES, _MOST_TALKS = 24, 8


@dataclass(frozen=True, slots=True)
class Step:
    """Requests that are sent while the machines at home fail in one way."""

    failure: Failure
    shots: tuple[Shot, ...] = field(repr=False)


class Plan:
    def __init__(self, config: Config, names: StandIns, kinds: tuple[Kind, ...], urls: list[str]) -> None:
        """`config` is the one with stand-ins; `urls` are those of the sinks."""
        self._config = config
        self._kinds = kinds
        self._urls = urls
        self._numbers = itertools.count(1)
        self._outside = list(names.outside)[:_MOST_TALKS]
        self.models = _models(config, names)
        self._clients: list[str | None] = [one.name for one in config.clients] or [None]
        self._names, self._callers = itertools.cycle(self.models), itertools.cycle(self._clients)

    def steps(self) -> Iterator[Step]:
        yield Step("none", (*self._first(), *self._by_class(), *self._images(), *self._fields()))
        if self._config.shadow.to:
            yield Step("none", tuple(self._each_kind(SHADOW, "auto")))
        yield Step("none", (*self._each(), *self._masked(), *self._wrong(), *self._unknown()))
        for failure in FAILURES:
            yield Step(failure, tuple(self._failing(failure)))

    def shot(self, path: str, model: str, **more: Any) -> Shot:
        number = next(self._numbers)
        return Shot(path, number, model=model, **{"stream": number % 3 != 0, "client": next(self._callers)} | more)

    def talks(self) -> list[str]:
        return list(self.models[:_MOST_TALKS])

    def _written(self, shot: Shot, *kinds: Kind, **fields: Any) -> Shot:
        Writer(shot, kinds or self._kinds).write(**fields)
        return shot

    def _first(self) -> Iterator[Shot]:
        for kind in (WORD, *self._kinds):
            for surface in SURFACES:
                for _ in range(2):
                    yield self._written(self.shot(PATHS["none"], next(self._names), surface=surface), kind)
            for backend in self._outside:
                yield self._written(self.shot(PATHS["none"], backend), kind)
        for surface in SURFACES:
            for model in self.models:
                yield self._written(self.shot(PATHS["none"], model, surface=surface))

    def _each_kind(self, path: str, model: str) -> Iterator[Shot]:
        for kind in (WORD, *self._kinds):
            yield self._written(self.shot(path, model), kind)
        yield self._written(self.shot(path, model, header="private"), WORD)

    def _by_class(self) -> Iterator[Shot]:
        for surface in SURFACES:
            for model in self.models:
                header = "internal" if next(self._numbers) % 4 == 0 else "private"
                yield self._written(self.shot(BY_CLASS, model, surface=surface, header=header), WORD)
            for name, alias in self._config.aliases.items():
                if alias.data_class:
                    yield self._written(self.shot(BY_CLASS, name, surface=surface), WORD)
            for client in self._config.clients:
                if client.data_class:
                    yield self._written(self.shot(BY_CLASS, "auto", surface=surface, client=client.name), WORD)

    def _images(self) -> Iterator[Shot]:
        for model in self.models[:_MOST_TALKS]:
            yield self._written(self.shot(IMAGES, model, image=True), WORD)

    def _fields(self) -> Iterator[Shot]:
        for surface in SURFACES:
            for model in self.models[:_MOST_TALKS]:
                for header in ("private", None):
                    shot = self.shot(FIELDS, model, surface=surface, header=header)
                    kinds = self._kinds if header else (WORD,)
                    yield self._written(shot, *kinds, **tempting(shot.never, self._urls))

    def _each(self) -> Iterator[Shot]:
        for name, alias in self._config.aliases.items():
            if alias.answers != "each":
                continue
            for kind, header in (*((kind, None) for kind in (WORD, *self._kinds)), (WORD, "private")):
                shot = self.shot(EACH, name, header=header)
                plain_body(shot, kind)
                yield shot

    def _masked(self) -> Iterator[Shot]:
        """Streams cut into pieces of all sizes, since a sink's piece goes by the number of the request."""
        if all(row.action != "mask" for row in self._config.policy):
            return
        for kind in self._kinds:
            for surface in SURFACES:
                for _ in range(3):
                    yield self._written(self.shot(MASKED, next(self._names), surface=surface, stream=True), kind)

    def _failing(self, failure: Failure) -> Iterator[Shot]:
        names = itertools.cycle(self.models)
        for surface in SURFACES:
            for header in ("private", None, None):
                shot = self.shot(PATHS[failure], next(names), surface=surface, header=header)
                yield self._written(shot, *((WORD,) if header else ()))
            for kind in (WORD, *self._kinds)[:: 3 if failure in _SLOW else 1]:
                yield self._written(self.shot(PATHS[failure], next(names), surface=surface), kind)

    def _raw(
        self, path: str, surface: Surface, body: Any, value: Planted, *, quoted: bool = False, **headers: str
    ) -> Shot:
        shot = self.shot(path, "auto", surface=surface, never=[value], quoted=quoted)
        shot.url = URLS[surface]
        shot.headers = {name.replace("_", "-"): said for name, said in headers.items()}
        shot.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        return shot

    def _wrong(self) -> Iterator[Shot]:
        for kind in (WORD, *self._kinds):
            yield from self._wrong_with(kind)
        value = plant(WORD)
        good = {"model": "local", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 5}
        yield self._raw(WRONG, "chat", good, value, content_type=f"text/{value.value}")
        yield self._raw(WRONG, "chat", good, value, x_tidegate_class=value.value)
        yield self._raw(WRONG, "chat", good, value, authorization=f"Bearer {value.value}")
        yield self._raw(WRONG, "messages", good, value, x_api_key=value.value, cookie=value.value)
        yield self._raw(WRONG, "chat", good, value, x_tidegate_conversation=value.value * 20)
        for path in ("/", "/models/", "/-/exchanges/ex_"):
            shot = self._raw(WRONG, "chat", b"", value)
            shot.url = path + value.value
            yield shot

    def _wrong_with(self, kind: Kind) -> Iterator[Shot]:
        value = plant(kind)
        said = value.value
        hello = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]}
        good = {"model": "auto", "messages": [{"role": "user", "content": said}]}
        for body in (
            b'{"model": "' + said.encode(),
            good | {"messages": said},
            good | {"temperature": said},
            good | {"user_id": f"{said} {said}", "model": "local"},
            good | {"tools": [{"type": "function", "function": {"name": f"{said} !"}}]},
            good | {"max_tokens": said},
        ):
            yield self._raw(WRONG, "chat", body, value)
        for body in (  # words of a closed set
            hello | {"messages": [{"role": said, "content": "hello"}]},
            hello | {"response_format": {"type": said}},
            hello | {"tool_choice": {"type": said}},
        ):
            yield self._raw(WRONG, "chat", body, value, quoted=True)
        no_text = {"model": "auto", "messages": [{"role": "user", "content": {said: said}}]}
        yield self._raw(WRONG, "messages", no_text, value)
        yield self._raw(WRONG, "fim", {"model": "auto", "prompt": [said]}, value)

    def _unknown(self) -> Iterator[Shot]:
        """The name is read as a name: it holds a value, the text does not."""
        backends = [*self._config.backends][:_MOST_TALKS]
        for kind in (WORD, *self._kinds):
            for name in ("{}", "nowhere/{}", *(f"{backend}/{{}}" for backend in backends)):
                value = plant(kind)
                body = {"model": name.format(value.value), "messages": [{"role": "user", "content": "hello"}]}
                yield self._raw(UNKNOWN, "chat", body, value, quoted=True)
            value = plant(kind)
            body = {"model": value.value, "messages": [{"role": "user", "content": "hello"}], "max_tokens": 5}
            yield self._raw(UNKNOWN, "messages", body, value, quoted=True)


def _models(config: Config, names: StandIns) -> tuple[str, ...]:
    """Every kind of name that can be asked for."""
    outside = [name for backend, models in names.outside.items() for name in (backend, f"{backend}/{models[0]}")]
    ids = [models[0] for models in names.outside.values()]
    found = dict.fromkeys(["auto", *config.aliases, *outside, *ids, "local", *names.home])
    return tuple(found)[:_MOST_NAMES]
