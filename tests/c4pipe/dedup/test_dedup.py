"""One page a URL, one page a line: the order is total and comes from content alone."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c4pipe import resources
from c4pipe.dedup.base import KeepOne, url_claim
from c4pipe.dedup.lines import DedupLines, line_key
from c4pipe.dedup.spans import DedupSpans
from c4pipe.dedup.urls import KeepLargestText, KeepNewest
from c4pipe.page import Page, Verdict
from c4pipe.text import sentences
from c4pipe.text.digests import md5

WON, LOST = {"passed": 1, "filtered": 0}, {"filtered": 0}
PAGE = Page("http://a.com/x", "a", "2019-04-18T10:38:25Z", "text/plain", "12")
PAGES = st.builds(
    Page,
    st.sampled_from(["http://a.com/x", "https://www.a.com/x/", "http://a.com/x?ref=1", "http://b.com"]),
    st.sampled_from(["a", "b"]),
    st.sampled_from(["2019-04-18T10:38:25Z", "2019-04-18T10:38:25.5Z"]),
    st.sampled_from(["", "text/plain"]),
    st.sampled_from(["1", "12"]),
)
LINES = st.sampled_from(["One line.", "one LINE. ", "Another line.", "A third.", "", "É.", "é."])


@pytest.fixture(autouse=True, scope="module")
def builtin() -> Iterator[None]:
    previous = resources.source()
    resources.use(resources.BUILTIN)
    yield
    resources.use(previous)


@pytest.mark.parametrize(
    ("rival", "wins"),
    [
        (replace(PAGE, timestamp="2019-04-18T10:38:26Z"), True),
        (replace(PAGE, timestamp="2019-04-18T10:38:24Z", text="b"), False),
        (replace(PAGE, timestamp="2019-04-18T10:38:25.5Z"), False),  # compared as text: "." is before "Z"
        (replace(PAGE, timestamp=""), False),
        (replace(PAGE, text="b", url="http://www.a.com/x"), True),  # md5 92eb... of b, 0cc1... of a
        (replace(PAGE, url="http://a.com/x/"), False),  # the smaller URL wins
        (replace(PAGE, url="ftp.http://a.com/x", text="a"), None),  # another page
        (replace(PAGE, content_type=""), True),
        (replace(PAGE, content_type="text/plain2"), False),
        (replace(PAGE, content_length="1"), True),
        (replace(PAGE, content_length="13"), False),
        (replace(PAGE, content_length="12 "), False),
    ],
)
def test_keep_newest(rival: Page, wins: bool | None) -> None:
    stage = KeepNewest()
    expected = {
        True: [Verdict(None, LOST), Verdict(rival, WON)],
        False: [Verdict(PAGE, WON), Verdict(None, LOST)],
        None: [Verdict(PAGE, WON), Verdict(rival, WON)],
    }[wins]
    assert stage.judge_all([PAGE, rival]) == expected
    assert stage.judge_all([rival, PAGE]) == expected[::-1]


@pytest.mark.parametrize(
    ("rival", "wins"),
    [
        (replace(PAGE, timestamp="2026-01-01T00:00:00Z", text="c"), False),  # md5 4a8a... of c, 0cc1... of a
        (replace(PAGE, timestamp="2013-01-01T00:00:00Z", text="b", url="http://www.a.com/x"), True),  # 92eb... of b
        (replace(PAGE, timestamp="", text="b"), True),
        (replace(PAGE, url="http://a.com/x/"), False),  # of the same text the smaller URL wins
        (replace(PAGE, url="http://a.com/x/", timestamp="2026-01-01T00:00:00Z"), False),
        (replace(PAGE, timestamp="2019-04-18T10:38:26Z"), True),  # then the newer one
        (replace(PAGE, content_type=""), True),
        (replace(PAGE, content_length="13"), False),
        (replace(PAGE, url="ftp.http://a.com/x"), None),  # another page
    ],
)
def test_keep_largest_text(rival: Page, wins: bool | None) -> None:
    mine = replace(PAGE, text="d") if rival.text == "c" else PAGE  # md5 8277... of d
    expected = {
        True: [Verdict(None, {"filtered": 1}), Verdict(rival, WON)],
        False: [Verdict(mine, WON), Verdict(None, {"filtered": 1})],
        None: [Verdict(mine, WON), Verdict(rival, WON)],
    }[wins]
    assert KeepLargestText().judge_all([mine, rival]) == expected
    assert KeepLargestText().judge_all([rival, mine]) == expected[::-1]


EITHER = pytest.mark.parametrize("stage", [KeepNewest(), KeepLargestText()], ids=lambda stage: type(stage).__name__)


@EITHER
def test_one_of_equal_pages_stays(stage: KeepOne) -> None:
    assert [verdict.page for verdict in stage.judge_all([PAGE, PAGE])].count(PAGE) == 1


@EITHER
@given(st.lists(PAGES, max_size=8), st.randoms(use_true_random=False))
def test_one_page_a_url_whatever_the_order(stage: KeepOne, pages: list[Page], random: object) -> None:
    shuffled = pages.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    kept = [verdict.page for verdict in stage.judge_all(pages) if verdict.page]
    again = [verdict.page for verdict in stage.judge_all(shuffled) if verdict.page]
    assert Counter(kept) == Counter(again)
    assert len(kept) == len({stage.key(page) for page in pages})

    def first(page: Page) -> object:
        return page.timestamp if stage == KeepNewest() else md5(page.text)

    for page in kept:
        assert first(page) == max(first(rival) for rival in pages if stage.key(rival) == stage.key(page))


@EITHER
@given(PAGES, PAGES)
def test_ranks_are_equal_for_equal_content_alone(stage: KeepOne, one: Page, other: Page) -> None:
    assert (stage.rank(url_claim(one)) == stage.rank(url_claim(other))) is (one == other)


def test_keys_are_md5() -> None:
    assert line_key("  ÉCOLE \u00a0") == hashlib.md5("école".encode()).digest()
    assert DedupLines(0).owner_rank("http://www.a.com/") == hashlib.md5(b"http://www.a.com/").digest()
    assert KeepNewest().key(PAGE) == hashlib.md5(b"a.com/x").digest()


def page(url: str, *lines: str) -> Page:
    return Page(url, "\n".join(lines), "2019-04-18T10:38:25Z")


FIRST, SECOND = sorted(("u/1", "u/2"), key=md5)


@pytest.mark.parametrize("turn", [1, -1])
def test_a_line_stays_with_the_smallest_hash_of_url(turn: int) -> None:
    pages = [
        page(FIRST, "Cats purr.", "Dogs bark.", "Owls hoot."),
        page(SECOND, "Cows low.", "cats PURR. ", "Ducks quack.", "Bees hum."),
    ]
    verdicts = [
        Verdict(pages[0], {"line-passed": 3, "passed": 1}),
        Verdict(
            page(SECOND, "Cows low.", "Ducks quack.", "Bees hum."),
            {"line-passed": 3, "line-filtered:global_duplicate": 1, "passed": 1},
        ),
    ]
    assert DedupLines(min_sentences=3).judge_all(pages[::turn]) == verdicts[::turn]


def test_a_line_stays_once_in_its_page_as_it_was_first_written() -> None:
    stage = DedupLines(min_sentences=0)
    assert stage.judge_all([page(FIRST, " Cats purr. ", "Dogs bark.", "cats PURR.")]) == [
        Verdict(
            page(FIRST, " Cats purr. ", "Dogs bark."),
            {"line-passed": 2, "line-filtered:local_duplicate": 1, "passed": 1},
        )
    ]


def test_a_line_is_lost_with_its_owner() -> None:
    pages = [page(FIRST, "Cats purr."), page(SECOND, "Cats purr.", "Dogs bark.", "Owls hoot.")]
    assert DedupLines(min_sentences=2).judge_all(pages) == [
        Verdict(None, {"line-passed": 1, "filtered:too_few_sentences": 1}),
        Verdict(
            page(SECOND, "Dogs bark.", "Owls hoot."),
            {"line-passed": 2, "line-filtered:global_duplicate": 1, "passed": 1},
        ),
    ]


@pytest.mark.parametrize(("least", "dropped"), [(0, False), (1, False), (2, False), (3, True)])
def test_sentences_are_counted_on_the_joined_text(least: int, dropped: bool) -> None:
    """Three lines, two sentences: no line is lost, but a full stop after "Dr" ends nothing."""
    talk = page(FIRST, "We talked to Dr.", "Roberts went home.", "He was happy.")
    (verdict,) = DedupLines(least).judge_all([talk])
    outcome = "filtered:too_few_sentences" if dropped else "passed"
    assert verdict == Verdict(None if dropped else talk, {"line-passed": 3, outcome: 1})


def test_a_page_without_text_is_empty_with_no_minimum_too() -> None:
    pages = [page(FIRST, "Cats purr."), page(SECOND, "Cats purr.")]
    assert DedupLines(0).judge_all(pages)[1] == Verdict(
        None, {"line-filtered:global_duplicate": 1, "filtered:empty": 1}
    )
    assert DedupLines(0).judge_all([page(FIRST, "")]) == [Verdict(None, {"line-passed": 1, "filtered:empty": 1})]


def test_only_a_line_feed_parts_lines() -> None:
    pages = [page(FIRST, "Cats purr.\u2028Dogs bark."), page(SECOND, "Dogs bark.")]
    assert [verdict.tally for verdict in DedupLines(0).judge_all(pages)] == [{"line-passed": 1, "passed": 1}] * 2


def test_a_line_stays_with_the_smallest_hash_of_normalized_url() -> None:
    """As in 3.0.1: 0f7b... of u/1 and 957a... of u/2, where the full URLs' are f09e... and 968c..."""
    pages = [page("http://www.u/1", "Cats purr."), page("http://www.u/2", "Cats purr.")]
    by_url = DedupLines(0).judge_all(pages)
    by_normalized = DedupLines(0, owner="normalized_url").judge_all(pages)
    assert [v.page is not None for v in by_url] == [False, True]
    assert [v.page is not None for v in by_normalized] == [True, False]


@given(st.lists(st.lists(LINES, min_size=1, max_size=6), max_size=5), st.sampled_from([0, 1, 3]))
def test_every_line_is_counted_and_has_one_owner(texts: list[list[str]], least: int) -> None:
    pages = [page(f"u/{number}", *lines) for number, lines in enumerate(texts)]
    verdicts = DedupLines(least).judge_all(pages)
    for verdict, lines in zip(verdicts, texts, strict=True):
        lines_counted = sum(n for name, n in verdict.tally.items() if name.startswith("line-"))
        page_counted = [name for name in verdict.tally if not name.startswith("line-")]
        assert lines_counted == len(lines)
        assert len(page_counted) == 1
        assert (page_counted == ["passed"]) is (verdict.page is not None)
    kept = [line_key(line) for v in verdicts if v.page for line in v.page.text.split("\n")]
    assert len(kept) == len(set(kept))
    passed = sum(verdict.tally.get("line-passed", 0) for verdict in verdicts)
    assert passed == len({line_key(line) for lines in texts for line in lines})


@given(st.lists(st.lists(LINES, min_size=1, max_size=6), max_size=5))
def test_one_page_alone_is_judged_as_all_are(texts: list[list[str]]) -> None:
    """Whoever settles the owners."""
    stage = DedupLines(min_sentences=1)
    pages = [page(f"u/{number}", *lines) for number, lines in enumerate(texts)]
    owners = stage.owners(pages)
    owned = [{key for key, owner in owners.items() if owner == stage.owner_rank(p.url)} for p in pages]
    assert [stage.judge_owned(p, keys) for p, keys in zip(pages, owned, strict=True)] == stage.judge_all(pages)


@pytest.mark.parametrize(("punkt", "dropped"), [("3.9.1", True), ("3.6.5", False)])
def test_sentences_by_the_punkt_that_is_asked(punkt: sentences.Punkt, dropped: bool) -> None:
    """A blank that is not ASCII parts words for the older one alone."""
    asked = page(FIRST, "\u3000".join(["体験談?"] * 5))
    (verdict,) = DedupLines(3, punkt=punkt).judge_all([asked])
    outcome = "filtered:too_few_sentences" if dropped else "passed"
    assert verdict == Verdict(None if dropped else asked, {"line-passed": 1, outcome: 1})


class Backwards(DedupLines):
    """A stage that is derived from another may make other keys."""

    def keys(self, text: str) -> list[bytes]:
        return super().keys(text[::-1])


def test_stages_that_make_the_same_keys_say_so() -> None:
    """Of lines whatever the limits, of spans by their length, the model and its parameters; others for themselves."""
    lines, spans, own = DedupLines(3), DedupSpans(3, 1), Backwards(3)
    assert lines.keyed == DedupLines(0, owner="normalized_url", punkt="3.6.5").keyed
    assert spans.keyed == DedupSpans(3, 5, owner="normalized_url").keyed
    others = [lines, spans, DedupSpans(2, 1), DedupSpans(3, 1, punkt="3.6.5"), own, Backwards(2)]
    assert len({stage.keyed for stage in others}) == len(others)
    before = [stage.keyed for stage in (lines, spans, own)]
    resources.use(None)
    after = [stage.keyed for stage in (lines, spans, own)]
    resources.use(resources.BUILTIN)
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, False, False]


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"min_sentences": -1}, "min_sentences is -1"),
        ({"min_sentences": 0, "owner": "path"}, "owner is 'path', but must be one of url, normalized_url"),
        ({"min_sentences": 0, "punkt": "3.7"}, r"punkt is '3\.7', but must be one of 3\.6\.5, 3\.9\.1"),
    ],
)
def test_impossible_limits(limits: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DedupLines(**limits)
