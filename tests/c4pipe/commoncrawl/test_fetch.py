"""Local copies of a crawl's files, whatever the server does."""

from __future__ import annotations

import io
import logging
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path

import fsspec
import pytest

from c4pipe.commoncrawl import fetch, listing
from c4pipe.commoncrawl.listing import CrawlError
from c4pipe.fs import files, globs
from c4pipe.fs.paths import join
from tests.support.crawl_builder import CRAWL, LISTING, PATHS, QUICK, path_of, publish, wet_of
from tests.support.unruly_server import UnrulyServer, drop_connection, hang, reset, resumable, short, status, whole


@pytest.fixture
def crawl_server(server: UnrulyServer) -> UnrulyServer:
    return publish(server)


def fetch_numbered(server: UnrulyServer, folder: Path, numbers: Sequence[int], **options: object) -> list[str]:
    options = {"patience": QUICK, "talk": io.StringIO(), "base_url": server.url, **options}
    return fetch.fetch([path_of(number) for number in numbers], str(folder), **options)  # type: ignore[arg-type]


def assert_in_place(folder: Path, numbers: Sequence[int]) -> None:
    """These files are below the folder, whole, and nothing else is, hidden or not."""
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert found == {path_of(number): wet_of(number) for number in numbers}


def test_fetch_keeps_the_paths_and_leaves_what_is_there(crawl_server: UnrulyServer, tmp_path: Path) -> None:
    assert fetch_numbered(crawl_server, tmp_path, range(3)) == [str(tmp_path / path) for path in PATHS[:3]]
    assert_in_place(tmp_path, range(3))
    assert fetch_numbered(crawl_server, tmp_path, range(5)) == [str(tmp_path / path) for path in PATHS[:5]]
    assert_in_place(tmp_path, range(5))
    assert [crawl_server.count(f"/{path}") for path in PATHS] == [1] * 5 + [0] * 5


def test_fetch_through_every_passing_fault(crawl_server: UnrulyServer, tmp_path: Path) -> None:
    faults = [
        [status(503)],
        [status(403), status(403), status(403)],
        [status(429, Retry_After="0")],
        [reset(wet_of(3), 7_000)],
        [short(wet_of(4), 19_000), drop_connection],
        [hang],
        [whole(b"<html>Slow down</html>")],
    ]
    for number, before in enumerate(faults):
        crawl_server.behave(f"/{path_of(number)}", *before, whole(wet_of(number)))
    crawl_server.behave(f"/{path_of(7)}", resumable(wet_of(7), most=3_000))
    fetch_numbered(crawl_server, tmp_path, range(10))
    assert_in_place(tmp_path, range(10))


@pytest.mark.parametrize("connections", [1, 3])
def test_no_more_connections_than_asked_for(crawl_server: UnrulyServer, tmp_path: Path, connections: int) -> None:
    for number in range(10):
        quick = whole(wet_of(number))
        crawl_server.behave(f"/{path_of(number)}", lambda handler, quick=quick: (time.sleep(0.02), quick(handler))[1])
    fetch_numbered(crawl_server, tmp_path, range(10), connections=connections)
    assert crawl_server.most_at_once == connections


def test_no_connection_is_none(crawl_server: UnrulyServer, tmp_path: Path) -> None:
    with pytest.raises(CrawlError, match="0 connections"):
        fetch_numbered(crawl_server, tmp_path, [0], connections=0)


def test_what_failed_is_named_in_the_end_and_the_rest_is_in_place(crawl_server: UnrulyServer, tmp_path: Path) -> None:
    crawl_server.behave(f"/{path_of(1)}", status(404))
    crawl_server.behave(f"/{path_of(3)}", short(wet_of(3), 5_000))
    with pytest.raises(CrawlError) as caught:
        fetch_numbered(crawl_server, tmp_path, range(5))
    first, *named, last = str(caught.value).splitlines()
    assert first == "2 of 5 files did not come:"
    assert named[0].startswith(f"  {crawl_server.url}/{path_of(1)}: HTTP 404")
    assert named[1].startswith(f"  {crawl_server.url}/{path_of(3)}: short body: 5000 of ")
    assert last == "What came is in place: the same command again fetches only what is missing."
    assert_in_place(tmp_path, [0, 2, 4])

    crawl_server.behave(f"/{path_of(1)}", whole(wet_of(1)))
    crawl_server.behave(f"/{path_of(3)}", whole(wet_of(3)))
    fetch_numbered(crawl_server, tmp_path, range(5))
    assert_in_place(tmp_path, range(5))


def test_a_storm_of_403_ends_the_fetch(crawl_server: UnrulyServer, tmp_path: Path) -> None:
    """A server that refuses everything is not asked for every file of a crawl."""
    for path in PATHS:
        crawl_server.behave(f"/{path}", status(403))
    with pytest.raises(CrawlError) as caught:
        fetch_numbered(crawl_server, tmp_path, range(10), connections=1)
    assert str(caught.value).splitlines()[0] == "10 of 10 files did not come, 2 of them not tried:"
    assert str(caught.value).endswith("The server asks for less: wait some hours, or take fewer --connections.")
    assert [crawl_server.count(f"/{path}") for path in PATHS] == [4] * 8 + [0] * 2
    assert_in_place(tmp_path, [])


def test_a_file_that_comes_breaks_a_row_of_failures(crawl_server: UnrulyServer, tmp_path: Path) -> None:
    for number in (*range(6), *range(7, 10)):
        crawl_server.behave(f"/{path_of(number)}", status(404))
    with pytest.raises(CrawlError, match="9 of 10 files did not come:\n"):
        fetch_numbered(crawl_server, tmp_path, range(10), connections=1)
    assert_in_place(tmp_path, [6])


def test_the_known_corrupt_file_is_left_out(
    crawl_server: UnrulyServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (corrupt,) = listing.KNOWN_CORRUPT
    assert listing.wet_path(corrupt, "CC-MAIN-2017-13") == corrupt
    with caplog.at_level(logging.WARNING):
        copies = fetch.fetch([corrupt, PATHS[0]], str(tmp_path), base_url=crawl_server.url, talk=io.StringIO())
    assert copies == [str(tmp_path / PATHS[0])]
    assert corrupt in caplog.text
    assert_in_place(tmp_path, [0])


def test_a_full_disk_ends_the_fetch(
    crawl_server: UnrulyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(temporary: str, path: str) -> None:
        raise OSError(28, "No space left on device", path)

    monkeypatch.setattr(files, "put_in_place", full)
    with pytest.raises(OSError, match="No space left on device"):
        fetch_numbered(crawl_server, tmp_path, range(10), connections=1)
    assert sum(crawl_server.count(f"/{path}") for path in PATHS) == 1
    assert_in_place(tmp_path, [])


@pytest.mark.parametrize("base", ["remote", "folder"])
def test_fetch_from_a_store_or_a_mirror(tmp_path: Path, base: str) -> None:
    fsspec.filesystem("memory").store.clear()
    base_url = "memory://commoncrawl" if base == "remote" else str(tmp_path / "mirror")
    files.write_bytes(join(base_url, "crawl-data", CRAWL, "wet.paths.gz"), LISTING)
    for number in range(2):
        files.write_bytes(join(base_url, *path_of(number).split("/")), wet_of(number))
    paths = listing.first(listing.listing(CRAWL, base_url), 2)
    fetch.fetch(paths, str(tmp_path / "wet"), base_url=base_url, talk=io.StringIO())
    assert_in_place(tmp_path / "wet", range(2))
    with pytest.raises(CrawlError, match=r"1 of 1 files did not come:\n.*00002"):
        fetch.fetch([path_of(2)], str(tmp_path / "wet"), base_url=base_url, talk=io.StringIO())
    with pytest.raises(CrawlError, match=r"no listing of CC-MAIN-2024-18: .*collinfo"):
        listing.listing("CC-MAIN-2024-18", base_url)


def test_fetch_into_a_store(crawl_server: UnrulyServer) -> None:
    fsspec.filesystem("memory").store.clear()
    (copy,) = fetch.fetch(PATHS[:1], "memory://mine", base_url=crawl_server.url, talk=io.StringIO())
    assert copy == f"memory://mine/{PATHS[0]}"
    assert files.read_bytes(copy) == wet_of(0)


def test_a_killed_fetch_goes_on_where_it_stopped(crawl_server: UnrulyServer, tmp_path: Path) -> None:
    """kill -9 while a file comes: nothing half stands under a final name, and the rest comes with the same call."""
    crawl_server.behave(f"/{path_of(2)}", hang, whole(wet_of(2)))
    script = f"""
        from c4pipe.commoncrawl import fetch
        fetch.fetch({PATHS[:4]!r}, {str(tmp_path)!r}, base_url={crawl_server.url!r}, connections=1)
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while not crawl_server.count(f"/{path_of(2)}") and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert globs.expand(f"{tmp_path}/**/*") == [f"{tmp_path}/{path}" for path in PATHS[:2]]
    (leftover,) = [path for path in tmp_path.rglob(".*") if path.is_file()]

    fetch_numbered(crawl_server, tmp_path, range(4))
    assert leftover.exists(), "it might be another fetch's that runs"
    os.utime(leftover, (0, 0))
    fetch_numbered(crawl_server, tmp_path, range(4))
    assert_in_place(tmp_path, range(4))
    assert [crawl_server.count(f"/{path}") for path in PATHS[:4]] == [1, 1, 2, 1]


def test_an_interrupt_ends_soon(crawl_server: UnrulyServer, tmp_path: Path) -> None:
    """Ctrl-C does not wait for the backoff of minutes."""
    crawl_server.behave(f"/{path_of(0)}", status(429, Retry_After="600"))
    script = f"""
        import signal
        from c4pipe.commoncrawl import fetch
        signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background of a shell ignore it
        fetch.fetch({PATHS[:4]!r}, {str(tmp_path)!r}, base_url={crawl_server.url!r}, connections=1)
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 20
        while not crawl_server.count(f"/{path_of(0)}") and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, talk = process.communicate(timeout=20)
    finally:
        process.kill()
    assert b"KeyboardInterrupt" in talk
    assert_in_place(tmp_path, [])
    assert crawl_server.count(f"/{path_of(1)}") == 0


def test_the_log_has_plain_lines(crawl_server: UnrulyServer, tmp_path: Path) -> None:
    talk = io.StringIO()
    fetch_numbered(crawl_server, tmp_path, range(3), talk=talk)
    assert talk.getvalue().startswith("3/3 files, 0.1 MB, ")
    assert "\r" not in talk.getvalue()
    talk = io.StringIO()
    fetch_numbered(crawl_server, tmp_path, range(3), talk=talk)
    assert talk.getvalue() == ""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_a_bar(crawl_server: UnrulyServer, tmp_path: Path) -> None:
    talk = Terminal()
    fetch_numbered(crawl_server, tmp_path, range(3), talk=talk)
    assert "3/3 files: 100%" in talk.getvalue().split("\r")[-1]
