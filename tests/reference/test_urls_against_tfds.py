"""What is done by a page's URL is what the reference does."""

from __future__ import annotations

import json
from pathlib import Path

import made_texts as made
import pytest
import tfds_c4
from agreement import agree, judged
from hypothesis import strategies as st
from tfds_c4 import Result

from c4pipe.page import Page
from c4pipe.stages.url_filters import InDomains, InUrlList
from c4pipe.text import urls

pytestmark = pytest.mark.usefixtures("prepared")


@pytest.mark.parametrize(
    "made_of", [made.urls(), st.integers(0, 10**9).map("http://fake.com/url/{}".format)], ids=["odd", "many"]
)
def test_normal_urls_and_splits(made_of: st.SearchStrategy[str]) -> None:
    def ours(url: str) -> tuple[str, dict[str, int]]:
        return urls.normalize(url), {urls.split(url): 1}

    def theirs(url: str) -> tuple[str, dict[str, int]]:
        return tfds_c4.c4_utils.normalize_url(url), {tfds_c4.split(url): 1}

    agree(made_of, ours, theirs, "train")


def test_news_domains(prepared: Path) -> None:
    domains = json.loads((prepared / "realnews" / "domain_to_allowed_subdomains.json").read_bytes())
    listed = [domain for domain, allowed in domains.items() if isinstance(allowed, list)]
    below = [f"{subdomain}.{domain}" for domain in listed for subdomain in domains[domain]]
    some = (*listed, *below, *list(domains)[::50], *(f"x.{domain}" for domain in listed[::9]))
    hosts = st.builds(
        lambda scheme, host, path: scheme + host + path,
        st.sampled_from(("http://", "https://www.", "http://WWW.", "", "http://blog.", "ftp://", "http://user@")),
        st.sampled_from(some),
        st.sampled_from(("", "/", ":80/a", "/?ref", ".uk/", ".", "%", "/\n")),
    )
    agree(
        st.builds(Page, made.urls(*some[::40]) | hosts, st.just("text"), st.just("t")),
        lambda page: judged(InDomains(), [page]),
        lambda page: tfds_c4.realnews_domain_filter([page], domains),
        *(f"realnews-domain-filter/{name}" for name in ("passed", "filtered:bad_domain", "filtered:bad_subdomain")),
    )


def test_listed_urls(tmp_path: Path) -> None:
    path = tmp_path / "urls.txt"

    def by_content(result: Result) -> Result:
        return sorted(result[0], key=repr), result[1]

    def ours(one: tuple[list[Page], list[str]]) -> Result:
        path.write_text("".join(f"{url}\n" for url in one[1]), encoding="utf-8", newline="")
        return by_content(judged(InUrlList((str(path),)), one[0]))

    no_line_end = made.urls("a.org", "b.org").filter(lambda url: not set(url) & {"\n", "\r"})
    pages = made.crawl(st.just("a"), unique_by=lambda page: urls.normalize(page.url))
    agree(
        st.tuples(pages, st.lists(no_line_end | st.just(""), max_size=5)),
        ours,
        lambda one: by_content(tfds_c4.webtextlike_filter(*one)),
        *(f"webtextlike-filter/{name}" for name in ("passed", "filtered", "missing-page")),
    )
