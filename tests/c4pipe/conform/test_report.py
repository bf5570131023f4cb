"""The conformance kit: what differs is found, counted, and told by rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c4pipe.conform.blame import COPY, NEVER_READ, NO_KNOWN_RULE, Side
from c4pipe.conform.compare import compare
from c4pipe.conform.corpus import Corpus, open_corpus
from c4pipe.conform.line_diff import LineDiff, line_diff
from c4pipe.conform.report import Report, compare_corpora
from c4pipe.variants import variant
from tests.support.corpus_builder import ROWS, Row, json_report, row, rules, run_conform, write_lines

EN = variant("en")


pytestmark = pytest.mark.usefixtures("builtin")


CURLY = "“Nobody knows why this line has been kept by them.”"


@pytest.mark.parametrize(
    ("change", "counts", "kind", "by"),
    [
        (lambda rows: rows[:-1], (1, 0, 0), "missing", {NO_KNOWN_RULE: 1}),
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
            {NO_KNOWN_RULE: 1},
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
    found = json_report(capsys, "--golden", golden_folder, "--variant", "en", output)
    assert tuple(found["counts"].values()) == counts
    assert rules(found, kind) == by
    assert [one for one in found["rules"].values() if one] == [found["rules"][kind]]


def test_a_page_under_another_form_of_its_url(
    golden_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two forms of one URL: each side keeps another."""
    output = write_lines(tmp_path / "out.jsonl", [*ROWS[1:], ROWS[0] | {"url": "http://www.fake.com/url/1/"}])
    (golden_folder / "en.trace.jsonl.gz").unlink()
    found = json_report(capsys, "--golden", golden_folder, "--variant", "en", output)
    assert found["counts"] == {"missing": 1, "extra": 1, "different": 0}
    assert found["rules"]["missing"]["duplicate-url-filter"]["examples"] == [
        {"url": ROWS[0]["url"], "details": ["http://www.fake.com/url/1/ is there"]}
    ]
    assert rules(found, "extra") == {"duplicate-url-filter": 1}


def test_a_changed_split(golden_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_lines(tmp_path / "out" / "c4-train.00000-of-00001.json.gz", ROWS)
    found = json_report(capsys, "--golden", golden_folder, "--variant", "en", tmp_path / "out")
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
    found = json_report(capsys, "--golden", golden_folder, "--variant", "en", tmp_path / "out")
    assert rules(found, "different") == {"language": 1}
    assert found["counts"]["different"] == 1


def test_golden_files_without_text_tell_that_texts_differ(
    golden_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = write_lines(tmp_path / "out.jsonl", [ROWS[0] | {"text": "Another text."}, *ROWS[1:]])
    found = json_report(capsys, "--golden", golden_folder, "--variant", "en.noclean", output)
    assert rules(found, "different") == {"text": 1}


def test_an_extra_page_is_shown_to_the_golden_rules(
    golden_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where no trace tells it: the variant's own stages do, as far as they judge by one page."""
    (golden_folder / "en.trace.jsonl.gz").unlink()
    german = "\n".join(f"Dies ist der Satz mit der Nummer {number}, und er ist auf Deutsch." for number in range(4))
    extra = [row(7, text=german), row(8, text="Only one sentence is in here."), row(9)]
    found = json_report(
        capsys, "--golden", golden_folder, "--variant", "en", write_lines(tmp_path / "o.jsonl", [*ROWS, *extra])
    )
    assert rules(found, "extra") == {
        "clean-page/filtered:too_few_sentences": 1,
        "english-filter/filtered:ignored_language": 1,
        NO_KNOWN_RULE: 1,
    }


def test_the_report_for_people(golden_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = ROWS[0]["text"] + "\nHome\x1b[2J\nTop"
    output = write_lines(tmp_path / "out.jsonl", [ROWS[0] | {"text": text}, *ROWS[1:4], row(7), row(8)])
    assert run_conform("--golden", golden_folder, "--variant", "en", output, "--show", 1) == 3
    assert capsys.readouterr().out.splitlines() == [
        f"first:  {golden_folder}: 5 documents",
        f"second: {output}: 6 documents",
        "compared by URL: text, timestamp",
        "golden counters: en.counters.json",
        f"not compared, since {output} lacks it: content-length, content-type, language, split",
        f"{output} has no counters, so none are compared",
        f"the rules of {output} are not known, so they cannot be asked",
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
    found = json_report(capsys, "--golden", golden_folder, "--variant", "en", output, "--examine", examine)
    assert (found["counts"], found["urls"]) == ({"missing": 1, "extra": 3, "different": 0}, 4)
    assert found["looked_at"] == looked_at


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
        sides.append(replace(open_corpus(str(write_lines(place / f"{name}.jsonl", rows))), facts=told))
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
    assert compare_corpora(sides[0], sides[1], examine=10).same


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


def test_a_report_is_a_value(golden_folder: Path) -> None:
    corpus = open_corpus(str(golden_folder / "en.jsonl.gz"))
    found = compare_corpora(Side(corpus, EN), Side(corpus, EN), examine=10)
    assert isinstance(found, Report)
    assert (found.same, found.documents, found.findings) == (True, (5, 5), ())
