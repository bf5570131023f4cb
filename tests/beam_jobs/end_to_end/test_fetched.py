"""Crawls by name: each file is fetched when it is read, and what is built is what its copies give."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from beam_jobs import build_c4
from c4pipe.commoncrawl.listing import KNOWN_CORRUPT
from tests.support import builds, crawls

CRAWL = "CC-MAIN-2017-13"
WET = f"crawl-data/{CRAWL}/segments/1.2/wet"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A crawl of three files and one that is known to be corrupt, which stands between them in the listing."""
    place = tmp_path_factory.mktemp("mirror")
    crawls.write(place / WET, crawls.dealt(crawls.crawl(seed=8, records=60), 3))
    names = [f"{WET}/{number:03}.warc.wet.gz" for number in range(3)]
    listing = "\n".join((names[0], *KNOWN_CORRUPT, *names[1:]))
    (place / "crawl-data" / CRAWL / "wet.paths.gz").write_bytes(crawls.member(listing.encode(), 6))
    return place


@pytest.fixture(params=["folder", "server"])
def base_url(request: pytest.FixtureRequest, mirror: Path) -> Iterator[str]:
    if request.param == "folder":
        yield str(mirror)
        return
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(mirror))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(("more", "pattern"), [((), "*"), (("--first", "3"), "00[01]*")])
def test_a_crawl_by_name(more: tuple[str, ...], pattern: str, base_url: str, mirror: Path, tmp_path: Path) -> None:
    builds.plain(builds.arguments(f"{mirror}/{WET}/{pattern}", tmp_path / "copies"))
    argv = builds.arguments("", tmp_path / "build", "--crawl", CRAWL, "--base_url", base_url, *more)[2:]
    assert argv[0] == "--output"  # without --input
    assert build_c4.main(argv) == 0
    copies, fetched = (builds.tree(tmp_path / name / "en") for name in ("copies", "build"))
    del copies["manifest.json"], fetched["manifest.json"]  # they name the files
    assert fetched == copies


@pytest.mark.parametrize(("allowed", "asked", "code"), [(0, 1, 1), (1, 2, 1), (2, 3, 0)])
def test_a_build_ends_once_too_many_files_cannot_be_fetched(
    allowed: int, asked: int, code: int, mirror: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is left of the crawl is not asked for; the file that is there is in the build that may leave two out."""
    log: list[str] = []

    class Lossy(Quiet):
        def do_GET(self) -> None:
            if self.path.endswith(".wet.gz"):
                log.append(self.path)
            if self.path.endswith(("000.warc.wet.gz", "001.warc.wet.gz")):
                self.send_error(404)
            else:
                super().do_GET()

    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Lossy, directory=str(mirror))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base_url = f"http://127.0.0.1:{server.server_port}"
        options = ("--crawl", CRAWL, "--base_url", base_url, "--max_bad_files", str(allowed))
        assert build_c4.main(builds.arguments("", tmp_path, *options)[2:]) == code
        server.shutdown()
    assert len(log) == asked
    said = capsys.readouterr().err
    named = [f"{base_url}/{WET}/{number:03}.warc.wet.gz: DownloadError: HTTP 404 Not Found" for number in range(2)]
    assert [line in said for line in named] == [True, asked > 1]  # as what ends the build, or as what is left out of it
