from collections.abc import Iterable, Mapping
from typing import Any

import numpy.typing as npt

class Punkt:
    def __init__(
        self,
        abbreviations: Iterable[str],
        collocations: Iterable[tuple[str, ...]],
        starters: Iterable[str],
        contexts: Mapping[str, int],
        *,
        whole_words: bool,
    ) -> None: ...
    def count(self, text: str, limit: int) -> int: ...
    def at_least_column(
        self, offsets: npt.NDArray[Any], data: npt.NDArray[Any], limit: int, head: int = ...
    ) -> bytearray: ...
