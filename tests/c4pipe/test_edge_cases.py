"""The reference's answers to single questions, a stage each; where ours is another on purpose, the table says so."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from langdetect import LangDetectException

from c4pipe import oracle
from c4pipe.dedup.lines import DedupLines
from c4pipe.dedup.urls import KeepNewest
from c4pipe.page import Page, PageStage
from c4pipe.stages import language
from c4pipe.stages.badwords import DropBadwords
from c4pipe.stages.clean_lines import CleanLines
from c4pipe.stages.language import English, LabelLanguage
from c4pipe.stages.url_filters import InDomains
from c4pipe.text import language_detector, sentences, urls
from c4pipe.variants import Stage, flat, variant
from c4pipe.warc.wet import WetReader
from tests.support.required import is_required

Row = Mapping[str, Any]

TABLE = json.loads((Path(__file__).resolve().parents[1] / "known-deviations.json").read_text("utf-8"))
DEPARTURES = {  # name of the row -> our answer
    name: row["answer"]
    for deviation in TABLE
    for name, row in deviation.get("edge_cases", {}).items()
    if "answer" in row
}
WET = "split_wet_file"  # what a file holds is asked where files are read

NLTK = sentences.algorithm().rpartition(" ")[2]


def stage(kind: type[Stage], name: str = "en") -> Any:
    (found,) = (stage for stage in variant(name).stages if isinstance(stage, kind))
    return found


def judged(stage: PageStage, page: Page, *, namespace: bool = True) -> tuple[Page | None, dict[str, int]]:
    verdict = stage.judge(page)
    return verdict.page, flat(stage.name, verdict.tally) if namespace else dict(verdict.tally)


def page(text: str = "", url: str = "http://a.com/x", language: str = "und") -> Page:
    return Page(url, text, "2019-04-18T10:38:25Z", language=language)


def clean_page(row: Row, clean: CleanLines | None = None) -> Row:
    found, counters = judged(clean or stage(CleanLines), page(row["text"]), namespace=False)
    return {"text": found and found.text, "counters": counters}


def count_sentences(row: Row) -> Row:
    return {"sentences": spans(row["text"])}


def spans(text: str, punkt: sentences.Punkt = sentences.CURRENT) -> list[str]:
    return [text[begin:end] for begin, end in sentences.spans(text, punkt=punkt)]


def normalize_url(row: Row) -> Row:
    return {"normalized_url": urls.normalize(row["url"])}


def split_assignment(row: Row) -> Row:
    url = row["url"]
    return {"split": urls.split(url), "md5_mod_1000": urls.url_hash(url) % 1000, "normalized_url": urls.normalize(url)}


def is_valid_length(row: Row) -> Row:
    found, _ = judged(variant("en").stages[0], page("x" * row["length"]))
    return {"kept": found is not None}


def select_newest_page(row: Row) -> Row:
    verdicts = KeepNewest().judge_all([Page(**fields) for fields in row["pages"]])
    (selected,) = (index for index, verdict in enumerate(verdicts) if verdict.page)
    return {"selected": selected}


def remove_duplicate_text(row: Row) -> Row:
    dedup = replace(stage(DedupLines), min_sentences=row.get("min_num_sentences", 3))
    outcome = oracle.step(oracle.begin(page(**fields) for fields in row["pages"]), dedup)
    return {"pages": {page.url: page.text for page in outcome.pages}, "counters": outcome.counters}


def detect_english(row: Row) -> Row:
    found, counters = judged(stage(English), page(row["text"]))
    try:
        predictions: Any = [[code, round(p, 4)] for code, p in language_detector.probabilities(row["text"])]
    except LangDetectException as error:
        predictions = str(error)
    return {"kept": found is not None, "counters": counters, "predictions": predictions}


def detect_languages(row: Row) -> Row:
    label = stage(LabelLanguage, "multilingual")
    if "valid" in row:
        label = replace(label, languages=tuple(row["valid"]))
    found, counters = judged(label, page(row["text"]))
    answer = language._cld3(label.min_bytes, label.max_bytes).FindLanguage(row["text"])
    cld3 = [answer.language, round(answer.probability, 4), answer.is_reliable]
    return {"language": found and found.language, "counters": counters, "cld3": cld3}


def badwords_filter(row: Row) -> Row:
    lists = tuple((code, tuple(words)) for code, words in row["badwords"].items()) if "badwords" in row else None
    drop = DropBadwords(row.get("fraction", 1.0), lists=lists)
    found, counters = judged(drop, page(row["text"], row.get("url", ""), row["language"]))
    return {"kept": found is not None, "counters": counters}


def paragraph_filter(row: Row) -> Row:
    text = row.get("text") or "\n".join("x" * length for length in row["line_lengths"])
    found, _ = judged(variant("multilingual").stages[2], page(text))
    return {"kept": found is not None}


def is_realnews_domain(row: Row) -> Row:
    domains = tuple((d, tuple(subs) if isinstance(subs, list) else subs) for d, subs in row["domains"].items())
    found, counters = judged(InDomains(domains), page(url=row["url"]))
    return {"kept": found is not None, "counters": counters}


def pipeline(row: Row, folder: Path) -> Row:
    this = variant(row["config"])
    if "webtext_urls" in row:
        (folder / "urls.txt").write_text("\n".join(row["webtext_urls"]), "utf-8")
        this = this.with_url_list(str(folder / "urls.txt"))
    wets = row["wet"] if isinstance(row["wet"], list) else [row["wet"]]
    streams = [io.BytesIO(gzip.compress(wet.encode("utf-8"))) for wet in wets]
    crawl = [page for number, stream in enumerate(streams) for page in WetReader(stream, name=f"{number}.wet.gz")]
    return {"pages": [document(page) for page in oracle.run(this, crawl).pages]}


def document(page: Page) -> Row:
    fields = {"content_length": page.content_length, "content_type": page.content_type}
    return {
        "url": page.url,
        "normalized_url": urls.normalize(page.url),
        "text": page.text,
        "timestamp": page.timestamp,
        **{name: value for name, value in fields.items() if value},
        "language": page.language,
        "split": urls.split(page.url),
    }


ASK: Mapping[str, Callable[[Row], Row]] = {
    "clean_page": clean_page,
    "sentences": count_sentences,
    "normalize_url": normalize_url,
    "split_assignment": split_assignment,
    "is_valid_length": is_valid_length,
    "select_newest_page": select_newest_page,
    "remove_duplicate_text": remove_duplicate_text,
    "detect_english": detect_english,
    "detect_languages": detect_languages,
    "badwords_filter": badwords_filter,
    "paragraph_filter": paragraph_filter,
    "is_realnews_domain": is_realnews_domain,
}


@pytest.fixture(scope="module")
def all_rows(golden: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (golden / "edge_cases.jsonl").read_text("utf-8").split("\n") if line]


@pytest.fixture(scope="module")
def edge_cases(all_rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in all_rows if NLTK in row.get("nltk", [NLTK])]


def need_cld3() -> None:
    """Skip without gcld3, which is an extra; where extras are required, fail for want of it."""
    if not is_required("EXTRAS"):
        pytest.importorskip("gcld3", reason=f"cld3 is not installed: {language.CLD3_REMEDY}")


def departures(answers: Mapping[str, tuple[Row, Row]]) -> dict[str, Row]:
    """Our answers where they are not the reference's."""
    return {name: ours for name, (ours, theirs) in answers.items() if ours != theirs}


def test_all_stages_are_asked(edge_cases: list[dict[str, Any]]) -> None:
    assert {row["stage"] for row in edge_cases} == {*ASK, WET, "pipeline"}
    assert len(edge_cases) == 314 - 3  # rows of other releases of NLTK
    assert set(DEPARTURES) <= {row["name"] for row in edge_cases if row["stage"] != WET}


@pytest.mark.usefixtures("real_resources")
@pytest.mark.parametrize("name", ASK)
def test_edge_cases(edge_cases: list[dict[str, Any]], name: str) -> None:
    if name == "detect_languages":
        need_cld3()
    answers = {row["name"]: (ASK[name](row["input"]), row["expected"]) for row in edge_cases if row["stage"] == name}
    assert answers
    assert departures(answers) == {name: answer for name, answer in DEPARTURES.items() if name in answers}


@pytest.mark.usefixtures("real_resources")
def test_edge_cases_of_301(all_rows: list[dict[str, Any]]) -> None:
    """Pages are cleaned as in 3.1.0, but for how the older Punkt counts: its rows, and all that name no release."""
    clean = next(stage for stage in variant("en", "3.0.1").stages if isinstance(stage, CleanLines))
    found: dict[str, Row] = {}
    expected: dict[str, Row] = {}
    for row in all_rows:
        if row["stage"] in ("clean_page", "sentences") and "3.6.5" in row.get("nltk", ["3.6.5"]):
            text = row["input"]["text"]
            cleaned = row["stage"] == "clean_page"
            found[row["name"]] = clean_page(row["input"], clean) if cleaned else {"sentences": spans(text, clean.punkt)}
            expected[row["name"]] = row["expected"]
    assert found == expected
    assert "sent_detached_runs@nltk3.5" in found


@pytest.mark.usefixtures("real_resources")
@pytest.mark.parametrize(("english", "count"), [(True, 12), (False, 1)])
def test_pipeline(edge_cases: list[dict[str, Any]], tmp_path: Path, english: bool, count: int) -> None:
    if not english:
        need_cld3()
    of_stage = [row for row in edge_cases if row["stage"] == "pipeline"]
    found = [row for row in of_stage if (row["input"]["config"] != "multilingual") is english]
    assert len(found) == count
    assert departures({row["name"]: (pipeline(row["input"], tmp_path), row["expected"]) for row in found}) == {}
