"""Clean texts and read crawls and corpora from Python, and what a variant of your own is made of.

These names are stable; every other name of the package may change. Builds start from ``beam_jobs.api``.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

from c4pipe import user_variants
from c4pipe.dedup.base import Dedup, KeepOne
from c4pipe.dedup.lines import DedupLines
from c4pipe.dedup.spans import DedupSpans
from c4pipe.dedup.urls import KeepLargestText, KeepNewest
from c4pipe.explain import explanation
from c4pipe.explain.explanation import Explanation
from c4pipe.fs import files
from c4pipe.page import Page, Verdict, drop, keep, with_language, with_text
from c4pipe.resources import use as use_resources
from c4pipe.rules import (
    Edit,
    Test,
    contains,
    fewer_words_than,
    has_word,
    mentions,
    no_end_mark,
    without,
    word_longer_than,
)
from c4pipe.shards.formats import recognised_format
from c4pipe.shards.read_write import DamagedShard, find_shards
from c4pipe.shards.read_write import read_documents as read_shard
from c4pipe.stages.badwords import DropBadwords
from c4pipe.stages.clean_lines import CleanLines, DropPages
from c4pipe.stages.language import English, LabelLanguage
from c4pipe.stages.length import MaxLength, MinParagraphs
from c4pipe.stages.rule_rows import Row, drop_line, drop_page, edit
from c4pipe.stages.url_filters import InDomains, InUrlList
from c4pipe.variants import C4_ROWS, Variant, variant
from c4pipe.warc.wet import WetReader, page_text

__all__ = [  # by what they are for
    "C4_ROWS",
    "CleanLines",
    "DamagedShard",
    "Dedup",
    "DedupLines",
    "DedupSpans",
    "DropBadwords",
    "DropPages",
    "Edit",
    "English",
    "Explanation",
    "InDomains",
    "InUrlList",
    "KeepLargestText",
    "KeepNewest",
    "KeepOne",
    "LabelLanguage",
    "MaxLength",
    "MinParagraphs",
    "Page",
    "Row",
    "Test",
    "Variant",
    "Verdict",
    "clean",
    "contains",
    "drop",
    "drop_line",
    "drop_page",
    "edit",
    "explain",
    "fewer_words_than",
    "has_word",
    "keep",
    "mentions",
    "no_end_mark",
    "read_documents",
    "read_wet",
    "use_resources",
    "variant",
    "with_language",
    "with_text",
    "without",
    "word_longer_than",
]  # fmt: skip

log = logging.getLogger(__name__)


def clean(text: str, variant: str | Variant = "en", *, url: str = "", semantics: str = "3.1.0") -> str | None:
    """Return the text as the variant would publish it, or None if a stage drops the page.

    All stages judge the text as a page of its own, language and bad words included. Stages that compare pages see this
    page alone: a line that occurs twice in it stays once. ``variant`` is a published name, ``file.py:NAME``, or a
    ``Variant``; ``url`` matters to stages that judge by URL. The pinned lists come from ``use_resources``, else from
    ``C4PIPE_RESOURCES``, the cache or a download.

    Raises ValueError for an unknown variant or a lone surrogate in the text, ResourceError for a list that is not to be
    had.

    >>> clean("Home\\nThe first sentence is here. The second one follows it. A third one ends the text.", "en.noclean")
    'Home\\nThe first sentence is here. The second one follows it. A third one ends the text.'
    """
    page: Page | None = _page(text, url)
    for stage in _resolve(variant, semantics).stages:
        if page is None or not page.text:
            return None
        verdict, _ = explanation.judged(stage, page)
        page = page if verdict is None else verdict.page
    return page.text if page is not None else None


def explain(text: str, variant: str | Variant = "en", *, url: str = "", semantics: str = "3.1.0") -> Explanation:
    """Return what each stage of the variant makes of a text, line by line; arguments and errors are those of ``clean``.

    ``Explanation.to_dict`` has the account as JSON.
    """
    return explanation.explain(_resolve(variant, semantics), _page(text, url))


def read_wet(path: str | os.PathLike[str], *, undated: bool = False) -> Iterator[Page]:
    """Yield the pages of a WET file, local or remote, gzipped or not.

    A page without a timestamp is left out unless ``undated`` is set, as in C4 3.0.1. A damaged record costs itself
    alone; a warning of the logger ``c4pipe.api`` names it. Raises OSError where the file cannot be read.
    """
    path = os.fspath(path)
    with files.open_read(path) as stream:
        reader = WetReader(stream, name=path, undated=undated)
        yield from reader
    for fault in reader.faults:
        log.warning("%s", fault)


def read_documents(
    path: str | os.PathLike[str], split: str = "train", *, format: str | None = None
) -> Iterator[dict[str, str]]:
    """Yield the documents of a split, in order, from the folder of a variant, such as ``corpus/en``; or of one shard.

    A document has the fields ``text``, ``url`` and ``timestamp``. Parquet and TFRecord also have ``content-type`` and
    ``content-length``. If the folder holds several formats, ``format`` chooses one.

    Raises FileNotFoundError for a split or shard that is missing, DamagedShard with the place for a damaged one.
    """
    path = os.fspath(path)
    is_shard = recognised_format(os.path.basename(path)) is not None
    for shard in [path] if is_shard else find_shards(path, split, format):
        yield from read_shard(shard)


def _resolve(variant: str | Variant, semantics: str) -> Variant:
    return variant if isinstance(variant, Variant) else user_variants.named(variant, semantics)


def _page(text: str, url: str) -> Page:
    """The page that a WET record with this text makes: lines stripped, blank ones left out."""
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise ValueError(f"the text holds a lone surrogate at character {error.start:,}; decode it as UTF-8") from error
    return Page(url, page_text(text), "", "text/plain", str(size))
