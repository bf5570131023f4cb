"""A folder of shards: finding those of a split, checking all, and the files that a format puts beside them."""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator

from c4pipe.fs import files, globs
from c4pipe.fs.paths import join
from c4pipe.shards.base import DATASET, ShardInfo, ShardName
from c4pipe.shards.documents import content_digest
from c4pipe.shards.formats import FORMATS, known_format, preferred
from c4pipe.shards.names import parse_name

READ_BYTES = 1 << 20  # at a time, to hash a file


def _shards_in(folder: str) -> dict[ShardName, str]:
    """Return the path of each shard file in the folder."""
    paths = globs.matches(join(glob.escape(folder), f"{DATASET}-*"))
    names = {path: parse_name(os.path.basename(path)) for path in paths}
    return {name: path for path, name in names.items() if name}


def find_shards(folder: str | os.PathLike[str], split: str, format: str | None = None) -> list[str]:
    """Return the paths of all shards of a split, in order.

    Where the folder holds several formats and none is named, the preferred one is taken: the documents of one build are
    the same in each. FileNotFoundError names the shards that are missing; ValueError says that two builds are mixed.
    """
    folder = os.fspath(folder)
    shards = _shards_in(folder)
    of_split = {name for name in shards if name.split == split and name.format in (format or name.format,)}
    if not of_split:
        wanted = f"split {split!r}" + (f" as {known_format(format).name}" if format else "")
        present = ", ".join(sorted({f"{name.split} ({name.format})" for name in shards}))
        raise FileNotFoundError(f"{folder} has no shards of {wanted}; it has {present or 'none at all'}")
    row = preferred({name.format for name in of_split})
    counts = sorted({name.count for name in of_split if name.format == row.name})
    if len(counts) > 1:
        raise ValueError(
            f"{folder} mixes {row.name} shards of {split!r} of builds with {' and '.join(map(str, counts))} of them; "
            "remove those of all builds but one"
        )
    names = [ShardName(row.name, split, index, counts[0]) for index in range(counts[0])]
    if missing := [row.file_name(split, name.index, name.count) for name in names if name not in shards]:
        raise FileNotFoundError(f"{folder} lacks {', '.join(missing)}; finish the build or fetch them")
    return [shards[name] for name in names]


def verify(folder: str | os.PathLike[str], shards: Iterable[ShardInfo]) -> list[str]:
    """Return how the shard files of a folder differ from those expected, a readable line each.

    Where a file's bytes differ, the line also says whether its documents do. Other versions of pyarrow and deflate may
    write other bytes for the same documents.
    """
    return list(iterate_differences(folder, shards))


def iterate_differences(
    folder: str | os.PathLike[str],
    shards: Iterable[ShardInfo],
    *,
    sizes_only: bool = False,
    checked: Callable[[ShardInfo], object] = lambda shard: None,
) -> Iterator[str]:
    """Yield the lines of ``verify`` as they are found, and call ``checked`` after each shard.

    With ``sizes_only`` no file is read: existence and size alone are compared.
    """
    paths = {os.path.basename(path): path for path in _shards_in(os.fspath(folder)).values()}
    for shard in shards:
        path = paths.pop(shard.name, None)
        if path is None:
            yield f"{shard.name} is missing"
        elif (size := files.size(path)) != shard.bytes:
            documents = "" if sizes_only else f"; {_documents_of(path, shard)}"
            yield f"{shard.name} has {size} bytes, not {shard.bytes}{documents}"
        elif not sizes_only and (sha256 := _sha256(path)) != shard.sha256:
            yield f"{shard.name} has SHA-256 {sha256}, not {shard.sha256}; {_documents_of(path, shard)}"
        checked(shard)
    for name in sorted(paths):
        yield f"{name} is not of this build"


def _documents_of(path: str, shard: ShardInfo) -> str:
    """Return whether the documents of a file are those of the shard, in words."""
    try:
        with files.open_read(path) as stream:
            digest = content_digest(known_format(shard.format).read(stream, path, 0))
    except ValueError as error:  # DamagedShard, or a document without a field that the digest covers
        return f"it is damaged: {error}"
    return "its documents are the same" if digest == shard.content_digest else "its documents differ"


def files_beside(shards: Iterable[ShardInfo], *, variant: str, version: str = "3.1.0") -> dict[str, bytes]:
    """Return, by name, the further files that the shards' formats need in their folder.

    ``version`` is that of the dataset's features in TFDS. ValueError where a split is not whole.
    """
    by_format: dict[str, dict[ShardName, ShardInfo]] = {}
    for shard in shards:
        if name := parse_name(shard.name):
            by_format.setdefault(name.format, {})[name] = shard
    beside: dict[str, bytes] = {}
    for row in FORMATS.values():
        if row.beside and row.name in by_format:
            beside |= row.beside(by_format[row.name], variant, version)
    return beside


def _sha256(path: str) -> str:
    digest = hashlib.sha256()
    with files.open_read(path) as stream:
        while data := stream.read(READ_BYTES):
            digest.update(data)
    return digest.hexdigest()
