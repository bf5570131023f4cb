"""A corpus to compare: a build of ours, what another tool wrote, or a golden file, with what is told beside it."""

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
    """Files of documents of one format, and what stands beside them."""

    name: str  # as it was named
    paths: tuple[str, ...]
    facts: frozenset[str]  # what every file tells of a document
    counters: Mapping[str, int] | None = None
    manifest: Mapping[str, Any] = field(default_factory=dict)
    trace: str | None = None  # a golden folder's: the path of what became of every page
    notes: tuple[str, ...] = ()

    def documents(self) -> Iterator[Document]:
        """All documents, always in the same order."""
        for path in self.paths:
            yield from read_corpus_file(path)

    @property
    def variant(self) -> str | None:
        """The variant that the manifest names."""
        return cast("str | None", _manifest_text(self.manifest, "variant"))

    @property
    def semantics(self) -> str | None:
        """The version of the semantics that the manifest names."""
        return cast("str | None", _manifest_text(self.manifest, "semantics"))


def _manifest_text(manifest: Mapping[str, Any], name: str) -> object:
    found = {**manifest, **manifest.get("options", {})}.get(name)
    return found if isinstance(found, str) else None


def open_corpus(path: str, variant: str | None = None) -> Corpus:
    """Return the corpus in a file or folder; of a build of several variants, that of the named one."""
    folder = build_folder(path, variant)
    present = globs.matches(glob.escape(folder)) or globs.matches(join(glob.escape(folder), "**"))
    formats = {file: row.name for file in present if (row := format_of(file))}
    if not formats:
        raise FileNotFoundError(f"{folder} holds no documents: files of {', '.join(FORMATS)} are looked for")
    counts = Counter(formats.values())
    chosen = preferred(set(counts)).name
    paths = tuple(file for file, name in formats.items() if name == chosen)
    aside = [
        f"{path}: read are {counts[chosen]} {chosen} files, not its {count} of {name}"
        for name, count in counts.items()
        if name != chosen
    ]
    manifest = _read_json_if_any(join(folder, "manifest.json"))
    return Corpus(path, paths, common_facts(paths), _read_counters(folder), manifest or {}, notes=tuple(aside))


def build_folder(path: str, variant: str | None) -> str:
    """The folder of the variant in the folder of a build; the path itself where it is no such."""
    manifests = globs.matches(join(glob.escape(path), "*", "manifest.json"))
    if not manifests or files.exists(join(path, "manifest.json")):
        return path
    folders = {os.path.basename(os.path.dirname(found)): os.path.dirname(found) for found in manifests}
    if variant in folders:
        return folders[variant]
    if len(folders) > 1 or variant is not None:
        raise ValueError(f"{path} is a build of {', '.join(sorted(folders))}; name one of these folders in it")
    return next(iter(folders.values()))


def open_golden(folder: str, variant: str, *, nltk: str = "", counters: str | None = None) -> Corpus:
    """What the reference made of a variant; there may be other counters for a release of NLTK."""
    path = join(folder, f"{variant}.jsonl.gz")
    if not files.exists(folder):
        raise FileNotFoundError(f"there is no folder {folder}; --golden names one of what the reference made")
    if not files.exists(path):
        golden = globs.matches(join(glob.escape(folder), "*.jsonl.gz"))
        there = sorted(map(os.path.basename, golden))
        raise FileNotFoundError(
            f"{folder} holds no {variant}.jsonl.gz; it has {', '.join(there) or 'none'}; name --variant"
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
    """What the first document of every file tells; of the others, what they leave out counts as empty."""
    found = frozenset((*FACTS, TEXT_HASH))
    for path in paths:
        first = next(read_corpus_file(path), None)
        if first is not None:
            found &= first.facts.keys()
    return found


def read_trace(path: str, urls: frozenset[str]) -> dict[str, list[Mapping[str, Any]]]:
    """The rows of a trace that are of these URLs, by URL."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    with files.open_read(path) as stream, gzip.GzipFile(fileobj=stream) as lines:
        for line in lines:
            row = json.loads(line)
            if row["url"] in urls:
                found.setdefault(row["url"], []).append(row)
    return found


def _read_counters(folder: str) -> dict[str, int] | None:
    """What a build of ours counted, faults of its files among it; None where nothing is told."""
    stats = _read_json_if_any(join(folder, "stats.json"))
    if stats is None:
        return None
    faults = {f"fault/{kind}": count for kind, count in stats.get("faults", {}).items()}
    return {**stats["counters"], **faults}


def _read_json_if_any(path: str) -> dict[str, Any] | None:
    return cast("dict[str, Any]", files.read_json(path)) if files.exists(path) else None
