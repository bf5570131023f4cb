"""Small crawls for tests: WET files whose pages meet every stage of the table, by a seed or by hypothesis."""

from __future__ import annotations

import functools
import itertools
import random
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

from c4pipe.page import Page
from c4pipe.text import urls
from c4pipe.warc.wet import WetReader, page_text

OLD, NEW, NEWER = "2019-04-18T10:38:25Z", "2019-04-19T00:00:00Z", "2019-04-20T23:59:59Z"
DATES = (OLD, NEW, NEWER)

WHO = ("The old farmer", "My younger sister", "A quiet teacher", "Every good student", "The new mayor", "Our neighbour")
DOES = ("walked slowly through", "often talked about", "wrote a long letter about", "never forgot", "was looking for")
WHAT = ("the green hills behind the town", "the river and its many bridges", "a small house by the sea", "the market")
ENGLISH = tuple(f"{who} {does} {what}." for who, does, what in itertools.product(WHO, DOES, WHAT))
WER = ("Der alte Bauer", "Meine jüngere Schwester", "Ein stiller Lehrer", "Die neue Bürgermeisterin")
MACHT = ("ging langsam durch", "dachte oft an", "schrieb einen langen Brief über", "suchte lange nach")
GERMAN = tuple(f"{wer} {macht} das kleine Haus am Meer und freute sich." for wer in WER for macht in MACHT)
FAULTY = (  # lines that a rule drops, or changes
    "Menu",
    "Home and contact and news and more",  # no end mark
    "Too few words.",
    "Please turn on JavaScript to read this page.",
    "We and our partners have a privacy policy for you.",
    f"One word is {'x' * 1001} too long here.",
    "The hills are green and rather high [citation needed].",
    "The hills are green and rather high[12].",
)
DEADLY = (  # lines that drop their page
    "Here stands lorem ipsum where a text should be.",
    "This line has { a bracket of some program in it.",
    "Nobody ever told them that all of this was shit.",
)
LINES = (*ENGLISH[:24], *GERMAN[:8], *FAULTY, *DEADLY, ENGLISH[0].upper(), f"  {ENGLISH[1]} ", "12345 67890.")
TOO_LONG = "\n".join([ENGLISH[2]] * (190_001 // len(ENGLISH[2]) + 1))


@dataclass(frozen=True)
class Record:
    """A WET record before it is written."""

    url: str
    text: str
    date: str = NEW  # "": none
    content_type: str = "text/plain"  # "": none

    def __bytes__(self) -> bytes:
        body = self.text.encode()
        header = (
            "WARC/1.0",
            "WARC-Type: conversion",
            f"WARC-Target-URI: {self.url}",
            *([f"WARC-Date: {self.date}"] if self.date else []),
            "WARC-Record-ID: <urn:uuid:cd61b0b3-d9b0-466c-9a5e-99c191f8d2e1>",
            *([f"Content-Type: {self.content_type}"] if self.content_type else []),
            f"Content-Length: {len(body)}",
        )
        return "\r\n".join(header).encode() + b"\r\n\r\n" + body + b"\r\n\r\n"

    def page(self) -> Page:
        """What a reader makes of it; without text it is none."""
        length = str(len(self.text.encode()))
        return Page(self.url, page_text(self.text), self.date, self.content_type, length)


WARCINFO = (
    b"WARC/1.0\r\nWARC-Type: warcinfo\r\nWARC-Date: 2019-04-26T19:04:32Z\r\nContent-Type: application/warc-fields\r\n"
    b"Content-Length: 27\r\n\r\npublisher: Common Crawl\r\n\r\n\r\n\r\n"
)


def member(data: bytes, level: int) -> bytes:
    """A gzip member."""
    deflater = zlib.compressobj(level, zlib.DEFLATED, 31)
    return deflater.compress(data) + deflater.flush()


def wet(records: Sequence[Record], *, level: int | None = 6, one_member: bool = False) -> bytes:
    """The bytes of a WET file: a gzip member for each record, one for all, or (no level) plain."""
    pieces = [WARCINFO, *map(bytes, records)]
    if level is None:
        return b"".join(pieces)
    return member(b"".join(pieces), level) if one_member else b"".join(member(piece, level) for piece in pieces)


def write(folder: Path, files: Sequence[Sequence[Record]], *, level: int | None = 6, one_member: bool = False) -> str:
    """Write a WET file for each sequence of records; return the glob that names them all."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, records in enumerate(files):
        (folder / f"{number:03}.warc.wet.gz").write_bytes(wet(records, level=level, one_member=one_member))
    return f"{folder}/*"


def read(pattern: str) -> tuple[list[Page], Counter[str]]:
    """All pages of the files that ``write`` left, and what reading them counts."""
    pages: list[Page] = []
    counters: Counter[str] = Counter()
    for path in sorted(Path(pattern).parent.iterdir()):
        with path.open("rb") as stream:
            reader = WetReader(stream, name=path.name)
            pages.extend(reader)
        counters.update({f"split-wet-file/{name}": count for name, count in reader.tally.items()})
    return pages, counters


def dealt(records: Sequence[Record], files: int) -> list[Sequence[Record]]:
    """The records in so many files, one after the other."""
    return [records[number::files] for number in range(files)]


@functools.cache
def validation_paths(count: int) -> tuple[str, ...]:
    """Paths whose URLs fall into the validation split."""
    found = (f"page/{n}" for n in itertools.count() if urls.split(f"http://a.example/page/{n}") == "validation")
    return tuple(itertools.islice(found, count))


def spelled(path: str) -> tuple[str, ...]:
    """Ways to write one URL: they differ, but are the same page."""
    plain = f"a.example/{path}"
    return (
        f"http://{plain}",
        f"https://www.{plain}",
        f"http://{plain}/",
        f"http://www.{plain}?utm_source=feed",
        f"https://{plain}?ref=1",
    )


def crawl(seed: int, records: int) -> list[Record]:
    """A crawl of pages with much in common: URLs written in several ways, lines in and across pages.

    The same seed makes the same crawl. It holds pages that each stage of ``en`` drops, and both splits.
    """
    random_ = random.Random(seed)
    paths = [*(f"page/{n}" for n in range(records * 3 // 4)), *validation_paths(max(2, records // 12))]
    made = [*certain(), *itertools.islice(_pages(random_, paths), records - len(certain()))]
    random_.shuffle(made)
    return made


def certain() -> list[Record]:
    """Pages for stages that chance may miss."""
    english, once_more = "\n".join(ENGLISH[-6:]), "\n".join(ENGLISH[:3])
    return [
        Record("http://a.example/long", TOO_LONG),
        Record("http://a.example/twice", english, OLD),
        Record("https://www.a.example/twice/", english, NEW),
        Record("http://a.example/copy", english),  # no line is left for one of the two
        Record("http://a.example/menu", "Menu\nHome\nContact"),
        Record("http://a.example/german", "\n".join(f"Und {line}" for line in GERMAN)),
        Record("http://a.example/bad", "\n".join((*(f"Once {line}" for line in ENGLISH[:5]), DEADLY[-1]))),
        Record("http://a.example/lorem", f"{once_more}\n{DEADLY[0]}"),
        Record("http://a.example/bracket", f"{once_more}\n{DEADLY[1]}"),
        Record("http://a.example/empty", "\n \n"),
        *(Record(f"http://a.example/{path}", f"Never {once_more}") for path in validation_paths(1)),
    ]


def _pages(random_: random.Random, paths: Sequence[str]) -> Iterator[Record]:
    while True:
        language = random_.choices((ENGLISH, GERMAN), (6, 1))[0]
        lines = random_.choices(language, k=random_.randint(2, 6))
        again = "zum {}. Mal." if language is GERMAN else "for the {}th time."
        lines += [f"{random_.choice(language)[:-1]} {again.format(random_.randint(4, 10**6))}" for _ in range(3)]
        lines += random_.choices(FAULTY, k=random_.randint(0, 3))
        if random_.random() < 0.1:
            lines.append(random_.choice(DEADLY))
        random_.shuffle(lines)
        yield Record(random_.choice(spelled(random_.choice(paths))), "\n".join(lines), random_.choice(DATES))


URLS = st.sampled_from([url for path in (*map(str, range(4)), *validation_paths(1)) for url in spelled(path)])
TEXTS = st.lists(st.sampled_from(LINES), min_size=1, max_size=8).map("\n".join) | st.just(TOO_LONG)
RECORDS = st.builds(Record, URLS, TEXTS, st.sampled_from(DATES))
CRAWLS = st.lists(st.lists(RECORDS, max_size=6), min_size=1, max_size=4)  # the records of each file
