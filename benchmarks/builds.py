"""Measure whole builds of variant ``en`` as commands: by engine, workers and size, and beside peers."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from crawl import Crawl, write_file
from process_cost import Cost, cost

from c4pipe import engine

FIRST_PAGE = (  # runs in its own process: import, load and prepare, then judge the first page
    "from c4pipe import resources; from c4pipe.page import Page; from c4pipe.variants import variant; import sys;"
    "resources.use(sys.argv[1]);"
    "text = 'Here is a page of text.\\nIt has some lines of text.\\nThis is the last of its lines.';"
    "page = Page('http://a.example/', text, '2019-04-18T10:38:25Z');"
    "[stage.judge(page) for stage in variant('en').stages if hasattr(stage, 'judge')]"
)


BUILD = ("-m", "beam_jobs.build_c4")
POOL = (str(Path(__file__).parent / "bare_pool.py"),)
CLEARLY_LONGER = 1.2  # times a build without a page; a smaller difference is drift of the machine's speed


@dataclass
class Bench:
    """The folder and the options of measured builds."""

    folder: Path
    resources: str
    format: str = "jsonl"
    more: tuple[str, ...] = ()  # options of a build
    rounds: int = 3
    builds: int = 0
    say: Callable[[str], None] = field(default=lambda text: None)

    def command(self, paths: Sequence[str], workers: int, *, by: Sequence[str] = BUILD) -> list[str]:
        """Return the command that builds these files into a new folder."""
        self.builds += 1
        output = str(self.folder / f"build-{self.builds}")
        options = {"input": ",".join(paths), "output": output, "workers": str(workers), "format": self.format}
        options |= {"variant": "en", "resources": self.resources}
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        return [sys.executable, *by, *words, *self.more]

    def build(self, paths: Sequence[str], *, workers: int = 1, asked: str = "fast", by: Sequence[str] = BUILD) -> Cost:
        return self.together([paths], workers=workers, asked=asked, by=by)

    def together(
        self, inputs: Sequence[Sequence[str]], *, workers: int = 1, asked: str = "fast", by: Sequence[str] = BUILD
    ) -> Cost:
        """Return the cost of one build for each input, all at the same moment. Their output is removed."""
        commands = [self.command(paths, workers, by=by) for paths in inputs]
        try:
            return cost(*commands, environment=environment_for(asked))
        finally:
            for command in commands:
                shutil.rmtree(output_of(command), ignore_errors=True)

    def empty(self) -> list[str]:
        """Return the path of a WET file without a page. Its build costs only what every build costs."""
        folder = self.folder / "empty"
        folder.mkdir(parents=True, exist_ok=True)
        write_file(Crawl(pages=0), [], str(folder), 0)
        return sorted(map(str, folder.glob("*.gz")))

    def turns(self, tasks: dict[str, Callable[[], Cost]]) -> dict[str, list[dict[str, float]]]:
        """Return the costs of each task by name. The tasks take turns, for ``rounds`` rounds."""
        taken: dict[str, list[dict[str, float]]] = {name: [] for name in tasks}
        for turn in range(self.rounds):
            for name, task in tasks.items() if turn % 2 == 0 else reversed(tasks.items()):
                taken[name].append(task().plain())
                self.say(f"  {name}: {taken[name][-1]}")
        return taken


def output_of(command: Sequence[str]) -> Path:
    return Path(command[command.index("--output") + 1])


def environment_for(asked: str) -> dict[str, str]:
    """Return the environment that selects the engine; ``fast`` uses each room that was built."""
    others = {name: value for name, value in os.environ.items() if name != engine.SETTING}
    return others | ({engine.SETTING: "plain"} if asked == "plain" else {})


def median(runs: Sequence[dict[str, float]], name: str) -> float:
    return statistics.median(run[name] for run in runs)


def above_start(taken: dict[str, list[dict[str, float]]], name: str, what: str) -> float | None:
    """Return the median of ``what`` less that of a build without a page; None if the two hardly differ."""
    runs, empty = taken[name], taken[f"{name}, no page"]
    if min(run[what] for run in runs) < CLEARLY_LONGER * max(run[what] for run in empty):
        return None
    return median(runs, what) - median(empty, what)


def engines(
    bench: Bench, sample: Sequence[str], sample_pages: int, whole: Sequence[str], pages: int
) -> dict[str, object]:
    """Return CPU microseconds a page of a whole build, less a build without a page; None if the crawl is too small."""
    empty = bench.empty()
    taken = bench.turns(
        {
            "plain": lambda: bench.build(sample, asked="plain"),
            "fast": lambda: bench.build(whole),
            "plain, no page": lambda: bench.build(empty, asked="plain"),
            "fast, no page": lambda: bench.build(empty),
        }
    )
    found: dict[str, object] = {"runs": taken, "format": bench.format, "same": same(bench, sample)}
    for name, count in (("plain", sample_pages), ("fast", pages)):
        cpu = above_start(taken, name, "cpu_seconds")
        found[name] = {"pages": count, "us": cpu and round(cpu / count * 1e6, 2)}
    return found


def same(bench: Bench, sample: Sequence[str]) -> bool:
    """Return whether both engines write the same shards and counters."""
    left = []
    for asked in ("plain", "fast"):
        command = bench.command(sample, 1)
        cost(command, environment=environment_for(asked))
        folder = output_of(command) / "en"
        shards = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "manifest.json"}
        left.append(shards)
        shutil.rmtree(output_of(command))
    return left[0] == left[1]


def workers(bench: Bench, whole: Sequence[str], pages: int) -> dict[str, object]:
    """Return pages a second of one worker, of two, and of two simultaneous builds of half the files each.

    A figure is None if the crawl is too small.
    """
    empty, half = bench.empty(), len(whole) // 2
    taken = bench.turns(
        {
            "1": lambda: bench.build(whole),
            "2": lambda: bench.build(whole, workers=2),
            "two builds": lambda: bench.together([whole[:half], whole[half:]]),
            "1, no page": lambda: bench.build(empty),
            "2, no page": lambda: bench.build(empty, workers=2),
            "two builds, no page": lambda: bench.together([empty, empty]),
        }
    )
    found: dict[str, object] = {"runs": taken, "pages": pages}
    for name in ("1", "2", "two builds"):
        seconds = above_start(taken, name, "seconds")
        found[name] = seconds and round(pages / seconds, 1)
    return found


def overhead(bench: Bench, whole: Sequence[str], pages: int) -> dict[str, object]:
    """Return seconds and CPU seconds of a build on all cores, and of the same steps in a plain pool of processes."""
    cores = os.cpu_count() or 1
    taken = bench.turns(
        {
            "build": lambda: bench.build(whole, workers=cores),
            "pool": lambda: bench.build(whole, workers=cores, by=POOL),
        }
    )
    found: dict[str, object] = {"runs": taken, "pages": pages, "workers": cores}
    for name, runs in taken.items():
        found[name] = {what: round(median(runs, what), 2) for what in ("seconds", "cpu_seconds")}
    return found


def sizes(bench: Bench, whole: Sequence[str], pages_per_file: int, pages: int) -> list[dict[str, object]]:
    """Return time and memory of a build on all cores: of a tenth of the files, and of all files."""
    cores = os.cpu_count() or 1
    tenth = whole[: max(1, len(whole) // 10)]
    found = []
    for paths in (tenth, whole):
        taken = bench.build(paths, workers=cores)
        count = min(pages, len(paths) * pages_per_file)
        found.append({"pages": count, "files": len(paths), "workers": cores, **taken.plain()})
        bench.say(f"  {found[-1]}")
    return found


def start(bench: Bench) -> dict[str, list[dict[str, float]]]:
    """Return the costs by engine of a new process until one page has passed every stage of ``en``."""
    command = [sys.executable, "-c", FIRST_PAGE, bench.resources]
    return bench.turns(
        {asked: lambda asked=asked: cost(command, environment=environment_for(asked)) for asked in ("plain", "fast")}
    )


def peers(bench: Bench, python: str, file: str, pages: int) -> Iterator[dict[str, object]]:
    """Yield the figures of datatrove on the same file, for each setting that this Python can run."""
    resource_options = ["--resources", bench.resources] if bench.resources != "builtin" else []
    for sentences in ("none", "nltk", "own"):
        options = ["--sentences", sentences, "--pages", str(pages), *resource_options]
        if figures := run_script(bench, f"sentences {sentences}", python, "datatrove_peer.py", file, *options):
            yield {"sentences": sentences, **figures}


def reference(bench: Bench, python: str, file: str) -> dict[str, object] | None:
    """Return the figures of the reference on the same file; None if its script fails."""
    return run_script(bench, "reference", python, "tfds_peer.py", file, "--resources", bench.resources)


def run_script(bench: Bench, name: str, python: str, script: str, *options: str) -> dict[str, object] | None:
    """Return the figures that a script of this folder prints, with median CPU microseconds a page; None on failure."""
    runs = []
    for _ in range(bench.rounds):
        command = [python, str(Path(__file__).parent / script), *options]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            bench.say(f"  {name}: skipped: {(done.stderr.strip() or 'no error message').splitlines()[-1]}")
            return None
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    us = statistics.median(run["cpu_seconds"] / run["pages"] * 1e6 for run in runs)
    return {"us": round(us, 1), **runs[0]}
