"""Makes claims to URLs and lines, and decides which pages win a URL: pure functions of a partition or a bucket."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from beam_jobs.plan.job import Job
from beam_jobs.plan.scopes import LineScope, Scope
from beam_jobs.store.column_names import name_of
from beam_jobs.store.page_store import ENTERS, PAGES, keys_column, read_kept
from beam_jobs.store.tables import Part
from c4pipe.columns import hashes, joined, laid_out
from c4pipe.dedup import key_arrays, resolve
from c4pipe.page import Page
from c4pipe.text import urls
from c4pipe.text.digests import KEY_BYTES
from c4pipe.variants import flat

ANY_PAGE = Page("", "", "")  # the counts of ``KeepOne`` are the same for every page


def is_claim_column(column: str) -> bool:
    """Return True for the columns of the page store from which URL claims are made."""
    return column in PAGES.names or column.startswith(ENTERS)


def make_url_claims(pages: pa.Table, part: int, job: Job) -> pa.Table:
    """Return the URL claims of a partition's pages, sorted by key, each with the scopes in which it competes."""
    columns = {
        "key": hashes(urls.url_digests(joined(pages["url"])), KEY_BYTES),
        "timestamp": pages["timestamp"],
        "text_md5": pages["text_md5"],
        "url": pages["url"],
        "content_type": pages["content-type"],
        "content_length": pages["content-length"],
        "scopes": pa.array(_competing_bits(pages, part, job)),
        "part": pa.array(np.full(len(pages), part, np.uint32)),
        "row": pa.array(np.arange(len(pages), dtype=np.uint32)),
    }
    return resolve.sort_url_claims(pa.table(columns, schema=resolve.URL_CLAIMS))


def _competing_bits(pages: pa.Table, part: int, job: Job) -> npt.NDArray[np.uint64]:
    """Return 64 bits for each page: bit n is set if the page competes in scope n."""
    bits = np.zeros(len(pages), np.uint64)
    dated = np.array([bool(timestamp) for timestamp in pages["timestamp"].to_pylist()], bool)
    for number, scope in enumerate(job.scopes):
        if any(crawl.first <= part < crawl.last for crawl in scope.crawls):
            enters = pages[ENTERS + name_of(scope.entry)].to_numpy().astype(bool)
            competes = enters if scope.undated else enters & dated
            bits |= competes.astype(np.uint64) << np.uint64(number)
    return bits


def decide_urls(
    claims: pa.Table, scope: Scope, number: int, listed: key_arrays.Keys | None
) -> tuple[key_arrays.RowIds, Counter[str]]:
    """Return the row ids of a scope's winners among all claims of a bucket, and the counts.

    ``listed`` has those keys of the scope's list of URLs that lie in the bucket; None if the scope has no list.
    """
    bit = np.uint64(1 << number)
    competing = claims.filter(pa.array((claims["scopes"].to_numpy() & bit) != 0))
    winners, winner_keys = resolve.url_winners(competing, scope.newest.rank)
    counters: Counter[str] = Counter()
    for won, pages in ((True, len(winners)), (False, len(competing) - len(winners))):
        tally = scope.newest.verdict(ANY_PAGE, won=won).tally if pages else {}
        counters.update({name: n * pages for name, n in flat(scope.newest.name, tally).items()})
    if scope.listed is not None:
        assert listed is not None
        is_listed = key_arrays.is_among(winner_keys, listed)
        passed = int(is_listed.sum())
        tally = {"passed": passed, "filtered": len(winners) - passed, "missing-page": len(listed) - passed}
        counters.update(flat(scope.listed.name, {name: n for name, n in tally.items() if n}))
        winners = winners[is_listed]
    return key_arrays.sort_row_ids(winners), counters


def make_line_claims(pages: Part, winners: key_arrays.RowIds, part: int, origin: LineScope) -> resolve.LineClaims:
    """Return the line claims of a partition's winners."""
    assert origin.lines is not None
    cleaning = name_of(origin.cleaning)
    column = keys_column(cleaning, origin.lines)
    rows, ranks, packed, counts = [np.empty(0, np.uint32)], [], [], [np.empty(0, np.int64)]
    for piece_rows, piece in read_kept(pages, winners, cleaning, ("url", column)):
        bounds, data = laid_out(joined(piece[column]))
        rows.append(piece_rows)
        ranks.append(origin.lines.owner_ranks(joined(piece["url"])))
        packed.append(data[bounds[0] : bounds[-1]].tobytes())
        counts.append(np.diff(bounds) // KEY_BYTES)
    return resolve.line_claims(
        np.concatenate(rows), b"".join(ranks), b"".join(packed), np.concatenate(counts), part=part
    )
