from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

WORD_MAX: int

class Words:
    def __init__(self, words: Sequence[str], *, whole: bool, any_character: str | None = None) -> None: ...
    def __call__(self, text: str) -> bool: ...
    def column(self, offsets: npt.NDArray[Any], data: npt.NDArray[Any]) -> bytearray: ...
