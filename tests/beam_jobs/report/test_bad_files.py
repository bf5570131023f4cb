"""WET files that cannot be read, and those in which something is wrong."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest
from apache_beam.pvalue import TaggedOutput

from beam_jobs import build_c4
from beam_jobs.exchange import shuffle
from beam_jobs.options import parser
from beam_jobs.plan import identity
from beam_jobs.plan.planner import planned
from beam_jobs.report import manifest, summary
from c4pipe.fs import files
from tests.support import builds, crawls
from tests.support.crawls import Record

BAD = {
    "garbage": b"This is no WET file.\n" * 100,
    "empty": b"",
    "cut": crawls.wet(())[:10],  # a header of gzip alone
    "torn": crawls.wet(())[:60],  # within the warcinfo record
    "noise": bytes(range(256)) * 16,
    "page": gzip.compress(b"<html><body>Not found.</body></html>"),
}
GOOD = crawls.crawl(seed=6, records=30)


def with_bad(place: Path, *names: str) -> str:
    """Two good files, and those bad ones; the pattern that names them."""
    pattern = crawls.write(place / "wet", crawls.dealt(GOOD, 2))
    for name in names:
        (place / "wet" / name).write_bytes(BAD[name])
    return pattern


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> builds.Documents:
    """The documents of the good files."""
    place = tmp_path_factory.mktemp("good")
    return builds.documents(Path(builds.plain(builds.arguments(with_bad(place), place / "build")).output) / "en")


@pytest.mark.parametrize("bad", [("garbage",), ("noise", "empty")], ids=["one", "two"])
def test_as_many_as_are_allowed(
    bad: tuple[str, ...], good: builds.Documents, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One less is too few, and the same folder goes on with as many."""
    argv = builds.arguments(with_bad(tmp_path, *bad), tmp_path / "build")
    assert build_c4.main([*argv, "--max_bad_files", str(len(bad) - 1)]) == 1
    said = capsys.readouterr().err
    assert f"{len(bad)} of {2 + len(bad)} WET files cannot be read, but --max_bad_files is {len(bad) - 1}" in said
    for name in bad:
        assert f"{tmp_path}/wet/{name}: UnreadableWetFile: " in said
        assert said.count(f"{tmp_path}/wet/{name}: ") == 1
    assert not (tmp_path / "build" / "en").exists()
    read = builds.moments(tmp_path / "build" / "store" / "pages")
    assert build_c4.main([*argv, "--max_bad_files", str(len(bad))]) == 0
    said = capsys.readouterr().err
    for name in bad:
        assert f"\nleft out: {tmp_path}/wet/{name}: UnreadableWetFile: " in said
    folder = tmp_path / "build" / "en"
    assert builds.documents(folder) == good
    assert builds.told(folder, "manifest.json")["unreadable"] == sorted(f"{tmp_path}/wet/{name}" for name in bad)
    again = builds.moments(tmp_path / "build" / "store" / "pages")
    assert [name for name in read if read[name] == again[name]] == ["00000.parquet", "00001.parquet"]


@pytest.mark.parametrize(
    ("bad", "lines"),
    [
        (0, []),
        (2, ["left out: 0", "left out: 1"]),
        (3, ["left out: 0", "left out: 1", "left out: 1 more, which manifest.json names"]),
    ],
)
def test_some_of_what_was_left_out_is_named(
    bad: int, lines: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = builds.plain(builds.arguments(with_bad(tmp_path), tmp_path / "build", "--max_bad_files", "3"))
    monkeypatch.setattr(summary, "LEFT_OUT_SHOWN_MAX", 2)
    monkeypatch.setattr(summary, "unreadable", lambda job: [str(number) for number in range(bad)])
    assert [line for line in summary.summary(job) if line.startswith("left out: ")] == lines


@pytest.mark.parametrize("allowed", [1, 2])
def test_more_may_be_allowed_than_there_are(allowed: int, good: builds.Documents, tmp_path: Path) -> None:
    wet = with_bad(tmp_path, "page")
    builds.plain(builds.arguments(wet, tmp_path / "build", "--max_bad_files", str(allowed)))
    assert builds.documents(tmp_path / "build" / "en") == good


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_counted_nowhere_but_by_name(name: str, tmp_path: Path) -> None:
    wet = with_bad(tmp_path, name)
    builds.plain(builds.arguments(wet, tmp_path / "with", "--max_bad_files", "1"))
    (tmp_path / "wet" / name).unlink()
    builds.plain(builds.arguments(wet, tmp_path / "without"))
    stats = [builds.told(tmp_path / folder / "en", "stats.json") for folder in ("with", "without")]
    assert stats[0] == stats[1]
    manifests = [builds.told(tmp_path / folder / "en", "manifest.json") for folder in ("with", "without")]
    assert [manifest.pop("unreadable") for manifest in manifests] == [[f"{tmp_path}/wet/{name}"], []]
    assert len(manifests[0].pop("inputs")) == len(manifests[1].pop("inputs")) + 1
    assert manifests[0] == manifests[1]


def test_through_the_shuffle(good: builds.Documents, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = builds.arguments(with_bad(tmp_path, "cut"), tmp_path / "build", *builds.by("shuffle"))
    assert build_c4.main(argv) == 1
    assert f"{tmp_path}/wet/cut: UnreadableWetFile: " in capsys.readouterr().err
    assert not (tmp_path / "build" / "en").exists()
    assert {path.name for path in (tmp_path / "build" / "store" / "done").iterdir()} == {"clean"}  # nothing is settled
    assert build_c4.main([*argv, "--max_bad_files", "1"]) == 0
    assert builds.documents(tmp_path / "build" / "en") == good


def test_a_file_that_cannot_be_opened_now_is_tried_again(
    good: builds.Documents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A disk that is back, say: then the same command is enough."""
    argv = builds.arguments(with_bad(tmp_path), tmp_path / "build")
    with monkeypatch.context() as patch:
        patch.setattr(files, "open_read", failing(files.open_read, "001.warc.wet.gz"))
        assert build_c4.main(argv) == 1
    assert "001.warc.wet.gz: OSError: the disk is away" in capsys.readouterr().err
    assert build_c4.main(argv) == 0
    assert builds.documents(tmp_path / "build" / "en") == good
    assert builds.told(tmp_path / "build" / "en", "manifest.json")["unreadable"] == []


def test_what_the_machine_lacks_makes_no_file_unreadable(
    good: builds.Documents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """However many may be left out: all others would be, too."""
    argv = builds.arguments(with_bad(tmp_path), tmp_path / "build", "--max_bad_files", "9")
    with monkeypatch.context() as patch:
        full = OSError(28, "No space left on device", "/tmp/x")
        patch.setattr(files, "open_read", failing(files.open_read, "001.warc.wet.gz", full))
        assert build_c4.main(argv) == 1
    assert capsys.readouterr().err.endswith(
        "build_c4: /tmp/x: the disk is full; make room, then give the same command again\n"
    )
    assert build_c4.main(argv) == 0
    assert builds.documents(tmp_path / "build" / "en") == good


def test_a_name_is_shown_and_not_obeyed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    odd = tmp_path / "\x1b[2J.warc.wet.gz"
    odd.write_bytes(b"")
    assert build_c4.main(builds.arguments(f"{tmp_path}/*.gz", tmp_path / "\x1b[31mbuild")) == 1
    said = capsys.readouterr().err
    assert r"/\x1b[2J.warc.wet.gz: UnreadableWetFile: " in said
    assert "\x1b" not in said


AWAY = OSError(5, "the disk is away")


def failing(open_read: Callable[[str], BinaryIO], name: str, error: OSError = AWAY) -> Callable[[str], BinaryIO]:
    def opened(path: str) -> BinaryIO:
        if path.endswith(name):
            raise error
        return open_read(path)

    return opened


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("wet", "it is a folder; write"),
        ("wet/*.warc", "nothing matches"),
        ("wet/*.gz,wet/none.gz", "nothing matches"),
    ],
)
def test_paths_that_name_no_file(
    pattern: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_bad(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert build_c4.main(builds.arguments(pattern, tmp_path / "build")) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "build").exists()


def test_a_bad_record_costs_itself_alone(good: builds.Documents, tmp_path: Path) -> None:
    """One that is not UTF-8, one that ends before its length, in files that are read on."""
    halves = crawls.dealt(GOOD, 2)
    bad = bytes(Record("http://b.example/", "NOT UTF-8.")).replace(b"NOT UTF-8.", b"\xff" * 10)
    torn = crawls.member(bytes(Record("http://c.example/", "\n".join(crawls.ENGLISH))), 6)
    whole = [crawls.wet(half) for half in halves]
    (tmp_path / "0.gz").write_bytes(whole[0] + crawls.member(bad, 6))
    (tmp_path / "1.gz").write_bytes(whole[1] + torn[:-20])
    builds.plain(builds.arguments(f"{tmp_path}/*.gz", tmp_path / "build"))
    folder = tmp_path / "build" / "en"
    assert builds.documents(folder) == good
    assert builds.told(folder, "stats.json")["faults"] == {"not_utf8": 1, "truncated_gzip": 1}
    manifest = builds.told(folder, "manifest.json")
    assert manifest["unreadable"] == []
    places = [(fault["kind"], fault["file"], fault["offset"]) for fault in manifest["faults"]]
    assert places == [
        ("not_utf8", f"{tmp_path}/0.gz", len(whole[0])),
        ("truncated_gzip", f"{tmp_path}/1.gz", len(whole[1])),
    ]
    assert all(fault["detail"] for fault in manifest["faults"])


@pytest.mark.parametrize(("most", "listed"), [(1, 1), (2, 2), (3, 2)])
def test_a_manifest_lists_so_many_faults(
    most: int, listed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crawl of damaged files would make it gigabytes; all are counted."""
    bad = bytes(Record("http://b.example/", "NOT UTF-8.")).replace(b"NOT UTF-8.", b"\xff" * 10)
    for name, half in zip("01", crawls.dealt(GOOD, 2), strict=True):
        (tmp_path / f"{name}.gz").write_bytes(crawls.wet(half) + crawls.member(bad, 6))
    monkeypatch.setattr(manifest, "FAULTS_LISTED_MAX", most)
    builds.plain(builds.arguments(f"{tmp_path}/*.gz", tmp_path / "build"))
    folder = tmp_path / "build" / "en"
    written = builds.told(folder, "manifest.json")
    assert [fault["file"] for fault in written["faults"]] == [f"{tmp_path}/0.gz", f"{tmp_path}/1.gz"][:listed]
    assert written["faults_not_listed"] == 2 - listed
    assert builds.told(folder, "stats.json")["faults"] == {"not_utf8": 2}


def test_records_before_a_tear_are_kept(tmp_path: Path) -> None:
    """Of a file of one gzip member, cut in the middle."""
    data = crawls.wet([Record(f"http://a.example/{n}", "\n".join(crawls.ENGLISH)) for n in range(40)], level=None)
    (tmp_path / "0.gz").write_bytes(gzip.compress(data, 1)[:-300])
    job = builds.plain(builds.arguments(f"{tmp_path}/0.gz", tmp_path / "build", "--variant", "en.noclean"))
    stats = builds.told(Path(job.output) / "en.noclean", "stats.json")
    assert 0 < stats["documents"]["train"] + stats["documents"]["validation"] < 40
    assert "truncated_gzip" in stats["faults"]


def test_a_second_attempt_at_a_file_that_cannot_be_read_tells_so_again(tmp_path: Path) -> None:
    """A runner tries an item again if something else in its bundle failed."""
    wet = tmp_path / "bad.warc.wet.gz"
    wet.write_bytes(b"no gzip, no record")
    arguments, _ = parser().parse_known_args(builds.arguments(str(wet), tmp_path / "build"))
    job, selection = planned(arguments)
    identity.claim_folder(job, selection)
    for _ in range(2):
        tagged = [out for out in shuffle.send_url_claims(0, job) if isinstance(out, TaggedOutput)]
        assert [(out.tag, out.value) for out in tagged] == [(shuffle.UNREADABLE, 0)]
