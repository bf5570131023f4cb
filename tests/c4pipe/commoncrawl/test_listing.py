"""From a crawl id to the paths of its files, and to some of them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from c4pipe.commoncrawl import listing
from c4pipe.commoncrawl.listing import CrawlError
from tests.support.crawl_builder import CRAWL, LISTING, PATHS, QUICK, path_of, publish
from tests.support.unruly_server import UnrulyServer, status, whole


@pytest.mark.parametrize("crawl_id", ["CC-MAIN-2013-20", "CC-MAIN-2019-18", "CC-MAIN-2026-04"])
def test_crawl_ids(crawl_id: str) -> None:
    assert listing.check_crawl(crawl_id) == crawl_id


@pytest.mark.parametrize(
    "crawl_id",
    ["", "2019-18", "CC-MAIN-2019-1", "CC-MAIN-2019-180", "CC-MAIN-2019-18/", "cc-main-2019-18", "CC-NEWS-2019-18"],
)
def test_what_is_no_crawl_id_is_named(crawl_id: str) -> None:
    with pytest.raises(CrawlError, match=r"is no crawl id like CC-MAIN-2019-18 .*collinfo"):
        listing.check_crawl(crawl_id)


@pytest.mark.parametrize("prefix", ["", "common-crawl/", "https://data.commoncrawl.org/", "s3://commoncrawl/"])
def test_wet_path_cuts_what_stands_before(prefix: str) -> None:
    assert listing.wet_path(prefix + PATHS[0], CRAWL) == PATHS[0]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "<html>",
        "../../etc/passwd",
        f"crawl-data/{CRAWL}/segments/../../../wet/x.warc.wet.gz",
        f"crawl-data/{CRAWL}/segments/1/warc/x.warc.gz",
        PATHS[0] + " ",
        PATHS[0].replace("2024-22", "2024-18"),
    ],
)
def test_what_is_no_path_of_the_crawl_is_refused(line: str) -> None:
    """A listing is foreign: no line of it may name a place outside of the folder."""
    with pytest.raises(CrawlError):
        listing.wet_path(line, CRAWL)


def test_real_listings(shared: Path) -> None:
    listings = shared / "data" / "crawl_listings"
    counts = {
        ("CC-MAIN-2015-06", "wet.paths.CC-MAIN-2015-06.gz"): 120,
        ("CC-MAIN-2020-50", "aws-sample-wet.paths.CC-MAIN-2020-50.txt"): 720,
        ("CC-MAIN-2021-10", "ungoliant-test.wet.paths.CC-MAIN-2021-10.txt"): 4,
    }
    for (crawl_id, name), at_least in counts.items():
        paths = listing.parse_listing((listings / name).read_bytes(), crawl_id, name)
        assert len(paths) == len(set(paths)) >= at_least
        assert all(path.startswith(f"crawl-data/{crawl_id}/segments/") for path in paths)


def test_listing(server: UnrulyServer) -> None:
    assert listing.listing(CRAWL, publish(server).url, QUICK) == PATHS


@pytest.mark.parametrize(
    ("answer", "message", "times"),
    [
        (status(404), r"no listing of CC-MAIN-2024-22: .*HTTP 404.*collinfo", 1),
        (status(403), r"no listing of CC-MAIN-2024-22: .*HTTP 403.*collinfo", 4),
        (status(503), r"no listing of CC-MAIN-2024-22: .*HTTP 503.*try again later", 4),
        (whole(b"<html>"), "not gzip", 4),
        (whole(LISTING[:-9]), r"wet\.paths\.gz: .*end-of-stream", 1),
        (whole(gzip.compress(b"\n")), r"wet\.paths\.gz names no file", 1),
        (whole(gzip.compress(b"../x\n")), r"wet\.paths\.gz: '\.\./x' is no path like", 1),
    ],
    ids=["404", "403", "503", "a page", "cut off", "empty", "escaping"],
)
def test_no_listing(server: UnrulyServer, answer: object, message: str, times: int) -> None:
    path = f"/crawl-data/{CRAWL}/wet.paths.gz"
    server.behave(path, answer)  # type: ignore[arg-type]
    with pytest.raises(CrawlError, match=message):
        listing.listing(CRAWL, server.url, QUICK)
    assert server.count(path) == times


@pytest.mark.parametrize("count", [1, 9, 10])
def test_first(count: int) -> None:
    assert listing.first(PATHS, count) == PATHS[:count]


@pytest.mark.parametrize("count", [-1, 0, 11])
def test_more_than_there_is(count: int) -> None:
    with pytest.raises(CrawlError, match="the listing has 10; ask for 1 to 10"):
        listing.first(PATHS, count)
    with pytest.raises(CrawlError, match="the listing has 10; ask for 1 to 10"):
        listing.sample(PATHS, count, seed=0)


@pytest.mark.parametrize(("start", "end"), [(0, 0), (3, 5), (0, 9), (9, 9)])
def test_span(start: int, end: int) -> None:
    assert listing.span(PATHS, start, end) == [path_of(number) for number in range(start, end + 1)]


@pytest.mark.parametrize(("start", "end"), [(-1, 3), (5, 4), (0, 10), (10, 10)])
def test_no_span(start: int, end: int) -> None:
    with pytest.raises(CrawlError, match="is not within 0-9"):
        listing.span(PATHS, start, end)


def test_sample_is_the_same_for_the_same_seed_whatever_the_order() -> None:
    chosen = listing.sample(PATHS, 4, seed=1)
    assert chosen == [path_of(number) for number in (0, 5, 6, 7)], "of sha256sum: the four least of 1:<path>"
    assert set(listing.sample(PATHS[::-1], 4, seed=1)) == set(chosen)
    assert listing.sample(PATHS, 4, seed=2) != chosen
    assert set(listing.sample(PATHS, 3, seed=1)) < set(chosen)
    assert listing.sample(PATHS, 10, seed=1) == PATHS
