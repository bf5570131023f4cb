"""The compiled count of sentences is Punkt's own."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import get_args

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c4pipe import engine, resources
from c4pipe.fast.sentences import Punkt
from c4pipe.fs.files import open_read
from c4pipe.text import sentences
from c4pipe.warc.wet import WetReader
from tests.fuzz import fuzz_sentences
from tests.support.columns import column, encodable

PUNKTS = get_args(sentences.Punkt)
PIECES = (
    *(
        ".",
        ".",
        ".",
        "?",
        "!",
        "..",
        "...",
        ".\u201d",
        "1",
        "7.5",
        "-3",
        ",",
        ",.",
        "-",
        "--",
        "a",
        "B",
        "e.g",
        "Mr",
        "st",
    ),
    *("A.", "J", "\u00c9", "\u0661", "_", "(", ")", "[", "]", "}", "{", '"', "'", ";", ":", "word", "Word"),
    *("\n", "\n\n", "\t", "\x1c", "\x85", "\u00a0", "\u3000", "\u2028", "  ", " ", " ", "\u0130", "\u03a3", "\ud800"),
)
TEXTS = st.lists(st.sampled_from(PIECES), max_size=30).map("".join) | st.text(max_size=60)


@pytest.fixture(autouse=True, scope="module")
def fast() -> Iterator[ModuleType]:
    previous = resources.source()
    resources.use(resources.BUILTIN)
    with engine.using(None):
        room = engine.twin("sentences")
        assert room is not None
        yield room
    resources.use(previous)


@pytest.mark.parametrize("punkt", PUNKTS)
@settings(max_examples=400)
@given(text=TEXTS)
def test_any_text(punkt: sentences.Punkt, text: str) -> None:
    assert sentences.count(text, punkt=punkt) == len(list(sentences.spans(text, punkt=punkt)))


@pytest.mark.parametrize("punkt", PUNKTS)
@pytest.mark.parametrize("chosen", ["plain", None])
@given(texts=st.lists(TEXTS.map(encodable), max_size=6), least=st.integers(-1, 4))
def test_any_column(chosen: str | None, punkt: sentences.Punkt, texts: list[str], least: int) -> None:
    with engine.using(chosen):
        enough = sentences.at_least_each(pa.array(texts, pa.large_string()), least, punkt)
        assert enough.tolist() == [sentences.at_least(text, sentences=least, punkt=punkt) for text in texts]


def test_a_column_of_nothing(fast: ModuleType) -> None:
    for punkt in PUNKTS:
        compiled = sentences._compiled(fast, resources.source(), punkt)
        assert compiled.at_least_column(*column([]), 3) == b""
        assert list(compiled.at_least_column(*column(["", "", " "]), 0)) == [1, 1, 1]
        assert list(compiled.at_least_column(*column(["", "", " "]), -1)) == [0, 0, 0]


def test_every_text_of_few_characters() -> None:
    """Marks and what is next to them, in every order."""
    for punkt in PUNKTS:
        for length, characters in ((4, '.?" \u00a0)a-'), (5, ". aA"), (5, ".\n\u00a0"), (7, ".\u00a0a"), (4, ".!, \n")):
            for text in map("".join, itertools.product(characters, repeat=length)):
                plain = len(list(sentences.spans(text, punkt=punkt)))
                assert sentences.count(text, punkt=punkt) == plain, (punkt, text)


@pytest.mark.parametrize("punkt", PUNKTS)
@pytest.mark.parametrize(
    "text", ["One. Two! x. Four is five?", "\u00e9. Mr. A.\u00a0 b.\u4e2d. \U0001f600. C", ". . .\n a.) B. c", "\n  . "]
)
def test_every_head_of_a_text(fast: ModuleType, punkt: sentences.Punkt, text: str) -> None:
    """Wherever the part ends that is tried first, and whatever stands before it in the same 64 characters."""
    compiled = sentences._compiled(fast, resources.source(), punkt)
    for shift in (0, 40, 70):
        moved = "x" * shift + text
        plain = len(list(sentences.spans(moved, punkt=punkt)))
        for limit in range(-1, plain + 2):
            heads = range(len(moved.encode()) + 2)
            found = [compiled.at_least_column(*column([moved]), limit, head) == b"\1" for head in heads]
            assert found == [min(plain, max(limit, 0)) == limit] * len(heads), limit


def test_every_character_beside_a_mark(real_resources: Path) -> None:
    """One of each sort that Unicode's properties and Punkt tell apart, and all that are blanks."""
    others = [0x345, 0x3A3, 0x660, 0x1680, 0x1C5, 0x3000, 0x9FA5, 0xD800, 0x10400, 0x1F600]
    for c in map(chr, [*range(0x180), *range(0x2000, 0x2070), *others]):
        text = f"{c}. {c}a.{c} x{c}. B{c}.{c}. {c}{c}.\n{c}1."
        for punkt in PUNKTS:
            assert sentences.count(text, punkt=punkt) == len(list(sentences.spans(text, punkt=punkt))), (punkt, text)


def test_every_parameter_counts(real_resources: Path) -> None:
    """Each abbreviation, collocation, starter and context, in a text that it can decide."""
    of = sentences._parameters(resources.source())
    starters = sorted(of.sent_starters)
    for word in sorted(of.abbrev_types):
        fuzz_sentences.agree(f"It is {word}. {word}. {word}-{word}. The {word.upper()}. x-{word}. It {word}.")
    for pair in sorted(of.collocations):
        first, then = (word.replace("##number##", "12") for word in pair)
        fuzz_sentences.agree(f"A {first}. {then} b. {first.title()}. {then.title()} is. {first}. {then}. {first}.")
    for word in starters:
        fuzz_sentences.agree(f"At p.m. {word.title()} we go. At p.m. {word} we go... {word.title()} it is. 3. {word}.")
    for word in sorted(of.ortho_context)[::40]:
        head = word.title()
        fuzz_sentences.agree(f"J. {head} a. J. {word} a. 7. {head} a. 7. {word} a. Mr. {head}. {word}")
        fuzz_sentences.agree(f"J. {head},")  # a comma ends the word at the end of the text too


@pytest.mark.parametrize("limit", [-1, 0, 1, 2, 3, 4, 1 << 40])
def test_no_further_than_the_limit(limit: int) -> None:
    assert sentences.counter()("One. Two. Three.", limit) == min(3, max(limit, 0))


def test_real_pages(ten_wet_files: list[Path], real_resources: Path) -> None:
    """Whether a page has enough, alone and in a column, and how many some have."""
    for path in ten_wet_files:
        with open_read(str(path)) as stream:
            texts = [page.text for page in WetReader(stream, name=path.name)]
        for punkt in PUNKTS:
            found = [sentences.counter(punkt)(text, 3) for text in texts]
            assert found == [sum(1 for _ in itertools.islice(sentences.spans(text, punkt=punkt), 3)) for text in texts]
            enough = sentences.at_least_each(pa.array(texts, pa.large_string()), 3, punkt)
            assert enough.tolist() == [count == 3 for count in found]
        for text in texts[::100]:
            fuzz_sentences.agree(text)


@pytest.mark.parametrize("builtin", [True, False])
def test_mutated_texts(builtin: bool, shared: Path) -> None:
    """A start of what can run for long."""
    resources.use(resources.BUILTIN if builtin else str(shared / "data" / "resources"))
    lines = ['Mr. Smith went to Washington, D.C. on Jan. 5. He said "no." Then... he left!', "No. 7 is here. Is it?"]
    for text in itertools.islice(fuzz_sentences.inputs(random.Random(builtin), lines), 1500):
        fuzz_sentences.agree(text)
    resources.use(resources.BUILTIN)


def test_parameters_are_what_counts() -> None:
    """Nothing of them is in the code."""
    text = "Go to foo. Bar is there."
    none = Punkt([], [], [], {}, whole_words=False)
    assert none.count(text, 9) == 2
    assert Punkt(["foo"], [], [], {}, whole_words=False).count(text, 9) == 1
    assert Punkt([], [("foo", "bar")], [], {}, whole_words=False).count(text, 9) == 1
    assert Punkt(["foo"], [], ["bar"], {}, whole_words=False).count(text, 9) == 2
    assert Punkt(["foo"], [], [], {"bar": 16}, whole_words=False).count(text, 9) == 2
