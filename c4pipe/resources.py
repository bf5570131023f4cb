"""Pinned lists and models, from a folder, the cache of the user, or the original. The SHA-256 is always checked."""

from __future__ import annotations

import functools
import hashlib
import io
import logging
import os
import zipfile
from collections.abc import Iterable, Mapping

from c4pipe import resource_pins
from c4pipe.fs import download, files, paths
from c4pipe.resource_pins import Resource

BUILTIN = "builtin"  # small stand-ins in sentences.py and badwords.py; only by this name, never by default
SETTING = "C4PIPE_RESOURCES"
OPTION = "--resources"
REMEDY = f"give a folder that holds it with {OPTION} or {SETTING} (`c4pipe resources --output DIR` makes one)"

PATIENCE = download.Patience(attempts=3, first_wait_seconds=1.0, longest_retry_after_seconds=60.0)

log = logging.getLogger(__name__)


class ResourceError(RuntimeError):
    """A pinned file is not available, or differs. The message has its name, its source and the remedy."""


_chosen: str | None = None


def use(source: str | None) -> None:
    """Choose the source of resources in this process: a folder, ``BUILTIN``, or None for the default."""
    global _chosen
    _chosen = source or None


def source() -> str | None:
    """Return the choice of ``use``, else ``C4PIPE_RESOURCES``, else None (the cache, then the original)."""
    return _chosen or os.environ.get(SETTING) or None


def cache_folder() -> str:
    """Return the folder of downloads."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "c4pipe")


def read(name: str) -> bytes:
    """Return the bytes of a pinned file. Their SHA-256 is checked, wherever they come from."""
    if name not in resource_pins.PINNED:
        raise ResourceError(f"no pinned file is named {name!r}; `c4pipe resources` lists them")
    return _read(source(), name)


def used(names: Iterable[str] | Mapping[str, bytes | None]) -> dict[str, str]:
    """Return name -> SHA-256 for a manifest: of the pinned files, or of their stand-ins under ``BUILTIN``.

    A mapping gives for each name its built-in content; a name without any cannot be used under ``BUILTIN``.
    """
    contents = names if isinstance(names, Mapping) else dict.fromkeys(names)
    if source() != BUILTIN:
        return {name: resource_pins.PINNED[name].sha256 for name in sorted(contents)}
    found = {}
    for name, content in sorted(contents.items()):
        if content is None:
            raise ResourceError(f"{name} has no built-in content; {REMEDY}")
        found[f"{BUILTIN}:{name}"] = hashlib.sha256(content).hexdigest()
    return found


@functools.cache
def _read(source: str | None, name: str) -> bytes:
    resource = resource_pins.PINNED[name]
    if source == BUILTIN:
        raise ResourceError(f"{name} is not built in; {REMEDY}")
    found = _find(source, resource)
    return found[1] if found else _download(resource, source)


def forget() -> None:
    """Forget cached files, so that each is read again."""
    _read.cache_clear()


def locate(name: str) -> str | None:
    """Return the path of a pinned file here or in the named folder; None if it would be downloaded."""
    found = _find(source(), resource_pins.PINNED[name])
    return found[0] if found else None


def _find(source: str | None, resource: Resource) -> tuple[str, bytes] | None:
    """A pinned file and its path. A wrong file in the user's folder is an error; in the cache it is ignored."""
    parts = resource.name.split("/")
    if source and source != BUILTIN:
        if not paths.is_remote(source) and not files.exists(source):
            raise ResourceError(f"{source} is no folder, but {OPTION} or {SETTING} names it")
        path = paths.join(source, *parts)
        if files.exists(path):
            data = files.read_bytes(path)
            _check(resource, data, path)
            return path, data
    path = paths.join(cache_folder(), *parts)
    if not files.exists(path):
        return None
    data = files.read_bytes(path)
    return (path, data) if hashlib.sha256(data).hexdigest() == resource.sha256 else None


def _download(resource: Resource, source: str | None) -> bytes:
    """Download a file into the cache. The other pinned members of a zip are kept, too."""
    try:
        body = download.read(resource.address, patience=PATIENCE)
    except download.DownloadError as error:
        places = f"{source} or {cache_folder()}" if source else cache_folder()
        raise ResourceError(f"{resource.name} is not in {places}, and cannot be fetched: {error}; {REMEDY}") from error
    siblings = [other for other in resource_pins.PINNED.values() if other.address == resource.address]
    contents = {other.name: _part(other, body) for other in siblings}
    for other in siblings:
        _check(other, contents[other.name], other.address)
        _keep(other, contents[other.name])
    return contents[resource.name]


def _part(resource: Resource, body: bytes) -> bytes:
    if resource.member is None:
        return body
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return archive.read(resource.member)
    except (zipfile.BadZipFile, KeyError) as error:
        raise ResourceError(f"{resource.address} is no zip that holds {resource.member}: {error}; {REMEDY}") from error


def _check(resource: Resource, data: bytes, place: str) -> None:
    found = hashlib.sha256(data).hexdigest()
    if found != resource.sha256:
        raise ResourceError(
            f"{place} has SHA-256 {found}, but {resource.name} is pinned to {resource.sha256}; {REMEDY}"
        )


def _keep(resource: Resource, data: bytes) -> None:
    path = paths.join(cache_folder(), *resource.name.split("/"))
    try:
        files.write_bytes(path, data)
    except OSError as error:  # a worker without a home still works
        log.warning("cannot keep %s in the cache (%s): every process will download it; %s", path, error, REMEDY)
