"""The compiled detector gives the plain one's digits."""

from __future__ import annotations

import functools
import json
import math
import random
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langdetect.detector import Detector
from langdetect.utils.ngram import NGram

from c4pipe import engine
from c4pipe.page import Page
from c4pipe.stages.language import English
from c4pipe.text import language_detector, language_profiles
from c4pipe.warc.wet import WetReader
from tests.fuzz.fuzz_langdetect import (
    NARROWER,
    agree,
    agree_in_column,
    agree_in_digits,
    agree_in_ngrams,
    inputs,
    of_each_width,
)
from tests.support.columns import agree_on_batch, column, encodable

ENGLISH = "The quick brown fox jumps over the lazy dog near the river bank."
RUSSIAN = "Быстрая коричневая лиса прыгает через ленивую собаку у реки."
LIMIT = 10_000  # characters, langdetect


@pytest.fixture(autouse=True)
def built() -> None:
    assert "langdetect" not in engine.missing()


def test_real_pages(ten_wet_files: list[Path]) -> None:
    for path in ten_wet_files:
        with path.open("rb") as stream:
            for page in islice(WetReader(stream, name=path.name), 0, None, 40):
                agree((page.text, True))


def test_real_pages_in_batches(ten_wet_files: list[Path]) -> None:
    for path in ten_wet_files:
        with path.open("rb") as stream:
            agree_on_batch(English(0.99), list(WetReader(stream, name=path.name)))


def test_every_machine_finds_the_same_digits(ten_wet_files: list[Path]) -> None:
    """By vectors of any width that it may have."""
    with ten_wet_files[1].open("rb") as stream:
        for page in WetReader(stream, name=""):
            found = [(ours.probabilities(page.text), ours.best(page.text, 0.99)) for ours in of_each_width()]
            assert found == found[:1] * len(found)


@pytest.mark.parametrize("character", ["é", "я", "\u2019", "中", "\U00010400", "a\u0300", "@", "http://the.der "])
def test_blocks_of_bytes(character: str) -> None:
    """Wherever in what is read together a character begins, ends or is cut off."""
    words = (ENGLISH + " ") * 160
    for before in (*range(70), *range(LIMIT - 70, LIMIT + 2)):
        agree_in_column([words[:before] + character * count + words[:100] for count in (1, 2, 40)])


def test_mutated_lines(ten_wet_files: list[Path]) -> None:
    with ten_wet_files[0].open("rb") as stream:
        lines = [line for page in WetReader(stream, name="") for line in page.text.split("\n")]
    for one in islice(inputs(random.Random(5), lines), 2000):
        agree(one)


CHARACTERS = (
    "aAbÉßøđŐıİ.,;'9șțあア中國글ایАя \u00a0\u1ea1\u2019\u3000\u0300\u0301\u0323\u0302\U0001f600\U00010400\ufffe\uffff"
    "\ud800\udfff\0\t\n\x1c\x85\u2028ẞDžʰª²÷×:/@-_="
)
WORDS = ("the", "der", "und", "http", "https", "://", "a@b.c", "nguye\u0302\u0303n", "Ệ", "ầ", "  ")
PIECES = st.sampled_from([*CHARACTERS, *WORDS])


@given(st.lists(PIECES | st.characters(codec=None), max_size=60).map("".join))
def test_any_text(text: str) -> None:
    agree((text, len(text) % 4 == 0))


@pytest.mark.parametrize("text", ["", " ", "a", "é", "я", "中", "9", "\ufffe", "\ud800", "\U0001f600", "A\U00010400B"])
def test_least_texts(text: str) -> None:
    agree((text, True))


@given(st.lists(st.lists(PIECES | st.characters(codec="utf-8"), max_size=40).map("".join), max_size=6))
def test_any_batch(texts: list[str]) -> None:
    agree_on_batch(English(0.5), [Page("http://a.com/", encodable(text), "2019") for text in texts])


@pytest.mark.parametrize("length", [2, 6, 16, 20, 64])  # thousands of characters that end at each byte of what is read
@pytest.mark.parametrize("unit", ["a ", "é ", "the中", "中 ", "\U00010400a", "aя\U0001f600", "a\u0300"])
def test_reach_in_bytes(unit: str, length: int) -> None:
    """No more than what can be looked at is widened, wherever an address comes."""
    text = unit * (1000 * length // len(unit))
    agree_in_column([text, f"{text} der@und.die das", f"http://the.der/ {text}", f"{text[:-3]}://x", f"{text[:-1]}@"])
    reach = 4 * (2 * LIMIT + 66)
    for more in range(-3, 4):
        filled = text.encode("utf-8")[: reach + more].decode("utf-8", "ignore")
        agree_in_column([filled, f"{filled}@a.bc", f"{filled}://a.bc the der", f"{filled[:-1]}:/"])


def test_columns_of_nothing() -> None:
    room = engine._load("langdetect")
    assert room is not None
    ours = language_detector._compiled(room)
    assert ours.best_column(*column([]), 0.99) == b""
    assert np.frombuffer(ours.best_column(*column(["", " ", ""]), 0.99), np.int32).tolist() == [-1, -1, -1]


def in_each_width(text: str) -> list[str]:
    """As Python keeps it in one, two and four bytes a character."""
    return [text, text + "\u2019", text + "\U0001f600"]


URLS = st.from_regex(r"(ht|http|https|httpss?)(:|://?)[-_.?&~;+=/#0-9A-Za-z@: é]{0,12}", fullmatch=True)
MAILS = st.from_regex(r"[-_.0-9A-Za-zé ]{0,5}@@?[-_0-9A-Za-z.é]{0,4}@?[-_.0-9A-Za-z]{0,3}", fullmatch=True)
BETWEEN = st.sampled_from(["the ", "fox", " ", "über", "ход"])


@given(st.lists(URLS | MAILS | BETWEEN, max_size=8).map("".join))
def test_addresses(text: str) -> None:
    for one in in_each_width(text):
        agree_in_ngrams(one)


RUNS: list[Callable[[int], str]] = [
    lambda n: f"{ENGLISH} http://" + "a" * n + "xyz@the.der und",
    lambda n: f"{ENGLISH} https://" + "a" * n + "http://the.der und",
    lambda n: f"{ENGLISH} " + "a" * n + "@b.cd the der",
    lambda n: f"{ENGLISH} x@" + "a" * n + " the der",
    lambda n: f"{ENGLISH} x@" + "a" * n + ".the der",
    lambda n: f"{ENGLISH} x@b." + "c" * n + "the der",
    lambda n: f"{ENGLISH} x@" + "a" * n + "the.der@und.wie den",
    lambda n: f"{ENGLISH} http://a" + "@" * n + "b.c",
]


@pytest.mark.parametrize("made", RUNS)
@pytest.mark.parametrize("length", [0, 1, 2, 63, 64, 65, 254, 255, 256, 509, 510, 511, 2075, 2076, 2077])
def test_limits_of_addresses(made: Callable[[int], str], length: int) -> None:
    for text in in_each_width(made(length)):
        agree_in_ngrams(text)


@pytest.mark.parametrize("text", ["ab", "a@b.cd ", "http://a ", "a\u0300", "xa\u0300y", "a ", "я", "яa", "A\U00010400"])
@pytest.mark.parametrize("length", [LIMIT - 1, LIMIT, LIMIT + 1, 2 * LIMIT - 1, 2 * LIMIT, 2 * LIMIT + 1])
def test_limit_of_characters(text: str, length: int) -> None:
    """What is cut off differs in its language, so one character more or less changes digits."""
    repeated = text * (length // len(text) + 1)
    for tail in ("", " der die das", "@the.fox", "://the.fox", "\u0300the"):
        agree_in_ngrams(repeated[:length] + tail)
        agree_in_ngrams(f"{ENGLISH} {repeated}"[:length] + tail)
        agree_in_column([(made + repeated)[:length] + tail for made in ("", ENGLISH, "中", "\U0001f600")])


@pytest.mark.parametrize("latin", range(3, 9))
def test_latin_letters_in_the_minority(latin: int) -> None:
    """They are left out where twice as many others are there, and then their neighbours meet."""
    for others in range(2 * latin - 2, 2 * latin + 3):
        agree_in_ngrams("a" * latin + "я" * others)
        agree_in_ngrams("я" * others + "[\\]^_`" * latin)
        agree_in_ngrams(f"{ENGLISH[:latin]}{RUSSIAN[:others]}")
        agree_in_column([f"{letter * latin} {other * others}" for letter in "Aaz[{" for other in "я\u02ff\u0340"])


def test_every_character() -> None:
    """Alone and in words: all that the table is for, and a sample of what is behind it."""
    for start in (*range(0, 1 << 16, 512), *range(1 << 16, 0x110000, 1 << 14)):
        agree_in_ngrams("".join(f"{chr(code)} a{chr(code)}b A{chr(code)} " for code in range(start, start + 512)))


def test_what_behind_the_table_is_taken_for_itself() -> None:
    assert all(NGram.normalize(chr(code)) == chr(code) for code in range(1 << 16, 0x110000, 37))


def test_tables_are_the_profiles() -> None:
    """Row by row, to the last digit; what is missing has a character that is taken for another."""
    tables = language_profiles.tables(language_detector._profiles(), NGram.normalize)
    factory = language_detector._factory()
    assert list(tables["languages"]) == factory.langlist
    left = {
        gram: row for gram, row in factory.word_lang_prob_map.items() if gram == "".join(map(NGram.normalize, gram))
    }
    for key, start, end in zip(tables["keys"].tolist(), tables["starts"][:-1], tables["starts"][1:], strict=True):
        gram = "".join(chr(key >> shift & 0xFFFF) for shift in (32, 16, 0) if key >> shift)
        row = np.zeros(len(factory.langlist))
        row[tables["columns"][start:end]] = tables["probabilities"][start:end]
        assert np.array_equal(row, left.pop(gram))
    assert not left


@pytest.mark.parametrize("place", [0, 1, 4, 623, 624, 5000])
def test_chance_is_that_of_langdetect(place: int) -> None:
    words = np.frombuffer(language_detector._words(place + 8), dtype=np.uint32).tolist()
    chance = random.Random(language_detector.SEED)
    assert [chance.getrandbits(32) for _ in range(place)] == words[:place]
    alphas = [Detector.ALPHA_DEFAULT + chance.gauss(0.0, 1.0) * Detector.ALPHA_WIDTH for _ in range(2)]
    assert language_detector._weights(place) == tuple(alpha / Detector.BASE_FREQ for alpha in alphas)
    assert [chance.getrandbits(32) for _ in range(4)] == words[place + 4 :]


def test_a_table_of_chance_grows() -> None:
    """No language wins where all are alike: thousands of words are drawn."""
    agree_in_digits("\u0627\u0646 " * 3)
    agree_in_digits("ан " * 50)


@pytest.mark.parametrize("least", [0.0, 0.1, 0.5, 0.86, 0.99, 1.0])
def test_no_outcome_is_too_early(least: float) -> None:
    for share in range(1, 12):
        agree_in_digits(
            " ".join([ENGLISH] * share + ["Der Hund und die Katze liegen heute am Fluss."] * (12 - share)), least
        )


def test_what_is_just_enough() -> None:
    text = f"{ENGLISH} Der schnelle braune Fuchs springt über den faulen Hund am Fluss."
    probability = language_detector.probabilities(text)[0][1]
    for least in (probability, math.nextafter(probability, 0), math.nextafter(probability, 1)):
        agree_in_digits(text, least)


WIDTHS = (16, *NARROWER)  # numbers of 32 bits side by side


def changed(**settings: Any) -> Any:
    """A detector that is set otherwise."""
    room = engine._load("langdetect")
    assert room is not None
    return room.Detector(**as_it_is() | settings)


@functools.cache
def as_it_is() -> dict[str, Any]:
    """The settings of the detector."""
    settings: dict[str, Any] = language_detector._compiled.__wrapped__(SimpleNamespace(Detector=dict))
    return settings


def test_near_numbers_decide_nearly_always(ten_wet_files: list[Path]) -> None:
    ours, texts = changed(), []
    for path in ten_wet_files:
        with path.open("rb") as stream:
            texts += [page.text for page in islice(WetReader(stream, name=path.name), 100)]
    for text in texts:
        ours.best(text, 0.99)
    assert ours.repeated < len(texts) / 100


def test_what_is_just_enough_needs_all_digits() -> None:
    ours, text = changed(), f"{ENGLISH} Der schnelle braune Fuchs springt über den faulen Hund am Fluss."
    probability = dict(ours.probabilities(text))["en"]
    assert ours.best(text, probability) == ours.languages.index("en")
    assert ours.repeated == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"weights": lambda place: (1e-5, 1e-5)},
        {"weights": lambda place: (1.0, 1.0)},
        {"converged": 1 - 1e-9},
    ],
    ids=["little", "great", "converged"],
)
def test_what_the_proof_does_not_cover_needs_all_digits(settings: dict[str, Any]) -> None:
    ours = changed(**settings)
    for count, text in enumerate((ENGLISH, RUSSIAN, ENGLISH * 9), 1):
        language, probability = ours.probabilities(text)[0]
        assert ours.best(text, probability) == ours.languages.index(language)
        assert ours.repeated == count


def test_where_a_trial_just_ends_needs_all_digits() -> None:
    """What one language has where a trial ends is asked for there: it is not more, so the trial goes on."""
    text = f"{ENGLISH} Der schnelle braune Fuchs springt über den faulen Hund am Fluss."
    for lanes in WIDTHS:
        language, just = changed(trials=1, converged=0.9, lanes=lanes).probabilities(text)[0]
        for converged in (just, math.nextafter(just, 0), math.nextafter(just, 1)):
            ours = changed(trials=1, converged=converged, lanes=lanes)
            (language, probability), *_ = ours.probabilities(text)
            assert (probability == just) == (converged < just)
            assert ours.best(text, 0.5) == ours.languages.index(language)
            assert ours.repeated == 1


def of_letters(letters: dict[str, dict[str, float]], draws: str, **settings: Any) -> list[Any]:
    """Detectors of every width, for the letters' languages and probabilities, that draw letters of "abcde" like this.

    A trial begins with a pair of variates; then come the draws, over and over.
    """
    languages = sorted({language for row in letters.values() for language in row})
    profiles = [
        json.dumps(
            {
                "name": language,
                "freq": {letter: row[language] for letter, row in letters.items() if language in row},
                "n_words": [1.0, 1.0, 1.0],
            }
        )
        for language in languages
    ]

    def words(count: int) -> bytes:
        drawn = [0, 0, 0, 0, *("abcde".index(letter) << 29 for letter in draws)]
        return np.resize(np.array(drawn, dtype=np.uint32), count).tobytes()

    tables = language_profiles.tables(profiles, NGram.normalize)
    given = {**tables, "words": words, "weights": lambda place: (5e-5, 5e-5), "trials": 1, **settings}
    return [changed(**given, lanes=lanes) for lanes in WIDTHS]


EQUAL = {"p": 0.3, "q": 0.3}
LETTERS = {
    **{"a": EQUAL, "b": {"r": 0.3, "s": 0.01}, "c": {"p": 0.2, "q": 0.1}, "d": {"q": 0.3}, "e": {"p": 0.3}},
    "z": {f"b{number}": 0.3 for number in range(10, 50)},  # is never drawn, but puts the others in later lanes
}


@pytest.mark.parametrize(
    ("draws", "best", "repeated"),
    [
        ("a" * 90 + "c" * 100, "p", 0),  # r and s are raised, and stay nearly nothing
        ("a" * 90 + "b" * 15 + "c" * 200, "p", 0),  # r gets 60 digits back
        ("a" * 83 + "b" * 100, "r", 1),  # it gets all back, but its digits were few for a while
        ("a" * 58 + "b" * 100, "r", 1),
        ("a" * 100 + "b" * 200, None, 1),  # there were none: it stays at nothing, and p and q are alike
        ("a" * 45 + "b" * 100, "r", 0),  # it was never as little as is raised
        ("d", "q", 0),
        ("a" + "d" * 5, "q", 0),  # of one language five times: in rows that are free again after each step
        ("d" + "eaaaa" * 3, "p", 0),  # nothing is left of the language that the first one is of
        ("a" + "eaaaa" + "daaaa" * 3, "q", 0),
        ("a" + "edeaa" + "ddaaa" * 2 + "edaaa", "q", 0),
    ],
)
def test_languages_of_nearly_nothing(draws: str, best: str | None, repeated: int) -> None:
    for ours in of_letters(LETTERS, draws):
        found = ours.probabilities("abcde")
        number = ours.best("abcde", 0.6)
        assert (ours.languages[number] if number >= 0 else None) == best
        assert best is None or found[0][0] == best
        assert ours.repeated == repeated


def test_what_was_nearly_nothing_may_count_in_the_next_trial() -> None:
    for ours in of_letters(LETTERS, "a" * 86 + "c" * 20 + "ab" * 35 + "b" * 20, trials=2):
        assert dict(ours.probabilities("abcde")) == pytest.approx({"p": 0.5, "r": 0.5}, abs=1e-4)
        assert ours.best("abcde", 0.6) == -3
        assert ours.repeated == 0


def test_what_is_more_than_a_probability_needs_all_digits() -> None:
    for ours in of_letters({**LETTERS, "d": {"q": 1.1}}, "d"):
        assert ours.best("abcde", 0.6) == ours.languages.index("q")
        assert ours.repeated == 1


@pytest.mark.parametrize("count", [2, 8, 9, 64, 65, 72, 110])
def test_any_number_of_languages(count: int) -> None:
    """Rows of one cache line of numbers and longer ones; from the 56th on languages are alike but for one letter."""
    profiles = [json.loads(profile) for profile in language_detector._profiles()]
    more = [{**profile, "freq": {**profile["freq"], "e": 100}, "name": f"{profile['name']}-2"} for profile in profiles]
    chosen = [json.dumps(profile) for profile in [*reversed(profiles), *more][:count]]
    plain: Any = language_detector._Factory()
    plain.load_json_profile(chosen)
    tables = language_profiles.tables(chosen, NGram.normalize)
    ours = [changed(**tables, lanes=lanes) for lanes in WIDTHS]
    for text in (ENGLISH, RUSSIAN, f"{ENGLISH} {RUSSIAN}", "chữ việt 中文 да не", "kuća je velika", "ан " * 9):
        asked = plain.create()
        asked.append(text)
        try:
            expected = [(language.lang, language.prob) for language in asked.get_probabilities()]
        except language_detector.LangDetectException:
            expected = None
        for one in ours:
            assert one.probabilities(text) == expected
            told = (None, language_detector.DOUBTS[0]) if expected is None else language_detector.outcome(expected, 0.7)
            number = one.best(text, 0.7)
            assert (
                (one.languages[number], None) == told
                if number >= 0
                else (None, language_detector.DOUBTS[~number]) == told
            )
    assert all(one.repeated == 0 for one in ours) or count > 55


def test_letters_of_ascii_must_be_common() -> None:
    with pytest.raises(ValueError, match="ASCII"):
        changed(common=" abc")


@pytest.mark.parametrize("text", ["Hun har en stor hund. ", "ан ", "中文", "да не ", "kuća je velika "])
@pytest.mark.parametrize("times", [1, 2, 7, 40])
def test_long_trials(text: str, times: int) -> None:
    """Related languages are drawn for long, while others come to less than a double holds."""
    for tail in ("", ENGLISH, RUSSIAN):
        probability = max((one for _, one in language_detector.probabilities(text * times + tail)), default=0.0)
        for least in (0.0, 0.1, probability, math.nextafter(probability, 0), math.nextafter(probability, 1), 0.99, 1.0):
            agree_in_outcome(text * times + tail, least)


def agree_in_outcome(text: str, least: float) -> None:
    """On every machine; digits are compared elsewhere."""
    language, doubt = language_detector.outcome(language_detector.probabilities(text), least)
    for ours in of_each_width():
        number = ours.best(text, least)
        assert (language and ours.languages[number], doubt and language_detector.DOUBTS[~number]) == (language, doubt)


@pytest.mark.parametrize("question", ["probabilities", "best"])
def test_threads_do_not_meet(question: str) -> None:
    """Python may change threads while a new detector asks for weights."""
    texts = [f"{ENGLISH[i:]} {RUSSIAN[: 3 * i]}" for i in range(40)]
    room = engine._load("langdetect")
    assert room is not None
    asked = {"probabilities": lambda one: one.probabilities, "best": lambda one: lambda text: one.best(text, 0.99)}[
        question
    ]
    expected = list(map(asked(language_detector._compiled(room)), texts))
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        fresh = asked(language_detector._compiled.__wrapped__(room))
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(fresh, texts)) == expected
    finally:
        sys.setswitchinterval(interval)
