"""``en`` as a whole: crawls of a few pages through all of the reference's functions, in its builder's order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import made_texts as made
import tfds_c4
from agreement import agree
from tfds_c4 import Result

from c4pipe import oracle
from c4pipe.page import Page
from c4pipe.variants import variant


def test_en(prepared: Path) -> None:
    badwords_filter = tfds_c4.badwords_filter(tfds_c4.badword_lists(prepared), 1.0)
    stages = (
        tfds_c4.too_long_filter,
        tfds_c4.duplicate_url_filter,
        tfds_c4.clean_page,
        lambda pages: tfds_c4.dedupe_lines(pages, 3),
        tfds_c4.english_filter,
        badwords_filter,
    )

    def by_url(pages: Sequence[Page], counters: dict[str, int]) -> Result:
        """``filtered`` of the duplicate URLs aside, which the reference's own runs never count."""
        ignored = "duplicate-url-filter/filtered"
        counts = {name: count for name, count in counters.items() if count and name != ignored}
        return sorted(pages, key=lambda page: page.url), counts

    def theirs(pages: list[Page]) -> Result:
        counters: Counter[str] = Counter()
        for stage in stages:
            pages, counts = stage(pages)
            counters.update(counts)
        return by_url(pages, counters)

    def ours(pages: list[Page]) -> Result:
        outcome = oracle.run(variant("en"), pages)
        return by_url(outcome.pages, dict(outcome.counters))

    pieces = (*made.POLICIES[:3], *made.SCRIPTS[:3], *made.BRACES[:2], *made.LORDLY[:2], *made.FOREIGN, "shit", "anal")
    whole = tuple(sentence + "\n" for sentence in made.SENTENCES) * 8
    crawl = made.crawl(made.text(whole, pieces, pieces=14), unique_by=lambda page: page.timestamp)
    agree(
        crawl.map(lambda pages: [page for page in pages if page.timestamp]),  # others no reader passes on
        ours,
        theirs,
        *("badwords-filter/passed", "badwords-filter/filtered", "english-filter/filtered:low_confidence"),
        *("dedupe-lines/line-filtered:global_duplicate", "dedupe-lines/filtered:too_few_sentences"),
    )
