"""URLs: one page or two, which split, which domain, which list."""

from __future__ import annotations

import gzip
import lzma
import socket
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c4pipe.page import Page, Verdict
from c4pipe.stages import url_filters
from c4pipe.stages.url_filters import InDomains, InUrlList
from c4pipe.text import urls

DOMAINS = InDomains((("nytimes.com", True), ("bbc.co.uk", ("news", "")), ("yahoo.com", ("news",))))


def page(url: str) -> Page:
    return Page(url, "Some text.", "2019-04-18T10:38:25Z")


@pytest.mark.parametrize(
    ("url", "normalized"),
    [
        ("http://www.example.com/", "example.com"),
        ("https://example.com//", "example.com"),
        ("HTTP://WWW.Example.com/", "HTTP://WWW.Example.com"),
        ("http://www2.example.com", "www2.example.com"),
        ("http://a.com/?utm_source=x&b=1", "a.com"),
        ("http://a.com/?b=1&utm_source=x", "a.com/?b=1&utm_source=x"),
        ("http://a.com/?reference=1", "a.com"),
        ("http://a.com/?feedback", "a.com"),
        ("http://a.com/go?u=http://www.b.com/", "a.com/go?u=b.com"),  # anywhere
        ("http://a.com:80/#x", "a.com:80/#x"),
        ("", ""),
    ],
)
def test_normalize(url: str, normalized: str) -> None:
    assert urls.normalize(url) == normalized


def test_url_hash_is_md5_as_an_integer() -> None:
    assert urls.url_hash("http://www.fake.com/url/370/") == 0x4F2ED411305D8144CBF2B03EB02F8E00  # of fake.com/url/370
    assert urls.url_digest("http://www.fake.com/url/370/").hex() == "4f2ed411305d8144cbf2b03eb02f8e00"


@pytest.mark.parametrize(
    ("url", "split"),
    [
        ("http://fake.com/url/370", "validation"),
        ("https://www.fake.com/url/370/?utm_x=1", "validation"),
        ("http://fake.com/url/1", "train"),
    ],
)
def test_split(url: str, split: str) -> None:
    assert urls.split(url) == split


@given(st.text(max_size=40))
def test_split_is_that_of_the_normalized_url(url: str) -> None:
    assert urls.split(f"http://www.x.com/{url}") == urls.split(urls.normalize(f"http://www.x.com/{url}"))


@pytest.mark.parametrize(
    ("url", "tally"),
    [
        ("http://www.nytimes.com/a", {"passed": 1}),
        ("http://cooking.nytimes.com/a", {"passed": 1}),
        ("http://nytimes.org/", {"filtered:bad_domain": 1}),
        ("https://news.yahoo.com/x", {"passed": 1}),
        ("https://mail.yahoo.com/x", {"filtered:bad_subdomain": 1}),
        ("https://yahoo.com/x", {"filtered:bad_subdomain": 1}),
        ("http://www.bbc.co.uk/", {"passed": 1}),  # www is no subdomain
        ("http://sport.bbc.co.uk/", {"filtered:bad_subdomain": 1}),
        ("http://co.uk/", {"filtered:bad_domain": 1}),
        ("http://127.0.0.1/", {"filtered:bad_domain": 1}),
        ("", {"filtered:bad_domain": 1}),
    ],
)
def test_in_domains(url: str, tally: dict[str, int]) -> None:
    assert DOMAINS.judge(page(url)) == Verdict(page(url) if "passed" in tally else None, tally)


@pytest.mark.parametrize(
    ("url", "tally"),
    [
        ("http://www.nytimes.com/a", {"passed": 1}),  # any subdomain is allowed
        ("http://www.bbc.co.uk/", {"filtered:bad_subdomain": 1}),
        ("http://bbc.co.uk/", {"passed": 1}),
        ("http://www.news.yahoo.com/x", {"filtered:bad_subdomain": 1}),
        ("http://news.yahoo.com/x", {"passed": 1}),
        ("http://nytimes.org/", {"filtered:bad_domain": 1}),
    ],
)
def test_in_domains_by_the_full_url(url: str, tally: dict[str, int]) -> None:
    full = replace(DOMAINS, full_url=True)
    assert full.judge(page(url)) == Verdict(page(url) if "passed" in tally else None, tally)


@given(st.text(max_size=30))
def test_in_domains_judges_any_url(url: str) -> None:
    verdict = DOMAINS.judge(page(f"http://{url}"))
    assert sum(verdict.tally.values()) == 1
    assert (verdict.page is not None) is ("passed" in verdict.tally)


def test_in_domains_asks_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither for suffixes nor for anything else, in a fresh process."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    url_filters._extractor.cache_clear()
    assert DOMAINS.judge(page("http://bbc.co.uk/")).tally == {"passed": 1}


@pytest.mark.usefixtures("real_resources")
@pytest.mark.parametrize(
    ("url", "tally"),
    [
        ("http://www.herefordtimes.com/news", {"passed": 1}),
        ("http://www.business.gather.com/", {"passed": 1}),  # the normalized URL's subdomain: without www
        ("http://nothing-of-the-kind.example/", {"filtered:bad_domain": 1}),
    ],
)
def test_realnews_list(url: str, tally: dict[str, int]) -> None:
    assert InDomains().judge(page(url)).tally == tally


def test_in_url_list(tmp_path: Path) -> None:
    """Missing pages are counted once however often they are listed; a blank line lists a page, too."""
    listed = tmp_path / "urls.txt"
    listed.write_text("https://www.b.com/2/?ref=reddit\nhttp://c.com/\r\n\nhttp://www.c.com\nhttp://d.com", "utf-8")
    stage = InUrlList().with_paths(str(listed))
    pages = [page("http://a.com/1"), page("http://b.com/2")]
    assert stage.judge_all(pages) == [Verdict(None, {"filtered": 1}), Verdict(pages[1], {"passed": 1})]
    assert stage.extra(pages) == {"missing-page": 3}
    assert stage.judge_all([page("http://www.")]) == [Verdict(page("http://www."), {"passed": 1})]


def test_no_missing_page_is_not_counted(tmp_path: Path) -> None:
    listed = tmp_path / "urls.txt"
    listed.write_text("http://a.com\n", "utf-8")
    assert InUrlList((str(listed),)).extra([page("http://www.a.com/")]) == {}


def test_url_lines_of_a_zip(tmp_path: Path) -> None:
    """OpenWebText's lists come as one zip."""
    path = tmp_path / "OpenWebText.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("OpenWebText/Version 1/URLs/RS_2.txt", "http://b.com\n")
        archive.writestr("OpenWebText/Version 1/URLs/RS_1.txt", "http://a.com\nhttp://a.com/2\n")
        archive.writestr("OpenWebText/README.md", "no URL\n")
    assert list(url_filters.url_lines(str(path))) == ["http://a.com", "http://a.com/2", "http://b.com"]


LISTED = "http://a.com\r\n\nhttp://b.com/x y\u2028\n http://c.com".encode()


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress], ids=["plain", "gz", "xz"])
def test_url_lines_of_a_packed_list(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    """Only a line feed ends a line, with or without a carriage return; nothing else is stripped."""
    ending = {bytes: ".txt", gzip.compress: ".gz", lzma.compress: ".txt.xz"}[pack]
    path = tmp_path / f"urls{ending}"
    path.write_bytes(pack(LISTED))
    assert list(url_filters.url_lines(str(path))) == ["http://a.com", "", "http://b.com/x y\u2028", " http://c.com"]


def test_url_lines_of_a_zip_of_packed_lists(tmp_path: Path) -> None:
    path = tmp_path / "lists.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("b.txt.gz", gzip.compress(b"http://b.com\n"))
        archive.writestr("a.txt.xz", lzma.compress(b"http://a.com\n"))
        archive.writestr("c.json.xz", lzma.compress(b"no URL\n"))
    assert list(url_filters.url_lines(str(path))) == ["http://a.com", "http://b.com"]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("cut.gz", gzip.compress(LISTED, mtime=0)[:-9]),
        ("none.gz", LISTED),
        ("cut.xz", lzma.compress(LISTED)[:-9]),
        ("none.xz", LISTED),
        ("none.zip", LISTED),
        ("latin.txt", b"http://a.com/\xe9"),
    ],
)
def test_a_damaged_list_is_named(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ValueError, match=rf"{name} is no whole list of URLs in UTF-8: "):
        list(url_filters.url_lines(str(tmp_path / name)))


def test_in_url_list_without_a_list() -> None:
    with pytest.raises(ValueError, match="no list of URLs"):
        InUrlList().judge_all([page("http://a.com")])
