"""Make tables and a plot from the results of bench.py.

    python benchmarks/report.py bench/results.json --into benchmarks/RESULTS.md --plot benchmarks/results.png

In the file of `--into`, only the text between the two marks is replaced.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def markdown(found: Mapping[str, Any]) -> str:
    """Return the tables of all measured sections, in Markdown."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    yield from machine(found["machine"])
    for name, section in (
        ("steps", steps), ("inflate", inflate), ("engines", engines), ("workers", workers), ("overhead", overhead),
        ("sizes", sizes), ("start", start), ("peers", peers), ("reference", reference),
    ):  # fmt: skip
        if found.get(name, {}).get("measured"):
            yield from section(found[name]["measured"], found)
            yield from about(found[name]["about"])


def machine(measured: Mapping[str, Any]) -> Iterator[str]:
    memory = measured["memory_bytes"] / 2**30
    versions = ", ".join(f"{name} {version}" for name, version in measured["libraries"].items())
    processor = f"{measured['cpu']}, {measured['cores']} cores, {memory:.0f} GiB"
    yield f"{measured['date']}, commit {measured['commit']}: {processor}."
    yield f"{measured['system']}."
    yield f"Python {measured['python']}, zlib {measured['zlib']}, {versions}."
    yield f"Compiled rooms: {', '.join(measured['compiled_rooms']) or 'none'}."
    if measured["rooms_not_compiled"]:
        yield f"Not compiled: {', '.join(measured['rooms_not_compiled'])}."


def about(conditions: Mapping[str, Any]) -> Iterator[str]:
    parts = [f"Medians of {conditions['rounds']}; load before: {conditions['load_before']}"]
    for name in ("crawl", "sample"):
        if crawl := conditions[name]:
            mean = crawl["inflated_bytes"] / crawl["pages"]
            parts.append(
                f"{name}: {crawl['pages']:,} pages in {crawl['files']} files, {mean:,.0f} bytes a page inflated, "
                f"{crawl['gzipped_bytes'] / crawl['pages']:,.0f} gzipped by {crawl['packed_by']}"
            )
    yield "\n" + "; ".join(parts) + "."


def table(title: str, head: Sequence[str], rows: Iterator[Sequence[object]]) -> Iterator[str]:
    yield f"\n### {title}\n"
    yield f"| {' | '.join(head)} |"
    yield f"|---|{'---:|' * (len(head) - 1)}"
    for row in rows:
        yield f"| {' | '.join(map(str, row))} |"


def times(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:,.1f}"


def steps(measured: Sequence[Mapping[str, Any]], _: object) -> Iterator[str]:
    rows = (
        (step["step"], f"{step['pages']:,}", f"{step['plain_us']:,.1f}", f"{step['fast_us']:,.1f}",
         times(step["plain_us"] / step["fast_us"]))
        for step in measured
    )  # fmt: skip
    yield from table(
        "Each step, microseconds of CPU a page that reaches it", ("step", "pages", "plain", "fast", "times"), rows
    )


def inflate(measured: Mapping[str, Any], _: object) -> Iterator[str]:
    rows = ((name, f"{us:,.1f}") for name, us in sorted(measured["us"].items(), key=lambda pair: pair[1]))
    title = f"Inflating alone, microseconds of CPU a record of {measured['bytes_a_record']:,} bytes"
    yield from table(title, ("library", "us"), rows)


def floor(found: Mapping[str, Any]) -> float | None:
    """Return microseconds a record of the fastest inflater; None if none was measured."""
    return min(found["inflate"]["measured"]["us"].values()) if "inflate" in found else None


def us_of(found: Mapping[str, Any], engine: str) -> float | None:
    """Return microseconds a page of a whole build; None if it was not measured, or the crawl was too small."""
    return found["engines"]["measured"][engine]["us"] if "engines" in found else None


def times_as(us: float | None, other: float | None) -> str:
    return times(us / other) if us and other else ""


def too_small(pages: int) -> str:
    return (
        f"\nThe crawl is too small for this: a build of {pages:,} pages takes hardly longer than one of none. "
        "Measure more of them (PAGES=, --pages; for the plain engine --sample)."
    )


def engines(measured: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    title = f"Whole build of `en` as {measured['format']}, one worker: CPU of the command less that of an empty one"
    head = ("engine", "pages", "us a page", "times as fast as plain", "times inflating alone")
    us = {name: us_of(found, name) for name in ("plain", "fast")}
    rows = (
        (
            name,
            f"{measured[name]['pages']:,}",
            f"{cost:,.1f}",
            times_as(us["plain"], cost),
            times_as(cost, floor(found)),
        )
        for name, cost in us.items()
        if cost
    )
    yield from table(title, head, rows)
    yield from (too_small(measured[name]["pages"]) for name, cost in us.items() if not cost)
    yield f"\nShards and counters of the sample are {'the same' if measured['same'] else '**not the same**'}."


def workers(measured: Mapping[str, Any], _: object) -> Iterator[str]:
    names = {"1": "one worker", "2": "two workers", "two builds": "two builds of half each, at the same moment"}
    title = "Workers: pages a second, start-up aside"
    if not all(measured[name] for name in names):
        yield f"\n### {title}"
        yield too_small(measured["pages"])
        return
    rows = ((label, f"{measured[name]:,.0f}", f"{measured[name] / measured['1']:.2f}") for name, label in names.items())
    yield from table(title, ("", "pages/s", "times one"), rows)
    yield f"\nTwo workers reach {measured['2'] / measured['two builds']:.2f} of what two builds do."


def overhead(measured: Mapping[str, Any], _: object) -> Iterator[str]:
    names = {"build": "build_c4", "pool": "the same steps in a plain pool of processes"}
    rows = (
        (label, f"{measured[name]['seconds']:,.1f}", f"{measured[name]['cpu_seconds']:,.1f}")
        for name, label in names.items()
    )
    title = f"Overhead: {measured['pages']:,} pages by {measured['workers']} workers, start-up counted"
    yield from table(title, ("", "seconds", "CPU seconds"), rows)
    ratios = (measured["build"][what] / measured["pool"][what] for what in ("seconds", "cpu_seconds"))
    yield "\nThe build takes {:.2f} times as long, and {:.2f} times the CPU.".format(*ratios)


def sizes(measured: Sequence[Mapping[str, Any]], _: object) -> Iterator[str]:
    rows = (
        (f"{size['pages']:,}", size["workers"], f"{size['seconds']:,.0f}", f"{size['own_bytes'] / 2**20:,.0f}",
         f"{size['resident_bytes'] / 2**20:,.0f}")
        for size in measured
    )  # fmt: skip
    head = ("pages", "workers", "seconds", "MiB of its own", "MiB resident, mapped files too")
    yield from table("Size: time, and the most memory that all processes held at once", head, rows)
    small, large = measured
    more, longer = large["pages"] / small["pages"], large["seconds"] / small["seconds"]
    yield f"\n{more:.1f} times the pages take {longer:.1f} times as long."


def start(measured: Mapping[str, Any], _: object) -> Iterator[str]:
    middle = {name: sorted(run["seconds"] for run in runs)[len(runs) // 2] for name, runs in measured.items()}
    rows = ((name, f"{seconds:.2f}") for name, seconds in middle.items())
    yield from table("From nothing to the first page through `en`, seconds", ("engine", "s"), rows)


def peers(measured: Sequence[Mapping[str, Any]], found: Mapping[str, Any]) -> Iterator[str]:
    ours = us_of(found, "fast")
    labels = {"none": "reader alone", "nltk": "reader and C4 filters, NLTK's sentences", "own": "the same, its own"}
    rows = (
        (f"{labels[run['sentences']]}", f"{run['pages']:,}", f"{run['us']:,.0f}", times_as(run["us"], ours))
        for run in measured
    )
    title = (
        f"datatrove {measured[0]['datatrove']}, microseconds of CPU a page (no language id, no duplicates, no writing)"
    )
    yield from table(title, ("", "pages", "us", "times our whole build"), rows)


def reference(measured: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    ours = [times_as(measured["us"], us_of(found, name)) for name in ("plain", "fast")]
    title = f"The reference: TensorFlow Datasets {measured['tfds']}, `en` on Beam's local runner, nothing written"
    head = ("pages", "documents", "us of CPU a page", "times our plain build", "times our fast build")
    row = (f"{measured['pages']:,}", f"{measured['kept']:,}", f"{measured['us']:,.0f}", *ours)
    yield from table(title, head, iter([row]))


def plot(found: Mapping[str, Any], path: str) -> None:
    """Plot the cost of each step, plain and fast, as bars on a logarithmic scale."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    bars = [(step["step"], step["plain_us"], step["fast_us"]) for step in found.get("steps", {}).get("measured", ())]
    whole = [us_of(found, name) for name in ("plain", "fast")]
    if all(whole):
        bars.append(("whole build", *whole))
    if not bars:
        return
    figure, axes = pyplot.subplots(figsize=(9, 0.5 * len(bars) + 1.5))
    for shift, name, column, colour in ((0.2, "plain", 1, "#b0b0b0"), (-0.2, "fast", 2, "#20639b")):
        positions = [len(bars) - index + shift for index in range(len(bars))]
        axes.barh(positions, [bar[column] for bar in bars], height=0.4, label=name, color=colour)
    if best := floor(found):
        axes.axvline(best, color="#c0392b", linestyle="--", label="inflating alone")
    axes.set_yticks([len(bars) - index for index in range(len(bars))], [bar[0] for bar in bars])
    axes.set_xscale("log")
    axes.set_xlabel("microseconds of CPU a page")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})


def put_into(path: Path, tables: str) -> None:
    """Replace the text between the marks; raise `ValueError` if a mark is missing."""
    text = path.read_text("utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{path} lacks the marks {BEGIN} and {END}")
    path.write_text(f"{before}{BEGIN}\n\n{tables}\n{END}{after}", "utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("json")
    parser.add_argument("--into", type=Path, help="Markdown file with the marks")
    parser.add_argument("--plot", help="PNG file to write")
    arguments = parser.parse_args(argv)
    found = json.loads(Path(arguments.json).read_text("utf-8"))
    if arguments.into:
        put_into(arguments.into, markdown(found))
    else:
        print(markdown(found))
    if arguments.plot:
        plot(found, arguments.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
