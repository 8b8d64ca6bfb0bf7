"""The contract's rules about images and files in messages. A model that sees no images is not checked: it drops them.

Source: `deepseek-recipe` 0.2.0, run 2026-11-24, which looks at all files of a message before its images.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from tidegate.catalog.contracts import Contract
from tidegate.core.jsonvalue import as_object
from tidegate.core.messages import Message, OpaquePart, ReasoningPart

_BASE64 = re.compile(r"([A-Za-z0-9+/]*)(={0,2})")
_SPACE = re.compile(r"[ \t\r\n\f]+")
_KINDS = frozenset({"image/png", "image/jpeg", "image/jpg", "image/gif", "image/webp"})


class _DataUrl(NamedTuple):
    head: str
    payload: str

    @property
    def is_image(self) -> bool:
        return self.head.partition(";")[0].strip().lower() in _KINDS

    @property
    def says_base64(self) -> bool:
        return self.head.endswith("base64")

    @property
    def is_base64(self) -> bool:
        """Padding may be left out altogether, but not in part."""
        found = _BASE64.fullmatch(self.payload) or _BASE64.fullmatch(_SPACE.sub("", self.payload))
        if found is None:
            return False
        over, padding = len(found[1]) % 4, len(found[2])
        return over != 1 and (padding == 0 or over + padding == 4)


def _data_url(url: str) -> _DataUrl | None:
    head, comma, payload = url.partition(",")
    return _DataUrl(head[5:], payload) if comma and head[:5].lower() == "data:" else None


def sees_images(model: str, contract: Contract) -> bool:
    """Whether the contract has rules about images, and this model is not known to see none."""
    known = contract.models.get(model)
    return "image_kind" in contract.rules and (known is None or "image" in known.inputs)


def check_images(message: Message, index: int, contract: Contract) -> None:
    content = [part for part in message.parts if not isinstance(part, ReasoningPart)]
    parts = [(position, part.value) for position, part in enumerate(content) if isinstance(part, OpaquePart)]
    if not parts:
        return
    for position, part in parts:
        if part.get("type") == "file":
            _check_file(part, index, contract)
        else:
            _check_length(_link(part), index, position, contract)
    if message.role == "assistant":
        raise contract.mistake("image_in_assistant")
    for _, part in parts:
        if part.get("type") == "image_url":
            _check_link(_link(part), index, contract)
        elif (data := _data_url(part.get("file_data") or "")) is not None and not data.says_base64:
            raise contract.mistake("image_url_format", index=index)


def _link(part: dict[str, Any]) -> str:
    image: Any = part["image_url"]
    fields = as_object(image)
    return image[0] if fields is None else fields["url"]


def _is_web(url: str) -> bool:
    return url[:4].lower() == "http"


def _check_length(url: str, index: int, position: int, contract: Contract) -> None:
    most, length = contract.limits["image_url"].most, len(url.encode())
    if length > most and _is_web(url):
        raise contract.mistake("image_url_long", index=index, position=position, length=length, most=most)


def _check_link(url: str, index: int, contract: Contract) -> None:
    if _is_web(url):
        return
    data = _data_url(url)
    if data is None or not data.says_base64:
        raise contract.mistake("image_url_format", index=index)
    if not data.is_image:
        raise contract.mistake("image_kind", index=index)
    if not data.is_base64:
        raise contract.mistake("image_base64", index=index)


def _check_file(part: dict[str, Any], index: int, contract: Contract) -> None:
    written: str | None = part.get("file_data")
    if part.get("file_id") is not None:
        if written is not None:
            raise contract.mistake("file_with_two_sources", index=index)
        return
    if written is None:
        raise contract.mistake("file_without_source", index=index)
    data = _data_url(written)
    if data is None:
        raise contract.mistake("file_data_url", index=index)
    if not data.is_image:
        raise contract.mistake("file_kind", index=index)
    if data.says_base64 and not data.is_base64:
        raise contract.mistake("file_data_url", index=index)
