"""Each rule at its limit: fires, or does not."""

from __future__ import annotations

import pytest

from c4pipe.rules import contains, fewer_words_than, has_word, mentions, no_end_mark, without, word_longer_than


@pytest.mark.parametrize(
    ("line", "fires"),
    [
        ("x" * 9, False),
        ("x" * 10, False),
        ("x" * 11, True),
        ("short " + "x" * 11 + " short", True),
        ("x" * 6 + " " + "x" * 6, False),
        ("x" * 6 + "\u00a0" + "x" * 6, False),  # a no-break space parts words
        ("x" * 6 + "\u200b" + "x" * 6, True),  # a zero-width space does not
        ("\U0001f600" * 10, False),  # code points, not UTF-16 units or bytes
        ("", False),
    ],
)
def test_word_longer_than(line: str, fires: bool) -> None:
    assert word_longer_than(characters=10)(line) is fires


@pytest.mark.parametrize(
    ("line", "fires"),
    [
        ("An end.", False),
        ("An end?", False),
        ('"An end"', False),
        ("No end", True),
        ("An end. ", True),  # nothing is stripped here
        ("An end..", False),
        ("An end...", True),
        ("An end....", True),
        ("An end. . .", False),
        ("An end\u2026", True),
        ("An end\u201d", True),
        ("An end\u3002", True),
        ("...", True),
        (".", False),
        ("", True),
    ],
)
def test_no_end_mark(line: str, fires: bool) -> None:
    assert no_end_mark(marks=(".", "?", "!", '"'), ellipsis="...")(line) is fires


@pytest.mark.parametrize(
    ("line", "fires"),
    [
        ("One two three four.", True),
        ("One two three four five.", False),
        ("One two three four five six.", False),
        ("One\u00a0two three four five.", False),  # split() also parts at a no-break space
        ("One\u3000two\tthree  four\u2009five.", False),
        ("One\u200btwo three four five.", True),
        ("", True),
    ],
)
def test_fewer_words_than(line: str, fires: bool) -> None:
    assert fewer_words_than(words=5)(line) is fires


@pytest.mark.parametrize(
    ("line", "fires"),
    [
        ("Lorem Ipsum dolor.", True),
        ("lorem  ipsum dolor.", False),
        ("Xlorem ipsumx.", True),
        ("We use cookies.", True),
        ("Ipsum lorem.", False),
        ("", False),
    ],
)
def test_mentions(line: str, fires: bool) -> None:
    assert mentions(phrases=("lorem ipsum", "use cookies"))(line) is fires


@pytest.mark.parametrize(
    ("line", "fires"),
    [
        ("An end...", False),
        ("An end. . .", False),
        ("An end\u2026", True),
        ("An end", True),
        ("", True),
        ("...", False),
    ],
)
def test_an_ellipsis_ends_a_line_where_none_is_named(line: str, fires: bool) -> None:
    assert no_end_mark(marks=(".", "?"))(line) is fires


@pytest.mark.parametrize(
    ("line", "fires"),
    [
        ("javascript", True),
        ("Please enable JavaScript!", True),
        ("a Javascript-only page", True),
        ("see x/javascript.html", True),
        ("JavaScripts", False),
        ("myjavascript", False),
        ("javascript_", False),  # an underscore, a digit and an accented letter are of the word
        ("javascript2", False),
        ("éjavascript", False),
        ("java script", False),
        ("", False),
    ],
)
def test_has_word(line: str, fires: bool) -> None:
    assert has_word(word="javascript")(line) is fires


def test_a_word_is_no_pattern() -> None:
    assert [has_word(word="a.b")(line) for line in ("a.b", "axb")] == [True, False]


def test_contains_keeps_to_case() -> None:
    fires = contains(substring="a{")
    assert [fires(line) for line in ("xa{", "xA{", "a {")] == [True, False, False]


@pytest.mark.parametrize(
    ("line", "edited"),
    [
        ("A fact.[3]", "A fact."),
        ("A fact. [3]", "A fact. "),
        ("A[] b[12] c[edit] d[citation needed].", "A b c d."),
        ("[Edit] [a] [1a] [ 1 ]", "[Edit] [a] [1a] [ 1 ]"),
        ("[\u0663]", ""),  # any Unicode digit
        ("[[1]]", "[]"),  # one pass
    ],
)
def test_without(line: str, edited: str) -> None:
    assert without(pattern=r"\[\d*\]|\[edit\]|\[citation needed\]")(line) == edited
