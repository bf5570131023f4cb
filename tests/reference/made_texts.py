"""Inputs for the comparison with the reference: real lines cut and joined with all that could part two readings."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from random import Random

from hypothesis import strategies as st

from c4pipe.page import Page
from c4pipe.warc.wet import WetReader

REAL_LINES_MAX = 20_000
POOL = 8_192  # pieces to join
SHARED = Path(os.environ.get("C4_SHARED", Path(__file__).resolve().parents[3] / "shared"))

BLANKS = tuple(chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace())
NEARLY_BLANK = ("\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u180e", "\u2800", "\0", "\x7f", "\x08")
LINE_ENDS = ("\n", "\n", "\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\n\n")
CONTROLS = tuple(map(chr, (*range(32), *range(127, 160))))
MARKS = (
    *(".", "?", "!", '"', "...", "…", "....", "..", '."', '."."', '?"', '!"', '..."', '"...', "。", "？", "！", "．"),
    *(
        "”",
        "’",
        "'",
        ".)",
        ".]",
        ".'",
        ".”",
        ". . .",
        "?!",
        "!!",
        "???",
        "!?!",
        ":",
        ";",
        "-",
        "–",
        "—",
        ". ",
        ".\u200b",
    ),
)
CITATIONS = (
    *("[1]", "[]", "[12]", "[003]", "[٣]", "[१२]", "[²]", "[①]", "[𝟙]", "[edit]", "[Edit]", "[EDIT]", "[ edit]"),
    *("[citation needed]", "[Citation needed]", "[citation  needed]", "[citation\xa0needed]", "[1, 2]", "[1][2]"),
    *("[[1]]", "[ed[1]it]", "[e[]dit]", "[1", "1]", "[", "]", "[-1]", "[1]]", "[citation[1] needed]", "[1].", ".[1]"),
)
LONG_WORDS = (
    *("x" * 998, "x" * 999, "x" * 1000, "x" * 1001, "é" * 1000, "é" * 1001, "💩" * 1000, "💩" * 1001),
    *("x" * 999 + "[1]", "x" * 998 + "[1]", "x" * 997 + "[1]", "[1]" + "x" * 1000, "x" * 999 + ".", "x" * 1000 + "."),
    *(
        "x" * 999 + "\u200b" + "x",
        "x" * 600 + "\xa0" + "x" * 401,
        "x" * 600 + "\x1f" + "x" * 401,
        "İ" * 999,
        "İ" * 1001,
    ),
)
LORDLY = (
    *(
        "lorem ipsum",
        "Lorem ipsum",
        "LOREM IPSUM",
        "lorem  ipsum",
        "lorem\xa0ipsum",
        "lorem",
        "ipsum",
        "LOREM \u0130PSUM",
    ),
    *("xlorem ipsumx", "lorem-ipsum", "lorem [1]ipsum", "lorem[1] ipsum", "loremipsum"),
)
SCRIPTS = (
    *("javascript", "JavaScript", "JAVASCRIPT", "Javascripts", "xjavascriptx", "java script", "java-script"),
    *("JAVASCR\u0130PT", "java\u017fcript", "java[1]script", "JavaScript{", "j\u0430vascript"),
)
BRACES = ("{", "}", "{}", "｛", "{{", "a{b", "function() {", "[{]")
POLICIES = (
    *("terms of use", "Terms of Use", "TERMS OF USE", "terms of user", "terms  of use", "terms of[1] use", "terms of"),
    *("privacy policy", "PRIVACY POLICY", "privacy policies", "privacy\xa0policy", "PRİVACY POLİCY", "cookie policy"),
    *("Cookie Policy", "coo\u212aie policy", "COO\u212aIE POLICY", "uses cookies", "use of cookies", "use cookies"),
    *("house cookies", "used cookies", "uſe cookies", "use coo\u212aies", "use of cookie", "uses  cookies"),
)
UNUSUAL = (
    *("\u0130", "\u0131", "\u212a", "\u212b", "\u00df", "\u1e9e", "\u017f", "\ufb01", "\u01c5", "\u0149", "\u0307"),
    *("Σ", "σ", "ς", "ΑΣ", "é", "e\u0301", "ａ", "Ａ", "𝐀", "٣", "५", "²", "½", "Ⅷ", "一", "。", "ก", "ا", "🜁"),
    *("\u200d👩", "\ufffd", "_", "&nbsp;", "<br>", "\\"),
)
WORDS = (
    *("the", "a", "of", "one", "home", "Read", "more", "It", "is", "said", "that", "He", "left", "there", "yesterday"),
    *(
        "I",
        "A.",
        "J.",
        "B.",
        "Mr.",
        "Mrs.",
        "Dr.",
        "Prof.",
        "St.",
        "U.S.",
        "U.K.",
        "e.g.",
        "i.e.",
        "etc.",
        "vs.",
        "No.",
    ),
    *("a.m.", "p.m.", "Inc.", "Ltd.", "Co.", "Jan.", "Sept.", "Fig.", "pp.", "Vol.", "3.14", "1.", "12.", "$5.", "2.a"),
    *("e-mail.", "www.example.org", "http://a.b/c.", "end.The", "end.the", "(end.)", '"Yes."', "'No!'", "end.'", "ok?"),
)
SENTENCES = (
    "The quick brown fox jumps over the lazy dog near the river.",
    "She said that it would be fine, and it was!",
    "Is there anything else that we should know about it?",
    '"I do not think so," he answered quietly. "Let us go."',
    "Dr. Smith of the U.S. Army arrived at 5 p.m. on Jan. 3 with Mrs. Jones.",
    "Copyright 2019 Example Inc. All rights reserved.",
    "Prices start at $3.50 per item... and go up from there.",
)
FRENCH = ("Le renard brun saute par-dessus le chien paresseux.", "Il n'y a rien de nouveau sous le soleil.")
GERMAN = ("Der schnelle braune Fuchs springt über den faulen Hund.", "Wir wissen nicht, was morgen sein wird.")
OTHERS = (
    *("Быстрая лисица прыгает через собаку.", "敏捷的棕色狐狸跳过了懒狗。", "Η γρήγορη αλεπού πηδάει."),
    *("Rápido el zorro salta sobre el perro perezoso.", "Con cáo nhanh nhẹn nhảy qua con chó lười."),
    *("12345 67 89", "WORLD NEWS TODAY", "mail@example.org", "http://example.org/a/b"),
)
JOINTS = (" ",) * 60 + ("",) * 8 + BLANKS + NEARLY_BLANK  # what stands behind a piece
FOREIGN = FRENCH + GERMAN + OTHERS
CASES = (str, str, str, str, str.upper, str.lower, str.title, str.swapcase, str.capitalize)


@cache
def real_lines() -> tuple[str, ...]:
    """Lines of real pages, at equal distances, where there are any; else sentences that stand here."""
    lines: dict[str, None] = {}
    for path in sorted(SHARED.glob("data/wet/*/*.wet.gz")):
        with open(path, "rb") as stream:
            for page in WetReader(stream, name=path.name):
                lines.update(dict.fromkeys(line for line in page.text.split("\n") if len(line) < 600))
    return tuple(lines)[:: len(lines) // REAL_LINES_MAX + 1] or SENTENCES


@cache
def pool(own: tuple[str, ...], lines: bool) -> tuple[str, ...]:
    """Pieces that make a text when joined: of ``own`` and of what lines are made of, in some case, with some blank or
    none behind. If ``lines``, also line ends and whole lines: some pages live, and each rule is reached.
    """
    chance = Random(0)
    kinds = (
        [_own] * 6
        + [_word] * 6
        + [_odd] * 3
        + [_real] * 2
        + [_any]
        + [_end, _end, _filled, _filled, _whole, _whole, _whole] * lines
    )
    return tuple(kinds[number % len(kinds)](chance, own) for number in range(POOL))


def _spaced(chance: Random, piece: str) -> str:
    return chance.choice(CASES)(piece) + chance.choice(JOINTS)


def _own(chance: Random, own: tuple[str, ...]) -> str:
    return _spaced(chance, chance.choice(own))


def _word(chance: Random, own: tuple[str, ...]) -> str:
    return _spaced(chance, chance.choice(WORDS))


def _odd(chance: Random, own: tuple[str, ...]) -> str:
    return _spaced(chance, chance.choice(chance.choice((MARKS, CITATIONS, UNUSUAL))))


def _real(chance: Random, own: tuple[str, ...]) -> str:
    line = chance.choice(real_lines())
    begin, end = sorted(chance.choice((0, 0, len(line), chance.randint(0, len(line)))) for _ in range(2))
    return _spaced(chance, line[begin:end])


def _any(chance: Random, own: tuple[str, ...]) -> str:
    code = chance.choice((chance.randrange(0x3000), chance.randrange(0x110000)))
    return chr(code) if not 0xD800 <= code < 0xE000 else ""


def _end(chance: Random, own: tuple[str, ...]) -> str:
    return chance.choice(("", ".", ".", ".", "!", "?", '"', *MARKS, *CITATIONS)) + chance.choice(LINE_ENDS)


def _filled(chance: Random, own: tuple[str, ...]) -> str:
    """A line with words enough and an end mark, so that the rules behind those two see it."""
    return f"One two three four {_own(chance, own)} and more{chance.choice(MARKS[:4])}{chance.choice(LINE_ENDS)}"


def _whole(chance: Random, own: tuple[str, ...]) -> str:
    return chance.choice(SENTENCES + real_lines()) + chance.choice(LINE_ENDS)


def text(*groups: Sequence[str], pieces: int = 30, lines: bool = True) -> st.SearchStrategy[str]:
    """Up to so many pieces, mostly more than half, drawn at once: each pair of bytes that hypothesis makes is one."""
    own = tuple(piece for group in groups for piece in group) or MARKS
    some = st.binary(min_size=pieces, max_size=2 * pieces)
    return (some | some | st.binary(max_size=pieces)).map(lambda data: joined(data, pool(own, lines)))


def joined(data: bytes, known: Sequence[str]) -> str:
    """The pieces that the pairs of bytes stand for."""
    pairs = zip(data[::2], data[1::2], strict=False)
    return "".join(known[(first << 8 | second) % len(known)] for first, second in pairs)


def page(texts: st.SearchStrategy[str], url: str = "http://example.org/") -> st.SearchStrategy[Page]:
    return st.builds(lambda text: Page(url, text, "2019-04-18T10:38:25Z", "text/plain", "1"), texts)


HOSTS = ("example.org", "www.example.org", "WWW.example.org", "www.www.a.com", "news.bbc.co.uk", "a.b.blogspot.com")
URL_PIECES = (
    *("http://", "https://", "HTTP://", "http:/", "ttp://", "www.", "/", "//", "///", "?", "&", "#", "%20", ":80", "."),
    *(
        "?utm_source=x",
        "?utm",
        "?ref=1",
        "?reference",
        "?feed",
        "?feed=rss",
        "?id=1&utm_x",
        "utm_",
        "?REF",
        "\n",
        " ",
        "é",
    ),
    *("index.html", "a", "b/", "http://b.c/", "?a?ref", "İ", "𝐀", "?ref\nx", "user@", "localhost", "10.0.0.1", "[::1]"),
)


def urls(*hosts: str) -> st.SearchStrategy[str]:
    """Joined of pieces that matter, and of others; such as are no URLs too."""
    chance = Random(0)
    known = (URL_PIECES + HOSTS + hosts) * 4 + tuple(_any(chance, ()) for _ in range(len(URL_PIECES)))
    return st.binary(max_size=14).map(lambda data: joined(data, known))


TIMES = ("2019-04-18T10:38:25Z", "2019-04-18T10:38:24Z", "2019", "", "z")


def crawl(texts: st.SearchStrategy[str], *, unique_by: Callable[[Page], object]) -> st.SearchStrategy[list[Page]]:
    """Pages of few URLs."""
    few = st.sampled_from(("a.org", "http://a.org", "https://www.a.org/", "http://a.org/?ref=b", "b.org")) | urls()
    times = st.sampled_from(TIMES) | st.text(max_size=2)
    pages = st.builds(Page, few, texts, times, st.just("text/plain"), st.just("1"))
    return st.lists(pages, max_size=5, unique_by=unique_by)
