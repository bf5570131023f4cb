"""What a page store holds for builds that are made from it, and whether that is what a build needs."""

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

MAKERS = ("c4pipe", "langdetect", "nltk", "tldextract")  # whose releases may judge a page otherwise


class Missing(ValueError):
    """An earlier page store lacks what a variant needs, or has it otherwise."""


def holds(job: Job) -> dict[str, Any]:
    """What the page store of the build has, and by what it was made."""
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
    """The versions by which pages are judged; of Python the minor one, since its table of characters may change."""
    return {name: version(name) for name in MAKERS} | {"python": ".".join(platform.python_version_tuple()[:2])}


def _resources(stages: Iterable[object]) -> dict[str, str]:
    found: dict[str, bytes | None] = {}
    for stage in stages:
        if hasattr(stage, "resources"):
            found.update(stage.resources())
    return resources.used(found)


def check_held(job: Job, held: dict[str, Any], folder: str) -> None:
    """Say what an earlier page store lacks for this build, before anything runs.

    With the raw text all cleanings can be made; an entry can be reached from a shorter one by stages that look at
    the URL alone.
    """
    if held["schema"] != page_store.SCHEMA_NUMBER:
        raise Missing(
            f"the page store in {folder} is of schema {held['schema']}, this version reads "
            f"{page_store.SCHEMA_NUMBER}; build it again from the WET files"
        )
    makers = _makers()
    if others := [
        f"{name} {held['made_by'].get(name)}" for name in makers if held["made_by"].get(name) != makers[name]
    ]:
        here = ", ".join(f"{name} {makers[name]}" for name in makers)
        raise Missing(
            f"the page store in {folder} was made by {', '.join(others)}, here is {here}; what they keep of a page may "
            "differ. Use the versions that made it, or build from the WET files"
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
    """The lists that cleaned the pages are those with which this build would clean them."""
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
        f"It would be there had it been built with {remedy}; build from the WET files"
    )
