from typing import Any

import numpy.typing as npt

def normalized(offsets: npt.NDArray[Any], data: npt.NDArray[Any]) -> tuple[bytearray, bytearray]: ...
