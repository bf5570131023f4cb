"""A folder of shards: finding those of a split, checking them, and the two files that let TFDS open it."""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Iterable

from c4pipe.fs import files, globs
from c4pipe.fs.paths import join
from c4pipe.shards.names import DATASET, ShardInfo, ShardName, known_format, parse_name

PREFERRED = ("parquet", "tfrecord", "jsonl")  # to read: the cheapest to begin in the middle of first
READ_BYTES = 1 << 20  # at a time, to hash a file


def _shards_in(folder: str) -> dict[ShardName, str]:
    """The paths of the shard files of a folder."""
    paths = globs.matches(join(glob.escape(folder), f"{DATASET}-*"))
    named = {path: parse_name(os.path.basename(path)) for path in paths}
    return {name: path for path, name in named.items() if name}


def find_shards(folder: str | os.PathLike[str], split: str, format: str | None = None) -> list[str]:
    """The paths of all shards of a split, in order; an error names those that are missing.

    Where the folder holds several formats and none is named, the first of ``PREFERRED`` is taken: the documents of one
    build are the same in each.
    """
    folder = os.fspath(folder)
    found = _shards_in(folder)
    of_split = {name for name in found if name.split == split and name.format in (format or name.format,)}
    if not of_split:
        wanted = f"split {split!r}" + (f" as {known_format(format)}" if format else "")
        present = ", ".join(sorted({f"{name.split} ({name.format})" for name in found}))
        raise FileNotFoundError(f"{folder} has no shards of {wanted}; it has {present or 'none at all'}")
    chosen = min((name.format for name in of_split), key=PREFERRED.index)
    counts = sorted({name.count for name in of_split if name.format == chosen})
    if len(counts) > 1:
        raise ValueError(
            f"{folder} mixes {chosen} shards of {split!r} of builds with {' and '.join(map(str, counts))} of them; "
            "remove those of all builds but one"
        )
    names = [ShardName(chosen, split, index, counts[0]) for index in range(counts[0])]
    if missing := [str(name) for name in names if name not in found]:
        raise FileNotFoundError(f"{folder} lacks {', '.join(missing)}; finish the build or fetch them")
    return [found[name] for name in names]


def verify(folder: str | os.PathLike[str], shards: Iterable[ShardInfo]) -> list[str]:
    """How the shard files of a folder differ from those told, a readable line each; an empty list if they do not."""
    folder = os.fspath(folder)
    found = {str(name): path for name, path in _shards_in(folder).items()}
    differences = []
    for shard in shards:
        path = found.pop(shard.name, None)
        if path is None:
            differences.append(f"{shard.name} is missing")
        elif (size := files.size(path)) != shard.bytes:
            differences.append(f"{shard.name} has {size} bytes, not {shard.bytes}")
        elif (sha256 := _sha256(path)) != shard.sha256:
            differences.append(f"{shard.name} has SHA-256 {sha256}, not {shard.sha256}")
    return differences + [f"{name} is not of this build" for name in sorted(found)]


def _sha256(path: str) -> str:
    digest = hashlib.sha256()
    with files.open_read(path) as stream:
        while data := stream.read(READ_BYTES):
            digest.update(data)
    return digest.hexdigest()
