"""Crawls by hypothesis for all six variants at once: pages that bring out what each stage of each of them looks for.

Pages are drawn from few URLs, lines and dates, so that they meet. Bad words are those of the pinned lists, read when a
page is drawn.
"""

from __future__ import annotations

import functools
import importlib.util
import itertools
import random
from collections.abc import Sequence
from pathlib import Path

from hypothesis import strategies as st

from c4pipe import resources
from c4pipe.stages import badwords
from c4pipe.stages.url_filters import InUrlList
from c4pipe.variants import Variant, variant
from tests.support import crawls
from tests.support.crawls import Record
from tests.support.required import is_required

# Our own sentences. Croatian is one of two languages that cld3 knows and mC4 has not.
STORY = {
    "en": "On a cold morning the old farmer walked with his dog across the wet meadows behind the village. "
    "He thought of his children, who had lived in the city for a long time, and of the letter on the kitchen table.",
    "de": "An einem kalten Morgen ging der alte Bauer mit seinem Hund über die nassen Wiesen hinter dem Dorf. "
    "Er dachte an seine Kinder, die schon lange in der Stadt wohnten, und an den Brief auf dem Küchentisch.",
    "fr": "Par un matin froid, le vieux fermier marchait avec son chien à travers les prés mouillés derrière le "
    "village. Il pensait à ses enfants, qui habitaient en ville depuis longtemps, et à la lettre sur la table.",
    "ru": "Холодным утром старый крестьянин шёл со своей собакой по мокрым лугам за деревней. Он думал о своих детях, "
    "которые давно жили в городе, и о письме, которое уже три дня лежало на кухонном столе.",
    "el": "Ένα κρύο πρωινό ο γέρος αγρότης περπατούσε με τον σκύλο του στα βρεγμένα λιβάδια πίσω από το χωριό. "
    "Σκεφτόταν τα παιδιά του, που ζούσαν εδώ και πολύ καιρό στην πόλη.",
    "ja": "寒い朝、年老いた農夫は犬を連れて、村の裏にある濡れた草原を歩いていました。"
    "彼は、ずっと前から町に住んでいる子供たちのことと、三日前から台所の机の上に置いてある手紙のことを考えていました。",
    "zh": "一个寒冷的早晨，老农夫带着他的狗走过村子后面湿漉漉的草地。"
    "他想着早就搬到城里去住的孩子们，也想着那封在厨房桌子上放了三天的信。",
    "hr": "Tijekom tjedna vlak vozi svakih sat vremena, a nedjeljom samo ujutro i navečer; putnici uvijek čekaju na "
    "peronu kraj kolodvora.",
    "bs": "Također knjiga glazba tjedna svibanj tjedna most tvrtka tvrtka ujutro tvrtka tvrtka netko tko netko tvrtka "
    "tvrtka uvjeti tko Zagreb vozi studeni povijest plaća ujutro.",
}
TOLD = (*STORY, "bs", "bs")  # the rarest outcome twice more
LISTED = ("en", "de", "fr", "ru", "ja", "zh")  # those of them that have a list of bad words
ALLOWED = ("性", "女の子")  # on the lists, but not counted from 3.1.0 on
FEW = ("It rained. It stopped.", "It rained all day in the hills. It stopped in the evening.", "It was late, and dark.")
# No word of a language; a word that the detectors cannot place; citations; a page as long as may be, and one longer.
LONG_LINE = f"{'The hills are green and so is the sea and ' * 200}no more.\n"
AS_LONG = (LONG_LINE * (190_000 // len(LONG_LINE)))[:-1].ljust(190_000 - 1, "x") + "."
ODD = ("\n \n", "12345 67890 12345.", "x", f"{crawls.ENGLISH[3]}[edit]\n{crawls.ENGLISH[4]}[7]", AS_LONG, AS_LONG + "!")

NEWS = (  # by the pinned list all subdomains of the BBC, of the others some
    "https://www.bbc.co.uk/news/1",
    "http://bbc.co.uk/news/1/",
    "http://e.nikkei.com/2",
    "http://www.e.nikkei.com/2",
    "http://nikkei.com/3",
)


@functools.cache
def spared_path() -> str:
    """A path of a page that stays in mC4 with bad words: one in a thousand."""
    stage = variant("multilingual").stages[-1]
    assert isinstance(stage, badwords.DropBadwords)
    return next(f"page/{n}" for n in itertools.count() if stage.spares(f"http://a.example/page/{n}"))


URLS = (
    *(url for path in ("1", "2", "3", *crawls.validation_paths(1)) for url in crawls.spelled(path)[:3]),
    *NEWS,
    *(f"http://a.example/once/{n}" for n in range(12)),
)
LIST = (*(url.replace("https://www.", "http://") for url in URLS[::2]), "http://nowhere.example/")


def paragraph(language: str, number: int) -> str:
    """A line of 200 characters or more, one of a few of its language."""
    story = STORY[language]
    return f"{number}: " + " ".join([story] * (1 + 200 // len(story)))


def bad_word(language: str, number: int, lowered: bool) -> str:
    """A line with one of the words of a language's list: one of those without capitals, or of all."""
    words = badwords.pinned_words(language, resources.source())
    some = [word for word in words if word == word.lower()] if lowered else words
    return f"And then {some[number % len(some)]} was there too."


LINES = st.lists(
    st.sampled_from(crawls.LINES) | st.sampled_from((*crawls.FAULTY, *crawls.FAULTY, *crawls.DEADLY, *FEW)),
    min_size=1,
    max_size=8,
)
PARAGRAPHS = st.sampled_from(TOLD).flatmap(
    lambda language: st.lists(st.builds(paragraph, st.just(language), st.integers(0, 4)), min_size=3, max_size=5)
)
BAD = st.sampled_from(LISTED).flatmap(
    lambda language: st.tuples(
        *(st.just(paragraph(language, n)) for n in range(5, 8)),
        st.builds(bad_word, st.just(language), st.integers(0, 99), st.booleans()) | st.sampled_from(ALLOWED),
    )
)
MIXED = st.lists(st.builds(paragraph, st.sampled_from(TOLD), st.integers(0, 4)), min_size=3, max_size=4)
FRESH = st.lists(  # English that hardly any other page has
    st.builds("{} for the {}th time.".format, st.sampled_from([line[:-1] for line in crawls.ENGLISH]), st.integers(4)),
    min_size=3,
    max_size=5,
)
TEXTS = (LINES | FRESH | PARAGRAPHS | BAD | BAD | MIXED).map("\n".join) | st.sampled_from(ODD)

DATES = st.sampled_from(("", crawls.OLD, crawls.NEW, crawls.NEWER))
TYPES = st.sampled_from(("text/plain", "text/html", ""))
RECORDS = st.builds(Record, st.sampled_from(URLS) | st.sampled_from((*NEWS, *URLS)), TEXTS, DATES, TYPES)
SPARED = st.builds(Record, st.sampled_from(crawls.spelled(spared_path())), BAD.map("\n".join), DATES, TYPES)
PAGES = st.lists(RECORDS | RECORDS | RECORDS | SPARED, min_size=15, max_size=40)
LISTS = st.lists(st.sampled_from(LIST), max_size=20)


def certain() -> list[Record]:
    """Pages that bring out every counter that any does, which chance may miss; with ``LIST``."""
    good = ["\n".join(f"{line[:-1]} for the {n}th time." for line in crawls.ENGLISH[:5]) for n in range(4, 14)]
    told = {language: "\n".join(paragraph(language, n) for n in range(90, 94)) for language in STORY}
    bad = [f"{told[language].replace('9', '8')}\n{bad_word(language, 0, True)}" for language in LISTED]
    texts = [
        *told.values(),
        *bad,
        *ODD,
        "\n".join(crawls.FAULTY),
        *(f"{good[0]}\n{line}" for line in crawls.DEADLY),
        good[1],
        good[1],  # nothing is left of one of the two
        f"{good[2]}\n{good[2]}",
        f"{good[2]}\n{crawls.ENGLISH[0]}",
        "\n".join([*good[0].split("\n")[:3], crawls.ENGLISH[1]]),  # one of the two is left with too little
        good[0],
        "\n".join(FEW),
        "\n".join(f"{n} {'Lalo bina koru tesa mipo nuda. ' * 8}" for n in range(3)),  # no language
        f"{STORY['de']}\n{STORY['en']}",
        told["de"],
    ]
    made = [Record(f"http://a.example/certain/{n}", text) for n, text in enumerate(texts)]
    made += [Record(url, text) for url, text in zip((*NEWS[1:], LIST[0], URLS[1]), good[3:], strict=False)]
    made += [Record(URLS[2], good[9], ""), Record(URLS[3], good[9], ""), Record(URLS[3], good[8], "", "")]
    made.append(
        Record(f"http://a.example/{spared_path()}", f"{told['de'].replace('9', '7')}\n{bad_word('de', 1, True)}")
    )
    return made


def names() -> tuple[str, ...]:
    """The six variants, but the one that needs cld3 where it is not installed; C4_REQUIRE_EXTRAS=1 wants it."""
    english = ("en", "en.noblocklist", "en.noclean", "realnewslike", "webtextlike")
    if importlib.util.find_spec("gcld3") is None and not is_required("EXTRAS"):
        return english
    return (*english, "multilingual")


def variants(semantics: str, urls: str) -> dict[str, Variant]:
    """The variants at a version of the semantics, by name, with a list of URLs where one is needed."""
    found = {name: variant(name, semantics) for name in names()}
    listed = {name for name, one in found.items() if any(isinstance(stage, InUrlList) for stage in one.stages)}
    return {name: one.with_url_list(urls) if name in listed else one for name, one in found.items()}


def cut(records: Sequence[Record], order: random.Random, files: int) -> list[list[Record]]:
    """The records in so many files, of any length, some of them perhaps empty."""
    places = sorted(order.choices(range(len(records) + 1), k=files - 1))
    return [list(records[begin:end]) for begin, end in itertools.pairwise([0, *places, len(records)])]


def list_file(folder: Path, listed: Sequence[str]) -> str:
    """A list of URLs as a file."""
    path = folder / "urls.txt"
    path.write_text("".join(f"{url}\n" for url in listed), "utf-8")
    return str(path)
