"""What the reference makes of ten real WET files, document for document and count for count."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from c4pipe import resources
from c4pipe.dedup.lines import DedupLines
from c4pipe.oracle import Oracle, Outcome
from c4pipe.page import Page, Verdict
from c4pipe.stages.clean_lines import CleanLines
from c4pipe.stages.language import CLD3_REMEDY
from c4pipe.text import urls
from c4pipe.variants import VARIANTS, CrawlStage, Variant, flat, variant
from c4pipe.warc.wet import WetReader
from tests.support.required import is_required

pytestmark = pytest.mark.slow

FOLDERS = {"3.1.0": "", "3.0.1": "3.0.1"}
FETCHED = "download_wet_url/exists"  # the reference's cache; these files are read where they lie

# Body lines that look like header fields: the reference takes them for its record's, we do not.
IETF = "http://unknown.invalid/mozilla/readability/test/test-pages/ietf-1/source.html"
DEVIATIONS = {IETF: {"content-type": "text/plain", "content-length": "44279"}}


class Reference(NamedTuple):
    """Outcomes over the ten files, and the counters of reading them, with and without undated pages."""

    oracle: Oracle
    readings: dict[bool, Counter[str]]

    def run(self, this: Variant) -> Outcome:
        return self.oracle.run(this)


@pytest.fixture(scope="module")
def oracle(shared: Path, ten_wet_files: list[Path]) -> Iterator[Reference]:
    previous = resources.source()
    resources.use(str(shared / "data" / "resources"))
    pages: list[Page] = []
    readings: dict[bool, Counter[str]] = {False: Counter(), True: Counter()}
    for path in ten_wet_files:
        with path.open("rb") as stream:
            reader = WetReader(stream, name=path.name, undated=True)
            pages.extend(reader)
            assert reader.faults == []
            for undated, reading in readings.items():
                reading.update(flat("split-wet-file", reader.tally_of(undated=undated)))
    yield Reference(Oracle(pages), readings)
    resources.use(previous)


def rows(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def documents(pages: tuple[Page, ...]) -> list[dict[str, Any]]:
    """Pages as rows of a golden file, sorted by URL."""
    found = [
        {
            "url": page.url,
            "timestamp": page.timestamp,
            "split": urls.split(page.url),
            "language": page.language,
            "content-type": page.content_type,
            "content-length": page.content_length,
            "chars": len(page.text),
            "text_sha256": hashlib.sha256(page.text.encode("utf-8")).hexdigest(),
        }
        for page in pages
    ]
    return sorted(found, key=lambda row: str(row["url"]))


@pytest.mark.parametrize("semantics", FOLDERS)
@pytest.mark.parametrize("name", sorted({name for name, _ in VARIANTS}))
def test_golden(oracle: Reference, golden: Path, name: str, semantics: str) -> None:
    this = wanted(name, semantics, golden)
    outcome = oracle.run(this)
    expected = [row | DEVIATIONS.get(row["url"], {}) for row in rows(golden / FOLDERS[semantics] / f"{name}.jsonl.gz")]
    texts = {row["url"]: row.pop("text") for row in expected if "text" in row}
    assert bool(texts) is (name == "en")
    assert documents(outcome.pages) == expected
    assert {page.url: page.text for page in outcome.pages if page.url in texts} == texts
    assert outcome.counters | oracle.readings[this.undated] == counters(golden / FOLDERS[semantics] / name)


@pytest.mark.parametrize("name", ["en", "en.noblocklist"])
def test_punkt_of_today_in_301(oracle: Reference, golden: Path, name: str) -> None:
    """As the code of 3.0.1 counts beside NLTK 3.9.1: four counts are other by one, no document is."""
    this = wanted(name, "3.0.1", golden)
    stages = tuple(replace(stage, punkt="3.9.1") if hasattr(stage, "punkt") else stage for stage in this.stages)
    today = oracle.run(replace(this, stages=stages))
    assert today.pages == oracle.run(this).pages
    then = counters(golden / "3.0.1" / name)
    found = today.counters | oracle.readings[True]
    assert found == counters(golden / "3.0.1" / f"{name}.nltk-3.9.1")
    assert {name: found[name] - count for name, count in then.items() if found[name] != count} == {
        "dedupe-lines/passed": -1,
        "dedupe-lines/filtered:too_few_sentences": 1,
        "english-filter/filtered:ignored_language": -1,
        "english-filter/filtered:ignored_language-ko": -1,
    }


def wanted(name: str, semantics: str, golden: Path) -> Variant:
    if name == "multilingual":
        need_cld3()
    this = variant(name, semantics)
    return this.with_url_list(str(golden / "webtextlike.urls.txt")) if name == "webtextlike" else this


def counters(path: Path) -> dict[str, int]:
    found: dict[str, int] = json.loads(path.with_name(f"{path.name}.counters.json").read_text("utf-8"))
    assert found.pop(FETCHED) == 10
    return found


def need_cld3() -> None:
    if not is_required("EXTRAS"):
        pytest.importorskip("gcld3", reason=f"cld3 is not installed: {CLD3_REMEDY}")


def test_docs_tell_how_many_documents_each_version_makes(oracle: Reference, golden: Path) -> None:
    """All of the golden files' and, of the papers', those of `en`."""
    lines = (Path(__file__).resolve().parents[2] / "docs" / "semantics.md").read_text("utf-8").split("\n")
    cells = [
        [cell.strip().replace(",", "") for cell in line.strip("|").split("|")] for line in lines if line[:2] == "| "
    ]
    names = next(row for row in cells if row[0] == "documents")
    told = {row[0]: dict(zip(names, row, strict=True)) for row in cells if len(row) == len(names)}
    for semantics, folder in FOLDERS.items():
        for name in names[1:]:
            assert told[semantics][name] == str(len(rows(golden / folder / f"{name}.jsonl.gz"))), (name, semantics)
    paper = oracle.run(variant("en", "paper"))
    assert told["paper"]["en"] == str(len(paper.pages))
    assert paper.counters["dedupe-spans/sentence-filtered:global_duplicate"] > 0


def test_every_page_is_dropped_where_the_reference_drops_it(oracle: Reference, golden: Path) -> None:
    trace = rows(golden / "en.trace.jsonl.gz")
    not_read = [row for row in trace if row["reason"] == "split-wet-file/filtered:no_url"]
    assert len(not_read) == oracle.readings[False]["split-wet-file/filtered:no_url"] == 10
    expected = {(row["url"], row["timestamp"]): row["reason"] for row in trace if row not in not_read}
    fates = oracle.run(variant("en")).trace
    assert len(fates) == len(expected) == 2282
    assert {(fate.page.url, fate.page.timestamp): fate.dropped_by for fate in fates} == expected


def test_the_deviating_page_is_in_the_corpus(oracle: Reference) -> None:
    """So that its row in the table means something."""
    assert IETF in {page.url for page in oracle.run(variant("en")).pages}


@pytest.fixture
def released(shared: Path) -> list[Page]:
    """A thousand documents of allenai/c4."""
    found = rows(shared / "data" / "c4" / "wimbd-c4-sample.00000-of-00001.json.gz")
    assert len(found) == 1000
    return [Page(row["url"], row["text"], row["date"], language="en") for row in found]


# A bibliography whose lines began with a marker, "[1] J. Verghese et al.": cutting it left the blank.
BIBLIOGRAPHY = "https://www.axonmedchem.com/products/enzymes/hydrolases/atpase/hsp90"


@pytest.mark.usefixtures("real_resources")
def test_released_documents_are_clean_already(released: list[Page]) -> None:
    """Cleaning again changes one of them, by the blanks that it was released with."""
    (clean,) = (stage for stage in variant("en").stages if isinstance(stage, CleanLines))
    for page in released:
        lines = page.text.split("\n")
        stripped = replace(page, text="\n".join(line.strip() for line in lines))
        assert (stripped == page) is (page.url != BIBLIOGRAPHY)
        assert clean.judge(page) == Verdict(stripped, {"line-passed": len(lines), "passed": 1})


@pytest.mark.usefixtures("real_resources")
def test_a_citation_cut_from_the_head_of_a_line_leaves_its_blank(released: list[Page]) -> None:
    """With the markers put back, cleaning gives that document as it was released."""
    (clean,) = (stage for stage in variant("en").stages if isinstance(stage, CleanLines))
    (page,) = (page for page in released if page.url == BIBLIOGRAPHY)
    lines = page.text.split("\n")
    assert sum(line.startswith(" ") for line in lines) == 4
    cited = "\n".join(f"[{number}]{line}" if line.startswith(" ") else line for number, line in enumerate(lines))
    assert clean.judge(replace(page, text=cited)).page == page


@pytest.mark.usefixtures("real_resources")
def test_released_documents_pass_the_other_stages(released: list[Page]) -> None:
    for stage in variant("en").stages:
        if isinstance(stage, DedupLines):
            verdicts = [stage.judge_owned(page, stage.keys(page.text)) for page in released]
        elif isinstance(stage, CrawlStage):
            verdicts = stage.judge_all(released)
        elif not isinstance(stage, CleanLines):
            verdicts = [stage.judge(page) for page in released]
        assert [verdict.page for verdict in verdicts] == released, stage.name
