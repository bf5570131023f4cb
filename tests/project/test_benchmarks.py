"""The tools that measure: what they make, count and tell. How fast anything is, no test says."""

from __future__ import annotations

import gzip
import importlib
import json
import random
import sys
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

import pytest

import tests.fuzz
from c4pipe import resources
from c4pipe.page import Page
from c4pipe.text import urls
from c4pipe.warc.wet import WetReader
from tests.fuzz import __main__ as fuzz

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "benchmarks"


def script(name: str) -> ModuleType:
    """A file of benchmarks/, whose files import each other by their bare names."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(BENCHMARKS))


prose, crawl, inflate = map(script, ("prose", "crawl", "inflate"))
process_cost, report, bench, builds, stages = map(script, ("process_cost", "report", "bench", "builds", "stages"))


@pytest.fixture(autouse=True)
def keep_resources() -> Iterator[None]:
    previous = resources.source()
    yield
    resources.use(previous)


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A WET file of 20 pages, ten lines each, in two languages."""
    text = ["\n".join(f"This is line {n} of page {p} and it is read by all." for n in range(10)) for p in range(10)]
    text += ["\n".join(f"Das ist die Zeile {n} von Seite {p} für alle." for n in range(10)) for p in range(10)]
    folder = tmp_path_factory.mktemp("given")
    pages = [crawl.Given(b"https://www.site%d.example/a?b=c" % n, (each.encode(),)) for n, each in enumerate(text)]
    crawl.write_file(crawl.Crawl(20, duplicate_urls=0.0), pages, str(folder), 0)
    (path,) = folder.glob("*.gz")
    return str(path)


def pages_of(folder: Path) -> list[Page]:
    found: list[Page] = []
    for path in sorted(folder.glob("*.gz")):
        with path.open("rb") as stream:
            reader = WetReader(stream, name=path.name)
            found += reader
        assert not reader.faults
    return found


def made(folder: Path, wet: Sequence[str], workers: int = 1, **options: object) -> list[Page]:
    crawl.make(crawl.Crawl(**options), wet, str(folder), workers)
    return pages_of(folder)


def test_a_crawl_is_the_same_for_the_same_seed(given: str, tmp_path: Path) -> None:
    """Whatever number of processes make it; and another for another seed."""
    crawls = [
        made(tmp_path / str(n), [given], workers, pages=90, pages_per_file=40, seed=seed)
        for n, (workers, seed) in enumerate(((1, 5), (2, 5), (1, 6)))
    ]
    assert crawls[0] == crawls[1] != crawls[2]
    files = [sorted(path.read_bytes() for path in (tmp_path / str(n)).glob("*.gz")) for n in (0, 1)]
    assert files[0] == files[1]
    assert len(files[0]) == 3


def test_every_page_comes_equally_often(given: str, tmp_path: Path) -> None:
    pages = made(tmp_path, [given], pages=100, duplicate_urls=0.0)
    assert len(pages) == 100
    assert set(Counter(page.url.split("/")[2] for page in pages).values()) == {5}
    assert sum("Zeile" in page.text for page in pages) == 50


def test_shares_of_duplicates(given: str, tmp_path: Path) -> None:
    pages = made(tmp_path, [given], pages=2000, duplicate_lines=0.3, duplicate_urls=0.1)
    lines = Counter(line for page in pages for line in page.text.split("\n"))
    assert sum(n for n in lines.values() if n > 1) / lines.total() == pytest.approx(0.3, abs=0.04)
    keys = Counter(urls.normalize(page.url) for page in pages)
    assert 1 - len(keys) / len(pages) == pytest.approx(0.1, abs=0.03)
    assert {page.url.partition(":")[0] for page in pages} == {"https"}, "as those of the given pages"


@pytest.mark.parametrize(("share", "distinct"), [(0.0, 1000), (1.0, 200)])
def test_no_or_only_duplicate_lines(given: str, tmp_path: Path, share: float, distinct: int) -> None:
    pages = made(tmp_path, [given], pages=100, duplicate_lines=share)
    assert len({line for page in pages for line in page.text.split("\n")}) == distinct


def test_a_line_keeps_its_words_and_its_end(given: str, tmp_path: Path) -> None:
    pages = made(tmp_path, [given], pages=40, duplicate_lines=0.0)
    for line in (line for page in pages for line in page.text.split("\n")):
        assert line.endswith(".")
        assert len(line.split()) in (10, 13)


def test_pages_can_be_cut(given: str, tmp_path: Path) -> None:
    pages = made(tmp_path, [given], pages=40, characters=200)
    assert {len(page.text.split("\n")) for page in pages} <= {4, 5}


def test_the_layout_is_common_crawls(given: str, tmp_path: Path) -> None:
    made(tmp_path, [given], pages=3)
    (path,) = tmp_path.glob("*.gz")
    members = list(inflate.members(path.read_bytes()))
    records = [zlib.decompress(member, 31) for member, _ in members]
    assert [len(record) for record in records] == [size for _, size in members]
    assert b"".join(records) == gzip.decompress(path.read_bytes())
    assert [record.split(b"\r\n")[1] for record in records] == [b"WARC-Type: warcinfo"] + 3 * [b"WARC-Type: conversion"]
    told = json.loads((tmp_path / "synthetic.json").read_text())
    assert told["inflated_bytes"] == sum(map(len, records))
    assert told["gzipped_bytes"] == path.stat().st_size


def test_members_that_are_longer_than_a_window() -> None:
    noise = random.Random(0).randbytes(700_000)
    data = gzip.compress(noise) + gzip.compress(b"short") + gzip.compress(b"cut")[:-3]
    assert [size for _, size in inflate.members(data)] == [700_000, 5]


def test_every_inflater_says_the_same() -> None:
    member = gzip.compress(b"some text " * 100)
    for name, inflater in inflate.inflaters().items():
        assert inflater(member, 1000) == b"some text " * 100, name


def test_made_up_pages_are_the_same_for_the_same_seed() -> None:
    pages = prose.pages(seed=4, count=60)
    assert pages == prose.pages(seed=4, count=60)
    assert sum("www.en." in page.url for page in pages) == 27
    assert len({page.url for page in pages}) == 60


@pytest.mark.parametrize("text", ["1e6", "1_000_000", "1000000"])
def test_numbers_of_pages(text: str) -> None:
    assert crawl.count(text) == 1_000_000


@pytest.mark.parametrize("text", ["0", "1.5", "-3"])
def test_numbers_that_are_none_of_pages(text: str) -> None:
    with pytest.raises(crawl.argparse.ArgumentTypeError, match="whole number"):
        crawl.count(text)


@pytest.fixture
def rooms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A room that agrees on all numbers but 7s."""
    (tmp_path / "fuzz_digits.py").write_text(
        "def inputs(rng, lines):\n    while True:\n        yield rng.randint(0, 40), rng.choice(lines)\n"
        "def agree(one):\n    assert one[0] != 7, 'seven'\n"
    )
    monkeypatch.setattr(tests.fuzz, "__path__", [*tests.fuzz.__path__, str(tmp_path)])
    monkeypatch.setattr(fuzz, "ROOMS_FOLDER", tmp_path)
    monkeypatch.setattr(fuzz, "rooms", lambda: ["digits"])
    monkeypatch.setattr(fuzz.prose, "lines", lambda: ["a line"])
    monkeypatch.delitem(sys.modules, "tests.fuzz.fuzz_digits", raising=False)
    return tmp_path


def test_fuzzing_tells_how_to_do_it_again(rooms: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fuzz.main(["--room", "all", "--inputs", "10000", "--seed", "3"]) == 1
    told = capsys.readouterr().out
    assert "differs: (7, 'a line')\nseven\n" in told
    assert "DIFFERENT" in told
    (command,) = (line for line in told.splitlines() if line.startswith("again: "))
    assert fuzz.main(command.split()[4:]) == 1
    again = capsys.readouterr().out
    assert "differs: (7, 'a line')" in again
    assert "digits: 1 inputs" in again


def test_fuzzing_ends_after_so_many(rooms: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fuzz.main(["--room", "digits", "--inputs", "3", "--seed", "3"]) == 0
    assert "digits: 3 inputs" in capsys.readouterr().out
    assert fuzz.main(["--room", "digits", "--seconds", "0"]) == 0
    assert "digits: 0 inputs" in capsys.readouterr().out


def test_fuzzing_passes_other_errors_on(rooms: Path) -> None:
    (rooms / "fuzz_digits.py").write_text("def inputs(rng, lines):\n    yield 1\ndef agree(one):\n    1 / 0\n")
    with pytest.raises(ZeroDivisionError) as caught:
        fuzz.main(["--room", "digits", "--inputs", "1"])
    assert "at input 0; again: python -m tests.fuzz --room digits" in caught.value.__notes__[0]


def test_every_room_to_fuzz_keeps_the_form() -> None:
    resources.use(resources.BUILTIN)
    assert fuzz.rooms()
    for name in fuzz.rooms():
        room = fuzz.room_named(name)
        one = next(room.inputs(random.Random(0), ["A line of text.", "Another line, it is longer."]))
        room.agree(one)


def test_a_command_costs_what_all_its_processes_use() -> None:
    """Those too that outlive the one that started them."""
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    leave = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {burn!r}])"
    found = process_cost.cost([sys.executable, "-c", leave], [sys.executable, "-c", leave])
    if sys.platform == "linux":
        assert found.cpu_seconds > 0.6


def test_a_command_that_fails_is_told() -> None:
    with pytest.raises(process_cost.CommandFailed, match=r"ended with \[3\]:\nwhy"):
        process_cost.cost([sys.executable, "-c", "import sys; print('why'); sys.exit(3)"])


def test_each_step_is_measured_by_both(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    resources.use(resources.BUILTIN)
    monkeypatch.setattr(stages, "AT_LEAST_SECONDS", 0.0)
    found = stages.measured([given], rounds=2)
    assert {"reading records", "langdetect", "bad words", "writing parquet"} <= {one["step"] for one in found}
    assert found[0]["pages"] == 20
    for one in found:
        assert {name: len(values) for name, values in one["all"].items()} == {"plain": 2, "fast": 2}


def test_an_engine_is_asked_for_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C4PIPE_ENGINE", "plain")
    assert builds.environment_for("plain")["C4PIPE_ENGINE"] == "plain"
    assert "C4PIPE_ENGINE" not in builds.environment_for("fast")


def test_sections_are_named() -> None:
    assert bench.sections("peers,steps") == ["steps", "peers"]
    with pytest.raises(bench.argparse.ArgumentTypeError, match="must be any of steps"):
        bench.sections("everything")


def measured(**sections: object) -> dict[str, object]:
    machine = {
        "date": "2019-04-18", "commit": "abc", "cpu": "A CPU", "cores": 2, "memory_bytes": 2**34, "system": "Linux",
        "python": "3.11", "zlib": "1.3", "libraries": {"numpy": "2"}, "compiled_rooms": ["lines"],
        "rooms_not_compiled": [],
    }  # fmt: skip
    about = {"rounds": 3, "load_before": 0.1, "crawl": None, "sample": None}
    return {"machine": machine} | {name: {"measured": told, "about": about} for name, told in sections.items()}


ENGINES = {
    "format": "jsonl", "same": True, "runs": {}, "plain": {"pages": 5, "us": 8000.0}, "fast": {"pages": 50, "us": 80.0},
}  # fmt: skip
FOUND = measured(
    steps=[{"step": "langdetect", "pages": 10, "plain_us": 2000.0, "fast_us": 20.0, "all": {}}],
    inflate={"records": 3, "bytes_a_record": 9000, "us": {"zlib": 40.0, "libdeflate": 20.0}},
    engines=ENGINES,
    workers={"1": 1000.0, "2": 1900.0, "two builds": 2000.0, "pages": 50, "runs": {}},
    sizes=[
        {"pages": 10, "workers": 2, "seconds": 3.0, "own_bytes": 2**20, "resident_bytes": 2**21},
        {"pages": 100, "workers": 2, "seconds": 33.0, "own_bytes": 2**20, "resident_bytes": 2**21},
    ],
    start={"plain": [{"seconds": 2.0}], "fast": [{"seconds": 1.0}]},
    peers=[{"sentences": "nltk", "pages": 10, "us": 8000.0, "datatrove": "0.10.1", "kept": 3, "cpu_seconds": 1}],
    reference={"tfds": "4.9.10", "pages": 10, "us": 12000.0, "kept": 3, "cpu_seconds": 1},
)  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        "| langdetect | 10 | 2,000.0 | 20.0 | 100 |",
        "| libdeflate | 20.0 |",
        "| fast | 50 | 80.0 | 100 | 4.0 |",
        "| two workers | 1,900 | 1.90 |",
        "Two workers reach 0.95 of what two builds do.",
        "10.0 times the pages take 11.0 times as long.",
        "| reader and C4 filters, NLTK's sentences | 10 | 8,000 | 100 |",
        "| 10 | 3 | 12,000 | 1.5 | 150 |",
        "Shards and counters of the sample are the same.",
    ],
)
def test_tables(line: str) -> None:
    assert line in report.markdown(FOUND).splitlines()


@pytest.mark.parametrize(("seconds", "told"), [(1.19, False), (1.21, True), (5.0, True)])
def test_a_run_hardly_longer_than_an_empty_one_tells_nothing(seconds: float, told: bool) -> None:
    """Less than a fifth longer; the fastest against the slowest, since a machine's speed drifts."""
    taken = {"1": [{"seconds": 9.0}, {"seconds": seconds}], "1, no page": [{"seconds": 1.0}, {"seconds": 0.5}]}
    above = builds.above_start(taken, "1", "seconds")
    assert above == (pytest.approx((9.0 + seconds) / 2 - 0.75) if told else None)


TOO_SMALL = measured(
    engines={**ENGINES, "fast": {"pages": 50, "us": None}},
    workers={"1": 1000.0, "2": None, "two builds": 2000.0, "pages": 50, "runs": {}},
    peers=[{"sentences": "nltk", "pages": 10, "us": 8000.0, "datatrove": "0.10.1", "kept": 3, "cpu_seconds": 1}],
    reference={"tfds": "4.9.10", "pages": 10, "us": 12000.0, "kept": 3, "cpu_seconds": 1},
)


def test_a_crawl_that_is_too_small_is_told() -> None:
    """In place of what cannot be measured on it; what can stays."""
    told = report.markdown(TOO_SMALL)
    assert told.count("The crawl is too small for this: a build of 50 pages takes hardly longer than one of none.") == 2
    assert "pages/s" not in told
    assert "Two workers" not in told
    assert "| fast |" not in told
    assert "| plain | 5 | 8,000.0 | 1.0 |  |" in told.splitlines()
    assert "| reader and C4 filters, NLTK's sentences | 10 | 8,000 |  |" in told.splitlines()
    assert "| 10 | 3 | 12,000 | 1.5 |  |" in told.splitlines()


def test_what_was_not_measured_is_not_told() -> None:
    told = report.markdown(measured(peers=[]))
    assert "datatrove" not in told
    assert "| " not in told


def test_the_reference_without_a_build_beside_it() -> None:
    told = report.markdown(measured(reference={"tfds": "4.9.10", "pages": 10, "us": 12000.0, "kept": 3}))
    assert "| 10 | 3 | 12,000 |  |  |" in told.splitlines()


def script_that(tmp_path: Path, does: str) -> str:
    """A Python that does this whatever it is to run."""
    path = tmp_path / "python"
    path.write_text(f"#!{sys.executable}\nimport sys\n{does}\n")
    path.chmod(0o755)
    return str(path)


def test_a_script_of_another_python(tmp_path: Path) -> None:
    """Runs as often as there are rounds; told are microseconds a page."""
    runs = tmp_path / "runs"
    says = "print('a word')\nprint('{\"pages\": 4, \"cpu_seconds\": 2}')"
    python = script_that(tmp_path, f"open({str(runs)!r}, 'a').write(sys.argv[2])\n{says}")
    told = builds.reference(builds.Bench(tmp_path, "lists", rounds=2), python, "x")
    assert told == {"us": 500_000.0, "pages": 4, "cpu_seconds": 2}
    assert runs.read_text() == "xx"


@pytest.mark.parametrize(
    ("does", "why"), [("sys.exit('no such module')", "no such module"), ("sys.exit(3)", "no error message")]
)
def test_a_script_that_fails_is_left_out(tmp_path: Path, does: str, why: str) -> None:
    said: list[str] = []
    assert builds.reference(builds.Bench(tmp_path, "lists", say=said.append), script_that(tmp_path, does), "x") is None
    assert said == [f"  reference: skipped: {why}"]


def test_the_reference_needs_a_python(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bench.main(["--only", "reference"])
    assert "name a Python that has TensorFlow Datasets with --reference_python" in capsys.readouterr().err


def test_a_plot(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for found in (FOUND, TOO_SMALL | {"steps": FOUND["steps"]}):
        report.plot(found, str(tmp_path / "plot.png"))
        assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
        (tmp_path / "plot.png").unlink()


def test_tables_go_between_the_marks(tmp_path: Path) -> None:
    path = tmp_path / "RESULTS.md"
    path.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    for _ in range(2):
        report.put_into(path, "new\n")
    assert path.read_text() == f"before\n{report.BEGIN}\n\nnew\n\n{report.END}\nafter\n"
    path.write_text("nothing")
    with pytest.raises(ValueError, match="lacks the marks"):
        report.put_into(path, "new\n")


def test_the_published_tables_are_those_of_the_json() -> None:
    """``python benchmarks/report.py benchmarks/results.json --into benchmarks/RESULTS.md``."""
    published = (BENCHMARKS / "RESULTS.md").read_text("utf-8")
    assert published.count(report.BEGIN) == published.count(report.END) == 1
    kept = BENCHMARKS / "results.json"
    if not kept.exists():
        pytest.skip("nothing is published yet")
    told = published.partition(report.BEGIN)[2].partition(report.END)[0]
    assert told.strip() == report.markdown(json.loads(kept.read_text("utf-8"))).strip()


def test_a_plain_pool_leaves_what_a_build_does(given: str, tmp_path: Path) -> None:
    bench = builds.Bench(tmp_path, resources.BUILTIN)
    trees = []
    for by in (builds.BUILD, builds.POOL):
        command = bench.command([given], 2, by=by)
        process_cost.cost(command)
        folder = builds.output_of(command) / "en"
        trees.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert trees[0] == trees[1]
    assert len(trees[0]) > 2
