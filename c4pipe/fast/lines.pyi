from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Counter = Callable[[], Callable[[str, int], int]]
Offsets = npt.NDArray[np.int64]
Data = npt.NDArray[np.uint8]
Tallies = dict[str, bytearray]

class Program:
    def __init__(
        self, rows: Sequence[tuple[str, str, str, Mapping[str, Any], Callable[[str], Any]]], lanes: int = 64
    ) -> None: ...
    @property
    def calls(self) -> int: ...
    def judge(self, text: str, min_sentences: int, counter: Counter) -> tuple[str | None, dict[str, int]]: ...
    def judge_column(
        self, offsets: Offsets, data: Data, min_sentences: int, counter: Counter
    ) -> tuple[bytearray, bytearray, bytearray, Tallies]: ...
    def fires(self, text: str) -> str | None: ...
    def fires_column(self, offsets: Offsets, data: Data) -> tuple[bytearray, Tallies]: ...

def have_paragraphs(offsets: Offsets, data: Data, paragraphs: int, characters: int) -> bytearray: ...
