"""Documents in the layouts that C4 is kept in, ours and others': JSON lines, Parquet, TFRecord.

A document is a mapping. Taken from it are ``text``, or its digest ``text_sha256`` where only that is told; ``url``; and
where they are there ``timestamp`` (or ``date``), ``language``, ``content-type``, ``content-length`` and ``split``. What
is not there is looked for in a mapping ``metadata``, where datatrove puts it. The split may stand in the file's name.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from c4pipe.fs import files
from c4pipe.shards import read_write
from c4pipe.shards.documents import BATCH, DamagedShard
from c4pipe.stages.language import UNKNOWN
from c4pipe.variants import MC4_LANGUAGES

KINDS = {  # in the order in which one is taken, where a folder holds several
    "parquet": re.compile(r"\.parquet$"),
    "tfrecord": re.compile(r"\.tfrecord(-\d+-of-\d+)?$"),
    "jsonl": re.compile(r"\.(jsonl|json|ndjson)(\.gz)?$"),
}
BESIDE = frozenset({"manifest.json", "stats.json", "dataset_info.json", "features.json", "dataset_infos.json"})
FACTS: Mapping[str, tuple[str, ...]] = {  # what is compared, and the names under which it is found
    "timestamp": ("timestamp", "date"),
    "split": ("split",),
    "language": ("language",),
    "content-type": ("content-type",),
    "content-length": ("content-length",),
}
TEXT_HASH = "text_sha256"
NESTED = "metadata"
SPLITS = ("train", "validation")
LANGUAGES = frozenset({*MC4_LANGUAGES, UNKNOWN})
# "c4-train.00000-of-00512.json.gz", "train-00000-of-00008.parquet", "c4-af-validation.tfrecord-00000-of-00001.json.gz"
NUMBERED = re.compile(r"(?:c4-)?(?P<split>[A-Za-z][A-Za-z0-9-]*?)(?:\.tfrecord)?[.-]\d{5,}-of-\d{5,}[.].*")


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it is compared."""

    url: str
    text: str | None  # None: only its digest is told
    facts: Mapping[str, str]  # what is told beside URL and text, and the text's digest


def kind_of(path: str) -> str | None:
    """The format that a file's name tells; None if it is no file of documents.

    >>> kind_of("en/c4-train.00000-of-01024.json.gz"), kind_of("out/00000.jsonl"), kind_of("out/manifest.json")
    ('jsonl', 'jsonl', None)
    """
    name = os.path.basename(path)
    if name in BESIDE:
        return None
    return next((kind for kind, ending in KINDS.items() if ending.search(name)), None)


def named_split(path: str) -> tuple[str, str] | None:
    """The split and the language ("" where it is none) that a file's name or its folder tells.

    >>> named_split("c4/c4-validation.00000-of-00008.json.gz"), named_split("bg-Latn/c4-bg-Latn-00000-of-00001.parquet")
    (('validation', ''), ('train', 'bg-Latn'))
    >>> named_split("out/train/00000.jsonl.gz"), named_split("out/00000.jsonl.gz")
    (('train', ''), None)
    """
    folder, name = os.path.split(path)
    match = NUMBERED.fullmatch(name)
    stem = match["split"] if match else name.partition(".")[0].removeprefix("c4-")
    for told in (stem, os.path.basename(folder)):
        language, _, split = told.rpartition("-") if told.endswith(SPLITS) else (told, "", "train")
        if told in SPLITS or language in LANGUAGES:
            return split, language if language in LANGUAGES else ""
    return None


def documents(path: str) -> Iterator[Document]:
    """The documents of a file, in their order."""
    told = named_split(path)
    by_name = {} if told is None else {"split": told[0]} | ({"language": told[1]} if told[1] else {})
    for row in _rows(path):
        nested = row.get(NESTED)
        inner: Mapping[str, object] = nested if isinstance(nested, dict) else {}
        url = _found(row, inner, ("url",))
        if url is None:
            raise DamagedShard(path, "a document", f"no field 'url' among {', '.join(row) or 'none'}")
        values = {fact: _found(row, inner, names) for fact, names in FACTS.items()}
        facts = by_name | {fact: value for fact, value in values.items() if value is not None}
        text, digest = row.get("text"), row.get(TEXT_HASH)
        if isinstance(text, str):
            digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        if not isinstance(digest, str):
            raise DamagedShard(path, f"document {url!a}", f"neither 'text' nor {TEXT_HASH!r} is a string")
        yield Document(url, text if isinstance(text, str) else None, facts | {TEXT_HASH: digest})


def _found(row: Mapping[str, object], inner: Mapping[str, object], names: tuple[str, ...]) -> str | None:
    """The first of the names that has a value, as text."""
    for mapping in (row, inner):
        for name in names:
            value = mapping.get(name)
            if isinstance(value, datetime):  # as `datasets` reads the release's timestamps
                return value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            if value is not None:
                return str(value)
    return None


def _rows(path: str) -> Iterator[Mapping[str, object]]:
    kind = kind_of(path)
    if kind == "tfrecord":
        yield from read_write.read_documents(path)
        return
    with files.open_read(path) as stream:
        yield from _parquet(stream, path) if kind == "parquet" else _json_lines(stream, path)


def _parquet(stream: BinaryIO, path: str) -> Iterator[Mapping[str, object]]:
    wanted = {"text", TEXT_HASH, "url", NESTED, *(name for names in FACTS.values() for name in names)}
    try:
        shard = pq.ParquetFile(stream)
        columns = [name for name in shard.schema_arrow.names if name in wanted]
        for batch in shard.iter_batches(BATCH, columns=columns):
            yield from batch.to_pylist()
    except pa.ArrowException as error:
        raise DamagedShard(path, "as Parquet", str(error)) from error


def _json_lines(stream: BinaryIO, path: str) -> Iterator[Mapping[str, object]]:
    number = 0  # of the last line that was read
    try:
        lines = io.BufferedReader(gzip.GzipFile(fileobj=stream)) if path.endswith(".gz") else stream
        for number, line in enumerate(lines, 1):
            row = json.loads(line)
            if not isinstance(row, dict):
                raise DamagedShard(path, f"line {number}", "not a JSON object; a document a line is expected")
            yield row
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DamagedShard(path, f"after line {number}", str(error)) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DamagedShard(path, f"line {number}", str(error)) from error
