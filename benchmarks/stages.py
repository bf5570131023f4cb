"""Time the steps of variant ``en`` in a build, plain and fast in turn, on the pages that reach each step."""

from __future__ import annotations

import functools
import io
import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from c4pipe import batch, engine
from c4pipe.batch import Batch
from c4pipe.columns import Kept
from c4pipe.page import Page, PageStage
from c4pipe.shards import read_write
from c4pipe.text import sentences, urls
from c4pipe.text.digests import md5s
from c4pipe.variants import CLEAN, ENGLISH, ENGLISH_WORDS, LENGTH, NEWEST
from c4pipe.warc.wet import WetReader

ENGINES = ("plain", None)  # None: the compiled room, where it was built
AT_LEAST_SECONDS = 0.2  # of one measurement; a quicker step is repeated
CLEAN_LINES, DEDUP_LINES = CLEAN


@dataclass(frozen=True)
class Step:
    """One step, with its pages bound."""

    name: str
    pages: int  # pages that reach it
    run: Callable[[], object]


Batches = list[Batch]


def steps(paths: Sequence[str]) -> Iterator[Step]:
    """Yield all steps, each with the pages that reach it."""
    contents = [(path, Path(path).read_bytes()) for path in paths]
    read = read_all(contents)
    yield Step("reading records", count(read), lambda: read_all(contents))
    long = passed(LENGTH, read)
    one_sentence = replace(CLEAN_LINES, min_sentences=1)
    yield Step("line rules (at least one sentence)", count(long), judging(one_sentence, long))
    yield Step("line rules and sentences by line", count(long), judging(CLEAN_LINES, long))
    cleaned = passed(CLEAN_LINES, [each.where(won) for each, won in zip(long, winners(long), strict=True)])
    yield Step("keys of URL, text and lines", count(cleaned), lambda: [keys(each) for each in cleaned])
    batches_with_keys = list(
        zip(cleaned, (DEDUP_LINES.keys_of(each.text) for each in cleaned), *owned(cleaned), strict=True)
    )
    yield Step(
        "dedup of lines, with sentences", count(cleaned), lambda: [judge_lines(*each) for each in batches_with_keys]
    )
    left = [judge_lines(*each).pages for each in batches_with_keys]
    enough = functools.partial(sentences.at_least_each, sentences=3)
    yield Step("sentences by page", count(left), lambda: [enough(each.text) for each in left])
    yield Step("langdetect", count(left), judging(ENGLISH, left))
    english = passed(ENGLISH, left)
    yield Step("bad words", count(english), judging(ENGLISH_WORDS, english))
    yield from writing([page for each in passed(ENGLISH_WORDS, english) for page in each.pages()])


def read_all(contents: Sequence[tuple[str, bytes]]) -> Batches:
    return [batch for name, data in contents for batch in WetReader(io.BytesIO(data), name=name).batches()]


def count(batches: Batches) -> int:
    return sum(map(len, batches))


def passed(stage: PageStage, batches: Batches) -> Batches:
    return [batch.judge(stage, each).pages for each in batches]


def judging(stage: PageStage, batches: Batches) -> Callable[[], object]:
    return lambda: [batch.judge(stage, each) for each in batches]


def winners(batches: Batches) -> Iterator[Kept]:
    """Yield for each batch which of its pages win their URL."""
    verdicts = iter(NEWEST.judge_all([page for each in batches for page in each.pages()]))
    for each in batches:
        yield np.array([verdict.page is not None for verdict in itertools.islice(verdicts, len(each))], bool)


def keys(pages: Batch) -> object:
    return (
        urls.url_digests(pages.url),
        md5s(pages.text),
        DEDUP_LINES.owner_ranks(pages.url),
        DEDUP_LINES.keys_of(pages.text),
    )


def owned(batches: Batches) -> tuple[list[Any], list[Any]]:
    """Return for each batch the lines that its pages own, and the offsets where each page's lines begin."""
    owners = DEDUP_LINES.owners(page for each in batches for page in each.pages())
    all_row_ids, all_bounds = [], []
    for each in batches:
        row_ids: list[int] = []
        bounds = [0]
        for page in each.pages():
            keys_of_page, rank = DEDUP_LINES.keys(page.text), DEDUP_LINES.owner_rank(page.url)
            row_ids += sorted({keys_of_page.index(key) for key in set(keys_of_page) if owners[key] == rank})
            bounds.append(len(row_ids))
        all_row_ids.append(np.array(row_ids, np.uint32))
        all_bounds.append(np.array(bounds, np.int64))
    return all_row_ids, all_bounds


judge_lines = DEDUP_LINES.judge_owned_at_batch


def writing(documents: Sequence[Page]) -> Iterator[Step]:
    """Yield a step for each format, which writes the documents into memory."""
    table = read_write.table(
        {
            "text": page.text,
            "url": page.url,
            "timestamp": page.timestamp,
            "content-type": page.content_type,
            "content-length": page.content_length,
        }
        for page in documents
    )
    for form in read_write.FORMATS:
        write = functools.partial(read_write.write_shard, form)
        yield Step(f"writing {form}", len(documents), lambda write=write: write(io.BytesIO(), table))


def measured(paths: Sequence[str], rounds: int) -> list[dict[str, object]]:
    """Return CPU microseconds a page that reaches each step, by engine: the median and all rounds, which take turns."""
    results = []
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
        results.append({"step": step.name, "pages": step.pages, **medians, "all": rounded})
    return results


def seconds(run: Callable[[], object]) -> float:
    """Return the mean CPU seconds of one run, over runs of `AT_LEAST_SECONDS` together; the first run fills caches."""
    taken = _once(run)
    if taken >= AT_LEAST_SECONDS * 10:  # loading is negligible in it
        return taken
    times = max(1, round(AT_LEAST_SECONDS / max(_once(run), 1e-6)))
    return sum(_once(run) for _ in range(times)) / times


def _once(run: Callable[[], object]) -> float:
    begun = time.process_time()
    run()
    return time.process_time() - begun
