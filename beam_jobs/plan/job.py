"""A build as a value, which travels to every worker: variants, inputs, limits, and the work that variants share."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from beam_jobs.memory_budget import CLUSTER_ITEM_BYTES
from beam_jobs.plan import scopes
from beam_jobs.plan.scopes import Branch, LineScope, Scope, Stages, Wanted, only_filters
from beam_jobs.store.column_names import name_of
from beam_jobs.store.layout import Store
from c4pipe import engine, resources
from c4pipe.dedup.base import Dedup
from c4pipe.fs import paths
from c4pipe.terminal import counted
from c4pipe.variants import Variant

INPUT_BYTES_PER_BUCKET = 256 * 2**20  # about 60 MB of line claims
MAX_BUCKETS = 1024
MAX_SCOPES = 64  # a bit each in a URL claim

# TFDS c4's shard counts: 1,024 if that gives shards of 64 MiB to 1 GiB, else a power of two below or a multiple above.
SHARD_BYTES_MIN, SHARD_BYTES_MAX, SHARDS = 64 * 2**20, 2**30, 1024
TRAIN_SHARDS_PER_VALIDATION_SHARD = 128  # public release: 1,024 and 8


@dataclass(frozen=True)
class Job:
    """One build: what every step needs to know."""

    output: str
    wanted: tuple[Wanted, ...]
    formats: tuple[str, ...]
    shards: int | None  # of a train split; None: by its size
    seed: int  # of the hash that orders documents
    parts: int  # number of WET files and partitions of earlier page stores
    buckets: int
    resources: str | None
    max_bad_files: int = 0
    keep_raw: bool = False  # keep the text before cleaning in the page store
    item_bytes: int = (
        CLUSTER_ITEM_BYTES  # bytes of a bucket or shard that a step may hold at a time; changes no outcome
    )
    workers: int = 1  # processes on this machine; changes no outcome
    engine: str | None = None  # that judges pages; changes no outcome
    store_compression: str = "zstd"  # of the page store; changes no outcome

    @property
    def store(self) -> Store:
        """The store of the build."""
        return Store(paths.join(self.output, "store"))

    def folder(self, variant: Variant) -> str:
        """Return the folder of a variant's shards."""
        return paths.join(self.output, variant.name)

    def manifest(self, variant: Variant) -> str:
        """Return the path of a variant's manifest, which is written last: with it the variant is whole."""
        return paths.join(self.folder(variant), "manifest.json")

    def begin(self) -> None:
        """Set up this process: the folder of the pinned lists, and the engine."""
        resources.use(self.resources)
        engine.use(self.engine)

    @property
    def branches(self) -> tuple[Branch, ...]:
        """The variants with their stages split (``scopes.split_stages``)."""
        return _branches(self.wanted)

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The scopes of URLs, each once; the store knows them by their numbers in this order."""
        return tuple(dict.fromkeys(branch.origin.scope for branch in self.branches))

    @property
    def line_scopes(self) -> tuple[LineScope, ...]:
        """The line scopes, each once; the store knows them by their numbers in this order."""
        return tuple(dict.fromkeys(branch.origin for branch in self.branches))

    @property
    def entries(self) -> dict[str, Stages]:
        """The stages before pages compete for URLs, by name."""
        return {name_of(scope.entry): scope.entry for scope in self.scopes}

    @property
    def cleanings(self) -> dict[str, Stages]:
        """The stages that clean pages before their lines compete, by name."""
        return {name_of(origin.cleaning): origin.cleaning for origin in self.line_scopes}

    @property
    def keyed(self) -> dict[str, tuple[Dedup, ...]]:
        """The stages that make keys of each cleaning's text, by its name: one stage for each kind of keys."""
        kinds_of: dict[str, dict[tuple[object, ...], Dedup]] = {name: {} for name in self.cleanings}
        for origin in self.line_scopes:
            if origin.lines is not None:
                kinds_of[name_of(origin.cleaning)].setdefault(origin.lines.keyed, origin.lines)
        return {name: tuple(kinds.values()) for name, kinds in kinds_of.items()}

    @property
    def holds_raw(self) -> bool:
        """True if the page store of this build has the text before cleaning."""
        return self.keep_raw or any(only_filters(cleaning) for cleaning in self.cleanings.values())

    def shards_of(self, split: str, size: int) -> int:
        """Return the number of shards of a split of ``size`` bytes."""
        if self.shards is None:
            return default_shards(size)
        return max(1, self.shards // TRAIN_SHARDS_PER_VALIDATION_SHARD) if "validation" in split else self.shards


@functools.lru_cache(maxsize=8)
def _branches(wanted: tuple[Wanted, ...]) -> tuple[Branch, ...]:
    return tuple(scopes.split_stages(each) for each in wanted)


def default_shards(size: int) -> int:
    """Return the number of shards that TFDS makes of a split of ``size`` bytes of C4.

    >>> [default_shards(n) for n in (0, 2**27, 865_505_708_324, 6_823_493_765_950, 19_231_554_295)]
    [1, 2, 1024, 7168, 256]
    """
    if size > SHARDS * SHARD_BYTES_MAX:
        return -(-size // (SHARDS * SHARD_BYTES_MAX)) * SHARDS
    return min(SHARDS, 1 << max(0, (size // SHARD_BYTES_MIN).bit_length() - 1))


def default_buckets(input_bytes: int) -> int:
    """Return the number of buckets for an input. More buckets need less memory each, and change no outcome."""
    return min(MAX_BUCKETS, max(4, input_bytes // INPUT_BYTES_PER_BUCKET))


def describe(job: Job) -> Iterator[str]:
    """Yield lines that name the variants, their inputs, and the work that they share."""
    for branch in job.branches:
        variant, parts = branch.wanted.variant, len(branch.wanted.parts)
        crawls = ", ".join(crawl.name or "no named crawl" for crawl in branch.wanted.crawls)
        yield f"{variant.name} {variant.semantics}: {counted(parts, 'partition')}, of {crawls}"
    for scope in job.scopes:
        stages = _stage_names((*scope.entry, scope.newest, scope.listed))
        yield f"URLs deduplicated by {stages} for {_variant_names(job, scope)}"
    for origin in job.line_scopes:
        how = f"deduplicated by {_stage_names((*origin.cleaning, origin.lines))}" if origin.lines else "all kept"
        yield f"lines {how} for {_variant_names(job, origin)}"
    yield f"cleaned text kept in the page store: {', '.join(_stage_names(c) or 'raw' for c in job.cleanings.values())}"


def _stage_names(stages: Sequence[object]) -> str:
    return " > ".join(str(getattr(stage, "name", stage)) for stage in stages if stage is not None)


def _variant_names(job: Job, shared: Scope | LineScope) -> str:
    return ", ".join(b.wanted.variant.name for b in job.branches if shared in (b.origin, b.origin.scope))
