"""The decisions across pages on keys are those on pages, however pages are dealt to parts and keys to buckets."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c4pipe.dedup import key_arrays, resolve
from c4pipe.dedup.base import KeepOne, url_claim
from c4pipe.dedup.lines import DedupLines, line_key
from c4pipe.dedup.urls import KeepLargestText, KeepNewest
from c4pipe.page import Page
from c4pipe.text.digests import md5

Place = tuple[int, int]  # part and row of a page
Parts = list[list[Page]]

PAGES = st.builds(
    Page,
    st.sampled_from([f"http{s}://{www}a.com/{n}" for n in range(6) for s in ("", "s") for www in ("", "www.")]),
    st.sampled_from(["a", "b"]),
    st.sampled_from(["2019-04-18T10:38:25Z", "2019-04-18T10:38:26Z", "2019-04-18T10:38:25.5Z", ""]),
    st.sampled_from(["", "text/plain"]),
    st.sampled_from(["1", "12"]),
)
PARTS = st.lists(st.lists(PAGES, max_size=6), min_size=1, max_size=4)
BUCKETS = st.integers(min_value=1, max_value=9)
# Keys of which many share their first word, or their second.
KEYS = st.lists(st.sampled_from([0, 127, 255]), min_size=2, max_size=2).map(
    lambda ends: bytes([ends[0], *bytes(7), *bytes(7), ends[1]])
)


def claims_of(pages: Sequence[Page], part: int) -> pa.Table:
    """The sorted claims of a part's pages."""
    rows = [
        {"key": KeepNewest().key(page), **url_claim(page)._asdict(), "part": part, "row": row}
        for row, page in enumerate(pages)
    ]
    return resolve.sort_url_claims(pa.Table.from_pylist(rows, schema=resolve.URL_CLAIMS))


def url_winners(parts: Parts, buckets: int, order: random.Random, kind: KeepOne | None = None) -> list[Place]:
    """The winners, as a build finds them: a bucket at a time, its claims from the parts in any order."""
    claims = [claims_of(pages, part) for part, pages in enumerate(parts)]
    found: list[Place] = []
    for bucket in range(buckets):
        slices = []
        for table in claims:
            first, last = key_arrays.url_bounds(table, buckets)[bucket : bucket + 2]
            slices.append(table.slice(first, last - first))
        order.shuffle(slices)
        winners, their_keys = resolve.url_winners(pa.concat_tables(slices), (kind or KeepNewest()).rank)
        assert their_keys.tolist() == sorted(set(their_keys.tolist()))
        found += winners.tolist()
    return found


@pytest.mark.parametrize("kind", [KeepNewest(), KeepLargestText()])
@pytest.mark.parametrize("rivals", [1, resolve.RIVALS])
@given(PARTS, BUCKETS, st.randoms(use_true_random=False))
def test_urls_go_to_the_pages_that_judge_all_keeps(
    kind: KeepOne, rivals: int, parts: Parts, buckets: int, order: random.Random
) -> None:
    places = [(part, row) for part, pages in enumerate(parts) for row in range(len(pages))]
    pages = [page for part in parts for page in part]
    expected = [page for page, verdict in zip(pages, kind.judge_all(pages), strict=True) if verdict.page]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resolve, "RIVALS", rivals)
        found = url_winners(parts, buckets, order, kind)
    assert len(set(found)) == len(found) == len(expected)
    assert set(found) <= set(places)
    # Pages that are alike in everything tie; any one of them may win.
    assert Counter(parts[part][row] for part, row in found) == Counter(expected)


@given(st.lists(PAGES, max_size=10, unique_by=url_claim), BUCKETS, st.randoms(use_true_random=False))
def test_urls_go_to_the_same_pages_however_they_are_dealt(
    pages: list[Page], buckets: int, order: random.Random
) -> None:
    dealt: Parts = [[] for _ in range(3)]
    for page in order.sample(pages, len(pages)):
        order.choice(dealt).append(page)
    whole = {pages[row] for _, row in url_winners([pages], 1, order)}
    assert {dealt[part][row] for part, row in url_winners(dealt, buckets, order)} == whole


def test_no_claims() -> None:
    empty = resolve.URL_CLAIMS.empty_table()
    for claims in (empty, pa.concat_tables([empty, empty])):
        winners, their_keys = resolve.url_winners(claims, KeepNewest().rank)
        assert winners.tolist() == their_keys.tolist() == []
    assert key_arrays.url_bounds(empty, 3).tolist() == [0, 0, 0, 0]
    of_lines = claims_of_lines([], part=0)
    assert of_lines.dtype == resolve.LINE_CLAIM
    assert of_lines.tolist() == []
    assert resolve.line_owners(of_lines).tolist() == []


@pytest.mark.parametrize("turn", [1, -1])
def test_equal_claims_have_one_winner(turn: int) -> None:
    page = Page("http://a.com/1", "a", "2019-04-18T10:38:25Z")
    tables = [claims_of([page, page], 0), claims_of([page], 1)][::turn]
    winners, their_keys = resolve.url_winners(pa.concat_tables(tables), KeepNewest().rank)
    assert len(winners) == len(their_keys) == 1


def claims_of_lines(pages: Sequence[tuple[int, bytes, bytes]], *, part: int) -> resolve.LineClaims:
    """The claims of pages that are given as (row, rank, the keys of its lines one behind the other)."""
    rows = np.array([row for row, _, _ in pages], np.uint32)
    counts = np.array([len(packed) // 16 for _, _, packed in pages], np.int64)
    ranks, packed = (b"".join(page[place] for page in pages) for place in (1, 2))
    return resolve.line_claims(rows, ranks, packed, counts, part=part)


LINES = st.lists(st.sampled_from(["One.", "one. ", "Two.", "Three.", "", "É.", "é."]), min_size=1, max_size=6)


@given(st.lists(LINES, max_size=6), st.integers(1, 3), BUCKETS, st.randoms(use_true_random=False))
def test_lines_go_to_the_pages_that_own_them(
    texts: list[list[str]], parts: int, buckets: int, order: random.Random
) -> None:
    """Each line goes to the page that ``DedupLines.owners`` names, at the first place where it stands there."""
    pages = [Page(f"http://a.com/{number}", "\n".join(lines), "2019") for number, lines in enumerate(texts)]
    dealt: Parts = [pages[part::parts] for part in range(parts)]
    claims = [
        claims_of_lines(
            [
                (row, md5(page.url), b"".join(line_key(line) for line in page.text.split("\n")))
                for row, page in enumerate(of_part)
            ],
            part=part,
        )
        for part, of_part in enumerate(dealt)
    ]
    found = []
    for bucket in range(buckets):
        slices = []
        for array in claims:
            first, last = key_arrays.bucket_bounds(array["key"], buckets)[bucket : bucket + 2]
            slices.append(array[first:last])
        order.shuffle(slices)
        owners = resolve.line_owners(np.concatenate(slices)).tolist()
        assert [part for part, _, _ in owners] == sorted(part for part, _, _ in owners)
        found += owners
    owned = {}
    for part, row, line in found:
        page = dealt[part][row]
        lines = [line_key(text) for text in page.text.split("\n")]
        assert lines.index(lines[line]) == line
        assert lines[line] not in owned
        owned[lines[line]] = md5(page.url)
    assert owned == DedupLines(0).owners(pages)


@given(st.lists(st.tuples(KEYS, KEYS), max_size=20), st.randoms(use_true_random=False))
def test_the_least_rank_owns_a_key_by_all_its_bytes(pairs: list[tuple[bytes, bytes]], order: random.Random) -> None:
    """Keys and ranks that share their first eight bytes are told apart by the rest."""
    least: dict[bytes, bytes] = {}
    for key, rank in pairs:
        least[key] = min(rank, least.get(key, rank))
    order.shuffle(pairs)
    claims = claims_of_lines([(row, rank, key) for row, (key, rank) in enumerate(pairs)], part=7)
    owners = resolve.line_owners(claims).tolist()
    assert Counter(pairs[row] for _, row, _ in owners) == Counter(least.items())
    assert {(part, line) for part, _, line in owners} <= {(7, 0)}


def test_a_line_of_every_page_is_claimed_once() -> None:
    pages = [(row, md5(str(row)), line_key("Seen.") + line_key(f"Of {row}.") + line_key("Seen.")) for row in range(9)]
    claims = claims_of_lines(pages, part=3)
    assert len(claims) == 1 + 9
    (seen,) = (claim for claim in claims.tolist() if claim[0] == int.from_bytes(line_key("Seen.")[:8], "big"))
    least = min(range(9), key=lambda row: md5(str(row)))
    assert seen[-3:] == (3, least, 0)
