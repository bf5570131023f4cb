"""Makes a Job of the command line, and checks that this machine and the workers can run it."""

from __future__ import annotations

import argparse
import glob
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from beam_jobs import memory_budget
from beam_jobs.options import is_local, store_compression
from beam_jobs.plan import inputs, reuse
from beam_jobs.plan.inputs import Selection
from beam_jobs.plan.job import MAX_SCOPES, Job, default_buckets
from beam_jobs.plan.scopes import Crawl, Wanted, only_filters
from c4pipe import batch, resources
from c4pipe.batch import Batch
from c4pipe.commoncrawl import listing
from c4pipe.fs import files, globs
from c4pipe.fs.paths import is_remote, join
from c4pipe.page import Page
from c4pipe.stages.url_filters import InUrlList
from c4pipe.user_variants import resolve
from c4pipe.variants import Variant

# Bytes that a build writes for a byte of gzipped WET, measured on real pages: the page store by its compression, the
# exchanges, the keys and claims of raw lines if these compete, and each format. A further variant adds its cleaned text
# and its documents.
STORE_SHARES = {"none": 0.95, "lz4": 0.65, "zstd": 0.45}
EXCHANGE_SHARE, RAW_LINES_SHARE, FORMAT_SHARE = 0.55, 1.9, 0.3
RAW_TIMES = 2.7  # bytes of raw text in the store for a byte of cleaned text

SAMPLE = Page("http://example.org/", "This page has one sentence.", "2019-04-18T10:00:00Z", "text/plain", "27", "en")


def planned(arguments: argparse.Namespace) -> tuple[Job, Selection]:
    """Return the job that the options ask for, and its sources; raises ``ValueError`` if there is no such build."""
    names = inputs.crawl_names(arguments.crawl or "")
    if arguments.first and (arguments.input or arguments.from_store or not names):
        raise ValueError(
            "--first counts the files of --crawl that are fetched; with --input or --from_store it does nothing"
        )
    selection = inputs.select_sources(list(_find_sources(arguments, names)), names)
    # The store knows scopes by their numbers, so the order in which variants are named must not count.
    wanted = tuple(sorted(_wanted_variants(arguments, selection), key=lambda each: each.variant.name))
    if arguments.urls and not any(_has_url_list(each.variant) for each in wanted):
        raise ValueError(
            "--urls is for variants that keep pages of listed URLs, such as webtextlike; none is asked for"
        )
    job = _job(arguments, wanted, selection)
    if len(job.scopes) > MAX_SCOPES:  # splits the stages of each variant, which fails here, not on a worker
        raise ValueError(
            f"{len(job.scopes)} scopes of URLs, but a build has {MAX_SCOPES} at most; build fewer variants"
        )
    for folder in arguments.from_store or ():
        reuse.check_held(job, inputs.stored_parts(folder)[1], folder)
    _check_reachable(arguments, selection)
    return job, selection


def _job(arguments: argparse.Namespace, wanted: tuple[Wanted, ...], selection: Selection) -> Job:
    """Return the job; if it runs on this machine, with its processes and memory."""
    job = Job(
        output=arguments.output,
        wanted=wanted,
        formats=arguments.format,
        shards=arguments.shards,
        seed=arguments.seed,
        parts=len(selection.sources),
        buckets=default_buckets(selection.bytes),
        resources=arguments.resources or resources.source(),
        max_bad_files=arguments.max_bad_files,
        keep_raw=arguments.keep_raw,
        engine=arguments.engine,
        store_compression=store_compression(arguments),
    )
    if not is_local(arguments):
        return job
    budget = memory_budget.divide_memory(arguments.memory, arguments.workers, raw=job.holds_raw)
    return replace(job, item_bytes=budget.item_bytes, workers=budget.workers)


def _find_sources(arguments: argparse.Namespace, names: tuple[str, ...]) -> Iterator[inputs.Source]:
    for folder in arguments.from_store or ():
        yield from inputs.stored_parts(folder)[0]
    if arguments.input:
        yield from inputs.local_files(arguments.input)
    elif names and not arguments.from_store:
        yield from inputs.crawl_files(names, arguments.base_url, arguments.first)
    elif not arguments.from_store:
        raise ValueError("nothing to build from; give --input, --crawl or --from_store")


def _wanted_variants(arguments: argparse.Namespace, selection: Selection) -> Iterator[Wanted]:
    """Yield each variant with its crawls: ``en@CC-MAIN-2019-18`` has one, ``en`` has all of the input."""
    seen: set[str] = set()
    for spec in filter(None, (part.strip() for part in arguments.variant.split(","))):
        name, _, restriction = spec.partition("@")
        (variant,) = resolve(name, arguments.semantics)
        if variant.name.lower() in seen:
            raise ValueError(f"{variant.name} is asked for twice; each variant has one folder")
        seen.add(variant.name.lower())
        yield Wanted(_with_url_list(variant, arguments), _wanted_crawls(restriction, selection))


def _with_url_list(variant: Variant, arguments: argparse.Namespace) -> Variant:
    if not _has_url_list(variant):
        return variant
    if not arguments.urls:
        raise ValueError(f"{variant.name} keeps pages of listed URLs; name the list with --urls")
    return variant.with_url_list(*globs.expand(arguments.urls))


def _has_url_list(variant: Variant) -> bool:
    return any(isinstance(stage, InUrlList) for stage in variant.stages)


def _wanted_crawls(restriction: str, selection: Selection) -> tuple[Crawl, ...]:
    if not restriction:
        return selection.crawls
    names = inputs.crawl_names(restriction.replace("+", ","))
    crawls = tuple(crawl for crawl in selection.crawls if crawl.name in names)
    if lacking := sorted(set(names) - {crawl.name for crawl in crawls}):
        raise ValueError(f"@{restriction}: {inputs.no_input_of(lacking)}")
    return crawls


def _check_reachable(arguments: argparse.Namespace, selection: Selection) -> None:
    """Raise ``ValueError`` for local files, which Dataflow's workers cannot read."""
    if arguments.runner != "DataflowRunner":
        return
    if own := [spec for spec in arguments.variant.split(",") if ".py:" in spec]:
        raise ValueError(
            f"Dataflow's workers have no file {own[0].partition(':')[0].strip()}; install it as a module in the "
            "container image, and name the variant as module:NAME"
        )
    if arguments.dry_run:
        return
    paths = [arguments.output, *(source["path"] for source in selection.sources)]
    local = [path for path in paths if not is_remote(path) and not listing.is_http(path)]
    if local:
        raise ValueError(f"Dataflow's workers cannot reach {local[0]!r}; give gs:// paths")


def rehearse(job: Job) -> None:
    """Run every stage on one page here, so that a missing list or library fails now, not on a worker."""
    job.begin()
    for branch in job.branches:
        for stage in (*branch.origin.scope.entry, *branch.origin.cleaning, *branch.judging):
            batch.judge(stage, Batch.of([SAMPLE]))
        if lines := branch.origin.lines:
            sample = Batch.of([SAMPLE])
            keys = lines.keys_of(sample.text)
            lines.judge_owned_at_batch(sample, keys, np.empty(0, np.uint32), np.zeros(2, np.int64))


def check_disk(job: Job, selection: Selection, arguments: argparse.Namespace) -> None:
    """Raise ``OSError`` if the disk cannot hold the build. Bytes that an earlier run has written count as done."""
    read = [source for source in selection.sources if "pages" not in source]
    size = sum(source.get("bytes", inputs.WET_FILE_BYTES) for source in read) or selection.bytes
    variants = 1 + (len(job.wanted) - 1) / 2
    raw_lines = any(origin.lines is not None and only_filters(origin.cleaning) for origin in job.line_scopes)
    store_share = STORE_SHARES[job.store_compression]
    share = (store_share + EXCHANGE_SHARE + FORMAT_SHARE * len(job.formats)) * variants
    share += store_share * RAW_TIMES * job.holds_raw + RAW_LINES_SHARE * raw_lines
    free = files.free_bytes(job.output)
    if free is None or not is_local(arguments):
        return
    written = sum(map(files.size, globs.matches(join(glob.escape(job.output), "**"))))
    needed = int(size * share) - written
    if free < needed:
        smaller = "" if job.store_compression == "zstd" else "give --store_compression zstd, "
        raise OSError(
            f"{job.output} has {free:,} bytes free, but the build of {size:,} bytes of gzipped WET needs about "
            f"{needed:,} more; {smaller}free some, name an --output on a larger disk, or build fewer files"
        )
