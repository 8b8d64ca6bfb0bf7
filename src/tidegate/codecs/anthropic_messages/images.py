"""Images: a Messages image block to the part that chat completions has for it, and back.

Base64 data becomes a data URL, a URL stays one, a file of the provider's is named by its id. Nothing is fetched here.
Source: `deepseek-recipe` 0.2.0, run 2026-11-24; files since 2026-08-21, DeepSeek's vision guide, 2026-08-23.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, assert_never

from tidegate.catalog.contracts import Contract
from tidegate.codecs.anthropic_messages.blocks import MEDIA_TYPES, ImageBlock
from tidegate.codecs.shapes import debug_string
from tidegate.core.errors import NotSupported
from tidegate.core.jsonvalue import as_object
from tidegate.core.messages import OpaquePart

_DATA_URL = re.compile(r"data:([a-z/]+);base64,([A-Za-z0-9+/=]*)")


def check_image(image: ImageBlock, place: str, contract: Contract, *, quoting: bool) -> None:
    """`place` is the way to the block, for an error text."""
    match image.source:
        case "url" if not image.value.lower().startswith(("http:", "https:")):
            shown = debug_string(image.value) if quoting else "it must begin with http: or https:"
            raise contract.mistake("messages_image_url", place=place, url=shown)
        case "base64" if _plain_base64(image.value) is None:
            raise contract.mistake("messages_image_data", place=place)
        case _:
            pass


def image_part(image: ImageBlock) -> OpaquePart:
    match image.source:
        case "file":
            return OpaquePart({"type": "file", "file_id": image.value})
        case "url":
            return _image_url(image.value)
        case "base64":
            data = _plain_base64(image.value)
            kind = image.media_type.replace("jpg", "jpeg")
            return _image_url(f"data:{kind};base64,{image.value if data is None else data}")
        case _:
            assert_never(image.source)


def _image_url(url: str) -> OpaquePart:
    return OpaquePart({"type": "image_url", "image_url": {"url": url}})


def _plain_base64(text: str) -> str | None:
    """The same data with the padding it should have. The oracle takes any padding, but not none where some is due."""
    bare = text.rstrip("=")
    if bare == text and len(text) % 4:
        return None
    padded = bare + "=" * (-len(bare) % 4)
    try:
        data = base64.b64decode(padded, validate=True)
    except (binascii.Error, ValueError):
        return None
    # Bits behind the last whole byte must be zero.
    return padded if base64.b64encode(data).decode() == padded else None


def image_block(part: OpaquePart) -> dict[str, Any]:
    """Refuses what Messages has no block for: a detail level, file data, a data URL that is not base64."""
    fields = part.value
    match fields:
        case {"type": "file", "file_id": str(file_id), **rest} if not rest:
            return {"type": "image", "source": {"type": "file", "file_id": file_id}}
        case {"type": "image_url", "image_url": {"url": str(url), **details}, **rest} if not rest and not details:
            return {"type": "image", "source": _source(url)}
        case _:
            what = "detail" if "detail" in (as_object(fields.get("image_url")) or {}) else "this content part"
            raise NotSupported(f"Anthropic Messages has no place for {what} (type {fields.get('type')!s:.20})")


def _source(url: str) -> dict[str, Any]:
    if url.lower().startswith(("http:", "https:")):
        return {"type": "url", "url": url}
    found = _DATA_URL.fullmatch(url)
    if found is None or found[1] not in MEDIA_TYPES:
        raise NotSupported("Anthropic Messages takes images as http(s) or base64 data URLs of jpeg, png, gif or webp")
    return {"type": "base64", "media_type": found[1], "data": found[2]}
