"""Which files are looked into, and how their bytes become text."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidegate.cli.files import Unread, files_under, read_text
from tidegate.core.errors import Misconfigured


def test_folders_are_walked_in_order_without_histories(tmp_path: Path) -> None:
    for name in ("b/two.txt", "a/one.txt", ".git/config", "b/.hg/store", "zero.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    found = [str(Path(name).relative_to(tmp_path)) for name in files_under([str(tmp_path)])]
    assert found == ["zero.txt", "a/one.txt", "b/two.txt"]


def test_a_file_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"none\.txt: no such file or folder"):
        list(files_under([str(tmp_path / "none.txt")]))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_text_in_the_encodings_that_people_use(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "text"
    path.write_bytes("手机 13812345678\r\n".encode(encoding))
    assert read_text(str(path)) == "手机 13812345678\r\n"


def test_other_letters_keep_what_is_ascii(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes(b"\xff\xff\xffanna@host.com\xe9")
    assert "anna@host.com" in str(read_text(str(path)))


def test_what_is_no_text_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(b"\x89PNG\0\0anna@host.com")
    assert read_text(str(path)) == Unread(str(path), "not text")
