"""All but one of any three-sentence span: deduplication as the T5 paper words it.

    sentences   a b c d e        a span is three sentences that follow each other: abc, bcd, cde
    another     b c d f          bcd occurs twice: the page of the least rank keeps it, the other keeps f

Each line is split into sentences on its own: the lines that the paper retains end in a mark that ends a sentence. A
span may cross lines.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from c4pipe import resources
from c4pipe.dedup.base import Dedup, OwnerOrder, require_owner_order
from c4pipe.page import Page, Verdict
from c4pipe.text import sentences
from c4pipe.text.digests import md5

Lines = list[list[str]]  # the sentences of each line, each with the blanks that follow it


@dataclass(frozen=True)
class DedupSpans(Dedup):
    """Discard all but one occurrence of each span of sentences, then pages left with fewer than ``min_sentences``.

    The first occurrence on the page that owns the span stays. A sentence goes with each discarded span that contains
    it, even if a span that stays contains it, too. But an occurrence that overlaps the one that stays takes nothing
    from it. Removing sentences makes new spans; these are not compared.
    """

    span_sentences: int
    min_sentences: int
    owner: OwnerOrder = "url"
    punkt: sentences.Punkt = sentences.CURRENT
    name: str = "dedupe-spans"  # none of TFDS's

    def __post_init__(self) -> None:
        sentences.require_known(self.punkt)
        require_owner_order(self.owner)
        if self.min_sentences < 0:
            raise ValueError(f"min_sentences is {self.min_sentences}, but must be 0 (no minimum) or more")
        if self.span_sentences < 1:
            raise ValueError(f"span_sentences is {self.span_sentences}, but must be 1 or more")

    def resources(self) -> Mapping[str, bytes | None]:
        """The pinned files that the stage reads, with their built-in stand-ins."""
        return sentences.RESOURCES

    @property
    def keyed(self) -> tuple[object, ...]:
        """What the keys depend on: the length of a span and the sentence model. A derived stage may make other keys."""
        if type(self) is not DedupSpans:
            return super().keyed
        return DedupSpans, self.span_sentences, self.punkt, *resources.used(self.resources()).items()

    def keys(self, text: str) -> list[bytes]:
        """The key of each span: MD5 of its sentences, each stripped and otherwise as written."""
        return self._keys(self._lines(text))

    def judge_owned(self, page: Page, owned: Collection[bytes]) -> Verdict:
        """Judge one page, given the span keys that it owns. Pure: it does not matter how owners were found."""
        lines = self._lines(page.text)
        fates = self._fates(self._keys(lines), sum(map(len, lines)), owned)
        tally = Counter(fates)
        coming = iter(fates)
        kept = ["".join(piece for piece in line if next(coming) == _PASSED).strip() for line in lines]
        text = "\n".join(filter(None, kept))
        if not text:
            return Verdict(None, {**tally, "filtered:empty": 1})
        if tally[_PASSED] < self.min_sentences:
            return Verdict(None, {**tally, "filtered:too_few_sentences": 1})
        return Verdict(replace(page, text=text), {**tally, "passed": 1})

    def _lines(self, text: str) -> Lines:
        return [list(_pieces(line, self.punkt)) for line in text.split("\n")]

    def _keys(self, lines: Lines) -> list[bytes]:
        stripped = [piece.strip() for line in lines for piece in line]
        return [
            md5("\n".join(stripped[at : at + self.span_sentences]))
            for at in range(len(stripped) - self.span_sentences + 1)
        ]

    def _fates(self, keys: list[bytes], count: int, owned: Collection[bytes]) -> list[str]:
        """The counter under which each of ``count`` sentences counts."""
        fates = [_PASSED] * count
        first: dict[bytes, int] = {}
        for at, key in enumerate(keys):
            if key not in owned:
                fates[at : at + self.span_sentences] = [_GLOBAL] * self.span_sentences
            elif first.setdefault(key, at) != at:
                begin = max(at, first[key] + self.span_sentences)  # spare sentences of the occurrence that stays
                for sentence in range(begin, at + self.span_sentences):
                    fates[sentence] = _LOCAL if fates[sentence] == _PASSED else fates[sentence]
        return fates


_PASSED, _GLOBAL, _LOCAL = (
    f"sentence-{fate}" for fate in ("passed", "filtered:global_duplicate", "filtered:local_duplicate")
)


def _pieces(line: str, punkt: sentences.Punkt) -> list[str]:
    """The sentences of a line, each up to the next. Joined they are the line, without blanks before the first."""
    begins = [begin for begin, _ in sentences.spans(line, punkt=punkt)]
    return [line[begin:end] for begin, end in itertools.pairwise([*begins, len(line)])]
