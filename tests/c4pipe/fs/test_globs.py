"""Paths and globs name the same files on the local disk and on a remote store (memory://)."""

from __future__ import annotations

from pathlib import Path

import pytest

from c4pipe.fs import files, globs, paths


def lay_out(place: str, *names: str) -> None:
    for name in names:
        files.write_bytes(paths.join(place, *name.split("/")), name.encode())


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ("{}/a.gz", ["a.gz"]),
        ("{}/*.gz", ["a.gz", "b.gz"]),
        ("{}/b.gz,{}/a.gz", ["a.gz", "b.gz"]),
        (" {}/a.gz , {}/*.gz ,", ["a.gz", "b.gz"]),
        ("{}/**/*.gz", ["a.gz", "b.gz", "d/c.gz", "d/e/c.gz"]),
        ("{}/*/c.gz", ["d/c.gz"]),
        ("{}/[ab].gz", ["a.gz", "b.gz"]),
        ("{}/?.gz,{}/d/**/*", ["a.gz", "b.gz", "d/c.gz", "d/e/c.gz"]),
        ("{}/*", ["a.gz", "b.gz", "c.txt"]),
    ],
)
def test_expand(place: str, wanted: str, names: list[str]) -> None:
    lay_out(place, "b.gz", "a.gz", "c.txt", "d/c.gz", "d/e/c.gz")
    assert globs.expand(wanted.replace("{}", place)) == [f"{place}/{name}" for name in names]


def test_expand_takes_members_of_a_sequence_whole(place: str) -> None:
    lay_out(place, "a,b.gz", "c.gz")
    assert globs.expand([f"{place}/c.gz", f"{place}/a,b.gz"]) == [f"{place}/a,b.gz", f"{place}/c.gz"]


def test_expand_names_what_matches_nothing(place: str) -> None:
    lay_out(place, "a.gz")
    with pytest.raises(FileNotFoundError, match=r"nothing matches '.*/\*\.txt'"):
        globs.expand(f"{place}/a.gz,{place}/*.txt")


@pytest.mark.parametrize("nothing", ["", " , ", []])
def test_expand_of_nothing_is_an_error(nothing: str | list[str]) -> None:
    with pytest.raises(ValueError, match="no input named"):
        globs.expand(nothing)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["a.gz", "d/b.gz"], r"it is a folder; write '{}/\*\.gz'$"),
        (["a.txt", "d/e/b.gz"], r"it is a folder; write '{}/\*\*/\*\.gz'$"),
        (["a.txt"], r"it is a folder, and no file in it ends in \.gz; write a glob"),
    ],
)
def test_expand_of_a_folder_says_what_to_write(names: list[str], told: str, tmp_path: Path) -> None:
    lay_out(str(tmp_path), *names)
    with pytest.raises(FileNotFoundError, match=told.replace("{}", str(tmp_path))):
        globs.expand(str(tmp_path))


def test_expand_takes_a_name_with_glob_marks_that_exists(tmp_path: Path) -> None:
    lay_out(str(tmp_path), "a[1].gz", "a1.gz")
    assert globs.expand(f"{tmp_path}/a[1].gz") == [f"{tmp_path}/a[1].gz"]


def test_expand_goes_up_from_where_a_link_leads(tmp_path: Path) -> None:
    (tmp_path / "far" / "folder").mkdir(parents=True)
    (tmp_path / "far" / "x.gz").write_bytes(b"far")
    (tmp_path / "x.gz").write_bytes(b"here, and not meant")
    (tmp_path / "link").symlink_to(tmp_path / "far" / "folder")
    assert [files.read_bytes(path) for path in globs.expand(f"{tmp_path}/link/../*.gz")] == [b"far"]


def test_expand_sees_one_file_under_two_spellings_once(tmp_path: Path) -> None:
    lay_out(str(tmp_path), "a.gz", "d/b.gz")
    assert globs.expand(f"{tmp_path}/a.gz,{tmp_path}/d/../a.gz,file://{tmp_path}//a.gz") == [f"{tmp_path}/a.gz"]


def test_matches_may_be_empty(place: str) -> None:
    assert globs.matches(f"{place}/*.gz") == []
    assert globs.matches(f"{place}/a.gz") == []
