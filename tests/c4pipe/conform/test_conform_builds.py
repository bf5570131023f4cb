"""The conformance kit: builds with their counters and options, known deviations, and the reference's own files."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from c4pipe.conform.report import Deviation, read_deviations
from c4pipe.shards import read_write
from tests.support.corpus_builder import ROWS, Row, json_report, of_shards, row, rules, run_conform, write_lines

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def small_lists(builtin: None) -> None:
    """Before what a test asks for: some then take the real ones."""


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
    report = json_report(capsys, "--golden", golden_folder, tmp_path / "en")
    assert (report["counters"], report["same"]) == (differ, not differ)


def test_faults_are_counters(golden_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    of_shards("jsonl")(tmp_path / "en")
    stats = {"counters": {"clean-page/passed": 5}, "faults": {"not_utf8": 2}}
    (tmp_path / "en" / "stats.json").write_text(json.dumps(stats))
    assert json_report(capsys, "--golden", golden_folder, tmp_path / "en")["counters"] == [
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
    report = json_report(capsys, *arguments)
    assert (f"golden counters: {file}" in report["notes"], report["same"]) == (True, same)
    named = json_report(capsys, *arguments, "--counters", golden_folder / "en.counters.json")
    assert named["same"]


def test_two_builds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a changed rule did: documents by rule, counters, options."""
    for name, rows, words in (("a", ROWS, 5), ("b", ROWS[1:], 8)):
        write_lines(tmp_path / name / "c4-train.00000-of-00001.json.gz", rows)
        manifest = {"options": {"variant": name, "stages": [{"words": words}]}, "inputs": [name], "shards": [name]}
        (tmp_path / name / "manifest.json").write_text(json.dumps(manifest))
        (tmp_path / name / "stats.json").write_text(json.dumps({"counters": {"clean-page/passed": len(rows)}}))
    report = json_report(capsys, tmp_path / "a", tmp_path / "b")
    assert report["counts"] == {"missing": 1, "extra": 0, "different": 0}
    assert report["counters"] == [{"name": "clean-page/passed", "first": 5, "second": 4}]
    assert report["options"] == [
        {"name": "options.stages.0.words", "first": 5, "second": 8},
        {"name": "options.variant", "first": "a", "second": "b"},
    ]


def test_other_options_alone_are_no_difference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        write_lines(tmp_path / name / "c4-train.00000-of-00001.json.gz", ROWS)
        (tmp_path / name / "manifest.json").write_text(json.dumps({"options": {"variant": name}}))
    report = json_report(capsys, tmp_path / "a", tmp_path / "b")
    assert (report["same"], len(report["options"])) == (True, 1)


def test_a_rule_of_ones_own_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The example variant against `en`: it takes short lines, loud lines, and pages with few sentences."""
    loud = "PLEASE BUY OUR WONDERFUL THINGS today, and buy THEM ALL AT ONCE."
    long = "\n".join(f"This is sentence {part} of a page that is rather long, as pages go." for part in range(6))
    rows = [row(1), row(2, text=f"{long}\nOnly six words are in here.\n{loud}")]
    first = write_lines(tmp_path / "en.jsonl", rows)
    second = write_lines(tmp_path / "mine.jsonl", [row(2, text=long)])
    mine = f"{ROOT / 'examples' / 'my_variant.py'}:MY_VARIANT"
    report = json_report(capsys, first, second, "--variant", f"en,{mine}")
    assert rules(report, "missing") == {"clean-page/filtered:too_few_sentences": 1}
    assert rules(report, "different") == {
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
    report = json_report(capsys, *arguments, "--deviations", table)
    assert report["same"] is same
    allowed = [{"name": "odd", "why": "It is odd.", "url": ROWS[0]["url"]}]
    assert report["allowed"] == (allowed if same and changes else [])
    assert json_report(capsys, *arguments)["same"] is not bool(changes)


def test_the_reason_of_a_deviation_is_printed(
    golden_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = write_lines(tmp_path / "out.jsonl", [ROWS[0] | {"timestamp": "new"}, *ROWS[1:]])
    table = write_deviations(tmp_path / "table.json", {"timestamp": "new"})
    assert run_conform("--golden", golden_folder, "--variant", "en", output, "--deviations", table) == 0
    assert "allowed, odd: http://fake.com/url/1: It is odd." in capsys.readouterr().out


def test_deviations_of_this_project_are_a_table() -> None:
    deviations = read_deviations(str(ROOT / "tests" / "known-deviations.json"))
    assert [(one.name, dict(one.values)) for one in deviations] == [
        ("body-is-no-header", {"content-type": "text/plain", "content-length": "44279"})
    ]
    assert isinstance(deviations[0], Deviation)


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
    report = json_report(capsys, "--golden", golden, "--variant", "en", output)
    assert tuple(report["counts"].values()) == counts


def test_the_known_page_is_allowed_by_this_projects_table(
    golden: Path, golden_rows: list[Row], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As our own builds give it, in a format that tells content fields."""
    table = read_deviations(str(ROOT / "tests" / "known-deviations.json"))
    rows = [one | next((d.values for d in table if d.url == one["url"]), {}) for one in golden_rows]
    for split in ("train", "validation"):
        name = read_write.shard_name("parquet", split, 0, 1)
        with (tmp_path / name).open("wb") as stream:
            documents = read_write.table([one for one in rows if one["split"] == split])
            read_write.write_shard("parquet", stream, documents, name=name)
    arguments = ("--golden", golden, "--variant", "en", tmp_path)
    without = json_report(capsys, *arguments)
    assert (rules(without, "different"), without["counts"]["different"]) == (
        {"content-length": 1, "content-type": 1},
        1,
    )
    assert json_report(capsys, *arguments, "--deviations", ROOT / "tests" / "known-deviations.json")["same"]


def test_two_versions_of_the_reference_differ_by_rules_that_are_named(
    golden: Path, capsys: pytest.CaptureFixture[str], real_resources: Path
) -> None:
    """3.0.1 against 3.1.0: lines have other owners, which brings other pages under the minimum."""
    report = json_report(capsys, "--golden", golden, "--variant", "en", golden / "3.0.1" / "en.jsonl.gz")
    assert report["counts"] == {"missing": 18, "extra": 19, "different": 169}
    assert rules(report, "extra") == {"dedupe-lines": 15, "badwords-filter": 3, "duplicate-url-filter": 1}
    assert rules(report, "different")["dedupe-lines/line-filtered:global_duplicate"] == 154
