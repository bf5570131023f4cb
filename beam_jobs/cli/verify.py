"""``c4pipe verify``: are the shards of a build the files that its manifests list?"""

from __future__ import annotations

import argparse
import dataclasses
import glob
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from tqdm import tqdm

from beam_jobs.store.layout import Store
from c4pipe.cli.command import DIFFERENT, FAILED, Command
from c4pipe.fs import files, globs, paths
from c4pipe.shards.read_write import ShardInfo, iterate_differences, parse_name
from c4pipe.terminal import counted, say

MANIFEST = "manifest.json"
FIELD_TYPES = {field.name: {"int": int, "str": str}[str(field.type)] for field in dataclasses.fields(ShardInfo)}


class NoManifest(ValueError):
    """A folder whose shards cannot be checked: its manifest is missing or damaged."""


@dataclass(frozen=True)
class Checked:
    """What one variant's folder is found to be."""

    shards: list[ShardInfo]
    differences: list[str]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``c4pipe verify``."""
    parser.add_argument("folder", metavar="DIR", help="--output of a build, or the folder of one variant in it")
    parser.add_argument("--all", action="store_true", help="name all differences of a variant, not only the first")
    parser.add_argument("--quick", action="store_true", help="compare existence and size only; read no shard")


def verify_folders(arguments: argparse.Namespace) -> int:
    """Print a line for each variant, or its differences; return 0, 3 if any differs, 1 if a manifest is unreadable."""
    unreadable = different = False
    for folder in variant_folders(arguments.folder):
        try:
            checked = check_folder(folder, stop_at_first=not arguments.all, sizes_only=arguments.quick)
        except NoManifest as error:
            say(f"c4pipe verify: {error}", sys.stderr)
            unreadable = True
            continue
        for difference in checked.differences:
            say(f"{folder}: {difference}")
        different = different or bool(checked.differences)
        if not checked.differences:
            say(f"{folder}: {summary(checked.shards, arguments.quick)}")
    return FAILED if unreadable else DIFFERENT if different else 0


def variant_folders(folder: str) -> list[str]:
    """Return the folders of a build's variants, or the folder itself if it is a variant's; NoManifest if neither.

    A variant is one that the build's store lists, one with a manifest, or one with shards.
    """
    folder = folder.rstrip("/") or folder
    if files.exists(paths.join(folder, MANIFEST)):
        return [folder]
    inside = globs.matches(paths.join(glob.escape(folder), "*", MANIFEST))
    inside += [path for path in globs.matches(paths.join(glob.escape(folder), "*", "c4-*")) if is_shard_file(path)]
    names = {os.path.basename(os.path.dirname(path)) for path in inside} | set(listed_variants(folder))
    if not names:
        raise NoManifest(
            f"{paths.join(folder, MANIFEST)} is missing, and no folder in {folder} has one; name the --output of a "
            "build or the folder of a variant"
        )
    return [paths.join(folder, name) for name in sorted(names)]


def is_shard_file(path: str) -> bool:
    """Return whether a file has the name of a shard."""
    return parse_name(os.path.basename(path)) is not None


def listed_variants(folder: str) -> list[str]:
    """Return the variants that the store of a build lists; none where there is no store."""
    path = Store(paths.join(folder, "store")).identity
    if not files.exists(path):
        return []
    try:
        identity = files.read_json(path)
    except ValueError as error:
        raise NoManifest(f"{path} is no JSON ({error}); remove it, or fetch it again") from error
    variants = identity.get("variants") if isinstance(identity, dict) else None
    return list(variants) if isinstance(variants, dict) else []


def check_folder(folder: str, *, stop_at_first: bool = True, sizes_only: bool = False) -> Checked:
    """Return the shards of a variant's manifest, and how the files differ from them; NoManifest if it is unreadable.

    A bar on a terminal shows how many bytes are checked.
    """
    shards = read_manifest(folder)
    total = sum(shard.bytes for shard in shards)
    with tqdm(total=total, unit="B", unit_scale=True, desc=folder, disable=None, leave=False, file=sys.stderr) as bar:
        found: Iterator[str] = iterate_differences(
            folder, shards, sizes_only=sizes_only, checked=lambda shard: bar.update(shard.bytes)
        )
        differences = [line for line in (next(found, None),) if line] if stop_at_first else list(found)
    return Checked(shards, differences)


def read_manifest(folder: str) -> list[ShardInfo]:
    """Return the shards that a folder's manifest lists; NoManifest names the file and the remedy."""
    path = paths.join(folder, MANIFEST)
    if not files.exists(path):
        raise NoManifest(f"{path} is missing; give the command of the build again: it writes the manifest last")
    remedy = "restore it, or remove it and give the command of the build again"
    try:
        manifest = files.read_json(path)
    except ValueError as error:
        raise NoManifest(f"{path} is no JSON ({error}); {remedy}") from error
    rows = manifest.get("shards") if isinstance(manifest, dict) else None
    if not isinstance(rows, list) or not all(map(is_shard_row, rows)):
        raise NoManifest(f"{path} has no list of shards with {', '.join(FIELD_TYPES)}; {remedy}")
    return [ShardInfo(**row) for row in rows]


def is_shard_row(row: object) -> bool:
    """Return whether a value of a manifest has the fields of a shard, and no others."""
    return (
        isinstance(row, dict)
        and set(row) == set(FIELD_TYPES)
        and all(isinstance(row[name], kind) for name, kind in FIELD_TYPES.items())
    )


def summary(shards: list[ShardInfo], sizes_only: bool) -> str:
    """Return one line on a folder that is whole.

    >>> summary([ShardInfo("c4-train-00000-of-00001.parquet", "train", "parquet", 2, 10, "", "")], sizes_only=True)
    'whole by size, 1 shard, 10 bytes'
    """
    how = "whole by size" if sizes_only else "whole"
    return f"{how}, {counted(len(shards), 'shard')}, {counted(sum(shard.bytes for shard in shards), 'byte')}"


command = Command(
    summary="Compare each shard of a build with its manifest: existence, size and SHA-256. "
    "Exits with 0 if all is whole, with 3 if something differs, with 1 if a manifest is missing or damaged.",
    examples="""
c4pipe verify corpus
c4pipe verify corpus/en --all
c4pipe verify gs://bucket/c4 --quick
""",
    add_options=add_options,
    run=verify_folders,
)
