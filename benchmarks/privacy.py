"""How well and how fast Tidegate finds what must not leave, beside Presidio in the same run.

python benchmarks/privacy.py [--quick] [--rounds N] [--no-presidio] [--no-speed] [--show N]

Prints Markdown: recall and precision on the labelled texts (both splits), what is found in prose and source code that
is on every machine with Python, and CPU time per 1,000 characters. It contacts no host. Values are never printed, but
with `--show` the first findings in public prose and code are, to judge whether they are false.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.labelled import SPLITS, STRUCTURED, Split, labelled, negatives  # noqa: E402
from tests.support.labelled.measure import Report, markdown, measure, summary  # noqa: E402

import privacy_speed  # noqa: E402
from privacy_targets import Target, beside, tidegate  # noqa: E402
from privacy_texts import chinese, clean, dense, english, papers, sources  # noqa: E402
from relay_proc import machine  # noqa: E402


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def reports(target: Target, split: Split, each: int) -> tuple[Report, Report]:
    """On all kinds, and on structured ones alone, for which generic rules do not count."""
    texts = (*labelled(split, each), *negatives(split, 10 * each))
    found = {text.text: tuple(target.scan(text.text)) for text in texts}
    everything = measure(found.__getitem__, texts, target.expected)
    return everything, measure(found.__getitem__, texts, target.expected, STRUCTURED, target.generic)


def quality(targets: Sequence[Target], each: int) -> None:
    """What stands beside Tidegate is slow and sees the first half of the texts of each kind."""
    for split in SPLITS:
        for target in targets:
            everything, structured = reports(target, split, each if target is targets[0] else each // 2)
            print(f"### {target.name}, {split} split\n")
            print(f"Structured data: {summary(structured)}.\n")
            print(f"All kinds: {markdown(everything)}")
            say(f"quality: {target.name}, {split}")


def _found_in(target: Target, files: Sequence[tuple[str, str]], show: int) -> tuple[int, Counter[str]]:
    counts: Counter[str] = Counter()
    characters = 0
    for name, text in files:
        characters += len(text)
        for one in target.scan(text):
            counts[one.code] += 1
            if show and counts[one.code] <= show:
                say(f"  {one.code} {name}: {text[one.start : one.end]!r}")
    return characters, counts


def alarms(targets: Sequence[Target], prose: int, code: int, show: int) -> None:
    """What is found in texts in which nobody planted anything; part of it, such as addresses of authors, is truly there."""
    print("| text | detector | characters | findings per 100,000 characters | by rule |\n|---|---|---|---|---|")
    for title, files in (("prose", papers(prose)), ("source code", sources(code))):
        for target in targets:
            few = files if target is targets[0] else _first(files, 100_000)
            characters, counts = _found_in(target, few, show)
            rules = ", ".join(f"{code} {count}" for code, count in counts.most_common()) or "none"
            rate = counts.total() * 100_000 / max(characters, 1)
            print(f"| {title} | {target.name} | {characters:,} | {rate:.2f} | {rules} |")
            say(f"findings in {title}: {target.name}")
    print()


def _first(files: Sequence[tuple[str, str]], size: int) -> list[tuple[str, str]]:
    kept: list[tuple[str, str]] = []
    for name, text in files:
        if size <= 0:
            break
        kept.append((name, text[:size]))
        size -= len(text)
    return kept


def speed(targets: Sequence[Target], quick: bool, rounds: int) -> None:
    def cleaned(text: str) -> str:
        return clean(text, [(one.start, one.end) for one in targets[0].scan(text)])

    prose = cleaned(english(150_000 if quick else 700_000))
    code = "".join(text for _, text in sources(100_000 if quick else 1_000_000))
    texts = {
        "clean English (Python's manual)": prose,
        "clean Chinese": cleaned(chinese(100_000)),
        "source code": code,
        "dense findings": dense(100_000 if quick else 1_000_000),
    }
    most = 100_000 if quick else 1_000_000
    sizes = {target.name: [size for size in target.sizes if size <= most] for target in targets}
    scans = {target.name: target.scan for target in targets}
    figures = privacy_speed.run(scans, texts, sizes, rounds, 3 if quick else 5, say)
    for name, text in texts.items():
        count = sum(1 for _ in targets[0].scan(text[:100_000]))
        print(f"{name}: {count * 1000 / min(len(text), 100_000):.2f} findings per 1,000 characters\n")
    print("CPU time, ms per 1,000 characters:\n")
    print(privacy_speed.markdown(figures))


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="privacy.py", description="Measure detection: recall, precision and speed.")
    parser.add_argument("--quick", action="store_true", help="fewer texts and rounds, about a minute")
    parser.add_argument("--rounds", type=int, help="rounds of the speed table, 1 to 50 (default 5, with --quick 2)")
    parser.add_argument("--no-presidio", action="store_true", help="measure Tidegate alone")
    parser.add_argument("--no-speed", action="store_true", help="leave the speed table out")
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print N findings per rule and text")
    options = parser.parse_args(argv)
    options.rounds = options.rounds if options.rounds is not None else (2 if options.quick else 5)
    if not 1 <= options.rounds <= 50:
        parser.error("--rounds takes 1 to 50")
    return options


def main(argv: Sequence[str]) -> int:
    options = arguments(argv)
    print(f"{machine()}\n")
    targets = [tidegate(), *([] if options.no_presidio else beside(_absent))]
    print("## Recall and precision\n")
    quality(targets, 2 if options.quick else 8)
    print("## Findings in prose and source code\n")
    prose, code = (200_000, 400_000) if options.quick else (1_000_000, 4_000_000)
    alarms(targets, prose, code, options.show)
    if not options.no_speed:
        print("## Speed\n")
        speed(targets, options.quick, options.rounds)
    return 0


def _absent(text: str) -> None:
    print(f"{text}\n")
    say(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
