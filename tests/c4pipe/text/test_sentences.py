"""Sentences as Punkt of NLTK 3.8.1 and 3.9.1 counts them, and as it did up to 3.6.5."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import nltk
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c4pipe import engine, resources
from c4pipe.text import sentences

TEXTS = st.text(st.sampled_from("aB. \n?!\"')\u201d1"), max_size=60)


@pytest.fixture(autouse=True, scope="module", params=["plain", None], ids=["plain", "fast"])
def builtin(request: pytest.FixtureRequest) -> Iterator[None]:
    """All that is said here holds for both engines."""
    previous = resources.source()
    resources.use(resources.BUILTIN)
    with engine.using(request.param):
        yield
    resources.use(previous)


def test_nltk_is_a_release_with_the_reference_algorithm() -> None:
    assert nltk.__version__ == "3.9.1"
    assert sentences.algorithm() == "Punkt of NLTK 3.9.1"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        (" \n\u3000", 0),
        ("no end", 1),
        ("One. Two. Three.", 3),
        ("One. Two. Three", 3),
        ("So good !! We go.", 3),  # detached marks are a sentence of their own: not so before 3.8.1
        ("Really ?! Yes.", 3),
        ("He said \u201cgo.\u201d She went.", 1),  # a curly quote closes nothing: not so from 3.10 on
        ('He said "go." She went.', 2),
        ("\u3000".join(["体験談?"] * 5), 2),  # only ASCII white space parts tokens: 5 before 3.8.1
        ("(One.) Two.", 2),
        ("Dr. Smith came. He left.", 2),
        ("We saw Dr.\nSmith.", 1),  # a line feed is a blank like any other
    ],
)
def test_count(text: str, count: int) -> None:
    assert sentences.count(text) == count


# Text, and how many sentences NLTK 3.5 and 3.6.5 found in it, and how many 3.9.1 does, with the pinned parameters.
OTHERWISE = [
    ("So good !! We go.", 2, 3),
    ("Really ?! Yes.", 2, 3),
    ("What ??? No one knew it.", 2, 3),
    ("\u3000".join(["体験談?"] * 5), 5, 2),
    ("One.\u2009Two.\u2009Three.", 3, 2),
    ("One.\u00a0Two.\u00a0Three.", 3, 2),
]
ALIKE = [
    ("", 0),
    (" \n\u3000", 0),
    ("no end", 1),
    ("One. Two. Three.", 3),
    ("He said \u201cgo.\u201d She went.", 1),
    ('He said "go." She went.', 2),
    ("(One.) Two.", 2),
    ("Wait... what? No!", 2),
    ("Dr. Smith came. He left.", 2),
    ("a!b?c. D", 2),
    ("wow!!!wow. Yes", 2),
    ("We saw Dr.\nSmith.", 1),
]


@pytest.mark.usefixtures("real_resources")
@pytest.mark.parametrize(("text", "then", "now"), [*OTHERWISE, *((text, count, count) for text, count in ALIKE)])
def test_count_as_it_was_until_365(text: str, then: int, now: int) -> None:
    assert (sentences.count(text, punkt="3.6.5"), sentences.count(text)) == (then, now)
    assert sentences.at_least(text, sentences=then, punkt="3.6.5")
    assert not sentences.at_least(text, sentences=then + 1, punkt="3.6.5")


@given(st.text(st.sampled_from("aB. \n?!\"')}*\u201d1\u3000\x1c"), max_size=60))
def test_marks_are_those_of_the_plain_expression(text: str) -> None:
    """What NLTK up to 3.6.5 searched for in one expression: a word as far as its last mark that may end a sentence."""
    punkt = sentences._tokenizer(resources.BUILTIN, "3.6.5")
    marks = punkt._lang_vars.period_context_re()
    plain = re.compile(r"\S*" + marks.pattern, marks.flags)
    found = [
        (mark.end(), mark.group("next_tok"), context) for mark, context in punkt._match_potential_end_contexts(text)
    ]
    assert found == [(m.end(), m["next_tok"], m.group() + m["after_tok"]) for m in plain.finditer(text)]


def test_a_long_word_takes_no_longer_than_its_length() -> None:
    """The plain expression needs the square of it: ten minutes for this word, and an hour and more for a whole page."""
    assert sentences.count("x" * 100_000 + ".y! No.", punkt="3.6.5") == 2


def test_unknown_algorithm() -> None:
    sentences.require_known("3.6.5")
    with pytest.raises(ValueError, match=r"punkt is '3\.7', but must be one of 3\.6\.5, 3\.9\.1"):
        sentences.require_known("3.7")


@pytest.mark.usefixtures("real_resources")
def test_pinned_parameters_know_more_than_abbreviations() -> None:
    """The stand-in lacks "Minn.", and that "However" begins sentences."""
    texts = ("He lives in Minn. with his dog.", "He came at 5 p.m. However it rained.")
    pinned = [sentences.count(text) for text in texts]
    resources.use(resources.BUILTIN)
    assert (pinned, [sentences.count(text) for text in texts]) == ([1, 2], [2, 1])


@given(TEXTS, st.integers(0, 4))
def test_at_least_is_count(text: str, least: int) -> None:
    assert sentences.at_least(text, sentences=least) is (sentences.count(text) >= least)


@given(TEXTS)
def test_spans_are_in_order_and_hold_all_but_blanks(text: str) -> None:
    spans = list(sentences.spans(text))
    inside = "".join(text[begin:end] for begin, end in spans)
    assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(spans))
    assert "".join(inside.split()) == "".join(text.split())


def test_contexts_do_not_grow_with_the_words_asked() -> None:
    """A worker sees billions of words."""
    contexts = sentences._tokenizer(resources.BUILTIN)._params.ortho_context
    sentences.count("Ask Dr. Zzyzx. Ask J. Qwxyz of it.")
    assert len(contexts) == 0


def test_builtin_stand_in_is_named_with_its_hash() -> None:
    used = resources.used(sentences.RESOURCES)
    assert sorted(used) == [f"builtin:{name}" for name in sorted(sentences.RESOURCES)]
