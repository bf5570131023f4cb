"""The language profiles of langdetect as arrays, for the compiled detector."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

LONGEST = 3  # most characters of an n-gram
STRANGER, CAPITAL_STRANGER = 0xFFFF, 0xFFFE  # noncharacters that stand for all characters outside n-grams
ASCII_ENDS, LATIN_ENDS = 0x80, 0x250
MOST_COMMON = 125  # the compiled detector numbers no more


def tables(profiles: Iterable[str], taken_for: Callable[[str], str]) -> dict[str, Any]:
    """The n-grams of all languages, in the order of the profiles, and the classes of characters.

    N-grams with a character that is taken for another one never come up, and are left out.
    """
    read = [json.loads(profile) for profile in profiles]
    grams = np.array([gram for profile in read for gram in profile["freq"]])
    columns = np.repeat(np.arange(len(read), dtype=np.uint8), [len(profile["freq"]) for profile in read])
    counts = np.array([count for profile in read for count in profile["freq"].values()], dtype=np.float64)
    totals = np.array([profile["n_words"] for profile in read], dtype=np.float64)  # by language and n
    taken = np.array([ord(taken_for(chr(code))) for code in range(1 << 16)], dtype=np.uint32)
    usable = _usable(grams, taken)
    grams, columns, counts = grams[usable], columns[usable], counts[usable]
    keys, rows, sizes = np.unique(_keys(grams), return_inverse=True, return_counts=True)
    order = np.argsort(rows, kind="stable")
    return {
        "languages": tuple(profile["name"] for profile in read),
        "keys": keys,
        "starts": np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32),
        "columns": columns[order],
        "probabilities": (counts / totals[columns, np.char.str_len(grams) - 1])[order],
        "common": _common(keys),
        **_characters(taken, keys),
    }


def _codes(grams: npt.NDArray[np.str_]) -> npt.NDArray[np.uint32]:
    """The characters of n-grams, padded with 0 at the end."""
    return grams.view(np.uint32).reshape(len(grams), -1)


def _usable(grams: npt.NDArray[np.str_], taken: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
    codes = _codes(grams)
    itself = taken[np.minimum(codes, STRANGER)] == codes
    short = np.char.str_len(grams) <= LONGEST
    return np.asarray(short & (itself | (codes == 0)).all(axis=1) & (codes < CAPITAL_STRANGER).all(axis=1))


def _keys(grams: npt.NDArray[np.str_]) -> npt.NDArray[np.uint64]:
    """The characters as 16-bit numbers, the last one in the lowest bits."""
    keys = np.zeros(len(grams), dtype=np.uint64)
    for codes in _codes(grams).T[:LONGEST].astype(np.uint64):
        keys = np.where(codes, keys << np.uint64(16) | codes, keys)
    return keys


def _characters(taken: npt.NDArray[np.uint32], keys: npt.NDArray[np.uint64]) -> dict[str, npt.NDArray[Any]]:
    """The class of each character, and which classes are capitals."""
    capital = np.array([chr(code).isupper() for code in range(1 << 16)])
    known = np.zeros(1 << 16, dtype=np.bool_)
    known[ord(" ")] = True
    for place in range(LONGEST):
        known[keys >> np.uint64(16 * place) & np.uint64(0xFFFF)] = True
    normal = np.where(known[taken], taken, np.where(capital[taken], CAPITAL_STRANGER, STRANGER))
    capital[CAPITAL_STRANGER] = True
    return {"normal": normal.astype(np.uint16), "upper": capital.astype(np.uint8)}


def _common(keys: npt.NDArray[np.uint64]) -> str:
    """A blank, the ASCII letters, and the Latin letters of the most n-grams."""
    latin: Counter[int] = Counter()
    for place in range(LONGEST):
        codes = keys >> np.uint64(16 * place) & np.uint64(0xFFFF)
        latin.update(codes[(codes >= ASCII_ENDS) & (codes < LATIN_ENDS)].tolist())
    ascii_letters = [code for code in range(ASCII_ENDS) if chr(code).isalpha()]
    ranked = sorted(latin, key=lambda code: (-latin[code], code))
    return "".join(map(chr, [ord(" "), *ascii_letters, *ranked][:MOST_COMMON]))
