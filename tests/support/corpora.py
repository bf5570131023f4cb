"""What a build left of each variant, and what the oracle makes of the same files: to be compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from c4pipe import engine, oracle
from c4pipe.page import Page
from c4pipe.variants import Variant, flat
from c4pipe.warc.wet import WetReader
from tests.support import builds


@dataclass(frozen=True)
class Corpus:
    """A variant as it was made of a crawl."""

    documents: builds.Documents
    counters: dict[str, int]
    splits: dict[str, int]  # documents of each


def of_oracle(paths: Sequence[Path], variants: Mapping[str, Variant]) -> dict[str, Corpus]:
    """What the oracle makes of WET files, by the plain rooms."""
    pages, reading = _read(paths)
    with engine.using("plain"):
        shared = oracle.Oracle(pages)
        outcomes = {name: shared.run(variant) for name, variant in variants.items()}
    return {
        name: Corpus(
            documents=rows(variants[name], outcome.pages),
            counters=dict(outcome.counters) | reading[variants[name].undated],
            splits=Counter(map(variants[name].split, outcome.pages)),
        )
        for name, outcome in outcomes.items()
    }


def of_build(output: Path, variants: Mapping[str, Variant]) -> dict[str, Corpus]:
    """What a build left."""
    stats = {name: builds.told(output / name, "stats.json") for name in variants}
    assert [stats[name]["faults"] for name in variants] == [{}] * len(variants)
    return {
        name: Corpus(
            documents=builds.documents(output / name, "parquet"),
            counters=stats[name]["counters"],
            splits=Counter(stats[name]["documents"]),
        )
        for name in variants
    }


def rows(variant: Variant, pages: Sequence[Page]) -> builds.Documents:
    """Pages as ``builds.documents`` gives documents."""
    found = [
        {
            "text": page.text,
            "url": page.url,
            "timestamp": page.timestamp,
            "content-type": page.content_type,
            "content-length": page.content_length,
            "split": variant.split(page),
        }
        for page in pages
    ]
    return sorted(found, key=lambda row: row["url"])


def _read(paths: Sequence[Path]) -> tuple[list[Page], dict[bool, Counter[str]]]:
    """All pages of WET files, undated ones too, and what reading them counts without and with these."""
    pages: list[Page] = []
    counters: dict[bool, Counter[str]] = {False: Counter(), True: Counter()}
    for path in paths:
        with path.open("rb") as stream:
            reader = WetReader(stream, name=path.name, undated=True)
            pages.extend(reader)
        for undated, counted in counters.items():
            tally = reader.tally_of(undated=undated)
            counted.update(flat("split-wet-file", tally))
    return pages, counters
