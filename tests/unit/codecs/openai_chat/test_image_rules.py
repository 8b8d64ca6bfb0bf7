"""Rules about images and files: which addresses and data a model that sees takes, and which error comes first."""

from __future__ import annotations

import pytest
from tests.support.samples import request

from tidegate.catalog.contracts import DEFAULT_PROFILE, contract_named
from tidegate.codecs.openai_chat.image_rules import check_images, sees_images
from tidegate.core.errors import ClientMistake

CONTRACT = contract_named(DEFAULT_PROFILE)
TEXT = {"type": "text", "text": "What is this?"}
FORMATS = "one of the following formats: webp, png, jpeg, and gif."


def image(url: str) -> dict:
    return {"type": "image_url", "image_url": {"url": url}}


def file(data: str | None, **more: object) -> dict:
    return {"type": "file", "file_data": data, **more}


def checked(*parts: dict, role: str = "user") -> None:
    (message,) = request(messages=[{"role": role, "content": list(parts)}]).messages
    check_images(message, 3, CONTRACT)


def refused(*parts: dict, role: str = "user") -> str:
    with pytest.raises(ClientMistake) as caught:
        checked(*parts, role=role)
    return caught.value.message


@pytest.mark.parametrize(
    "part",
    [
        *map(image, ["https://a/b.png", "HTTP://a", "https://a/" + "x" * 8182, "data:image/png;base64,"]),
        *map(image, ["DATA:image/jpg;x=y; base64,AAAA", "data:IMAGE/PNG ;base64,AA A\n=", "data:image/gif;base64,AA"]),
        *map(file, ["data:image/webp;base64,AAA", "data:image/png;base64,AA=="]),
        {"type": "file", "file_id": "file-api-1"},
    ],
)
def test_what_can_be_an_image_passes(part):
    checked(TEXT, part)


@pytest.mark.parametrize(
    ("part", "said"),
    [
        *((image(url), ".messages[3]: Unsupported image_url format") for url in ("", "ftp://x", "data:image/png,AAAA")),
        (image("data:image/bmp,AAAA"), ".messages[3]: Unsupported image_url format"),
        (image("data:image/bmp;base64,!!"), f"your image is valid and has {FORMATS}"),
        *((image(f"data:image/png;base64,{data}"), ".messages[3]: Invalid base64 data") for data in ("!!", "A", "AA=")),
        (
            image("https://a/" + "é" * 4092),
            ".messages[3].image_url.url[1]: image_url.url external link length 8194 too long, max link length 8192. "
            "Consider passing file data directly with base64 data url instead.",
        ),
        (file(None), ".messages[3]: file must have a file_id or file_data"),
        (file("data:image/png;base64,AA", file_id="f"), ".messages[3]: file cannot have both file_id and file_data"),
        (file("https://a/b.png"), ".messages[3]: file_data is not a valid base64 data url"),
        (file("data:image/png;base64,A="), ".messages[3]: file_data is not a valid base64 data url"),
        (file("data:image/png,AAAA"), ".messages[3]: Unsupported image_url format"),
        (file("data:application/pdf;base64,AA"), f"your file is valid and has {FORMATS}"),
    ],
)
def test_what_can_be_no_image_is_refused_in_the_hosted_words(part, said):
    assert refused(TEXT, part).endswith(said)


def test_an_assistant_shows_no_images():
    assert refused(image("ftp://x"), role="assistant") == "Image in assistant message is not supported"
    assert "file must have" in refused(file(None), role="assistant")


def test_all_files_are_looked_at_before_the_images():
    assert "file must have" in refused(image("ftp://x"), file(None))


@pytest.mark.parametrize(
    ("profile", "model", "sees"),
    [
        (DEFAULT_PROFILE, "deepseek-flash", True),
        (DEFAULT_PROFILE, "deepseek-v4-pro", False),
        (DEFAULT_PROFILE, "a local model", True),
        ("2026-08-ga", "deepseek-v4-flash", False),
        ("2026-08-ga", "a local model", False),
    ],
)
def test_who_sees_nothing_is_not_checked(profile, model, sees):
    assert sees_images(model, contract_named(profile)) is sees
