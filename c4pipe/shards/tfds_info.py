"""The two files that let TFDS open a folder of TFRecord shards."""

from __future__ import annotations

import json
from collections.abc import Mapping

from c4pipe.shards.base import DATASET, ShardInfo, ShardName
from c4pipe.shards.documents import FIELDS

FEATURES = "tensorflow_datasets.core.features"  # where TFDS keeps its feature classes
TFDS_TEMPLATE = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"  # TFDS's default


def dataset_info(
    shards: Mapping[ShardName, ShardInfo], *, variant: str, version: str, frame_bytes: int
) -> dict[str, bytes]:
    """Return the two files, by name.

    A split without documents is left out: TFDS fails on reading an empty one. ``frame_bytes`` is what a record takes
    beside its data. ValueError where a split is not whole.
    """
    by_split: dict[str, dict[ShardName, ShardInfo]] = {}
    for name, shard in shards.items():
        by_split.setdefault(name.split, {})[name] = shard
    splits = [_split_info(split, of_split, frame_bytes) for split, of_split in sorted(by_split.items())]
    info = {
        "name": DATASET,
        "version": version,
        "configName": variant,
        "fileFormat": "tfrecord",
        "splits": [split for split in splits if split["numBytes"] != "0"],
    }
    return {"dataset_info.json": _json(info), "features.json": _json(_features())}


def _split_info(split: str, shards: Mapping[ShardName, ShardInfo], frame_bytes: int) -> dict[str, object]:
    """Return a split as TFDS describes it: numbers as strings, bytes without the records' frames."""
    first = next(iter(shards))
    wanted = [ShardName(first.format, split, index, first.count) for index in range(first.count)]
    if differing := set(wanted) ^ set(shards):
        places = ", ".join(sorted(name.place for name in differing))
        raise ValueError(f"split {split!r} must be {first.count} shards, each once; not so {places}")
    data_bytes = sum(shard.bytes - frame_bytes * shard.documents for shard in shards.values())
    return {
        "name": split,
        "filepathTemplate": TFDS_TEMPLATE,
        "shardLengths": [str(shards[name].documents) for name in wanted],
        "numBytes": str(data_bytes),
    }


def _features() -> dict[str, object]:
    """Return the fields as TFDS's features."""
    text = {"pythonClassName": f"{FEATURES}.text_feature.Text", "text": {}}
    return {
        "pythonClassName": f"{FEATURES}.features_dict.FeaturesDict",
        "featuresDict": {"features": dict.fromkeys(FIELDS, text)},
    }


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2, sort_keys=True) + "\n").encode()
