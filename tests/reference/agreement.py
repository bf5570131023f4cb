"""Holding a rule of ours to the reference's own function.

``C4_REFERENCE_EXAMPLES`` sets how many inputs hypothesis makes; unset, they are a few hundred and always the same.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tfds_c4 import Result

from c4pipe import oracle
from c4pipe.page import Page
from c4pipe.variants import Stage

SETTING = "C4_REFERENCE_EXAMPLES"
examples = settings(
    max_examples=int(os.environ.get(SETTING, 300)),
    derandomize=SETTING not in os.environ,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

T = TypeVar("T")


def agree(made: st.SearchStrategy[T], ours: Callable[[T], object], theirs: Callable[[T], object], *seen: str) -> None:
    """Both say the same of all that is made, and what is made brings out every counter of ``seen``."""
    counted: Counter[str] = Counter()

    @examples
    @given(made)
    def compare(one: T) -> None:
        expected = theirs(one)
        assert ours(one) == expected
        counted["examples"] += 1
        if isinstance(expected, tuple) and isinstance(expected[1], dict):
            counted.update(expected[1])

    compare()
    print(dict(counted))  # pytest -rP shows it
    assert not [name for name in seen if not counted[name]], f"never counted; there was {dict(counted)}"


def judged(stage: Stage, pages: Sequence[Page]) -> Result:
    """What our stage passes on and counts, the counters that are 0 left out."""
    outcome = oracle.step(oracle.begin(pages), stage)
    return list(outcome.pages), {name: count for name, count in outcome.counters.items() if count}
