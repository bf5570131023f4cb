"""What a build does, as a value that travels to every worker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from beam_jobs.store import Store
from c4pipe import files, resources
from c4pipe.dedup import DedupLines, KeepNewest
from c4pipe.page import Page, PageStage
from c4pipe.variants import Variant, flat

# A crawl of 7 TB makes 1,024 shards, as the public release has for `en`.
INPUT_BYTES_PER_SHARD = 7_000_000_000_000 // 1024
TRAIN_SHARDS_PER_VALIDATION_SHARD = 128  # public release: 1,024 and 8
INPUT_BYTES_PER_BUCKET = 256 * 2**20  # about 60 MB of line claims
MAX_BUCKETS = 1024


@dataclass(frozen=True)
class Legs:
    """A variant's stages, parted at the two that need other pages."""

    alone: tuple[PageStage, ...]  # before pages compete for their URL: counted for every page
    newest: KeepNewest
    cleaning: tuple[PageStage, ...]  # counted for winners alone
    lines: DedupLines | None
    judging: tuple[PageStage, ...]


def legs(variant: Variant) -> Legs:
    """Part the stages of a variant.

    Stages between the two decide about a page alone, so they run when its file is read and are
    counted once it is known that the page has won its URL.
    """
    stages = list(variant.stages)
    urls = [i for i, stage in enumerate(stages) if isinstance(stage, KeepNewest)]
    if len(urls) != 1:
        raise ValueError(f"variant {variant.name} has {len(urls)} KeepNewest stages; a build needs exactly one")
    lines = [i for i, stage in enumerate(stages) if isinstance(stage, DedupLines)]
    if len(lines) > 1 or (lines and lines[0] < urls[0]):
        raise ValueError(f"variant {variant.name}: at most one DedupLines, after KeepNewest")
    at, then = urls[0], lines[0] if lines else None
    middle = stages[at + 1 : then]
    rest: Sequence[object] = () if then is None else stages[then + 1 :]
    alone, cleaning, judging = stages[:at], (middle if then is not None else []), (rest if then is not None else middle)
    for stage in (*alone, *cleaning, *judging):
        if not hasattr(stage, "judge"):
            raise TypeError(f"variant {variant.name}: no way to build {type(stage).__name__} at scale")
    return Legs(
        alone=cast(tuple[PageStage, ...], tuple(alone)),
        newest=cast(KeepNewest, stages[at]),
        cleaning=cast(tuple[PageStage, ...], tuple(cleaning)),
        lines=None if then is None else cast(DedupLines, stages[then]),
        judging=cast(tuple[PageStage, ...], tuple(judging)),
    )


def judge(stages: Sequence[PageStage], page: Page) -> tuple[Page | None, str | None, Counter[str]]:
    """Take a page through stages: the page as it comes out, the stage that dropped it, and the counts.

    Counters are named as they are published: ``namespace/counter``.
    """
    counts: Counter[str] = Counter()
    for stage in stages:
        verdict = stage.judge(page)
        counts.update(flat(stage.name, verdict.tally))
        if verdict.page is None:
            return None, stage.name, counts
        page = verdict.page
    return page, None, counts


@dataclass(frozen=True)
class Job:
    """One build: what every step needs to know."""

    output: str
    variant: Variant
    formats: tuple[str, ...]
    shards: int  # of the train split
    seed: int  # of the order of documents
    parts: int  # WET files
    buckets: int
    resources: str | None
    max_bad_files: int = 0

    @property
    def store(self) -> Store:
        """Where the steps keep what they have done."""
        return Store(files.join(self.output, "store"))

    @property
    def folder(self) -> str:
        """Where the variant's shards go."""
        return files.join(self.output, self.variant.name)

    @property
    def legs(self) -> Legs:
        """The variant's stages, parted."""
        return legs(self.variant)

    def shards_of(self, split: str) -> int:
        """Number of shards of a split."""
        if split == "train":
            return self.shards
        return max(1, self.shards // TRAIN_SHARDS_PER_VALIDATION_SHARD)

    def begin(self) -> None:
        """Tell this process where the pinned lists are."""
        resources.use(self.resources)


def default_shards(input_bytes: int) -> int:
    """Shards of the train split for an input: a power of two up to 1,024, then multiples of 1,024.

    >>> [default_shards(n) for n in (0, 13_671_875_000, 7_000_000_000_000, 15_000_000_000_000)]
    [1, 2, 1024, 2048]
    """
    ideal = input_bytes // INPUT_BYTES_PER_SHARD
    if ideal >= 1024:
        return int(ideal // 1024 * 1024)
    return 1 << max(0, int(ideal).bit_length() - 1)


def default_buckets(input_bytes: int) -> int:
    """Buckets of keys for an input: more of them need less memory each, and change nothing else."""
    return min(MAX_BUCKETS, max(4, input_bytes // INPUT_BYTES_PER_BUCKET))
