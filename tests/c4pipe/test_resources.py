"""Where pinned files come from, in which order, and that nothing but the pinned bytes ever comes."""

from __future__ import annotations

import hashlib
import io
import logging
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from c4pipe import resources
from c4pipe.fs import download, files
from c4pipe.resource_pins import PINNED, Resource
from c4pipe.resources import BUILTIN, ResourceError
from tests.support.unruly_server import UnrulyServer, status, whole

LIST = b"some\nwords\n"
STARTERS = b"since\n"
ENDINGS = b"etc\n"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def archive(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        for name, data in members.items():
            packed.writestr(f"tab/{name}", data)
    return stream.getvalue()


@pytest.fixture
def pinned(server: UnrulyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[UnrulyServer]:
    """Three pinned files on a server of our own, an empty cache, no setting."""
    zipped = server.url + "/tab.zip"
    table = [
        Resource("lists/en", sha256(LIST), server.url + "/lists/en"),
        Resource("tab/starters", sha256(STARTERS), zipped, "tab/starters"),
        Resource("tab/endings", sha256(ENDINGS), zipped, "tab/endings"),
    ]
    server.behave("/lists/en", whole(LIST))
    server.behave("/tab.zip", whole(archive(starters=STARTERS, endings=ENDINGS)))
    monkeypatch.setattr("c4pipe.resource_pins.PINNED", {resource.name: resource for resource in table})
    monkeypatch.setattr(resources, "PATIENCE", download.Patience(attempts=2, first_wait_seconds=0.001))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("C4PIPE_RESOURCES", raising=False)
    monkeypatch.setattr(resources, "_chosen", None)
    resources.forget()
    yield server
    resources.forget()


@pytest.fixture
def cached(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "c4pipe"


def test_pinned_is_what_the_reference_downloads(shared: Path) -> None:
    lines = (shared / "data" / "resources" / "SHA256SUMS").read_text().splitlines()
    sums = {name.removeprefix("./"): digest for digest, name in map(str.split, lines)}
    del sums["SHA256SUMS"]
    assert {name: resource.sha256 for name, resource in PINNED.items()} == sums
    assert len(sums) == 34


def test_the_real_folder_is_read_whole(real_resources: Path) -> None:
    for name in PINNED:
        assert resources.read(name) == (real_resources / name).read_bytes()
        assert resources.locate(name) == str(real_resources / name)


def test_addresses_are_pinned() -> None:
    """Each address has a commit in it, but for the zip that is known by its members' hashes."""
    for name, resource in PINNED.items():
        assert name == resource.name
        assert re.fullmatch(r"[0-9a-f]{64}", resource.sha256)
        if resource.member is None:
            assert re.match(r"https://raw\.githubusercontent\.com/[\w-]+/[\w-]+/[0-9a-f]{40}/", resource.address)
        else:
            assert resource.address.endswith("/punkt_tab.zip")
            assert resource.name == f"nltk_data/tokenizers/{resource.member}"


def test_downloaded_then_cached(pinned: UnrulyServer, cached: Path) -> None:
    assert resources.locate("lists/en") is None
    assert resources.read("lists/en") == LIST
    assert (cached / "lists" / "en").read_bytes() == LIST
    resources.forget()
    assert resources.read("lists/en") == LIST
    assert resources.locate("lists/en") == str(cached / "lists" / "en")
    assert pinned.count("/lists/en") == 1


def test_read_once_a_process(pinned: UnrulyServer, cached: Path) -> None:
    resources.read("lists/en")
    (cached / "lists" / "en").unlink()
    assert resources.read("lists/en") == LIST
    assert pinned.count("/lists/en") == 1


def test_one_zip_serves_all_its_members(pinned: UnrulyServer, cached: Path) -> None:
    assert resources.read("tab/starters") == STARTERS
    assert resources.read("tab/endings") == ENDINGS
    assert pinned.count("/tab.zip") == 1
    assert (cached / "tab" / "endings").read_bytes() == ENDINGS


@pytest.mark.parametrize("by", ["use", "setting"])
def test_the_named_folder_comes_first(
    pinned: UnrulyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    folder = tmp_path / "given"
    files.write_bytes(str(folder / "lists" / "en"), LIST)
    if by == "use":
        resources.use(str(folder))
    else:
        monkeypatch.setenv("C4PIPE_RESOURCES", str(folder))
    assert resources.source() == str(folder)
    assert resources.read("lists/en") == LIST
    assert resources.locate("lists/en") == str(folder / "lists" / "en")
    assert pinned.count("/lists/en") == 0


def test_use_goes_before_the_setting(pinned: UnrulyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C4PIPE_RESOURCES", "elsewhere")
    resources.use(BUILTIN)
    assert resources.source() == BUILTIN
    resources.use(None)
    assert resources.source() == "elsewhere"
    monkeypatch.setenv("C4PIPE_RESOURCES", "")
    assert resources.source() is None


def test_a_folder_on_a_remote_store(pinned: UnrulyServer) -> None:
    files.write_bytes("memory://given/lists/en", LIST)
    resources.use("memory://given")
    assert resources.read("lists/en") == LIST
    assert pinned.count("/lists/en") == 0


def test_a_folder_that_lacks_the_file_is_passed_over(pinned: UnrulyServer, tmp_path: Path) -> None:
    resources.use(str(tmp_path))
    assert resources.read("lists/en") == LIST
    assert pinned.count("/lists/en") == 1


def test_a_folder_that_is_none_is_an_error(pinned: UnrulyServer, tmp_path: Path) -> None:
    resources.use(str(tmp_path / "typo"))
    with pytest.raises(ResourceError, match="typo is no folder, but --resources or C4PIPE_RESOURCES names it"):
        resources.read("lists/en")


def test_another_file_in_the_named_folder_names_both_hashes(pinned: UnrulyServer, tmp_path: Path) -> None:
    files.write_bytes(str(tmp_path / "lists" / "en"), LIST + b"\n")
    resources.use(str(tmp_path))
    with pytest.raises(ResourceError) as caught:
        resources.read("lists/en")
    for part in (str(tmp_path / "lists" / "en"), sha256(LIST + b"\n"), sha256(LIST), "--resources"):
        assert part in str(caught.value)


def test_a_damaged_cache_is_mended(pinned: UnrulyServer, cached: Path) -> None:
    files.write_bytes(str(cached / "lists" / "en"), b"damaged")
    assert resources.read("lists/en") == LIST
    assert (cached / "lists" / "en").read_bytes() == LIST


def test_another_file_at_the_address_is_refused(pinned: UnrulyServer, cached: Path) -> None:
    pinned.behave("/lists/en", whole(b"changed"))
    with pytest.raises(ResourceError, match=f"/lists/en has SHA-256 {sha256(b'changed')}, but .*{sha256(LIST)}"):
        resources.read("lists/en")
    assert not cached.exists()


@pytest.mark.parametrize("body", [b"no zip", archive(starters=STARTERS)])
def test_a_zip_that_is_none_or_lacks_a_member(pinned: UnrulyServer, cached: Path, body: bytes) -> None:
    pinned.behave("/tab.zip", whole(body))
    with pytest.raises(ResourceError, match=r"/tab\.zip is no zip that holds tab/"):
        resources.read("tab/starters")
    assert not cached.exists()


@pytest.mark.parametrize("named", [None, "given"])
def test_without_network_the_error_says_all_that_helps(
    pinned: UnrulyServer, tmp_path: Path, cached: Path, named: str | None
) -> None:
    address = pinned.behave("/lists/en", status(503))
    if named:
        (tmp_path / named).mkdir()
        resources.use(str(tmp_path / named))
    with pytest.raises(ResourceError) as caught:
        resources.read("lists/en")
    for part in ("lists/en", address, "503", str(cached), "--resources", "C4PIPE_RESOURCES", named or ""):
        assert part in str(caught.value)
    assert pinned.count("/lists/en") == 2, "a passing fault is tried again"


def test_an_error_is_not_remembered(pinned: UnrulyServer) -> None:
    pinned.behave("/lists/en", status(404), whole(LIST))
    with pytest.raises(ResourceError):
        resources.read("lists/en")
    assert resources.read("lists/en") == LIST


def test_a_cache_that_cannot_be_written_is_no_error(
    pinned: UnrulyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with caplog.at_level(logging.WARNING):
        assert resources.read("lists/en") == LIST
    assert "cannot keep" in caplog.text


def test_builtin_is_for_consumers_that_hold_it(pinned: UnrulyServer) -> None:
    resources.use(BUILTIN)
    with pytest.raises(ResourceError, match=r"lists/en is not built in.*--resources"):
        resources.read("lists/en")
    assert pinned.count("/lists/en") == 0


def test_an_unknown_name(pinned: UnrulyServer) -> None:
    with pytest.raises(ResourceError, match="no pinned file is named 'lists/xx'"):
        resources.read("lists/xx")


def test_used_names_what_a_manifest_needs(pinned: UnrulyServer, tmp_path: Path) -> None:
    assert resources.used(["tab/starters", "lists/en"]) == {
        "lists/en": sha256(LIST),
        "tab/starters": sha256(STARTERS),
    }
    assert resources.used({"lists/en": b"short"}) == {"lists/en": sha256(LIST)}
    resources.use(BUILTIN)
    assert resources.used({"lists/en": b"short"}) == {"builtin:lists/en": sha256(b"short")}
    with pytest.raises(ResourceError, match="tab/starters has no built-in content"):
        resources.used(["tab/starters"])


def test_the_cache_is_where_the_user_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert resources.cache_folder() == "/x/c4pipe"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/someone")
    assert resources.cache_folder() == "/home/someone/.cache/c4pipe"
