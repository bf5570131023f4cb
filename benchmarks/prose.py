"""Make pages without WET files: English from Python's documentation, other languages from random words.

None of these pages is real. The shares of languages and scripts follow Common Crawl's published figures, rounded. A
made-up text has the letters and common words of its language, but no meaning.
"""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from c4pipe.demo_crawl.prose import prose

ENGLISH_SHARE = 0.45
ENGLISH_BYTES = 1_000_000  # of documentation: enough to read in seconds
PAGES = 2_000  # distinct pages


class MadePage(NamedTuple):
    """A page before it becomes a WET record."""

    url: str
    text: str


@dataclass(frozen=True)
class Tongue:
    """The words and marks of a language, from which its text is made."""

    share: int  # weight among the pages that are not English
    words: tuple[str, ...]
    blank: str = " "
    end: str = "."


def tongue(share: int, words: str, blank: str = " ", end: str = ".") -> Tongue:
    return Tongue(share, tuple(words.split()), blank, end)


TONGUES = {
    "ru": tongue(6, "в и не на что он как это по но они мы все она так его только было время дом город человек новый"),
    "de": tongue(
        6, "der die und das ist nicht ein für mit auf den von über wir haben werden größer Straße möchte Jahr"
    ),
    "ja": tongue(
        5, "これ は 日本 の 新しい です ます こと が ある 東京 時間 人 と を に して カメラ テレビ 私", "", "。"
    ),
    "zh": tongue(5, "我们 的 是 在 中国 一个 时间 人 有 不 这 和 大 新 城市 学生 工作 上海 他们 可以", "", "。"),
    "es": tongue(5, "el la de que y en los se del las por un para con no una su más está año también niño cuando muy"),
    "fr": tongue(5, "le la les de et à un une est dans que pour qui sur pas avec nous être été où très français même"),
    "it": tongue(3, "il di che e la per un in è con non una sono del della si come più anche questo città perché gli"),
    "pt": tongue(2, "o de que e do da em um para com não uma os no se na por mais as dos como mas ao ele são também"),
    "pl": tongue(2, "i w nie na się z do jest to że o jak ale po co tak za od przez był może który też więcej już"),
    "vi": tongue(1, "và của là có không được trong một cho người với các này những đã khi để năm nhiều về ở tôi"),
    "tr": tongue(1, "ve bir bu da için çok ile daha ne gibi olarak var ama kadar sonra olan değil yeni büyük şey İyi"),
    "el": tongue(1, "και το να του η της με που την από για είναι στο δεν θα τα οι ένα ο σε αυτό χρόνια"),
    "ar": tongue(1, "في من على أن إلى هذا التي مع عن كان هو لا ما بعد كل بين قد هذه يوم عام", end="؟"),
    "fa": tongue(1, "و در به از که این را با است برای آن یک خود تا بر هم نیز شده می‌شود سال", end="."),
    "he": tongue(1, "של את על לא הוא עם זה כל גם אבל היה אני יש מה או כי רק בין אחרי שנה"),
    "hi": tongue(1, "के में है की और से का को पर यह एक नहीं भी तो ने कर हैं लिए इस समय", end="।"),
    "th": tongue(1, "ที่ และ การ ใน เป็น ของ ได้ มี ไม่ ให้ จะ ว่า คน นี้ กับ ปี ประเทศ เวลา", "", ""),
    "ko": tongue(
        1, "그리고 있는 이 것은 우리는 사람이 하는 에서 대한 한국 시간 오늘 새로운 그는 많은 매우 좋은", end="."
    ),
}
MENU = ("Home", "About us", "Contact", "Read more", "Log in | Sign up", "© 2019. All rights reserved.", "Share this")
NOTICES = (  # lines that a rule drops or edits
    "Please enable JavaScript to see the comments on this page.",
    "By using our site you accept our cookie policy and our terms of use.",
    "The oldest part of the town was built in 1204[3] and burnt down twice [citation needed].",
)
DEADLY = (  # lines that drop their page; few pages have one
    "Here stands lorem ipsum dolor sit amet, where a text should be.",
    "function show(menu) { return menu.visible; }",
    "He said that all of this was utter shit.",
)


def pages(seed: int = 0, count: int = PAGES) -> list[MadePage]:
    """Return ``count`` pages, English first; the same seed, Python and packages give the same pages."""
    rng = random.Random(seed)
    topics = itertools.cycle(_documentation())
    english = int(count * ENGLISH_SHARE)
    codes = rng.choices(list(TONGUES), [each.share for each in TONGUES.values()], k=count - english)
    texts = [("en", next(topics)) for _ in range(english)]
    texts += [(code, "\n".join(_paragraph(rng, TONGUES[code]) for _ in range(rng.randint(3, 40)))) for code in codes]
    return [
        MadePage(f"http://www.{code}.example/{number}/", "\n".join(_framed(rng, text)))
        for number, (code, text) in enumerate(texts)
    ]


def lines(seed: int = 0) -> list[str]:
    """Return all lines of 200 pages."""
    return [line for page in pages(seed, 200) for line in page.text.split("\n")]


@functools.cache
def _documentation() -> Sequence[str]:
    texts, left = [], ENGLISH_BYTES
    for each in prose():
        left -= len(each.text)
        if left < 0:
            break
        if len(each.text) > 200:
            texts.append(each.text)
    return texts


def _paragraph(rng: random.Random, tongue: Tongue) -> str:
    return " ".join(_sentence(rng, tongue) for _ in range(rng.randint(1, 6)))


def _sentence(rng: random.Random, tongue: Tongue) -> str:
    sentence = tongue.blank.join(rng.choices(tongue.words, k=rng.randint(4, 18)))
    return sentence[:1].upper() + sentence[1:] + tongue.end


def _framed(rng: random.Random, text: str) -> Iterator[str]:
    """Yield the text between menus and notices."""
    yield from rng.sample(MENU, k=4)
    yield text
    if rng.random() < 0.3:
        yield rng.choice(NOTICES)
    if rng.random() < 0.05:
        yield rng.choice(DEADLY)
    yield from rng.sample(MENU, k=3)
