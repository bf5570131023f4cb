"""The demo's input: what its prose is, how it is unwrapped, and that it is a WET file like any other."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from c4pipe.demo_crawl import __main__ as demo_crawl
from c4pipe.demo_crawl import prose
from c4pipe.demo_crawl.prose import Prose, docstrings, modules, package_prose, unwrap
from c4pipe.page import Page
from c4pipe.warc.wet import WetReader

Layout = Callable[[list[tuple[str, str]]], None]


@pytest.fixture
def lay(monkeypatch: pytest.MonkeyPatch) -> Layout:
    """Put a few pages in the place of this Python's prose."""

    def replace(pages: list[tuple[str, str]]) -> None:
        monkeypatch.setattr(demo_crawl, "prose", lambda: iter([Prose(*page) for page in pages]))

    return replace


def read(path: Path) -> WetReader:
    return WetReader(io.BytesIO(path.read_bytes()), name=path.name)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("One line\nis wrapped.\n\nAnother.", ["One line is wrapped.", "Another."]),
        ("Heading\n=======\n\nText.", ["Heading", "Text."]),
        (
            "Text:\n\n   a = 1\n   b = 2\n\n   c = 3\n\nBack\nagain.",
            ["Text:", "a = 1", "b = 2", "c = 3", "Back again."],
        ),
        ("A quote\n\n   is no\n   code.", ["A quote", "is no code."]),
        ("- one\n  longer\n- two\n* three\n1. four", ["- one longer", "- two", "* three", "1. four"]),
        (">>> 1\n1\n>>> 2\n... 3", [">>> 1 1", ">>> 2", "... 3"]),
        (":param a: the\n  first\n:returns: it", [":param a: the first", ":returns: it"]),
        (
            "Args:\n    a: The first\n        one.\n    b (int): The next.",
            ["Args:", "a: The first one.", "b (int): The next."],
        ),
        ("x : int\n    A number.", ["x : int A number."]),
        ("\n\n \n", []),
    ],
)
def test_unwrap(text: str, lines: list[str]) -> None:
    assert unwrap(text).split("\n") == (lines or [""])


def test_docstrings_are_read_in_order_and_nothing_is_run(tmp_path: Path) -> None:
    source = tmp_path / "a.py"
    source.write_text(
        '"""Module\nhere."""\nraise SystemExit\nclass A:\n    """Class."""\n'
        '    def f(self):\n        """Method \\ud800."""\n'
        '        async def g():\n            r"""Inner \\d."""\ndef h():\n    "One."\n    """Two."""\n',
        encoding="utf-8",
    )
    assert docstrings(source) == "Module here.\nClass.\nMethod .\nInner \\d.\nOne."


@pytest.mark.parametrize("source", [b"def f(:", b'"""a\0b"""', b"# coding: no-such\n", b"\xff\xfe", b"x = 1"])
def test_file_that_is_no_python_or_says_nothing_has_no_prose(tmp_path: Path, source: bytes) -> None:
    (tmp_path / "a.py").write_bytes(source)
    assert docstrings(tmp_path / "a.py") == ""


def test_modules_are_sorted_without_tests_and_vendored_copies(tmp_path: Path) -> None:
    for name in ("b.py", "a/__init__.py", "a/c.py", "a/tests/d.py", "pip/_vendor/e.py", "a/__pycache__/f.py", "g.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / ".#b.py").symlink_to("nowhere")
    assert [name for name, _ in modules(tmp_path)] == ["a", "a.c", "b"]


def test_no_package_takes_it_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prose, "PACKAGE_BYTES_MAX", 10)
    for name in ("a/b.py", "a/c.py", "a/d.py", "e/f.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text('"""Öäü."""', encoding="utf-8")  # 7 bytes
    assert [page.name for page in package_prose(tmp_path)] == ["packages/a.b", "packages/a.c", "packages/e.f"]


def test_each_page_is_a_member_behind_a_warcinfo_that_says_what_it_is(tmp_path: Path, lay: Layout) -> None:
    lay([("python/3.11/heapq", "Öne.\nTwo."), ("packages/a b", "Three."), ("packages/none", "")])
    path = tmp_path / "new" / "demo.warc.wet.gz"
    assert demo_crawl.write(str(path)) == 2
    reader = read(path)
    assert list(reader) == [
        Page("http://demo.invalid/python/3.11/heapq", "Öne.\nTwo.", demo_crawl.DATE, "text/plain", "10"),
        Page("http://demo.invalid/packages/a%20b", "Three.", demo_crawl.DATE, "text/plain", "6"),
    ]
    assert (reader.tally, reader.faults) == ({"wet-file": 1, "filtered:no_url": 1, "passed": 2}, [])
    assert path.read_bytes().count(b"\x1f\x8b\x08") == 3
    with path.open("rb") as stream:
        info = next(iter(ArchiveIterator(stream)))
        assert info.rec_type == "warcinfo"
        assert b"description: No crawl: documentation topics and docstrings" in info.content_stream().read()


@pytest.mark.parametrize(("max_bytes", "pages"), [(3, 0), (4, 1), (7, 1), (8, 2), (9, 2)])
def test_max_bytes_of_text(tmp_path: Path, lay: Layout, max_bytes: int, pages: int) -> None:
    lay([("a", "öa."), ("b", "öb."), ("c", "öc.")])
    assert demo_crawl.write(str(tmp_path / "x.gz"), max_bytes=max_bytes) == pages


def test_max_bytes_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="max_bytes is 0"):
        demo_crawl.write(str(tmp_path / "x.gz"), max_bytes=0)
    assert list(tmp_path.iterdir()) == []


def test_failure_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Iterator[Prose]:
        yield Prose("a", "A.")
        raise OSError("disk on fire")

    monkeypatch.setattr(demo_crawl, "prose", broken)
    with pytest.raises(OSError, match="disk on fire"):
        demo_crawl.write(str(tmp_path / "x.gz"))
    assert list(tmp_path.iterdir()) == []


def test_this_python_s_own_prose(tmp_path: Path) -> None:
    """The same bytes twice, real sentences, no module of a package imported."""
    before = set(sys.modules)
    paths = [tmp_path / "a.gz", tmp_path / "b.gz"]
    pages = [demo_crawl.write(str(path), max_bytes=550_000) for path in paths]
    assert pages[0] == pages[1] > 50
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert not {
        name for name in set(sys.modules) - before if not name.startswith(("encodings", "pydoc_data", "warcio"))
    }
    reader = read(paths[0])
    texts = {page.url: page.text for page in reader}
    assert reader.faults == []
    size = sum(len(text.encode()) for text in texts.values())
    assert 400_000 < size <= 550_000, "the page that comes next may be a large one"
    long_lines = [line for text in texts.values() for line in text.split("\n") if len(line.split()) > 20]
    assert sum(line.endswith(".") for line in long_lines) > 500


def test_command(tmp_path: Path, lay: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    lay([("a", "A.")])
    path = tmp_path / "demo.warc.wet.gz"
    assert demo_crawl.main([str(path)]) == 0
    assert path.exists()
    assert capsys.readouterr().err == f"1 pages of Python documentation, no crawl, are in {path}\n"
    assert demo_crawl.main([str(path / "below a file")]) == 1
    assert "python -m c4pipe.demo_crawl: " in capsys.readouterr().err
    assert demo_crawl.main([str(path), "--max_bytes", "0"]) == 1
    assert "max_bytes is 0" in capsys.readouterr().err


def test_help_has_an_example() -> None:
    command = [sys.executable, "-m", "c4pipe.demo_crawl", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "python -m c4pipe.demo_crawl demo/demo.warc.wet.gz" in shown
