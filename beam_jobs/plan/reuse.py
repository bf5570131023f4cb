"""Says what a page store holds for later builds, and checks that it has what a build needs."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

from beam_jobs.plan import scopes
from beam_jobs.plan.job import Job
from beam_jobs.plan.scopes import Branch
from beam_jobs.store import page_store
from beam_jobs.store.column_names import name_of
from c4pipe import resources
from c4pipe.fingerprint import described

MAKERS = ("c4pipe", "langdetect", "nltk", "tldextract")  # a release of these may judge a page differently


class Missing(ValueError):
    """An earlier page store lacks what a variant needs, or was made in another way."""


def holds(job: Job) -> dict[str, Any]:
    """Return what the build's page store has: schema, entries, cleanings, resources, versions."""
    job.begin()
    judging = [stage for stages in (*job.entries.values(), *job.cleanings.values()) for stage in stages]
    return {
        "schema": page_store.SCHEMA_NUMBER,
        "raw": job.holds_raw,
        "entries": {name: described(stages) for name, stages in job.entries.items()},
        "cleanings": {name: described(stages) for name, stages in job.cleanings.items()},
        "resources": _resources(judging),
        "made_by": _makers(),
    }


def _makers() -> dict[str, str]:
    """Return the versions that judge pages; of Python major and minor, since its table of characters may change."""
    return {name: version(name) for name in MAKERS} | {"python": ".".join(platform.python_version_tuple()[:2])}


def _resources(stages: Iterable[object]) -> dict[str, str]:
    needed: dict[str, bytes | None] = {}
    for stage in stages:
        if hasattr(stage, "resources"):
            needed.update(stage.resources())
    return resources.used(needed)


def check_held(job: Job, held: dict[str, Any], folder: str) -> None:
    """Raise ``Missing`` if an earlier page store lacks what this build needs.

    From raw text all cleanings can be made. An entry can continue a shorter one by stages that look at the URL alone.
    """
    if held["schema"] != page_store.SCHEMA_NUMBER:
        raise Missing(
            f"the page store in {folder} is of schema {held['schema']}, this version reads "
            f"{page_store.SCHEMA_NUMBER}; build it again from the WET files"
        )
    makers = _makers()
    if different := [
        f"{name} {held['made_by'].get(name)}" for name in makers if held["made_by"].get(name) != makers[name]
    ]:
        own = ", ".join(f"{name} {makers[name]}" for name in makers)
        raise Missing(
            f"the page store in {folder} was made by {', '.join(different)}, but this build has {own}; they may judge "
            "pages differently. Use the versions that made it, or build from the WET files"
        )
    if job.keep_raw and not held["raw"]:
        raise Missing(f"the page store in {folder} has no raw text to keep; leave out --keep_raw")
    job.begin()
    for branch in job.branches:
        _check_branch(branch, held, folder)


def _check_branch(branch: Branch, held: dict[str, Any], folder: str) -> None:
    name, entry, cleaning = branch.wanted.variant.name, branch.origin.scope.entry, branch.origin.cleaning
    if not any(name_of(entry[:n]) in held["entries"] for n in scopes.reachable_from(entry)):
        raise Missing(_lack_message(folder, name, "pages that its stages before URL deduplication let pass", name))
    if cleaned := name_of(cleaning) in held["cleanings"]:
        _check_resources(cleaning, held, folder)
    if not cleaned and not held["raw"]:
        raise Missing(_lack_message(folder, name, "the text that it starts from", "--keep_raw"))


def _check_resources(cleaning: Iterable[object], held: dict[str, Any], folder: str) -> None:
    """Raise ``Missing`` if other lists cleaned the pages than this build would use."""
    wanted = _resources(cleaning)
    if any(held["resources"].get(name) != sha256 for name, sha256 in wanted.items()):
        raise Missing(
            f"the pages in {folder} were cleaned with {', '.join(held['resources'])}, this build would take "
            f"{', '.join(wanted)}; give the --resources of that build, or build from the WET files"
        )


def _lack_message(folder: str, name: str, what: str, remedy: str) -> str:
    remedy = f"the option {remedy}" if remedy.startswith("--") else f"--variant {remedy} among the others"
    return (
        f"the page store in {folder} lacks what {name} needs: {what}. "
        f"Build that store with {remedy}, or build from the WET files"
    )
