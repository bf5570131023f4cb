"""The reference's own functions, as TFDS ships them, on pages of ours: what they pass on, and what they count.

Nothing of the rules is written down here; each function below only hands over and takes back.
"""

from __future__ import annotations

import os
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import apache_beam as beam
import langdetect
import langdetect.detector
import langdetect.detector_factory
import nltk
import tldextract
import tldextract.tldextract
from tensorflow_datasets.text import c4, c4_utils

from c4pipe.page import Page
from c4pipe.text.language_detector import left_to_right_sum

Result = tuple[list[Page], dict[str, int]]  # the pages that are passed on, and the counters that are not 0
Reference = c4_utils.PageFeatures

_clean_page = c4_utils.get_clean_page_fn()


def prepare(resources: Path) -> None:
    """Keep the reference from the network, and make it the same on every machine."""
    nltk.data.path.insert(0, str(resources / "nltk_data"))
    nltk.download = lambda *args, **kwargs: True
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    if sys.version_info >= (3, 12):  # whose sum compensates: the reference ran before it
        langdetect.detector.sum = left_to_right_sum
    listed = os.listdir
    with patch("os.listdir", lambda path: sorted(listed(path))):  # else the machine's order decides the last digits
        langdetect.detector_factory.init_factory()


@contextmanager
def caught() -> Iterator[Counter[str]]:
    """The counters that the functions inside the block count up."""
    counts: Counter[str] = Counter()

    def namespace(name: str) -> Callable[..., None]:
        def increase(counter: str, amount: int = 1) -> None:
            counts[f"{name}/{counter}"] += amount

        return increase

    with patch.object(c4_utils, "get_counter_inc_fn", namespace):
        yield counts


def theirs(page: Page) -> Reference:
    """The page as the reference holds it."""
    return Reference(
        url=page.url,
        normalized_url=c4_utils.normalize_url(page.url),
        text=page.text,
        timestamp=page.timestamp,
        content_length=page.content_length,
        content_type=page.content_type,
        language=page.language,
    )


def ours(page: Reference) -> Page:
    """The page as we hold it; the reference has no language before it has detected one."""
    language = "und" if page.language is None else page.language
    return Page(page.url, page.text, page.timestamp, page.content_type, page.content_length, language)


def each(pages: Iterable[Page], function: Callable[[Reference], Iterable[Reference]]) -> Result:
    """What the function yields for the pages, one after the other."""
    with caught() as counts:
        passed = [ours(one) for page in pages for one in function(theirs(page))]
    return passed, {name: count for name, count in counts.items() if count}


def kept(pages: Iterable[Page], predicate: Callable[[Reference], bool]) -> Result:
    """The pages for which the predicate holds."""
    return each(pages, lambda page: [page] if predicate(page) else [])


def too_long_filter(pages: Iterable[Page]) -> Result:
    return kept(pages, c4_utils.is_valid_length)


def clean_page(pages: Iterable[Page]) -> Result:
    return each(pages, _clean_page)


def english_filter(pages: Iterable[Page]) -> Result:
    return each(pages, c4_utils.detect_english)


def paragraph_filter(pages: Iterable[Page]) -> Result:
    return kept(pages, c4_utils.paragraph_filter)


def realnews_domain_filter(pages: Iterable[Page], domains: Mapping[str, object]) -> Result:
    return kept(pages, lambda page: c4_utils.is_realnews_domain(page, domains))


def duplicate_url_filter(pages: Sequence[Page]) -> Result:
    """The newest of each group; groups in the order of their first page."""
    groups: dict[str, list[Reference]] = defaultdict(list)
    for page in map(theirs, pages):
        groups[page.normalized_url].append(page)
    with caught() as counts:
        passed = [ours(c4_utils.select_newest_page(group)) for group in groups.values()]
    return passed, {name: count for name, count in counts.items() if count}


def dedupe_lines(pages: Sequence[Page], min_num_sentences: int) -> Result:
    """The parts of ``remove_duplicate_text``, with Beam's own combiner and without its runner."""
    claims: dict[str, list[str]] = defaultdict(list)
    for page in pages:
        for line, url in c4_utils._emit_url_to_lines(theirs(page)):
            claims[line].append(url)
    lines: dict[str, list[str]] = defaultdict(list)
    top = beam.combiners.TopCombineFn(1, key=c4_utils._hash_text, reverse=True)
    for line, urls in claims.items():
        (url,) = top.extract_output(top.add_inputs(top.create_accumulator(), urls))
        lines[url].append(line)
    with caught() as counts:
        count = c4_utils.get_counter_inc_fn("dedupe-lines")
        passed = [
            ours(one)
            for page in pages
            for one in c4_utils._remove_lines_from_text(
                (page.url, {"pages": [theirs(page)], "lines": lines[page.url]}), count, min_num_sentences
            )
        ]
    return passed, dict(counts)


def badword_files(resources: Path) -> dict[str, str]:
    """The files that the builder downloads, by language."""
    (english,) = (resources / "ldnoobw").glob("25e679f*/en")
    (others,) = (resources / "ldnoobw").glob("5faf2ba*")
    return {language: str(others / language) for language in c4._BADWORDS_LANGS} | {"en": str(english)}


def badword_lists(resources: Path) -> dict[str, set[str]]:
    """The lists as the builder makes them of these files."""
    lists: dict[str, set[str]] = defaultdict(set)
    for language, path in badword_files(resources).items():
        with open(path, encoding="utf-8") as words:
            lists[language.split("-")[0]].update(word.strip() for word in words)
    for language, allowed in c4._BADWORDS_ALLOWLIST.items():
        lists[language] -= allowed
    return dict(lists)


def badwords_filter(lists: Mapping[str, Iterable[str]], fraction: float) -> Callable[[Iterable[Page]], Result]:
    predicate = c4_utils.get_badwords_filter_fn(lists, filter_fraction=fraction)
    return lambda pages: kept(pages, predicate)


def split_wet_file(path: Path) -> Result:
    with caught() as counts:
        pages = [ours(page) for page in c4_utils.split_wet_file(str(path))]
    return pages, dict(counts)


def sentences(text: str) -> int:
    return len(c4_utils._get_sentences(text))


def split(url: str) -> str:
    """Of the two splits of the English builders."""
    validation = c4_utils.get_hashed_url_filter_fn(lambda value: value % 1000 == 0)
    return "validation" if validation(theirs(Page(url, "", ""))) else "train"


def probabilities(text: str) -> list[tuple[str, float]] | None:
    """langdetect's answer as the reference asks for it; None where it raises."""
    langdetect.DetectorFactory.seed = 0
    try:
        return [(language.lang, language.prob) for language in langdetect.detect_langs(text)]
    except langdetect.lang_detect_exception.LangDetectException:
        return None


def webtextlike_filter(pages: Iterable[Page], listed: Iterable[str]) -> Result:
    """The join by normalized URL, one key after the other."""
    joined: dict[str, dict[str, list[Reference]]] = defaultdict(lambda: {"pages": [], "webtextlike_urls": []})
    for page in map(theirs, pages):
        joined[page.normalized_url]["pages"].append(page)
    for url in listed:
        joined[c4_utils.normalize_url(url)]["webtextlike_urls"].append(Reference())
    with caught() as counts:
        passed = [ours(page) for item in joined.items() for page in c4_utils.filter_by_webtextlike(item)]
    return passed, dict(counts)


class _Collection:
    """Stands for a PCollection: ``pages | ParDo(fn)`` gives the function."""

    def __or__(self, transform: beam.ParDo) -> beam.DoFn:
        return transform.fn


def language_filter(pages: Iterable[Page], languages: Sequence[str]) -> Result:
    def label(page: Reference) -> Iterable[Reference]:
        function = c4_utils.detect_languages(_Collection(), languages)  # made anew: it takes its counter then
        function.start_bundle()
        return function.process(page)

    return each(pages, label)
