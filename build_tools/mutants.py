"""Test the tests: put small faults (mutants) into the code, one at a time, and see whether a test fails.

    python build_tools/mutants.py --number 60 --seed 1 --workers 2
    python build_tools/mutants.py --number 60 --seed 1 --workers 2      # again: continues from the results
    python build_tools/mutants.py --only 'c4pipe/**/rules.py' --number 20 --list
    python build_tools/mutants.py --mutant 0123456789ab                 # one mutant again, by its name

Each mutant is tried in a private copy; the project itself does not change. The first run for a state of the project
runs all tests once under coverage (needs the package coverage), to learn which tests run which lines. Results go to
RESULTS, one line of JSON each. The exit code is 0, also if mutants survive.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import shutil
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from mutating import benches, sites, test_map, trials
from mutating.trees import Tree

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("c4pipe", "beam_jobs")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the options."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--number", type=int, default=60, help="number of mutants (default: %(default)s)")
    options.add_argument("--seed", type=int, default=0, help="seed of the draw (default: %(default)s)")
    options.add_argument("--packages", nargs="+", default=PACKAGES, help="folders (default: c4pipe beam_jobs)")
    options.add_argument("--only", action="append", help="glob of files, from the root; may be given several times")
    options.add_argument("--mutant", action="append", help="a mutant's name, from the results, instead of a draw")
    options.add_argument("--budget", type=float, default=240, help="seconds for each mutant (default: %(default)s)")
    options.add_argument("--workers", type=int, default=1, help="mutants tried at the same time (default: %(default)s)")
    options.add_argument(
        "--memory", type=float, default=16, help="GiB of address space for each process (default: %(default)s)"
    )
    options.add_argument("--root", type=Path, default=ROOT, help="folder of the project (default: this one)")
    options.add_argument("--state", type=Path, help="folder of maps and results (default: ROOT/build/mutants)")
    options.add_argument("--results", type=Path, help="default: STATE/results.jsonl")
    options.add_argument("--map", type=Path, help="folder of a map to use, whatever has changed since")
    options.add_argument(
        "--map_pytest", default="-n2 --dist loadfile", help="pytest's options for the map, or some tests"
    )
    options.add_argument("--list", action="store_true", help="list the mutants and stop")
    options.add_argument("--again", action="store_true", help="also try mutants that have a result")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    """Draw mutants, try each, print a summary; return 0."""
    arguments = parser().parse_args(argv)
    root: Path = arguments.root.resolve()
    state: Path = (arguments.state or root / "build" / "mutants").resolve()
    state.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="c4-mutants-"))
    try:
        tree = Tree(root, work)
        mutants = choose_mutants(tree, arguments)
        if arguments.list:
            for mutant in mutants:
                print(f"{mutant.name} {mutant.kind}\n{mutant.diff((root / mutant.path).read_bytes())}")
            return 0
        results: Path = arguments.results or state / "results.jsonl"
        done = {} if arguments.again else read_results(results)
        if left := [mutant for mutant in mutants if mutant.name not in done]:
            place = arguments.map or state / f"map-{tree.digest}"
            tests = test_map.load_or_measure(place, tree, arguments.packages, arguments.map_pytest.split())
            try_all(tree, tests, left, results, arguments)
        print_summary(mutants, read_results(results))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return 0


def choose_mutants(tree: Tree, arguments: argparse.Namespace) -> list[sites.Mutant]:
    """Return the mutants that `--mutant` names, or that are drawn."""
    paths = tree.modules(arguments.packages)
    if arguments.only:
        allowed = {path for glob in arguments.only for path in tree.root.glob(glob)}
        paths = [path for path in paths if path in allowed]
    if arguments.mutant:
        every = (mutant for path in paths for mutant in sites.of_file(tree.root, path))
        return [mutant for mutant in every if mutant.name in arguments.mutant]
    return sites.drawn(tree.root, paths, arguments.number, arguments.seed)


def read_results(results: Path) -> dict[str, dict[str, Any]]:
    """Return the last result of each mutant, by its name."""
    lines = results.read_text("utf-8").splitlines() if results.exists() else []
    return {found["name"]: found for found in map(json.loads, lines)}


def try_all(
    tree: Tree, tests: test_map.TestMap, mutants: list[sites.Mutant], results: Path, arguments: argparse.Namespace
) -> None:
    """Try the mutants by several workers, each with its own copy, and write each result when it is known."""
    waiting: queue.SimpleQueue[sites.Mutant] = queue.SimpleQueue()
    for mutant in mutants:
        waiting.put(mutant)
    known, lock = benches.Known(tests.folder / "blind.jsonl"), threading.Lock()
    _ = tests.seconds, tests.data, tests.users  # computed before there are threads
    memory = int(arguments.memory * 2**30)

    def work(number: int) -> None:
        bench = benches.Bench(tree, tests, known, f"worker-{number}", memory)
        while True:
            try:
                mutant = waiting.get_nowait()
            except queue.Empty:
                return
            append_result(mutant, trials.verdict(bench, mutant, arguments.budget), tree.root, results, lock)

    workers = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(arguments.workers)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def append_result(
    mutant: sites.Mutant, verdict: trials.Verdict, root: Path, results: Path, lock: threading.Lock
) -> None:
    """Append a result to the file, and print it."""
    place = {"name": mutant.name, "path": mutant.path, "line": mutant.line, "kind": mutant.kind}
    found = place | asdict(verdict) | {"diff": mutant.diff((root / mutant.path).read_bytes())}
    with lock, results.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(found) + "\n")
        stream.flush()
        os.fsync(stream.fileno())
        by = f" by {verdict.by}" if verdict.by else ""
        print(f"{mutant.path}:{mutant.line} {mutant.kind}: {verdict.outcome}{by}, {verdict.seconds} s", flush=True)


def print_summary(mutants: Sequence[sites.Mutant], results: dict[str, dict[str, Any]]) -> None:
    """Print each mutant that was not killed, then the counts of outcomes."""
    found = [results[mutant.name] for mutant in mutants if mutant.name in results]
    for each in found:
        if each["outcome"] != "killed":
            stages = "; ".join(each["stages"])
            print(f"\n{each['name']} {each['kind']}: {each['outcome']} ({stages})\n{each['diff']}")
    counted = Counter(each["outcome"] for each in found)
    print(f"\n{len(found)} of {len(mutants)} mutants: " + ", ".join(f"{n} {name}" for name, n in counted.items()))


if __name__ == "__main__":
    sys.exit(main())
