"""Time the floor: inflate the same files and nothing else, with each installed library."""

from __future__ import annotations

import importlib
import statistics
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from c4pipe import engine
from c4pipe.warc.gzip_file import WHOLE_BYTES
from c4pipe.warc.wet import WHOLE_MAX_BYTES

GZIP_WBITS = 31
Inflate = Callable[[bytes, int], bytes]  # (gzip member, its inflated size) -> inflated bytes


def inflaters() -> dict[str, Inflate]:
    """Return the installed libraries that read gzip, by name."""
    by_name: dict[str, Inflate] = {"zlib": lambda member, size: zlib.decompress(member, GZIP_WBITS, size)}
    for name, module in (("isal", "isal.isal_zlib"), ("zlib-ng", "zlib_ng.zlib_ng")):
        if library := _imported(module):
            by_name[name] = lambda member, size, library=library: library.decompress(member, GZIP_WBITS, size)
    if library := _imported("deflate"):
        by_name["libdeflate"] = lambda member, size, library=library: library.gzip_decompress(member, size)
    if room := engine.twin("records"):
        ours = room.Inflater(WHOLE_BYTES, WHOLE_MAX_BYTES)
        by_name["c4pipe"] = lambda member, size: ours(bytearray(member), 0)[0]
    return by_name


def _imported(name: str) -> object | None:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return None


def members(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield the gzip members of a file, each with its inflated size."""
    view = memoryview(data)
    at = 0
    while at < len(data):
        window, taken, size = 1 << 16, 0, 0
        while not taken:
            inflater = zlib.decompressobj(GZIP_WBITS)
            size = len(inflater.decompress(view[at : at + window]))
            if inflater.eof:
                taken = min(window, len(data) - at) - len(inflater.unused_data)
            elif at + window >= len(data):
                return  # cut
            window *= 4
        yield data[at : at + taken], size
        at += taken


def measured(paths: Sequence[str], rounds: int) -> dict[str, object]:
    """Return the median microseconds of CPU a record, by library; the libraries take turns."""
    packed = [member for path in paths for member in members(Path(path).read_bytes())]
    taken: dict[str, list[float]] = {name: [] for name in inflaters()}
    for _ in range(rounds):
        for name, inflate in inflaters().items():
            begun = time.process_time()
            for member, size in packed:
                inflate(member, size)
            taken[name].append((time.process_time() - begun) / len(packed) * 1e6)
    return {
        "records": len(packed),
        "bytes_a_record": round(sum(size for _, size in packed) / len(packed)),
        "us": {name: round(statistics.median(values), 2) for name, values in taken.items()},
    }
