from collections.abc import Callable, Mapping
from typing import Any

import numpy.typing as npt

class Detector:
    languages: tuple[str, ...]
    repeated: int
    def __init__(
        self,
        *,
        languages: tuple[str, ...],
        keys: npt.NDArray[Any],
        starts: npt.NDArray[Any],
        columns: npt.NDArray[Any],
        probabilities: npt.NDArray[Any],
        normal: npt.NDArray[Any],
        upper: npt.NDArray[Any],
        common: str,
        composed: Mapping[str, str],
        words: Callable[[int], bytes],
        weights: Callable[[int], tuple[float, float]],
        trials: int,
        iterations: int,
        converged: float,
        threshold: float,
        characters: int,
        lanes: int = 16,
    ) -> None: ...
    def best(self, text: str, least: float) -> int: ...
    def best_column(self, offsets: npt.NDArray[Any], data: npt.NDArray[Any], least: float) -> bytearray: ...
    def probabilities(self, text: str) -> list[tuple[str, float]] | None: ...
    def ngrams(self, text: str | bytes) -> list[str]: ...
