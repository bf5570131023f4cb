"""Where a path lies, and what is said where nothing can be read or written there."""

from __future__ import annotations

import sys

import pytest

from c4pipe.fs import files, paths


@pytest.mark.parametrize(
    ("path", "remote"),
    [
        ("gs://b/k", True),
        ("s3://b/k", True),
        ("memory://b/k", True),
        ("/a/b", False),
        ("a/b", False),
        ("a:b", False),
        ("file:///a/b", False),
    ],
)
def test_is_remote(path: str, remote: bool) -> None:
    assert paths.is_remote(path) is remote


@pytest.mark.parametrize(
    ("path", "parts", "joined"),
    [
        ("/a", ("b", "c"), "/a/b/c"),
        ("/a/", ("b",), "/a/b"),
        ("a", (), "a"),
        ("s3://a", ("b", "c"), "s3://a/b/c"),
        ("s3://a/", ("b",), "s3://a/b"),
        ("file:///a", ("b",), "/a/b"),
    ],
)
def test_join(path: str, parts: tuple[str, ...], joined: str) -> None:
    assert paths.join(path, *parts) == joined


def test_an_unknown_protocol_is_named() -> None:
    with pytest.raises(ValueError, match="gopher:// is no protocol that fsspec knows"):
        files.exists("gopher://host/x")


@pytest.mark.parametrize(
    "path", ["/data/c4", "data", "file:///data", "gs://bucket/c4", "memory://x", "https://a.example/"]
)
def test_protocols_that_are_known(path: str) -> None:
    """Whether their libraries are there or not."""
    paths.require_known(path)


@pytest.mark.parametrize("path", ["unheard-of://x", "simplecache::unheard-of://x", "://x"])
def test_protocols_that_are_not(path: str) -> None:
    with pytest.raises(ValueError, match=f"^{path}: .* is no protocol that fsspec knows"):
        paths.require_known(path)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(ImportError, match=r"s3://b/x needs a library .*pip install -e '\.\[aws\]' in a clone"):
        files.exists("s3://b/x")
