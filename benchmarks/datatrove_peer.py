"""Time datatrove's reader and C4 filters on a WET file; it neither identifies languages nor removes duplicates.

    python benchmarks/datatrove_peer.py FILE.warc.wet.gz --sentences nltk --resources DIR

The script runs alone, in any environment that has datatrove, and prints CPU seconds as JSON. A first page before the
clock starts triggers lazy loading.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import time
from collections.abc import Iterable, Iterator
from itertools import islice

from datatrove.data import Document
from datatrove.pipeline.filters import c4_filters
from datatrove.pipeline.readers import WarcReader
from datatrove.utils.word_tokenizers import NLTKTokenizer

ENGLISH_WORDS = "ldnoobw/25e679f03d96baa721cde20db9944649e8d0a844/en"
WARMING = "Here is a page of three sentences. This is the second one. The third one ends it all here.\n" * 2


def filters(sentences: str) -> list[object]:
    """Return the filters for C4's rules, with C4's limits."""
    language = {"language": NLTKTokenizer("english")} if sentences == "nltk" else {}
    return [
        c4_filters.C4QualityFilter(min_num_sentences=3, min_words_per_line=5, **language),
        c4_filters.C4BadWordsFilter(),
    ]


def passed(documents: Iterable[Document], chain: list[object]) -> Iterator[Document]:
    for document in documents:
        if all(each.filter(document) is True for each in chain):
            yield document


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--sentences", choices=("own", "nltk", "none"), default="own", help="none: the reader alone")
    parser.add_argument("--resources", help="folder of the pinned lists; else datatrove downloads its own")
    parser.add_argument("--pages", type=int, help="read at most so many pages")
    arguments = parser.parse_args()
    if arguments.resources:
        words = os.path.join(arguments.resources, ENGLISH_WORDS)
        c4_filters.cached_asset_path_or_download = lambda *_, **__: words
        os.environ["NLTK_DATA"] = os.path.join(arguments.resources, "nltk_data")
    chain = [] if arguments.sentences == "none" else filters(arguments.sentences)
    assert list(passed([Document(WARMING, "0")], chain))
    folder, name = os.path.split(os.path.abspath(arguments.file))
    read = 0

    def documents() -> Iterator[Document]:
        nonlocal read
        for document in islice(WarcReader(folder, glob_pattern=name).run(), arguments.pages):
            read += 1
            yield document

    begun = time.process_time()
    kept = sum(1 for _ in passed(documents(), chain))
    seconds = time.process_time() - begun
    version = importlib.metadata.version("datatrove")
    print(json.dumps({"datatrove": version, "pages": read, "kept": kept, "cpu_seconds": seconds}))


if __name__ == "__main__":
    main()
