"""Measure a build: each step and the whole, plain and fast, beside inflating alone and a peer.

    python benchmarks/bench.py --wet 'wet/*.gz' --pages 300000 --output bench
    python benchmarks/bench.py --only workers,sizes --pages 3e6 --output bench     # adds to earlier results

Everything runs in one process tree. The alternatives take turns, and the figures are medians, since a machine's speed
drifts. crawl.py makes the crawl, from the given WET files or without any. The plain version is timed on a sample of
it. The output folder gets results.json, and results.md and results.png made from it. Sections: steps, inflate,
engines, workers, overhead, sizes, start, peers, reference.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import builds
import inflate
import machine
import report
import stages
from crawl import PAGES_PER_FILE, Crawl, count, make

from c4pipe import resources
from c4pipe.fs import globs

SECTIONS = ("steps", "inflate", "engines", "workers", "overhead", "sizes", "start", "peers", "reference")
FILES_AT_LEAST = 16  # in a crawl, so that two workers can share it
INFLATED_FILES = 2  # for the floor: as many as fit quickly into memory


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Inputs:
    """The crawl and its sample; each is made at its first use."""

    def __init__(self, arguments: argparse.Namespace, folder: Path) -> None:
        self.wet = globs.expand(arguments.wet) if arguments.wet else []
        self.pages, self.sample_pages = arguments.pages, min(arguments.sample, arguments.pages)
        self.pages_per_file = min(PAGES_PER_FILE, max(1, -(-self.pages // FILES_AT_LEAST)))
        self.characters, self.level, self.folder = arguments.characters, arguments.level, folder
        self.made: dict[str, dict[str, int | str]] = {}

    def crawl_paths(self) -> list[str]:
        return self._paths("whole", self.pages, self.pages_per_file)

    def sample_paths(self) -> list[str]:
        return self._paths("sample", self.sample_pages, self.sample_pages)

    def _paths(self, name: str, pages: int, pages_per_file: int) -> list[str]:
        folder = self.folder / name
        if name not in self.made:
            crawl = Crawl(pages, characters=self.characters, pages_per_file=pages_per_file, level=self.level)
            self.made[name] = make(crawl, self.wet, str(folder), os.cpu_count() or 1)
            say(f"{name}: {self.made[name]}")
        return sorted(map(str, folder.glob("*.gz")))


def section(name: str, inputs: Inputs, bench: builds.Bench, arguments: argparse.Namespace) -> Any:
    """Return the measurements of one section, as JSON values."""
    if name == "steps":
        return stages.measured(inputs.sample_paths(), bench.rounds)
    if name == "inflate":
        return inflate.measured(inputs.crawl_paths()[:INFLATED_FILES], bench.rounds)
    if name == "engines":
        return builds.engines(bench, inputs.sample_paths(), inputs.sample_pages, inputs.crawl_paths(), inputs.pages)
    if name == "workers":
        return builds.workers(bench, inputs.crawl_paths(), inputs.pages)
    if name == "overhead":
        return builds.overhead(bench, inputs.crawl_paths(), inputs.pages)
    if name == "sizes":
        return builds.sizes(bench, inputs.crawl_paths(), inputs.pages_per_file, inputs.pages)
    if name == "start":
        return builds.start(bench)
    if name == "reference":
        return builds.reference(bench, arguments.reference_python, inputs.sample_paths()[0])
    return list(builds.peers(bench, arguments.peer_python, inputs.sample_paths()[0], inputs.sample_pages))


def measure_sections(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure the sections of `--only`, and write each to results.json when it is done. Return all results."""
    output = Path(arguments.output)
    (output / "work").mkdir(parents=True, exist_ok=True)
    kept = output / "results.json"
    results: dict[str, Any] = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    bench = builds.Bench(
        output / "work", arguments.resources, arguments.format, tuple(arguments.build_option), arguments.rounds, say=say
    )
    inputs = Inputs(arguments, output / "work")
    try:
        for name in arguments.only:
            before = machine.load()
            say(f"{name} ...")
            measured = section(name, inputs, bench, arguments)
            about = {"rounds": arguments.rounds, "load_before": before, "crawl": inputs.made.get("whole"),
                     "sample": inputs.made.get("sample")}  # fmt: skip
            results |= {"machine": machine.described(), name: {"measured": measured, "about": about}}
            kept.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    finally:
        if not arguments.keep:
            shutil.rmtree(output / "work", ignore_errors=True)
    return results


def sections(text: str) -> list[str]:
    names = text.split(",")
    if not set(names) <= set(SECTIONS):
        raise argparse.ArgumentTypeError(f"{text!r} must be any of {', '.join(SECTIONS)}, separated by commas")
    return [name for name in SECTIONS if name in names]


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument(
        "--wet", default="", help="WET files that the crawl is made from: paths and globs (default: made-up text)"
    )
    options.add_argument("--pages", type=count, default=20_000, help="pages of the crawl (default: %(default)s)")
    options.add_argument("--sample", type=count, default=500, help="pages for the plain version (default: %(default)s)")
    options.add_argument("--characters", type=count, help="cut pages to a mean of so many bytes")
    options.add_argument("--level", type=int, default=1, help="gzip level of the crawl (default: %(default)s)")
    options.add_argument(
        "--rounds", type=count, default=3, help="rounds; figures are their medians (default: %(default)s)"
    )
    options.add_argument("--resources", help="folder of the pinned lists (default: C4PIPE_RESOURCES, else builtin)")
    options.add_argument("--format", default="jsonl", help="format of the builds (default: %(default)s)")
    options.add_argument(
        "--build_option", action="append", default=[], help="one more word for the command line of each build"
    )
    options.add_argument("--only", type=sections, help="sections, separated by commas (default: all)")
    options.add_argument("--peer_python", default=sys.executable, help="a Python that has datatrove")
    options.add_argument("--reference_python", help="a Python that has TensorFlow Datasets; needs --resources")
    options.add_argument("--output", default="bench", help="folder (default: %(default)s)")
    options.add_argument("--keep", action="store_true", help="keep the crawl")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    options = parser()
    arguments = options.parse_args(argv)
    if "reference" in (arguments.only or ()) and not arguments.reference_python:
        options.error("name a Python that has TensorFlow Datasets with --reference_python (see make test-reference)")
    arguments.resources = arguments.resources or os.environ.get("C4PIPE_RESOURCES") or resources.BUILTIN
    resources.use(arguments.resources)
    if arguments.only is None:
        arguments.only = list(SECTIONS)
        if not report.installed("datatrove") and arguments.peer_python == sys.executable:
            say("peers: skipped, since datatrove is not installed")
            arguments.only.remove("peers")
        if not arguments.reference_python:
            say("reference: skipped, since --reference_python is not given")
            arguments.only.remove("reference")
    results = measure_sections(arguments)
    output = Path(arguments.output)
    (output / "results.md").write_text(report.markdown(results), "utf-8")
    with contextlib.suppress(ModuleNotFoundError):  # matplotlib is optional
        report.plot(results, str(output / "results.png"))
    print(report.markdown(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
