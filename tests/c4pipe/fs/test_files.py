"""Atomic writes: the same on the local disk and on a remote store (memory://)."""

from __future__ import annotations

import errno
import gzip
import os
import signal
import stat
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import fsspec
import pytest

from c4pipe.fs import files, globs, paths


def test_written_is_read(place: str) -> None:
    path = paths.join(place, "deep", "er", "x.bin")
    assert not files.exists(path)
    files.write_bytes(path, b"one")
    assert (files.exists(path), files.size(path), files.read_bytes(path)) == (True, 3, b"one")
    files.write_bytes(path, b"second")
    assert (files.size(path), files.read_bytes(path)) == (6, b"second")
    with files.open_read(path) as stream:
        stream.seek(3)
        assert stream.read() == b"ond"
    files.remove(path)
    files.remove(path)
    assert not files.exists(path)


def test_text_and_json(place: str) -> None:
    path = paths.join(place, "x.json")
    files.write_json(path, {"b": [1, "ü"], "a": None})
    assert files.read_text(path) == '{\n  "a": null,\n  "b": [\n    1,\n    "ü"\n  ]\n}\n'
    assert files.read_json(path) == {"a": None, "b": [1, "ü"]}
    files.write_text(path, "a\r\nb\n")
    assert files.read_text(path) == "a\r\nb\n"


def names_in(place: str) -> set[str]:
    """Every file below, hidden ones too."""
    if paths.is_remote(place):
        return {name.rpartition("/")[2] for name in fsspec.filesystem("memory").find(place)}
    return {path.name for path in Path(place).rglob("*") if path.is_file()}


def test_nothing_stands_under_the_final_name_before_the_end(place: str) -> None:
    path = paths.join(place, "x")
    with files.write_atomic(path) as stream:
        stream.write(b"half")
        stream.flush()
        assert not files.exists(path)
        assert globs.matches(paths.join(place, "*")) == []
    assert names_in(place) == {"x"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_error_leaves_what_was_there(place: str, error: type[BaseException]) -> None:
    path = paths.join(place, "x")
    files.write_bytes(path, b"old")

    def fail() -> None:
        with files.write_atomic(path) as stream:
            stream.write(b"new")
            raise error

    with pytest.raises(error):
        fail()
    assert (names_in(place), files.read_bytes(path)) == ({"x"}, b"old")


def test_the_block_may_close_the_stream_and_seek_in_it(place: str) -> None:
    path = paths.join(place, "x.gz")
    with files.write_atomic(path) as stream:
        stream.write(b"garbage")
        stream.seek(0)
        stream.truncate()
        with gzip.GzipFile(fileobj=stream, mode="wb", filename="", mtime=0) as packed:
            packed.write(b"text")
        stream.close()
    assert gzip.decompress(files.read_bytes(path)) == b"text"


def test_two_writers_of_one_name_do_not_mix(place: str) -> None:
    path = paths.join(place, "x")
    meet = threading.Barrier(2)

    def write(byte: bytes) -> None:
        with files.write_atomic(path) as stream:
            for _ in range(100):
                stream.write(byte * 1000)
            meet.wait(10)

    threads = [threading.Thread(target=write, args=(byte,)) for byte in (b"a", b"b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert files.read_bytes(path) in (b"a" * 100_000, b"b" * 100_000)
    assert names_in(place) == {"x"}


def test_the_users_umask_decides_who_may_read(tmp_path: Path) -> None:
    previous = os.umask(0o027)
    try:
        files.write_bytes(str(tmp_path / "x"), b"")
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o640


@pytest.mark.parametrize("name", ["x" * 255, "ü" * 127 + "x"])
def test_a_name_as_long_as_a_name_may_be(tmp_path: Path, name: str) -> None:
    assert len(name.encode()) == 255
    files.write_bytes(str(tmp_path / name), b"whole")
    assert names_in(str(tmp_path)) == {name}


def test_a_relative_path_in_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files.write_bytes("x", b"here")
    assert (tmp_path / "x").read_bytes() == b"here"


def test_a_killed_process_leaves_only_what_sweep_removes(tmp_path: Path) -> None:
    script = f"""
        from c4pipe.fs import files, globs, paths
        with files.write_atomic({str(tmp_path / "d" / "x")!r}) as stream:
            stream.write(b"half")
            stream.flush()
            print("half", flush=True)
            input()
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"half\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    files.write_bytes(str(tmp_path / "d" / "y"), b"whole")
    (tmp_path / ".of-another-program.tmp").write_bytes(b"")
    assert globs.expand(f"{tmp_path}/**/*") == [f"{tmp_path}/d/y"]
    assert files.sweep(str(tmp_path), older_than_seconds=3600) == 0
    assert len(names_in(str(tmp_path))) == 3
    (left,) = (tmp_path / "d").glob(".x.*.tmp")
    os.utime(left, (time.time() + 3600,) * 2)  # a clock that was set back since
    assert files.sweep(str(tmp_path)) == 1
    assert names_in(str(tmp_path)) == {"y", ".of-another-program.tmp"}
    process.communicate()


def test_free_bytes(tmp_path: Path, memory: str) -> None:
    free = files.free_bytes(str(tmp_path / "not" / "there" / "yet"))
    assert free is not None
    assert 0 < free < 1 << 60
    assert files.free_bytes(memory) is None
    assert files.free_bytes("relative/not/there") is not None


def test_a_remote_write_is_one_object(memory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store sees one transfer, under the final name, after the block."""
    sent: list[str] = []
    store = type(fsspec.filesystem("memory"))
    put = store.put_file
    monkeypatch.setattr(store, "put_file", lambda self, here, there: (sent.append(there), put(self, here, there))[1])
    with files.write_atomic(f"{memory}/x") as stream:
        for _ in range(10):
            stream.write(b"y" * 1000)
        assert sent == []
    assert sent == ["/bucket/x"]


def test_a_missing_file_is_named(place: str) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        files.read_bytes(paths.join(place, "nowhere"))


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"No space left on device: '.*/x'") as told, files.write_atomic(f"{tmp_path}/x"):
        raise OSError(errno.ENOSPC, "No space left on device")  # as a write says
    assert told.value.errno == errno.ENOSPC
    assert names_in(str(tmp_path)) == set()
