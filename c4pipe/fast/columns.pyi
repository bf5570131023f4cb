from typing import Any

import numpy.typing as npt

def where(offsets: npt.NDArray[Any], data: npt.NDArray[Any], kept: npt.NDArray[Any]) -> tuple[bytearray, bytearray]: ...
def ordered(
    chunks: list[tuple[npt.NDArray[Any], npt.NDArray[Any]]], order: npt.NDArray[Any]
) -> tuple[bytearray, bytearray]: ...
