"""A folder of shards: finding those of a split, checking them, and the two files that let TFDS open it."""

from __future__ import annotations

import glob
import hashlib
import json
import os
from collections.abc import Iterable, Mapping

from c4pipe.documents import FIELDS
from c4pipe.fs import files, globs
from c4pipe.fs.paths import join
from c4pipe.shard_names import DATASET, ShardInfo, ShardName, known_format, parse_name
from c4pipe.tfrecord import FRAME_BYTES

PREFERRED = ("parquet", "tfrecord", "jsonl")  # to read: the cheapest to begin in the middle of first
READ_BYTES = 1 << 20  # at a time, to hash a file
FEATURES = "tensorflow_datasets.core.features"  # where TFDS keeps its feature classes
TFDS_TEMPLATE = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"  # TFDS's default, as in ``NAMES``


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


def dataset_info(shards: Iterable[ShardInfo], *, variant: str, version: str = "3.1.0") -> dict[str, bytes]:
    """The files, by name, with which ``tfds.builder_from_directory`` opens the TFRecord shards among those given.

    A split is told only if it has documents: TFDS fails on reading an empty one.
    """
    by_split: dict[str, dict[ShardName, ShardInfo]] = {}
    for shard in shards:
        name = parse_name(shard.name)
        if name and name.format == "tfrecord":
            by_split.setdefault(name.split, {})[name] = shard
    splits = [_split_info(split, of_split) for split, of_split in sorted(by_split.items())]
    info = {
        "name": DATASET,
        "version": version,
        "configName": variant,
        "fileFormat": "tfrecord",
        "splits": [split for split in splits if split["numBytes"] != "0"],
    }
    return {"dataset_info.json": _json(info), "features.json": _json(_features())}


def _split_info(split: str, shards: Mapping[ShardName, ShardInfo]) -> dict[str, object]:
    """A split as TFDS tells it: numbers as strings, bytes without the records' frames."""
    count = next(iter(shards)).count
    wanted = [ShardName("tfrecord", split, index, count) for index in range(count)]
    if set(wanted) != set(shards):
        differing = sorted(str(name) for name in set(wanted) ^ set(shards))
        raise ValueError(f"split {split!r} must be {count} shards, each once; not so {', '.join(differing)}")
    data_bytes = sum(shard.bytes - FRAME_BYTES * shard.documents for shard in shards.values())
    return {
        "name": split,
        "filepathTemplate": TFDS_TEMPLATE,
        "shardLengths": [str(shards[name].documents) for name in wanted],
        "numBytes": str(data_bytes),
    }


def _features() -> dict[str, object]:
    """The fields as TFDS's features."""
    text = {"pythonClassName": f"{FEATURES}.text_feature.Text", "text": {}}
    return {
        "pythonClassName": f"{FEATURES}.features_dict.FeaturesDict",
        "featuresDict": {"features": dict.fromkeys(FIELDS, text)},
    }


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2, sort_keys=True) + "\n").encode()
