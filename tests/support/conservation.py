"""What goes into a stage comes out of it: pages and lines, as the counters tell them and as they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from c4pipe import oracle
from c4pipe.dedup.base import Dedup, KeepOne
from c4pipe.dedup.lines import DedupLines
from c4pipe.dedup.spans import DedupSpans
from c4pipe.dedup.urls import KeepNewest
from c4pipe.page import Page
from c4pipe.stages.clean_lines import CleanLines
from c4pipe.stages.language import LabelLanguage
from c4pipe.variants import Stage, Variant

# Stage -> its counters of pages that it drops. Of a page that passes all count ``passed``, a few something else.
DROPPED: Mapping[str, tuple[str, ...]] = {
    "too-long-filter": ("filtered",),
    "realnews-domain-filter": ("filtered:bad_domain", "filtered:bad_subdomain"),
    "duplicate-url-filter": ("filtered",),
    "webtextlike-filter": ("filtered",),
    "page-filter": ("filtered:loremipsum", "filtered:squigglybracket"),
    "clean-page": ("filtered:loremipsum", "filtered:squigglybracket", "filtered:too_few_sentences"),
    "paragraph-filter": ("filtered",),
    "dedupe-lines": ("filtered:empty", "filtered:too_few_sentences"),
    "dedupe-spans": ("filtered:empty", "filtered:too_few_sentences"),
    "english-filter": tuple(
        f"filtered:{why}" for why in ("langdetect_exception", "no_predictions", "low_confidence", "ignored_language")
    ),
    "language-filter": ("filtered:ignored_language",),
    "badwords-filter": ("filtered",),
}
UNSURE = ("filtered:no_predictions", "filtered:low_confidence")  # pages that stay as "und", or are dropped as well
LINES: Mapping[str, tuple[str, ...]] = {  # and its counters of lines, or of sentences
    "clean-page": (
        "line-passed",
        *(f"line-filtered:{rule}" for rule in ("too_long_word", "no_endmark", "too_short", "javascript", "policy")),
    ),
    "dedupe-lines": ("line-passed", "line-filtered:global_duplicate", "line-filtered:local_duplicate"),
    "dedupe-spans": ("sentence-passed", "sentence-filtered:global_duplicate", "sentence-filtered:local_duplicate"),
}


def dropping(stage: Stage) -> tuple[str, ...]:
    """The counters of pages that the stage drops."""
    unsure = UNSURE if isinstance(stage, LabelLanguage) and not stage.keep_unsure else ()
    return (*DROPPED[stage.name], *unsure)


def passing(stage: Stage) -> tuple[str, ...]:
    """Those of pages that it passes on."""
    return ("passed", "soft-passed") if stage.name == "badwords-filter" else ("passed",)


def possible(stage: Stage) -> set[str]:
    """All counters that the stage may have, but those of single languages, under the published names."""
    others = {"language-filter": UNSURE, "webtextlike-filter": ("missing-page",)}.get(stage.name, ())
    rows = {f"line-filtered:{row.counter}" for row in stage.rows} if isinstance(stage, CleanLines) else set()
    lines = [name for name in LINES.get(stage.name, ()) if not rows or name in rows or name == "line-passed"]
    dropped = [name for name in dropping(stage) if not rows or name[9:] in _page_rules(stage)]
    if getattr(stage, "min_sentences", 1) == 0:
        dropped.remove("filtered:too_few_sentences")
    if getattr(stage, "fraction", 1.0) == 1.0:
        return {f"{stage.name}/{name}" for name in (*dropped, *lines, *others, "passed")}
    return {f"{stage.name}/{name}" for name in (*dropped, *lines, *others, *passing(stage))}


def _page_rules(stage: Stage) -> set[str]:
    assert isinstance(stage, CleanLines)
    return {row.counter for row in stage.rows if row.effect == "drop_page"} | {"too_few_sentences"}


def of_counters(variant: Variant, counters: Mapping[str, int], documents: int) -> Iterator[str]:
    """What does not add up in the counters of a corpus, from the WET files to its documents."""
    came = counters.get("split-wet-file/passed", 0)
    for stage in variant.stages:
        passed, dropped = (
            sum(counters.get(f"{stage.name}/{name}", 0) for name in names)
            for names in (passing(stage), dropping(stage))
        )
        if isinstance(stage, KeepNewest):  # counts none of those that it drops
            if dropped or passed > came or bool(passed) != bool(came):
                yield f"{stage.name}: {came} came, {passed} passed, {dropped} dropped"
        elif came != passed + dropped:
            yield f"{stage.name}: {came} came, {passed} passed, {dropped} dropped"
        yield from _of_languages(stage, counters)
        came = passed
    if came != documents:
        yield f"{came} passed all stages, but there are {documents} documents"


def _of_languages(stage: Stage, counters: Mapping[str, int]) -> Iterator[str]:
    """Where counts of single languages do not make up the whole."""
    name = stage.name
    whole = (
        {f"{name}/filtered:ignored_language": f"{name}/filtered:ignored_language-"} if name == "english-filter" else {}
    )
    if isinstance(stage, LabelLanguage):
        whole[f"{name}/passed"] = f"{name}/passed:"
        unsure = sum(counters.get(f"{name}/{doubt}", 0) for doubt in UNSURE)
        if counters.get(f"{name}/passed:und", 0) != unsure * stage.keep_unsure:
            yield f"{name}: {counters.get(f'{name}/passed:und', 0)} passed as und, {unsure} were unsure"
    for total, prefix in whole.items():
        parts = sum(count for counter, count in counters.items() if counter.startswith(prefix))
        if counters.get(total, 0) != parts:
            yield f"{total} is {counters.get(total, 0)}, its languages make {parts}"


def of_stage(stage: Stage, before: oracle.Outcome, after: oracle.Outcome) -> Iterator[str]:
    """What a stage lost or made up of the pages and lines that came to it."""
    verdicts, _ = oracle.judge(stage, before.pages)
    dropped = sum(fate.dropped_by == stage.name for fate in after.trace)
    if len(before.pages) != len(after.pages) + dropped:
        yield f"{stage.name}: {len(before.pages)} came, {len(after.pages)} passed, {dropped} dropped"
    for page, verdict in zip(before.pages, verdicts, strict=True):
        told = Counter(verdict.tally)
        passed, gone = (sum(told[name] for name in names) for names in (passing(stage), dropping(stage)))
        counted = (1, 0) if verdict.page else (0, 0 if isinstance(stage, KeepNewest) else 1)
        if (passed, gone) != counted:
            yield f"{stage.name}: {page.url} counted {passed} times as passed and {gone} times as dropped"
        if stage.name in LINES:
            yield from _of_lines(stage, page, verdict.page, told)
        elif verdict.page and verdict.page.text != page.text:
            yield f"{stage.name}: {page.url} has another text"
    if isinstance(stage, Dedup):
        yield from _of_owners(stage, before.pages, after)
    if isinstance(stage, KeepOne) and Counter(map(stage.key, after.pages)) != dict.fromkeys(
        map(stage.key, before.pages), 1
    ):
        yield f"{stage.name}: not one page a URL"


def _of_lines(stage: Stage, page: Page, left: Page | None, told: Counter[str]) -> Iterator[str]:
    came = pieces(stage, page.text)
    counted = sum(told[name] for name in LINES[stage.name])
    cut_short = (
        isinstance(stage, CleanLines) and left is None
    )  # by a rule that drops the page, with the lines behind it
    if counted > len(came) or (counted < len(came) and not cut_short):
        yield f"{stage.name}: {len(came)} lines of {page.url} came, {counted} were counted"
    if left is not None:
        kept = pieces(stage, left.text)
        if len(kept) != told[LINES[stage.name][0]]:
            yield f"{stage.name}: {page.url} is left with {len(kept)} lines, {told[LINES[stage.name][0]]} passed"
        if not isinstance(stage, CleanLines) and not Counter(kept) <= Counter(came):
            yield f"{stage.name}: {page.url} is left with lines that it did not have"


def pieces(stage: Stage, text: str) -> Sequence[str]:
    """What the stage counts of a text: lines, or sentences."""
    if isinstance(stage, DedupSpans):
        return [piece.strip() for line in stage._lines(text) for piece in line]
    return text.splitlines() if isinstance(stage, CleanLines) else text.split("\n")


def _of_owners(stage: Dedup, came: Sequence[Page], after: oracle.Outcome) -> Iterator[str]:
    """Whatever is said, is said once, and by one page; of all lines one is left, if its page is."""
    keys = {key for page in came for key in stage.keys(page.text)}
    left = Counter(key for page in after.pages for key in stage.keys(page.text))
    if isinstance(stage, DedupLines):
        if any(count > 1 for count in left.values()):
            yield f"{stage.name}: some lines are left twice"
        if after.counters.get(f"{stage.name}/line-passed", 0) != len(keys):
            yield f"{stage.name}: {len(keys)} different lines came, others passed"
