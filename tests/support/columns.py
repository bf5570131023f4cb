"""Columns for the tests of compiled rooms, and what a stage must say of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from c4pipe import batch, columns
from c4pipe.batch import Batch
from c4pipe.page import Page

Column = tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]


def encodable(text: str) -> str:
    """The text with a question mark for each lone surrogate, which no column has."""
    return text.encode("utf-8", "replace").decode("utf-8")


def in_each_width(text: str) -> list[str]:
    """The text as it is, and with characters that take more bits."""
    return [text, text + "é", text + "\u2019", text + "\U0001f600", "\U0001f600" + text]


def column(texts: Sequence[str]) -> Column:
    """The texts as compiled rooms take them: others stand before and behind."""
    padded = pa.array(["before \u00e9", *texts, "\U0001f600 behind"], pa.large_string())
    return columns.utf8(padded.slice(1, len(texts)))


def agree_on_batch(stage: Any, pages: Sequence[Page]) -> None:
    """A stage says of a batch what it says of its pages one by one: the same pages, and the same counts of each."""
    of = Batch.of(pages)
    found, expected = stage.judge_batch(of), batch._page_by_page(stage, of)
    assert found.kept.dtype == np.bool_
    assert found.kept.tolist() == expected.kept.tolist()
    assert [list(found.pages.pages()), *map(len, found.pages.columns())] == [
        list(expected.pages.pages()),
        *map(len, expected.pages.columns()),
    ]
    assert [one.type for one in found.pages.columns()] == [one.type for one in of.columns()]
    assert all(np.issubdtype(count.dtype, np.integer) for count in found.tallies.values())
    assert {name: count.tolist() for name, count in found.tallies.items()} == {
        name: count.tolist() for name, count in expected.tallies.items()
    }
