from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

Columns = Sequence[tuple[npt.NDArray[Any], npt.NDArray[Any]]]

def json_lines(around: tuple[bytes, ...], columns: Columns) -> bytearray: ...
def framed(columns: Columns) -> bytearray: ...
def examples(names: tuple[bytes, ...], columns: Columns) -> list[bytes]: ...
