"""The steps of variant ``en``, one by one, plain and fast in turn on the pages that reach each."""

from __future__ import annotations

import functools
import io
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from c4pipe import engine, sentences, shards, urls
from c4pipe.dedup import md5
from c4pipe.page import Page, PageStage
from c4pipe.variants import CLEAN, ENGLISH, ENGLISH_WORDS, LENGTH, NEWEST
from c4pipe.wet import WetReader

ENGINES = ("plain", None)  # None: each room the fast one, where it was built
AT_LEAST_SECONDS = 0.2  # of one measurement; what is quicker is repeated
CLEAN_LINES, DEDUP_LINES = CLEAN


@dataclass(frozen=True)
class Step:
    """Something to do with pages."""

    name: str
    pages: int  # that reach it
    run: Callable[[], object]


def steps(paths: Sequence[str]) -> Iterator[Step]:
    """All steps, each with the pages that reach it."""
    contents = [(path, Path(path).read_bytes()) for path in paths]
    read = read_all(contents)
    yield Step("reading records", len(read), lambda: read_all(contents))
    long = passed(LENGTH.judge(page).page for page in read)
    one = replace(CLEAN_LINES, min_sentences=1)
    yield Step("line rules (at least one sentence)", len(long), judging(one, long))
    yield Step("line rules and sentences by line", len(long), judging(CLEAN_LINES, long))
    winners = passed(verdict.page for verdict in NEWEST.judge_all(long))
    cleaned = passed(CLEAN_LINES.judge(page).page for page in winners)
    yield Step("keys of URL, text and lines", len(cleaned), lambda: [keys(page) for page in cleaned])
    owners = DEDUP_LINES.owners(cleaned)
    owned = [(page, DEDUP_LINES._owned(page, owners)) for page in cleaned]
    yield Step("dedup of lines, with sentences", len(owned), lambda: [DEDUP_LINES.judge_owned(*one) for one in owned])
    left = passed(DEDUP_LINES.judge_owned(*one).page for one in owned)
    enough = functools.partial(sentences.at_least, sentences=3)
    yield Step("sentences by page", len(left), lambda: [enough(page.text) for page in left])
    yield Step("langdetect", len(left), judging(ENGLISH, left))
    english = passed(ENGLISH.judge(page).page for page in left)
    yield Step("bad words", len(english), judging(ENGLISH_WORDS, english))
    yield from writing(passed(ENGLISH_WORDS.judge(page).page for page in english))


def read_all(contents: Sequence[tuple[str, bytes]]) -> list[Page]:
    return [page for name, data in contents for page in WetReader(io.BytesIO(data), name=name)]


def passed(pages: Iterator[Page | None]) -> list[Page]:
    return [page for page in pages if page is not None]


def judging(stage: PageStage, pages: Sequence[Page]) -> Callable[[], object]:
    return lambda: [stage.judge(page) for page in pages]


def keys(page: Page) -> object:
    return urls.url_digest(page.url), md5(page.text), DEDUP_LINES.owner_rank(page.url), DEDUP_LINES.keys(page.text)


def writing(documents: Sequence[Page]) -> Iterator[Step]:
    """Writing the documents in each format, into memory."""
    table = shards.table(
        {
            "text": page.text,
            "url": page.url,
            "timestamp": page.timestamp,
            "content-type": page.content_type,
            "content-length": page.content_length,
        }
        for page in documents
    )
    for form in shards.FORMATS:
        write = functools.partial(shards.write_shard, form)
        yield Step(f"writing {form}", len(documents), lambda write=write: write(io.BytesIO(), table))


def measured(paths: Sequence[str], rounds: int) -> list[dict[str, object]]:
    """Microseconds of CPU a page that reaches each step, in turn by either engine: the median, and all of them."""
    found = []
    with engine.using(None):
        every = list(steps(paths))
    for step in every:
        taken: dict[str, list[float]] = {"plain": [], "fast": []}
        for turn in range(rounds):
            for asked in ENGINES if turn % 2 == 0 else reversed(ENGINES):
                with engine.using(asked):
                    taken[asked or "fast"].append(seconds(step.run) / max(1, step.pages) * 1e6)
        medians = {f"{name}_us": round(statistics.median(values), 2) for name, values in taken.items()}
        rounded = {name: [round(value, 2) for value in values] for name, values in taken.items()}
        found.append({"step": step.name, "pages": step.pages, **medians, "all": rounded})
    return found


def seconds(run: Callable[[], object]) -> float:
    """CPU seconds of one run, in the mean of as many as take long enough; a first one, which fills caches, aside."""
    taken = _once(run)
    if taken >= AT_LEAST_SECONDS * 10:  # what loading took is lost in it
        return taken
    times = max(1, round(AT_LEAST_SECONDS / max(_once(run), 1e-6)))
    return sum(_once(run) for _ in range(times)) / times


def _once(run: Callable[[], object]) -> float:
    begun = time.process_time()
    run()
    return time.process_time() - begun
