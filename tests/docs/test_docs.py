"""The documentation is true: its links lead somewhere, its files exist, its examples run, its generated pages are fresh."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import pytest
import trustme

from tidegate.app import App
from tidegate.config import Config, parse_config

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
TIDEGATE = [sys.executable, "-m", "tidegate"]
GATEWAY_URL, SIMULATOR_URL = "http://127.0.0.1:4141", "http://127.0.0.1:4242"
DETERMINISTIC = ("tidegate explain ", "tidegate config check", "tidegate scan tidegate.toml", "tidegate --version")

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One fenced block. `printed` is the text block that follows it after the line "It prints:"."""

    page: Path
    line: int
    language: str
    text: str
    printed: str | None

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def read_blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    fences = list(_FENCE.finditer(text))
    blocks: list[Block] = []
    for fence, following in zip_longest(fences, fences[1:]):
        between = text[fence.end() : following.start()].strip() if following else ""
        printed = following[2] if following and between == "It prints:" else None
        blocks.append(Block(page, text.count("\n", 0, fence.start()) + 1, fence[1], fence[2], printed))
    return blocks


BLOCKS = [block for page in PAGES for block in read_blocks(page)]


def blocks_of(language: str) -> list[Block]:
    return [block for block in BLOCKS if block.language == language]


def prose_of(page: Path) -> str:
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors_of(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = _HEADING.findall(prose_of(page))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def fake_environment(config: Config) -> dict[str, str]:
    """A key for every variable that a configuration names."""
    backends = [backend.key_env for backend in config.backends.values()]
    names = {
        "DEEPSEEK_API_KEY",
        config.capture.key_env,
        config.server.admin_key_env,
        *backends,
        *(client.key_env for client in config.clients),
        *(one.secret_env for one in config.alerts),
    }
    return {name: f"fake-key-in-{name.lower()}" for name in names if name}


# -- pages -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken: list[str] = []
    for target in _LINK.findall(prose_of(page)):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        if not found.exists() or (anchor and anchor not in anchors_of(found)):
            broken.append(target)
    assert not broken


def test_generated_pages_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, str(DOCS / "generate.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_readme_names_targets_that_the_makefile_has() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    for page in PAGES:
        named = set(re.findall(r"(?:^\$ |`)make ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE))
        assert named <= targets, page
    assert {"up", "test", "help"} <= targets


def test_the_files_of_the_journey_exist() -> None:
    page = DOCS / "how-a-request-travels.md"
    listed = next(block for block in BLOCKS if block.page == page).text.split()
    assert len(listed) > 15
    assert [path for path in listed if not (ROOT / path).is_file()] == []
    folders = {Path(path).parts[2] for path in listed}
    assert {"surfaces", "codecs", "pipeline", "routing", "backends", "dialects", "ledger"} <= folders


def test_the_version_is_in_the_changelog() -> None:
    from tidegate import __version__

    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


# -- blocks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", blocks_of("toml"), ids=str)
def test_configurations_can_be_enforced(block: Block, tmp_path: Path) -> None:
    config = parse_config(tomllib.loads(with_certificate(block.text, tmp_path)))
    App(config, fake_environment(config), tmp_path, None)


def with_certificate(text: str, folder: Path) -> str:
    """The files that the page calls by the names they have on a server."""
    if "tls_cert" not in text:
        return text
    leaf = trustme.CA().issue_cert("localhost")
    for name, pem in (("cert.pem", leaf.cert_chain_pems[0]), ("key.pem", leaf.private_key_pem)):
        pem.write_to_path(folder / name)
        text = text.replace(f"/etc/tidegate/{name}", str(folder / name))
    return text


@pytest.mark.parametrize("block", blocks_of("python"), ids=str)
def test_programs_run(block: Block, request: pytest.FixtureRequest, environment: dict[str, str]) -> None:
    program = block.text
    for url, fixture in ((GATEWAY_URL, "gateway"), (SIMULATOR_URL, "simulator")):
        if url in program:
            program = program.replace(url, request.getfixturevalue(fixture))
    assert program != block.text, "an example that asks nobody shows nothing"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    if block.printed is not None:
        assert done.stdout == block.printed


@pytest.mark.parametrize("block", blocks_of("console"), ids=str)
def test_console_blocks_are_real(block: Block, tmp_path: Path, environment: dict[str, str]) -> None:
    """Runs the commands whose output is always the same, in a folder that holds the page's last configuration."""
    before = [one for one in blocks_of("toml") if one.page == block.page and one.line < block.line]
    config = before[-1].text if before else ""
    (tmp_path / "tidegate.toml").write_text(config, encoding="utf-8")
    keys = fake_environment(parse_config(tomllib.loads(config)))
    for shell in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, shown = shell.partition("\n")
        if not command.startswith(DETERMINISTIC):
            assert not shown.strip(), f"`{command}` is not run here, so its output belongs into a text block"
            continue
        done = subprocess.run(
            [*TIDEGATE, *command.split()[1:]],
            cwd=tmp_path,
            env=environment | keys,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.stdout.strip() == shown.strip()


def test_nothing_in_a_page_is_of_the_machine_it_was_written_on() -> None:
    said = {page: page.read_text(encoding="utf-8") for page in PAGES}
    home = f"{os.sep}root{os.sep}"
    assert [str(page) for page, text in said.items() if home in text or f"{os.sep}tmp{os.sep}" in text] == []
