"""All but one of any three-sentence span: which occurrences stay, and which sentences go."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c4pipe import resources
from c4pipe.dedup.spans import DedupSpans
from c4pipe.page import Page, Verdict
from c4pipe.text.digests import md5

STAGE = DedupSpans(span_sentences=3, min_sentences=1)
FIRST, SECOND, THIRD = sorted(("u/1", "u/2", "u/3"), key=md5)
SENTENCES = st.sampled_from(["Aa.", "Bb.", "Cc.", "Dd.", "Ee."])
LINES = st.lists(st.lists(SENTENCES, min_size=1, max_size=4).map(" ".join), min_size=1, max_size=5)


@pytest.fixture(autouse=True, scope="module")
def builtin() -> Iterator[None]:
    previous = resources.source()
    resources.use(resources.BUILTIN)
    yield
    resources.use(previous)


def page(url: str, text: str) -> Page:
    return Page(url, text, "2019-04-18T10:38:25Z")


def text(letters: str) -> str:
    """``"ab|c"`` as sentences, a line from one bar to the next."""
    return "\n".join(" ".join(f"{letter.upper()}{letter}." for letter in line) for line in letters.split("|"))


@pytest.mark.parametrize(
    ("letters", "left", "tally"),
    [
        ("abc", "abc", {"passed": 3}),
        ("ab", "ab", {"passed": 2}),  # no span at all
        ("abcabc", "abc", {"passed": 3, "local": 3}),  # bca and cab come once, and go with the second abc
        ("abcdabcd", "abcd", {"passed": 4, "local": 4}),
        ("abcdabd", "abcdabd", {"passed": 7}),  # two sentences in common are no span
        ("abab", "abab", {"passed": 4}),
        ("ababa", "aba", {"passed": 3, "local": 2}),  # aba overlaps itself: the first keeps its sentences
        ("aaa", "aaa", {"passed": 3}),
        ("aaaa", "aaa", {"passed": 3, "local": 1}),
        ("aaaaaaa", "aaa", {"passed": 3, "local": 4}),
        ("ab|cd|abc", "ab|cd", {"passed": 4, "local": 3}),  # a span goes over the end of a line
        ("abc|dabce|f", "abc|de|f", {"passed": 6, "local": 3}),  # from the middle of a line
    ],
)
def test_spans_of_one_page(letters: str, left: str, tally: dict[str, int]) -> None:
    names = {
        "passed": "sentence-passed",
        "local": "sentence-filtered:local_duplicate",
    }
    expected = Verdict(page(FIRST, text(left)), {names[name]: n for name, n in tally.items()} | {"passed": 1})
    assert STAGE.judge_all([page(FIRST, text(letters))]) == [expected]


@pytest.mark.parametrize(
    ("pages", "left", "filtered"),
    [
        (["abc", "abc"], ["abc", None], [0, 3]),
        (["abc", "abcd"], ["abc", "d"], [0, 3]),
        (["abc", "bcd"], ["abc", "bcd"], [0, 0]),
        (["abcd", "xbcdy"], ["abcd", "xy"], [0, 3]),
        (["ab|cd", "x|abc|y"], ["ab|cd", "x|y"], [0, 3]),
        # The second owns cde, but its c, d go with bcd, and the third's go with cde: e is lost.
        (["abcd", "bcde", "xcdey"], ["abcd", "e", "xy"], [0, 3, 3]),
        (["abc", "defabc", "def"], ["abc", "def", None], [0, 3, 3]),
        (["abc", "abcabc"], ["abc", None], [0, 6]),
    ],
)
@pytest.mark.parametrize("turn", [1, -1])
def test_a_span_stays_with_the_smallest_hash_of_url(
    pages: list[str], left: list[str | None], filtered: list[int], turn: int
) -> None:
    crawl = [page(url, text(letters)) for url, letters in zip((FIRST, SECOND, THIRD), pages, strict=False)]
    verdicts = STAGE.judge_all(crawl[::turn])[::turn]
    assert [verdict.page and verdict.page.text for verdict in verdicts] == [kept and text(kept) for kept in left]
    found = [verdict.tally.get("sentence-filtered:global_duplicate", 0) for verdict in verdicts]
    assert found == filtered


def test_a_sentence_goes_for_one_reason() -> None:
    """Of another page's span before one of its own: c is in both."""
    (_, verdict) = STAGE.judge_all([page(FIRST, text("cde")), page(SECOND, text("abcxabcde"))])
    assert verdict == Verdict(
        page(SECOND, text("abcx")),
        {
            "sentence-passed": 4,
            "sentence-filtered:local_duplicate": 2,
            "sentence-filtered:global_duplicate": 3,
            "passed": 1,
        },
    )


@pytest.mark.parametrize(
    ("least", "outcome"), [(0, "passed"), (1, "passed"), (2, "passed"), (3, "filtered:too_few_sentences")]
)
def test_min_sentences(least: int, outcome: str) -> None:
    crawl = [page(FIRST, text("abc")), page(SECOND, text("abcxy"))]
    verdict = DedupSpans(span_sentences=3, min_sentences=least).judge_all(crawl)[1]
    tally = {"sentence-filtered:global_duplicate": 3, "sentence-passed": 2, outcome: 1}
    assert verdict == Verdict(page(SECOND, text("xy")) if outcome == "passed" else None, tally)


@pytest.mark.parametrize("least", [0, 3])
def test_a_page_without_text_is_empty(least: int) -> None:
    stage = DedupSpans(span_sentences=3, min_sentences=least)
    crawl = [page(FIRST, text("abc")), page(SECOND, text("abc"))]
    assert stage.judge_all(crawl)[1] == Verdict(None, {"sentence-filtered:global_duplicate": 3, "filtered:empty": 1})
    assert stage.judge_all([page(FIRST, "")]) == [Verdict(None, {"filtered:empty": 1})]


def test_what_stays_is_as_it_was_written() -> None:
    """Blanks between sentences that stay are kept; a line that loses some has none at its ends."""
    mine = page(SECOND, "Xx.   Yy.\nZz.  Aa. Bb.\tCc.   Ww.  Vv")
    verdict = STAGE.judge_all([page(FIRST, text("abc")), mine])[1]
    assert verdict.page == page(SECOND, "Xx.   Yy.\nZz.  Ww.  Vv")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Aa. Bb. Cc.", "Aa.\nBb.  Cc.", True),  # what is between sentences is not theirs
        ("Aa. Bb. Cc.", "Aa. Bb. cc.", False),  # nothing is folded
        ("Aa. Bb. Cc.", "Aa. Bb.  Cc!", False),
        ("Aa is. Bb. Cc.", "Aa  is. Bb. Cc.", False),
    ],
)
def test_keys(one: str, other: str, same: bool) -> None:
    assert (STAGE.keys(one) == STAGE.keys(other)) is same


def test_a_key_is_md5_of_its_sentences() -> None:
    assert STAGE.keys(" Aa. Bb.\nCc. Dd.") == [
        hashlib.md5(b"Aa.\nBb.\nCc.").digest(),
        hashlib.md5(b"Bb.\nCc.\nDd.").digest(),
    ]
    assert STAGE.keys("Aa. Bb.") == STAGE.keys("") == []


def test_sentences_by_the_punkt_that_is_asked() -> None:
    """Four sentences to the newer one, three to the older."""
    shout = "So good !! We go. Now."
    assert [len(DedupSpans(3, 3, punkt=punkt).keys(shout)) for punkt in ("3.9.1", "3.6.5")] == [2, 1]


@given(st.lists(LINES, max_size=4), st.sampled_from([0, 1, 3]), st.integers(1, 4))
def test_conservation_and_all_but_one(texts: list[list[str]], least: int, size: int) -> None:
    """Each sentence is counted once; a span of the output that was one of the input stands at most once."""
    stage = DedupSpans(span_sentences=size, min_sentences=least)
    pages = [page(f"u/{number}", "\n".join(lines)) for number, lines in enumerate(texts)]
    verdicts = stage.judge_all(pages)
    for verdict, before in zip(verdicts, pages, strict=True):
        counted = sum(n for name, n in verdict.tally.items() if name.startswith("sentence-"))
        assert counted == len(before.text.split())
        assert [name for name in verdict.tally if not name.startswith("sentence-")] == [
            name for name in ("passed", "filtered:empty", "filtered:too_few_sentences") if name in verdict.tally
        ]
        assert ("passed" in verdict.tally) is (verdict.page is not None)
        if verdict.page:
            assert len(verdict.page.text.split()) == verdict.tally["sentence-passed"] >= least
    owners = stage.owners(pages)
    owned = [{key for key, owner in owners.items() if owner == stage.owner_rank(p.url)} for p in pages]
    assert [stage.judge_owned(p, keys) for p, keys in zip(pages, owned, strict=True)] == verdicts


@given(st.lists(SENTENCES, max_size=14), st.integers(1, 4))
def test_one_page_by_the_definition(words: list[str], size: int) -> None:
    """A sentence goes if a later occurrence of some span has it, and the first occurrence of that span has it not."""
    windows = [tuple(words[at : at + size]) for at in range(len(words) - size + 1)]
    goes = set()
    for at, window in enumerate(windows):
        first = windows.index(window)
        if at != first:
            goes |= set(range(at, at + size)) - set(range(first, first + size))
    (verdict,) = DedupSpans(size, 0).judge_all([page("u/1", " ".join(words))])
    left = [word for at, word in enumerate(words) if at not in goes]
    assert (verdict.page.text.split() if verdict.page else []) == left


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"span_sentences": 0, "min_sentences": 0}, "span_sentences is 0"),
        ({"span_sentences": 1, "min_sentences": -1}, "min_sentences is -1"),
        ({"span_sentences": 3, "min_sentences": 3, "owner": "path"}, "owner is 'path'"),
        ({"span_sentences": 3, "min_sentences": 3, "punkt": "3.7"}, "punkt is '3.7'"),
    ],
)
def test_impossible_limits(limits: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DedupSpans(**limits)
