"""The child's own program with the native library replaced: its one answer line, and its refusals in plain words."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tidegate.backends.engine import Engine, EngineSettings
from tidegate.backends.engine_child import lacks_avx2
from tidegate.core.errors import BackendUnreachable

PATIENCE_S = 60.0

STAND_IN = r"""
import json, os, sys, types
class Params:
    def __init__(self):
        self.model, self.cpuparams, self.cpuparams_batch = (types.SimpleNamespace() for _ in range(3))
class Server:
    listening_address = "http://127.0.0.1:4999"
    def __init__(self, params):
        if params.model.path.endswith("broken"):
            if params.verbosity:
                os.write(2, b"0.00.01 E loader: bad magic\n")
            raise RuntimeError("Failed to init server")
        os.write(1, b"native output on fd 1\n")
        assert params.api_keys and params.cors_origins == "" and params.ui is False and params.verbosity == 0
formats = types.SimpleNamespace(COMMON_REASONING_FORMAT_DEEPSEEK=2)
fake = types.SimpleNamespace(CommonParams=Params, Server=Server, common_reasoning_format=formats)
sys.modules["xllamacpp"] = {"missing": None, "old": types.SimpleNamespace()}.get(sys.argv[1], fake)
from tidegate.backends import engine_child
engine_child.lacks_avx2 = lambda machine: sys.argv[1] == "old-cpu"
sys.exit(engine_child.main())
"""


Make = Callable[[str, str], Engine]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    made: list[Engine] = []

    async def no_wait(delay_s: float) -> None:
        pytest.fail("a refused start is not tried again")

    def build(case: str, model: str) -> Engine:
        settings = EngineSettings(Path(model), "demo", 8192, 2, 1, "")
        made.append(Engine(settings, command=(sys.executable, "-c", STAND_IN, case), wait=no_wait))
        made[-1].start()
        return made[-1]

    yield build
    for engine in made:
        await engine.stop()


async def test_native_output_cannot_spoil_the_answer(make: Make) -> None:
    engine = make("fine", "/models/m.gguf")
    assert (await engine.address(PATIENCE_S)).port == 4999
    assert engine.last_error is None


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("missing", r"pip install 'tidegate\[embedded\]'.*--no-embedded"),
        ("old", "this version of xllamacpp does not fit"),
        ("old-cpu", "no AVX2"),
    ],
)
async def test_a_machine_that_cannot_run_the_engine_is_told_once(make: Make, case: str, expected: str) -> None:
    engine = make(case, "/models/m.gguf")
    with pytest.raises(BackendUnreachable, match=expected):
        await engine.address(PATIENCE_S)
    assert engine.state == "failed"


async def test_a_model_that_cannot_be_loaded_is_explained(make: Make) -> None:
    engine = make("fine", "/models/broken")
    with pytest.raises(BackendUnreachable, match=r"could not load /models/broken \(loader: bad magic\)"):
        await engine.address(PATIENCE_S)
    assert engine.state == "failed"


def test_a_processor_without_avx2_is_recognised(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text("processor : 0\nflags\t\t: fpu sse4_2 avx\n")
    assert lacks_avx2("x86_64", info)
    assert not lacks_avx2("aarch64", info)
    info.write_text("flags\t\t: fpu avx avx2 fma\n")
    assert not lacks_avx2("x86_64", info)
    assert not lacks_avx2("x86_64", tmp_path / "nowhere")


def test_the_child_program_imports_nothing_of_the_gateway() -> None:
    listing = "import sys, tidegate.backends.engine_child; print(*sys.modules)"
    names = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True).stdout.split()
    ours = {name for name in names if name.startswith("tidegate")}
    assert ours == {"tidegate", "tidegate.backends", "tidegate.backends.engine_child"}
    assert not {"asyncio", "aiohttp", "xllamacpp", "rich"} & set(names)
