"""Documents as they are compared, from files of ours and of other tools, in every format of ``c4pipe/shards``.

A row of a file is a mapping. It must have ``url``, and ``text`` or its digest ``text_sha256``. It may have
``timestamp`` (or ``date``), ``language``, ``content-type``, ``content-length`` and ``split``. Fields that it lacks are
looked for in its mapping ``metadata``, where datatrove puts them, and the split in the file's name.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from c4pipe.fs import files
from c4pipe.shards.base import Format
from c4pipe.shards.documents import DamagedShard
from c4pipe.shards.formats import recognised_format
from c4pipe.stages.language import UNKNOWN
from c4pipe.variants import MC4_LANGUAGES

BESIDE = frozenset({"manifest.json", "stats.json", "dataset_info.json", "features.json", "dataset_infos.json"})
FACTS: Mapping[str, tuple[str, ...]] = {  # each fact that is compared, and the field names that may hold it
    "timestamp": ("timestamp", "date"),
    "split": ("split",),
    "language": ("language",),
    "content-type": ("content-type",),
    "content-length": ("content-length",),
}
TEXT_HASH = "text_sha256"
NESTED = "metadata"
WANTED = frozenset({"text", TEXT_HASH, "url", NESTED, *(name for names in FACTS.values() for name in names)})
SPLITS = ("train", "validation")
LANGUAGES = frozenset({*MC4_LANGUAGES, UNKNOWN})
# "c4-train.00000-of-00512.json.gz", "train-00000-of-00008.parquet", "c4-af-validation.tfrecord-00000-of-00001.json.gz"
NUMBERED = re.compile(r"(?:c4-)?(?P<split>[A-Za-z][A-Za-z0-9-]*?)(?:\.[a-z]+)?[.-]\d{5,}-of-\d{5,}[.].*")


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it is compared."""

    url: str
    text: str | None  # None: the file has its digest alone
    facts: Mapping[str, str]  # what is compared beside the URL, under the names of ``FACTS``; the text's digest, too


def format_of(path: str) -> Format | None:
    """Return the format that the end of a file's name stands for, or None if it is no file of documents.

    >>> [row.name for row in map(format_of, ("en/c4-train.00000-of-01024.json.gz", "out/00000.jsonl")) if row]
    ['jsonl', 'jsonl']
    >>> format_of("out/manifest.json") is None
    True
    """
    name = os.path.basename(path)
    return None if name in BESIDE else recognised_format(name)


def split_from_name(path: str) -> tuple[str, str] | None:
    """Return split and language, as a file's name or its folder gives them, or None. Without language that is "".

    >>> split_from_name("c4/c4-validation.00000-of-00008.json.gz")
    ('validation', '')
    >>> split_from_name("bg-Latn/c4-bg-Latn-00000-of-00001.parquet")
    ('train', 'bg-Latn')
    >>> split_from_name("out/train/00000.jsonl.gz"), split_from_name("out/00000.jsonl.gz")
    (('train', ''), None)
    """
    folder, name = os.path.split(path)
    match = NUMBERED.fullmatch(name)
    stem = match["split"] if match else name.partition(".")[0].removeprefix("c4-")
    for name in (stem, os.path.basename(folder)):
        language, _, split = name.rpartition("-") if name.endswith(SPLITS) else (name, "", "train")
        if name in SPLITS or language in LANGUAGES:
            return split, language if language in LANGUAGES else ""
    return None


def read_corpus_file(path: str) -> Iterator[Document]:
    """Yield the documents of a file, in their order. DamagedShard where the file is damaged or a field is missing."""
    split, language = split_from_name(path) or ("", "")
    by_name = {name: value for name, value in (("split", split), ("language", language)) if value}
    for row in _rows(path):
        nested = row.get(NESTED)
        inner: Mapping[str, object] = nested if isinstance(nested, dict) else {}
        url = _first_value(row, inner, ("url",))
        if url is None:
            raise DamagedShard(path, "a document", f"no field 'url' among {', '.join(row) or 'none'}")
        values = {fact: _first_value(row, inner, names) for fact, names in FACTS.items()}
        facts = by_name | {fact: value for fact, value in values.items() if value is not None}
        text, digest = row.get("text"), row.get(TEXT_HASH)
        if isinstance(text, str):
            digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        if not isinstance(digest, str):
            raise DamagedShard(path, f"document {url!a}", f"neither 'text' nor {TEXT_HASH!r} is a string")
        yield Document(url, text if isinstance(text, str) else None, facts | {TEXT_HASH: digest})


def _first_value(row: Mapping[str, object], inner: Mapping[str, object], names: tuple[str, ...]) -> str | None:
    """Return the value of the first name that has one, as text, or None."""
    for mapping in (row, inner):
        for name in names:
            value = mapping.get(name)
            if isinstance(value, datetime):  # as `datasets` reads the release's timestamps
                return value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            if value is not None:
                return str(value)
    return None


def _rows(path: str) -> Iterator[Mapping[str, object]]:
    row = format_of(path)
    if row is None:
        raise ValueError(f"{path}: its name is not that of a file of documents")
    with files.open_read(path) as stream:
        yield from row.read_rows(stream, path, WANTED)
