"""Image blocks become the parts that chat completions has for them, and come back as they were."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.catalog.contracts import DEFAULT_PROFILE, contract_named
from tidegate.codecs.anthropic_messages.blocks import ImageBlock
from tidegate.codecs.anthropic_messages.images import check_image, image_block, image_part
from tidegate.core.errors import ClientMistake, NotSupported
from tidegate.core.messages import OpaquePart

CONTRACT = contract_named(DEFAULT_PROFILE)


def url_part(url: str, **details: Any) -> OpaquePart:
    return OpaquePart({"type": "image_url", "image_url": {"url": url, **details}})


@pytest.mark.parametrize(
    ("block", "part"),
    [
        (ImageBlock("url", "https://x/y.png"), url_part("https://x/y.png")),
        (ImageBlock("base64", "QUJD", "image/webp"), url_part("data:image/webp;base64,QUJD")),
        (ImageBlock("file", "file-1"), OpaquePart({"type": "file", "file_id": "file-1"})),
    ],
)
def test_there_and_back(block: ImageBlock, part: OpaquePart):
    assert image_part(block) == part
    source = image_block(part)["source"]
    assert source["type"] == block.source
    assert block.value in source.values()


@pytest.mark.parametrize(("sent", "written"), [("QQ=", "QQ=="), ("QUJD=", "QUJD"), ("====", ""), ("QUI=", "QUI=")])
def test_padding_is_put_right(sent: str, written: str):
    block = ImageBlock("base64", sent, "image/jpg")
    check_image(block, "here", CONTRACT, quoting=False)
    assert image_part(block) == url_part(f"data:image/jpeg;base64,{written}")


@pytest.mark.parametrize("data", ["QQ", "!!", "QR==", "QU JD", "QQ=Q", "A", "_-8="])
def test_what_is_not_base64_is_refused(data: str):
    with pytest.raises(ClientMistake, match=r"^messages.0.content\[1\]: base64 decode error$"):
        check_image(ImageBlock("base64", data, "image/png"), "messages.0.content[1]", CONTRACT, quoting=True)


def test_an_address_that_is_not_of_the_web_is_quoted_to_its_sender_only():
    block = ImageBlock("url", 'ftp://"private"')
    with pytest.raises(ClientMistake) as caught:
        check_image(block, "here", CONTRACT, quoting=True)
    assert caught.value.message == 'here: invalid url: "ftp://\\"private\\""'
    with pytest.raises(ClientMistake) as caught:
        check_image(block, "here", CONTRACT, quoting=False)
    assert "private" not in caught.value.message


@pytest.mark.parametrize(
    "part",
    [
        url_part("https://x/y.png", detail="low"),
        url_part("data:image/bmp;base64,QUJD"),
        url_part("data:image/png,raw"),
        OpaquePart({"type": "file", "file_data": "x"}),
        OpaquePart({"type": "input_audio"}),
    ],
)
def test_what_messages_cannot_say_is_not_supported(part: OpaquePart):
    with pytest.raises(NotSupported):
        image_block(part)
