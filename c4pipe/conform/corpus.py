"""A corpus to compare: a build of ours, another tool's output, or a golden file, with its counters and manifest."""

from __future__ import annotations

import glob
import gzip
import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from c4pipe.conform.documents import FACTS, TEXT_HASH, Document, format_of, read_corpus_file
from c4pipe.fs import files, globs
from c4pipe.fs.paths import join
from c4pipe.shards.formats import FORMATS, preferred

NLTK = re.compile(r"NLTK (\d[\d.]*)")


@dataclass(frozen=True)
class Corpus:
    """Files of documents in one format, with the counters and the manifest beside them."""

    name: str  # the path or folder that the user gave
    paths: tuple[str, ...]
    facts: frozenset[str]  # names of the facts that every file has
    counters: Mapping[str, int] | None = None
    manifest: Mapping[str, Any] = field(default_factory=dict)
    trace: str | None = None  # path of a golden folder's trace, which says what became of each page
    notes: tuple[str, ...] = ()

    def documents(self) -> Iterator[Document]:
        """Yield all documents, always in the same order."""
        for path in self.paths:
            yield from read_corpus_file(path)

    @property
    def variant(self) -> str | None:
        """Return the variant that the manifest names."""
        return cast("str | None", _manifest_text(self.manifest, "variant"))

    @property
    def semantics(self) -> str | None:
        """Return the version of the semantics that the manifest names."""
        return cast("str | None", _manifest_text(self.manifest, "semantics"))


def _manifest_text(manifest: Mapping[str, Any], name: str) -> object:
    value = {**manifest, **manifest.get("options", {})}.get(name)
    return value if isinstance(value, str) else None


def open_corpus(path: str, variant: str | None = None) -> Corpus:
    """Return the corpus in a file or folder. If that is a build of several variants, ``variant`` selects one.

    FileNotFoundError where there are no documents; ValueError where a variant must be named.
    """
    folder = build_folder(path, variant)
    present = globs.matches(glob.escape(folder)) or globs.matches(join(glob.escape(folder), "**"))
    formats = {file: row.name for file in present if (row := format_of(file))}
    if not formats:
        raise FileNotFoundError(f"{folder} holds no documents; it must hold files of {', '.join(FORMATS)}")
    counts = Counter(formats.values())
    chosen = preferred(set(counts)).name
    paths = tuple(file for file, name in formats.items() if name == chosen)
    aside = [
        f"{path}: its {counts[chosen]} {chosen} files are read, its {name} files ({count}) are not"
        for name, count in counts.items()
        if name != chosen
    ]
    manifest = _read_json_if_any(join(folder, "manifest.json"))
    return Corpus(path, paths, common_facts(paths), _read_counters(folder), manifest or {}, notes=tuple(aside))


def build_folder(path: str, variant: str | None) -> str:
    """Return the variant's folder if the path is the folder of a build, else the path itself."""
    manifests = globs.matches(join(glob.escape(path), "*", "manifest.json"))
    if not manifests or files.exists(join(path, "manifest.json")):
        return path
    folders = {os.path.basename(parent): parent for parent in map(os.path.dirname, manifests)}
    if variant in folders:
        return folders[variant]
    if len(folders) > 1 or variant is not None:
        raise ValueError(f"{path} is a build of {', '.join(sorted(folders))}; name one of these folders in it")
    return next(iter(folders.values()))


def open_golden(folder: str, variant: str, *, nltk: str = "", counters: str | None = None) -> Corpus:
    """Return the golden corpus of a variant. A folder may hold further counters for a release of NLTK.

    ``counters`` is the path of a file to take in their place. FileNotFoundError where the variant has no golden file.
    """
    path = join(folder, f"{variant}.jsonl.gz")
    if not files.exists(folder):
        raise FileNotFoundError(f"there is no folder {folder}; --golden names the folder of the reference's output")
    if not files.exists(path):
        golden = sorted(map(os.path.basename, globs.matches(join(glob.escape(folder), "*.jsonl.gz"))))
        raise FileNotFoundError(
            f"{folder} holds no {variant}.jsonl.gz; it has {', '.join(golden) or 'none'}; name --variant"
        )
    default, of_release = (join(folder, f"{variant}{mark}.counters.json") for mark in ("", f".nltk-{nltk}"))
    chosen = counters or (of_release if files.exists(of_release) else default)
    trace = join(folder, f"{variant}.trace.jsonl.gz")
    return Corpus(
        folder,
        (path,),
        common_facts((path,)),
        cast("Mapping[str, int] | None", files.read_json(chosen) if counters else _read_json_if_any(chosen)),
        trace=trace if files.exists(trace) else None,
        notes=(f"golden counters: {os.path.basename(chosen)}",),
    )


def common_facts(paths: tuple[str, ...]) -> frozenset[str]:
    """Return the names of the facts that the first document of every file has.

    Of any other document, a fact that it lacks counts as empty.
    """
    names = frozenset((*FACTS, TEXT_HASH))
    for path in paths:
        first = next(read_corpus_file(path), None)
        if first is not None:
            names &= first.facts.keys()
    return names


def read_trace(path: str, urls: frozenset[str]) -> dict[str, list[Mapping[str, Any]]]:
    """Return the rows of a trace that belong to these URLs, by URL."""
    rows: dict[str, list[Mapping[str, Any]]] = {}
    with files.open_read(path) as stream, gzip.GzipFile(fileobj=stream) as lines:
        for line in lines:
            row = json.loads(line)
            if row["url"] in urls:
                rows.setdefault(row["url"], []).append(row)
    return rows


def _read_counters(folder: str) -> dict[str, int] | None:
    """Return the counters of a build of ours, with the faults of its files, or None without stats.json."""
    stats = _read_json_if_any(join(folder, "stats.json"))
    if stats is None:
        return None
    faults = {f"fault/{kind}": count for kind, count in stats.get("faults", {}).items()}
    return {**stats["counters"], **faults}


def _read_json_if_any(path: str) -> dict[str, Any] | None:
    return cast("dict[str, Any]", files.read_json(path)) if files.exists(path) else None
