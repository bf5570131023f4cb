"""The conformance kit: what differs is found in any layout, counted, and told by rule."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c4pipe import cli, corpus_files, resources, shards, urls
from c4pipe.blame import COPY, NEVER_READ, UNTOLD, Side
from c4pipe.compare import compare
from c4pipe.conform import Deviation, Report, read_deviations, report
from c4pipe.corpus import Corpus, open_corpus
from c4pipe.documents import DamagedShard
from c4pipe.line_diff import LineDiff, line_diff
from c4pipe.variants import variant

ROOT = Path(__file__).resolve().parent.parent.parent
EN = variant("en")
FIELDS = ("text", "url", "timestamp")  # of the release's JSON lines
Row = dict[str, Any]


@pytest.fixture(autouse=True)
def builtin() -> Iterator[None]:
    previous = resources.source()
    resources.use("builtin")
    yield
    resources.use(previous)


def row(number: int, **changes: Any) -> Row:
    """A golden row; the URL of number 370 is of the validation split."""
    url = f"http://fake.com/url/{number}"
    lines = [f"This is sentence {part} of the page that is known by the number {number}." for part in range(4)]
    told = {
        "url": url,
        "timestamp": f"2019-04-18T10:38:{number % 60:02}Z",
        "split": urls.split(url),
        "language": "en",
        "content-type": "text/plain",
        "content-length": str(1000 + number),
        "text": "\n".join(lines),
    }
    return told | changes


ROWS = [row(number) for number in (1, 2, 3, 4, 370)]
COUNTERS = {"clean-page/passed": 5, "duplicate-url-filter/filtered": 0, "download_wet_url/exists": 10}


def write_lines(path: Path, rows: Sequence[Row], fields: Sequence[str] = FIELDS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = "".join(json.dumps({name: one[name] for name in fields if name in one}) + "\n" for one in rows).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def hashed(one: Row) -> Row:
    return one | {"text_sha256": hashlib.sha256(one["text"].encode()).hexdigest(), "chars": len(one["text"])}


@pytest.fixture
def golden_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "golden"
    every = ("url", "timestamp", "split", "language", "content-type", "content-length", "chars", "text_sha256")
    write_lines(folder / "en.jsonl.gz", [hashed(one) for one in ROWS], (*every, "text"))
    write_lines(folder / "en.noclean.jsonl.gz", [hashed(one) for one in ROWS], every)
    (folder / "en.counters.json").write_text(json.dumps(COUNTERS))
    traced = [{"url": one["url"], "timestamp": one["timestamp"], "kept": True, "reason": None} for one in ROWS]
    traced += [
        {"url": row(number)["url"], "timestamp": row(number)["timestamp"], "kept": False, "reason": "english-filter"}
        for number in (7, 8)
    ]
    write_lines(folder / "en.trace.jsonl.gz", traced, ("url", "timestamp", "kept", "reason"))
    return folder


def run(*arguments: object) -> int:
    return cli.main(["conform", *map(str, arguments)])


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> Row:
    """The report as JSON, whose exit code agrees with it."""
    code = run("--json", *arguments)
    found: Row = json.loads(capsys.readouterr().out)
    assert code == (0 if found["same"] else 3)
    return found


def rules(found: Row, kind: str) -> dict[str, int]:
    return {rule: one["documents"] for rule, one in found["rules"][kind].items()}


def plain_lines(folder: Path) -> None:
    write_lines(folder / "out.jsonl", ROWS)


def released(folder: Path) -> None:
    write_lines(folder / "c4-train.00000-of-00002.json.gz", ROWS[:2])
    write_lines(folder / "c4-train.00001-of-00002.json.gz", ROWS[2:4])
    write_lines(folder / "c4-validation.00000-of-00001.json.gz", ROWS[4:])


def by_folders(folder: Path) -> None:
    write_lines(folder / "train" / "00000.jsonl.gz", ROWS[:4])
    write_lines(folder / "validation" / "00000.jsonl.gz", ROWS[4:])


def datatrove(folder: Path) -> None:
    for rank, part in enumerate((ROWS[:3], ROWS[3:])):
        rows = [
            {
                "text": one["text"],
                "id": f"<urn:uuid:{one['url']}>",
                "metadata": {"url": one["url"], "date": one["timestamp"], "language": "en", "language_score": 0.99},
            }
            for one in part
        ]
        write_lines(folder / f"{rank:05}.jsonl.gz", rows, ("text", "id", "metadata"))


def hub_parquet(folder: Path) -> None:
    """As `datasets` writes it: timestamps are no strings there."""
    folder.mkdir()
    for split, rows in (("train", ROWS[:4]), ("validation", ROWS[4:])):
        columns = {name: [one[name] for one in rows] for name in ("text", "url")}
        times = [datetime.fromisoformat(one["timestamp"].removesuffix("Z")) for one in rows]
        table = pa.table({**columns, "timestamp": pa.array(times, pa.timestamp("s"))})
        pq.write_table(table, folder / f"{split}-00000-of-00001.parquet")


def of_shards(format: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        folder.mkdir()
        for split, rows in (("train", ROWS[:4]), ("validation", ROWS[4:])):
            name = shards.shard_name(format, split, 0, 1)
            with (folder / name).open("wb") as stream:
                shards.write_shard(format, stream, shards.table(rows), name=name)
        (folder / "manifest.json").write_text('{"options": {"variant": "en", "semantics": "3.1.0"}}')
        (folder / "stats.json").write_text(json.dumps({"counters": {"clean-page/passed": 5}, "faults": {}}))

    return write


SPLIT = ["split", "text_sha256", "timestamp"]
LAYOUTS: Mapping[str, tuple[Callable[[Path], None], list[str]]] = {
    "lines": (plain_lines, SPLIT[1:]),
    "released": (released, SPLIT),
    "folders": (by_folders, SPLIT),
    "datatrove": (datatrove, ["language", "text_sha256", "timestamp"]),
    "hub": (hub_parquet, SPLIT),
    "jsonl": (of_shards("jsonl"), SPLIT),
    "parquet": (of_shards("parquet"), ["content-length", "content-type", *SPLIT]),
    "tfrecord": (of_shards("tfrecord"), ["content-length", "content-type", *SPLIT]),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_same_documents_in_any_layout(
    golden_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], layout: str
) -> None:
    write, compared = LAYOUTS[layout]
    write(tmp_path / "out")
    found = told(capsys, "--golden", golden_folder, "--variant", "en", tmp_path / "out")
    assert (found["same"], found["compared"]) == (True, compared)
    assert found["counts"] == {"missing": 0, "extra": 0, "different": 0}
    assert found["first"]["documents"] == found["second"]["documents"] == 5


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_changed_character_in_any_layout(
    golden_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    layout: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = ROWS[1]["text"].replace("sentence 1", "sentence 7")
    monkeypatch.setitem(ROWS[1], "text", text)
    LAYOUTS[layout][0](tmp_path / "out")
    found = told(capsys, "--golden", golden_folder, "--variant", "en", tmp_path / "out")
    assert found["counts"] == {"missing": 0, "extra": 0, "different": 1}
    (example,) = found["rules"]["different"]["line changed"]["examples"]
    assert example == {
        "url": ROWS[1]["url"],
        "details": [
            "- [line changed] This is sentence 1 of the page that is known by the number 2.",
            "+ [line changed] This is sentence 7 of the page that is known by the number 2.",
        ],
    }


CURLY = "“Nobody knows why this line has been kept by them.”"


@pytest.mark.parametrize(
    ("change", "counts", "kind", "by"),
    [
        (lambda rows: rows[:-1], (1, 0, 0), "missing", {UNTOLD: 1}),
        (lambda rows: [*rows, row(7)], (0, 1, 0), "extra", {"english-filter": 1}),
        (lambda rows: [*rows, row(9)], (0, 1, 0), "extra", {NEVER_READ: 1}),
        (lambda rows: [*rows, row(7, timestamp="2020-01-01T00:00:00Z")], (0, 1, 0), "extra", {NEVER_READ: 1}),
        (lambda rows: [*rows, rows[0]], (0, 1, 0), "extra", {COPY: 1}),
        (lambda rows: [*rows, rows[0], rows[0]], (0, 2, 0), "extra", {COPY: 2}),
        (
            lambda rows: [*rows[:-1], rows[-1] | {"timestamp": "2020-01-01T00:00:00Z", "text": "Another page."}],
            (0, 0, 1),
            "different",
            {"duplicate-url-filter: another page of the URL": 1},
        ),
        (
            lambda rows: [rows[0] | {"text": rows[0]["text"] + "\nHome"}, *rows[1:]],
            (0, 0, 1),
            "different",
            {"clean-page/line-filtered:no_endmark": 1},
        ),
        (
            lambda rows: [rows[0] | {"text": rows[0]["text"] + "\n" + CURLY}, *rows[1:]],
            (0, 0, 1),
            "different",
            {"clean-page/line-filtered:no_endmark, ends in RIGHT DOUBLE QUOTATION MARK": 1},
        ),
        (
            lambda rows: [rows[0] | {"text": rows[0]["text"] + "\n" + rows[0]["text"]}, *rows[1:]],
            (0, 0, 1),
            "different",
            {"dedupe-lines/line-filtered:local_duplicate": 1},
        ),
        (
            lambda rows: [rows[0] | {"text": rows[0]["text"] + "\n" + rows[1]["text"]}, *rows[1:]],
            (0, 0, 1),
            "different",
            {"dedupe-lines/line-filtered:global_duplicate": 1},
        ),
        (
            lambda rows: [rows[0] | {"text": rows[0]["text"].replace(" of ", " [3]of ")}, *rows[1:]],
            (0, 0, 1),
            "different",
            {"clean-page: edits made in one alone": 1},
        ),
        (
            lambda rows: [rows[0] | {"text": rows[0]["text"].replace("\n", " \n")}, *rows[1:]],
            (0, 0, 1),
            "different",
            {"line changed: blanks at its ends": 1},
        ),
        (
            lambda rows: [rows[0] | {"text": rows[0]["text"].partition("\n")[2]}, *rows[1:]],
            (0, 0, 1),
            "different",
            {UNTOLD: 1},
        ),
    ],
)
def test_what_differs_is_told_by_rule(
    golden_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[list[Row]], list[Row]],
    counts: tuple[int, int, int],
    kind: str,
    by: dict[str, int],
) -> None:
    output = write_lines(tmp_path / "out.jsonl", change(list(ROWS)))
    found = told(capsys, "--golden", golden_folder, "--variant", "en", output)
    assert tuple(found["counts"].values()) == counts
    assert rules(found, kind) == by
    assert [one for one in found["rules"].values() if one] == [found["rules"][kind]]


def test_a_page_under_another_form_of_its_url(
    golden_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two forms of one URL: each side keeps another."""
    output = write_lines(tmp_path / "out.jsonl", [*ROWS[1:], ROWS[0] | {"url": "http://www.fake.com/url/1/"}])
    (golden_folder / "en.trace.jsonl.gz").unlink()
    found = told(capsys, "--golden", golden_folder, "--variant", "en", output)
    assert found["counts"] == {"missing": 1, "extra": 1, "different": 0}
    assert found["rules"]["missing"]["duplicate-url-filter"]["examples"] == [
        {"url": ROWS[0]["url"], "details": ["http://www.fake.com/url/1/ is there"]}
    ]
    assert rules(found, "extra") == {"duplicate-url-filter": 1}


def test_a_changed_split(golden_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_lines(tmp_path / "out" / "c4-train.00000-of-00001.json.gz", ROWS)
    found = told(capsys, "--golden", golden_folder, "--variant", "en", tmp_path / "out")
    assert found["counts"] == {"missing": 0, "extra": 0, "different": 1}
    assert found["rules"]["different"]["split"]["examples"] == [
        {
            "url": "http://fake.com/url/370",
            "details": ["split: 'validation' -> 'train'", "split: the URL's hash says 'validation'"],
        }
    ]


def test_a_changed_language(golden_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for split, rows in (("de", ROWS[:1]), ("en", ROWS[1:4]), ("en-validation", ROWS[4:])):
        write_lines(tmp_path / "out" / f"c4-{split}.00000-of-00001.json.gz", rows)
    found = told(capsys, "--golden", golden_folder, "--variant", "en", tmp_path / "out")
    assert rules(found, "different") == {"language": 1}
    assert found["counts"]["different"] == 1


def test_golden_files_without_text_tell_that_texts_differ(
    golden_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = write_lines(tmp_path / "out.jsonl", [ROWS[0] | {"text": "Another text."}, *ROWS[1:]])
    found = told(capsys, "--golden", golden_folder, "--variant", "en.noclean", output)
    assert rules(found, "different") == {"text": 1}


def test_an_extra_page_is_shown_to_the_golden_rules(
    golden_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where no trace tells it: the variant's own stages do, as far as they judge by one page."""
    (golden_folder / "en.trace.jsonl.gz").unlink()
    german = "\n".join(f"Dies ist der Satz mit der Nummer {number}, und er ist auf Deutsch." for number in range(4))
    extra = [row(7, text=german), row(8, text="Only one sentence is in here."), row(9)]
    found = told(
        capsys, "--golden", golden_folder, "--variant", "en", write_lines(tmp_path / "o.jsonl", [*ROWS, *extra])
    )
    assert rules(found, "extra") == {
        "clean-page/filtered:too_few_sentences": 1,
        "english-filter/filtered:ignored_language": 1,
        UNTOLD: 1,
    }


@pytest.mark.parametrize(
    ("counters", "differ"),
    [
        ({"clean-page/passed": 5}, []),
        ({"clean-page/passed": 5, "duplicate-url-filter/filtered": 0}, []),
        ({"clean-page/passed": 6}, [{"name": "clean-page/passed", "first": 5, "second": 6}]),
        (
            {"clean-page/passed": 5, "clean-page/filtered:x": 1},
            [{"name": "clean-page/filtered:x", "first": 0, "second": 1}],
        ),
        ({}, [{"name": "clean-page/passed", "first": 5, "second": 0}]),
    ],
)
def test_counters(
    golden_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    counters: dict[str, int],
    differ: list[Row],
) -> None:
    """What the reference counted of its own fetching is not compared."""
    of_shards("jsonl")(tmp_path / "en")
    (tmp_path / "en" / "stats.json").write_text(json.dumps({"counters": counters}))
    found = told(capsys, "--golden", golden_folder, tmp_path / "en")
    assert (found["counters"], found["same"]) == (differ, not differ)


def test_faults_are_counters(golden_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    of_shards("jsonl")(tmp_path / "en")
    stats = {"counters": {"clean-page/passed": 5}, "faults": {"not_utf8": 2}}
    (tmp_path / "en" / "stats.json").write_text(json.dumps(stats))
    assert told(capsys, "--golden", golden_folder, tmp_path / "en")["counters"] == [
        {"name": "fault/not_utf8", "first": 0, "second": 2}
    ]


@pytest.mark.parametrize(
    ("punkt", "file", "same"),
    [
        ("Punkt of NLTK 3.9.1", "en.nltk-3.9.1.counters.json", False),
        ("Punkt of NLTK 3.6.5", "en.counters.json", True),
        ("", "en.counters.json", True),
    ],
)
def test_the_counters_for_a_release_of_nltk(
    golden_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], punkt: str, file: str, same: bool
) -> None:
    of_shards("jsonl")(tmp_path / "out")
    manifest = {"options": {"variant": "mine"}, "versions": {"punkt": punkt}}
    (tmp_path / "out" / "manifest.json").write_text(json.dumps(manifest))
    (golden_folder / "en.nltk-3.9.1.counters.json").write_text(json.dumps({"clean-page/passed": 4}))
    arguments = ("--golden", golden_folder, "--variant", "en,mine", tmp_path / "out")
    found = told(capsys, *arguments)
    assert (f"golden counters: {file}" in found["notes"], found["same"]) == (True, same)
    named = told(capsys, *arguments, "--counters", golden_folder / "en.counters.json")
    assert named["same"]


def test_two_builds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a changed rule did: documents by rule, counters, options."""
    for name, rows, words in (("a", ROWS, 5), ("b", ROWS[1:], 8)):
        write_lines(tmp_path / name / "c4-train.00000-of-00001.json.gz", rows)
        manifest = {"options": {"variant": name, "stages": [{"words": words}]}, "inputs": [name], "shards": [name]}
        (tmp_path / name / "manifest.json").write_text(json.dumps(manifest))
        (tmp_path / name / "stats.json").write_text(json.dumps({"counters": {"clean-page/passed": len(rows)}}))
    found = told(capsys, tmp_path / "a", tmp_path / "b")
    assert found["counts"] == {"missing": 1, "extra": 0, "different": 0}
    assert found["counters"] == [{"name": "clean-page/passed", "first": 5, "second": 4}]
    assert found["options"] == [
        {"name": "options.stages.0.words", "first": 5, "second": 8},
        {"name": "options.variant", "first": "a", "second": "b"},
    ]


def test_other_options_alone_are_no_difference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        write_lines(tmp_path / name / "c4-train.00000-of-00001.json.gz", ROWS)
        (tmp_path / name / "manifest.json").write_text(json.dumps({"options": {"variant": name}}))
    found = told(capsys, tmp_path / "a", tmp_path / "b")
    assert (found["same"], len(found["options"])) == (True, 1)


def test_a_rule_of_ones_own_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The example variant against `en`: it takes short lines, loud lines, and pages with few sentences."""
    loud = "PLEASE BUY OUR WONDERFUL THINGS today, and buy THEM ALL AT ONCE."
    long = "\n".join(f"This is sentence {part} of a page that is rather long, as pages go." for part in range(6))
    rows = [row(1), row(2, text=f"{long}\nOnly six words are in here.\n{loud}")]
    first = write_lines(tmp_path / "en.jsonl", rows)
    second = write_lines(tmp_path / "mine.jsonl", [row(2, text=long)])
    mine = f"{ROOT / 'examples' / 'my_variant.py'}:MY_VARIANT"
    found = told(capsys, first, second, "--variant", f"en,{mine}")
    assert rules(found, "missing") == {"clean-page/filtered:too_few_sentences": 1}
    assert rules(found, "different") == {
        "clean-page/line-filtered:shouting": 1,
        "clean-page/line-filtered:too_short": 1,
    }


def write_deviations(path: Path, values: Mapping[str, str]) -> Path:
    table = [{"name": "odd", "why": "It is odd.", "golden_pages": {ROWS[0]["url"]: values}}, {"name": "x", "why": "y"}]
    path.write_text(json.dumps(table))
    return path


@pytest.mark.parametrize(
    ("values", "changes", "same"),
    [
        ({"timestamp": "new"}, {"timestamp": "new"}, True),
        ({"timestamp": "new"}, {}, True),  # allowed, not required
        ({"timestamp": "new"}, {"timestamp": "newer"}, False),
        ({"timestamp": "new"}, {"timestamp": "new", "text": "x"}, False),
        ({}, {"timestamp": "new"}, False),
    ],
)
@pytest.mark.parametrize("examine", [0, 10])
def test_known_deviations_are_allowed_by_name_alone(
    golden_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    values: dict[str, str],
    changes: Row,
    same: bool,
    examine: int,
) -> None:
    output = write_lines(tmp_path / "out.jsonl", [ROWS[0] | changes, *ROWS[1:]])
    table = write_deviations(tmp_path / "table.json", values)
    arguments = ("--golden", golden_folder, "--variant", "en", output, "--examine", examine)
    found = told(capsys, *arguments, "--deviations", table)
    assert found["same"] is same
    allowed = [{"name": "odd", "why": "It is odd.", "url": ROWS[0]["url"]}]
    assert found["allowed"] == (allowed if same and changes else [])
    assert told(capsys, *arguments)["same"] is not bool(changes)


def test_the_reason_of_a_deviation_is_printed(
    golden_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = write_lines(tmp_path / "out.jsonl", [ROWS[0] | {"timestamp": "new"}, *ROWS[1:]])
    table = write_deviations(tmp_path / "table.json", {"timestamp": "new"})
    assert run("--golden", golden_folder, "--variant", "en", output, "--deviations", table) == 0
    assert "allowed, odd: http://fake.com/url/1: It is odd." in capsys.readouterr().out


def test_the_report_for_people(golden_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = ROWS[0]["text"] + "\nHome\x1b[2J\nTop"
    output = write_lines(tmp_path / "out.jsonl", [ROWS[0] | {"text": text}, *ROWS[1:4], row(7), row(8)])
    assert run("--golden", golden_folder, "--variant", "en", output, "--show", 1) == 3
    assert capsys.readouterr().out.splitlines() == [
        f"first:  {golden_folder}: 5 documents",
        f"second: {output}: 6 documents",
        "compared by URL: text, timestamp",
        "golden counters: en.counters.json",
        f"not compared, since {output} does not tell it: content-length, content-type, language, split",
        f"{output} has no counters, so none are compared",
        f"the rules of {output} are not known, so it is not told what they took",
        "",
        "missing: 1 documents, in the first alone",
        "  1 by no known rule",
        "      http://fake.com/url/370",
        "",
        "extra: 2 documents, in the second alone",
        "  2 by english-filter",
        "      http://fake.com/url/7",
        "        so says the trace",
        "",
        "different: 1 documents, in both, but not the same",
        "  1 by clean-page/line-filtered:no_endmark, 2 lines",
        "      http://fake.com/url/1",
        r"        + [clean-page/line-filtered:no_endmark] Home\x1b[2J",
        "        + [clean-page/line-filtered:no_endmark] Top",
        "",
        "documents: 1 missing, 2 extra, 1 different; counters: 0 differ",
    ]


@pytest.mark.parametrize(("examine", "looked_at"), [(0, 0), (2, 2), (4, 4), (100, 4)])
def test_all_are_counted_whatever_is_looked_at(
    golden_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], examine: int, looked_at: int
) -> None:
    output = write_lines(tmp_path / "out.jsonl", [*ROWS[1:], row(7), row(8), row(9)])
    found = told(capsys, "--golden", golden_folder, "--variant", "en", output, "--examine", examine)
    assert (found["counts"], found["urls"]) == ({"missing": 1, "extra": 3, "different": 0}, 4)
    assert found["looked_at"] == looked_at


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{out}"], "1 outputs are named; name two, or one with --golden"),
        (["{out}", "{out}", "{out}"], "3 outputs are named"),
        (["--golden", "{golden}", "{out}", "{out}"], "--golden is compared with one output, but 2 are named"),
        (["--golden", "{golden}", "{out}"], "holds no out.jsonl.jsonl.gz; it has en.jsonl.gz, "),
        (["--golden", "{golden}", "--variant", "de", "{out}"], "holds no de.jsonl.gz"),
        (["{out}", "{out}", "--counters", "x"], "--counters are golden ones"),
        (["{out}", "{out}", "--variant", "en,en,en"], "--variant names 3"),
        (["{out}", "{out}", "--show", "-1"], "0 or more"),
        (["{out}", "{folder}/nothing"], "holds no documents"),
        (["{out}", "{folder}/builds"], "builds is a build of en, en.noclean; name one of these folders in it"),
        (["{out}", "{out}", "--deviations", "{out}"], "Extra data"),
        (["{out}", "{out}", "--deviations", "{golden}/en.counters.json"], "is no table of deviations"),
    ],
)
def test_what_cannot_be_compared(
    golden_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    for name in ("en", "en.noclean"):
        (tmp_path / "builds" / name).mkdir(parents=True)
        (tmp_path / "builds" / name / "manifest.json").write_text("{}")
    (tmp_path / "nothing").mkdir()
    (tmp_path / "nothing" / "manifest.json").write_text("{}")
    out = write_lines(tmp_path / "out.jsonl", ROWS)
    assert run(*(word.format(out=out, golden=golden_folder, folder=tmp_path) for word in arguments)) == 1
    printed = capsys.readouterr()
    assert (message in printed.err, printed.out) == (True, "")


def test_a_folder_of_several_variants(golden_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a build, the page store is no document."""
    for name in ("en", "en.noclean"):
        of_shards("parquet")(tmp_path / name)
    (tmp_path / "store").mkdir()
    pq.write_table(pa.table({"url": ["u"], "text": ["t"]}), tmp_path / "store" / "part.parquet")
    for path in (tmp_path, tmp_path / "en"):
        assert told(capsys, "--golden", golden_folder, "--variant", "en", path)["second"]["documents"] == 5


def test_of_two_formats_one_is_read(golden_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "out"
    of_shards("parquet")(folder)
    write_lines(folder / "c4-train.00000-of-00001.json.gz", [])
    found = told(capsys, "--golden", golden_folder, "--variant", "en", folder)
    assert found["same"]
    assert f"{folder}: read are 2 parquet files, not its 1 of jsonl" in found["notes"]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("c4-train.00000-of-01024.json.gz", ("train", "")),
        ("c4-validation.tfrecord-00000-of-00008", ("validation", "")),
        ("c4-validation-00000-of-00001.parquet", ("validation", "")),
        ("c4-af.tfrecord-00000-of-00001.json.gz", ("train", "af")),
        ("c4-bg-Latn-validation.tfrecord-00000-of-00001.json.gz", ("validation", "bg-Latn")),
        ("c4-und.00000-of-00001.json.gz", ("train", "und")),
        ("data-00000-of-00010.parquet", None),
        ("train-00000-of-00010.parquet", ("train", "")),
        ("out/train/00000.jsonl", ("train", "")),
        ("out/validation.jsonl", ("validation", "")),
        ("out/zh-Latn/00000.jsonl", ("train", "zh-Latn")),
        ("00000.jsonl.gz", None),
        ("raw/part.jsonl", None),
    ],
)
def test_the_split_that_a_name_tells(path: str, told: tuple[str, str] | None) -> None:
    assert corpus_files.named_split(path) == told


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.jsonl", b'{"text": "t", "url": "u"}\n{"text": "t"', "a.jsonl, line 2: "),
        ("a.jsonl", b'{"text": "t"}\n', "a.jsonl, a document: no field 'url' among text"),
        (
            "a.jsonl",
            b'{"url": "u", "text": 3}\n',
            "a.jsonl, document 'u': neither 'text' nor 'text_sha256' is a string",
        ),
        ("a.jsonl", b'[{"url": "u", "text": "t"}]', "a.jsonl, line 1: not a JSON object"),
        ("a.jsonl", b'{"url": "\xff", "text": "t"}', "a.jsonl, line 1: "),
        ("a.json.gz", gzip.compress(b'{"url": "u", "text": "t"}\n', mtime=0)[:-6], "a.json.gz, after line 0: "),
        ("a.json.gz", b"nothing", "a.json.gz, after line 0: Not a gzipped file"),
        ("a.parquet", b"nothing", "a.parquet, as Parquet: "),
    ],
)
def test_damaged_files(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DamagedShard) as caught:
        list(corpus_files.documents(str(tmp_path / name)))
    assert message in str(caught.value)


def test_a_text_that_is_no_unicode_is_compared_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"url": "u\\ud800", "text": "t\\udfff"}\n')
    sides = [Side(open_corpus(str(path)), None) for _ in range(2)]
    assert report(sides[0], sides[1], examine=10).same


SMALL = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2), st.integers(0, 2)), max_size=12)


@given(left=SMALL, right=SMALL, examine=st.integers(0, 12))
def test_comparing_keys_is_comparing_documents(
    tmp_path_factory: pytest.TempPathFactory, left: list[tuple[int, ...]], right: list[tuple[int, ...]], examine: int
) -> None:
    """Against the obvious: documents as multisets, paired by URL."""
    place = tmp_path_factory.mktemp("c")
    sides: list[Corpus] = []
    for name, side in (("a", left), ("b", right)):
        rows = [{"url": f"u{url}", "timestamp": f"{time}", "text": f"{text}"} for url, time, text in side]
        told = frozenset({"timestamp", "text_sha256"})  # also where there is no document that tells it
        sides.append(replace(open_corpus(str(write_lines(place / f"{name}.jsonl", rows))), tells=told))
    found = compare(sides[0], sides[1], examine=examine)
    only_left, only_right = Counter(left) - Counter(right), Counter(right) - Counter(left)
    by_url = [Counter(url for url, _, _ in side.elements()) for side in (only_left, only_right)]
    different = (by_url[0] & by_url[1]).total()
    assert found.counts == {
        "missing": by_url[0].total() - different,
        "extra": by_url[1].total() - different,
        "different": different,
    }
    assert found.urls == len(by_url[0] | by_url[1])
    if examine >= found.urls:
        kinds = Counter(one.kind for one in found.differences)
        assert {kind: kinds[kind] for kind in found.counts} == found.counts
        for one, only in (("left", only_left), ("right", only_right)):
            documents = [getattr(difference, one) for difference in found.differences if getattr(difference, one)]
            assert Counter((int(d.url[1:]), int(d.facts["timestamp"]), int(d.text)) for d in documents) == only
    assert len({one.url for one in found.differences}) == min(examine, found.urls)


@given(left=SMALL)
def test_the_order_of_documents_is_no_difference(
    tmp_path_factory: pytest.TempPathFactory, left: list[tuple[int, ...]]
) -> None:
    place = tmp_path_factory.mktemp("c")
    rows = [row(url, timestamp=str(time), text=str(text)) for url, time, text in left]
    paths = [write_lines(place / "a.jsonl", rows), write_lines(place / "b.jsonl", rows[::-1])]
    sides = [Side(open_corpus(str(path)), None) for path in paths]
    assert report(sides[0], sides[1], examine=10).same


@pytest.mark.parametrize(
    ("left", "right", "diff"),
    [
        ("a\nb", "a\nb", LineDiff((), (), ())),
        ("a\nb", "a", LineDiff(("b",), (), ())),
        ("a", "a\nb", LineDiff((), ("b",), ())),
        ("a line here\nb", "a line there\nb", LineDiff((), (), (("a line here", "a line there"),))),
        ("one\nb", "two\nb", LineDiff(("one",), ("two",), ())),
    ],
)
def test_line_diff(left: str, right: str, diff: LineDiff) -> None:
    assert line_diff(left, right) == diff


def test_deviations_of_this_project_are_a_table() -> None:
    found = read_deviations(str(ROOT / "tests" / "known-deviations.json"))
    assert [(one.name, dict(one.values)) for one in found] == [
        ("body-is-no-header", {"content-type": "text/plain", "content-length": "44279"})
    ]
    assert isinstance(found[0], Deviation)


@pytest.fixture(scope="session")
def golden_rows(golden: Path) -> list[Row]:
    with gzip.open(golden / "en.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.mark.usefixtures("real_resources")
@pytest.mark.parametrize(
    ("change", "counts"),
    [
        (lambda rows: rows, (0, 0, 0)),
        (lambda rows: rows[:-1], (1, 0, 0)),
        (lambda rows: [*rows, row(1)], (0, 1, 0)),
        (lambda rows: [rows[0] | {"text": rows[0]["text"] + "!"}, *rows[1:]], (0, 0, 1)),
        (lambda rows: [rows[0] | {"timestamp": "x"}, *rows[1:]], (0, 0, 1)),
        (lambda rows: [], (767, 0, 0)),
    ],
)
def test_the_golden_en_against_itself(
    golden: Path,
    golden_rows: list[Row],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[list[Row]], list[Row]],
    counts: tuple[int, int, int],
) -> None:
    output = write_lines(tmp_path / "out.jsonl", change(golden_rows))
    found = told(capsys, "--golden", golden, "--variant", "en", output)
    assert tuple(found["counts"].values()) == counts


def test_the_known_page_is_allowed_by_this_projects_table(
    golden: Path, golden_rows: list[Row], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As our own builds give it, in a format that tells content fields."""
    table = read_deviations(str(ROOT / "tests" / "known-deviations.json"))
    rows = [one | next((d.values for d in table if d.url == one["url"]), {}) for one in golden_rows]
    for split in ("train", "validation"):
        name = shards.shard_name("parquet", split, 0, 1)
        with (tmp_path / name).open("wb") as stream:
            documents = shards.table([one for one in rows if one["split"] == split])
            shards.write_shard("parquet", stream, documents, name=name)
    arguments = ("--golden", golden, "--variant", "en", tmp_path)
    without = told(capsys, *arguments)
    assert (rules(without, "different"), without["counts"]["different"]) == (
        {"content-length": 1, "content-type": 1},
        1,
    )
    assert told(capsys, *arguments, "--deviations", ROOT / "tests" / "known-deviations.json")["same"]


def test_two_versions_of_the_reference_differ_by_rules_that_are_named(
    golden: Path, capsys: pytest.CaptureFixture[str], real_resources: Path
) -> None:
    """3.0.1 against 3.1.0: lines have other owners, which brings other pages under the minimum."""
    found = told(capsys, "--golden", golden, "--variant", "en", golden / "3.0.1" / "en.jsonl.gz")
    assert found["counts"] == {"missing": 18, "extra": 19, "different": 169}
    assert rules(found, "extra") == {"dedupe-lines": 15, "badwords-filter": 3, "duplicate-url-filter": 1}
    assert rules(found, "different")["dedupe-lines/line-filtered:global_duplicate"] == 154


def test_a_report_is_a_value(golden_folder: Path) -> None:
    corpus = open_corpus(str(golden_folder / "en.jsonl.gz"))
    found = report(Side(corpus, EN), Side(corpus, EN), examine=10)
    assert isinstance(found, Report)
    assert (found.same, found.documents, found.findings) == (True, (5, 5), ())
