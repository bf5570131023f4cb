"""The two files that let TFDS open a folder of TFRecord shards."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from c4pipe.shards.documents import FIELDS
from c4pipe.shards.names import DATASET, ShardInfo, ShardName, parse_name
from c4pipe.shards.tfrecord import FRAME_BYTES

FEATURES = "tensorflow_datasets.core.features"  # where TFDS keeps its feature classes
TFDS_TEMPLATE = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"  # TFDS's default, as in ``NAMES``


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
