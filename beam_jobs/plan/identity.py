"""The identity of a build: a stopped build continues only as the same build."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from beam_jobs.plan.inputs import Selection
from beam_jobs.plan.job import Job
from beam_jobs.plan.reuse import holds
from beam_jobs.plan.scopes import Branch
from beam_jobs.store import page_store
from c4pipe import resources
from c4pipe.fingerprint import described, fingerprint
from c4pipe.fs import files
from c4pipe.stages import language
from c4pipe.stages.language import LabelLanguage
from c4pipe.terminal import shortened
from c4pipe.text import sentences
from c4pipe.variants import Variant

DISTRIBUTIONS = (
    "c4pipe",
    "apache-beam",
    "deflate",
    "google-crc32c",
    "langdetect",
    "nltk",
    "numpy",
    "pyarrow",
    "tldextract",
)
SHOWN_MAX = 20  # differences in an error: a moved folder makes one for each file


class AnotherBuild(ValueError):
    """The output folder holds a build with other inputs, options, resources or versions."""


def identity(job: Job, selection: Selection) -> dict[str, Any]:
    """Return everything that the bytes of a build depend on, and the names of its inputs."""
    job.begin()
    return {
        "inputs": [{key: source.get(key) for key in ("crawl", "path", "bytes")} for source in selection.sources],
        "variants": {branch.wanted.variant.name: _variant(branch) for branch in job.branches},
        "options": {
            "formats": sorted(job.formats),
            "shards": job.shards,
            "seed": job.seed,
            "keep_raw": job.holds_raw,  # else only some partitions would have the raw text
        },
        "versions": versions() | {"punkt": sentences.algorithm(), "store": str(page_store.SCHEMA_NUMBER)} | _cld3(job),
        "holds": holds(job),
    }


def versions() -> dict[str, str]:
    """Return the versions that the bytes of a build depend on."""
    return {"python": platform.python_version()} | {name: version(name) for name in DISTRIBUTIONS}


def _cld3(job: Job) -> dict[str, str]:
    """Return the version of cld3, if a stage labels pages."""
    stages = {type(stage) for branch in job.branches for stage in branch.wanted.variant.stages}
    return {"gcld3": language.cld3_version()} if LabelLanguage in stages else {}


def _variant(branch: Branch) -> dict[str, Any]:
    variant = branch.wanted.variant
    return {
        "variant": variant.name,
        "semantics": variant.semantics,
        "stages": [described(stage) for stage in variant.stages],
        "fingerprint": fingerprint(variant),
        "crawls": [crawl.name for crawl in branch.wanted.crawls],
        "resources": resources.used(variant.resources()) | _lists(variant),
    }


def _lists(variant: Variant) -> dict[str, str]:
    """Return the SHA-256 of the user's lists of URLs, by path."""
    paths = [path for stage in variant.stages for path in getattr(stage, "paths", ())]
    return {path: hashlib.sha256(files.read_bytes(path)).hexdigest() for path in paths}


def claim_folder(job: Job, selection: Selection) -> bool:
    """Take the output folder for this build; return True if an earlier run of the same build began there.

    Raises ``AnotherBuild``, with the differences, if the folder holds another one.
    """
    wanted = identity(job, selection)
    if not files.exists(job.store.identity):
        _check_empty(job)
        files.write_json(job.store.inputs, list(selection.sources))
        files.write_json(job.store.identity, wanted)
        return False
    begun: Any = files.read_json(job.store.identity)
    if changes := list(differences(begun, wanted)):
        rest = [f"and {len(changes) - SHOWN_MAX:,} more"] if len(changes) > SHOWN_MAX else []
        raise AnotherBuild(
            f"{job.output} holds another build:\n  " + "\n  ".join(changes[:SHOWN_MAX] + rest) + "\n"
            "Give the options with which it was begun to go on with it, or another --output for a new one."
        )
    return True


def _check_empty(job: Job) -> None:
    """Raise ``AnotherBuild`` if a manifest stands there without a store: any build of that variant would seem whole."""
    variants = [wanted.variant for wanted in job.wanted]
    if whole := [job.folder(variant) for variant in variants if files.exists(job.manifest(variant))]:
        raise AnotherBuild(
            f"{' and '.join(whole)}: a whole build without its store, so no build can continue it. "
            "Remove the folder to build it anew, or give another --output."
        )


def differences(begun: Any, wanted: Any, where: str = "") -> Iterator[str]:
    """Yield a line for each difference of two identities.

    >>> list(differences({"a": {"b": 1}}, {"a": {"b": 2}}))
    ['a.b: begun with 1, now 2']
    """
    if begun == wanted or where == "holds":  # follows from the rest
        return
    if where == "inputs":
        yield from _input_differences(begun, wanted)
    elif isinstance(begun, dict) and isinstance(wanted, dict):
        for name in sorted({*begun, *wanted}):
            if where == "variants" and not (name in begun and name in wanted):
                yield f"variant {name} is {'gone' if name in begun else 'new'}"
            else:
                yield from differences(begun.get(name), wanted.get(name), f"{where}.{name}".lstrip("."))
    elif isinstance(begun, list) and isinstance(wanted, list) and len(begun) == len(wanted):
        for number, pair in enumerate(zip(begun, wanted, strict=True)):
            yield from differences(*pair, f"{where}.{number}")
    else:
        yield f"{where}: begun with {shortened(repr(begun))}, now {shortened(repr(wanted))}"


def _input_differences(begun: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> Iterator[str]:
    before = {source["path"]: source["bytes"] for source in begun}
    after = {source["path"]: source["bytes"] for source in wanted}
    for path in sorted({*before, *after}):
        if path not in after:
            yield f"inputs: {path} is no longer among them"
        elif path not in before:
            yield f"inputs: {path} is new"
        elif before[path] != after[path]:
            yield f"inputs: {path} had {before[path]:,} bytes, now {after[path]:,}"
