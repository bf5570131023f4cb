"""The conformance kit: the layouts that a corpus may be in, and files in which there is none."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from c4pipe.conform import documents
from c4pipe.conform.blame import Side
from c4pipe.conform.corpus import open_corpus
from c4pipe.conform.report import compare_corpora
from c4pipe.shards import read_write
from c4pipe.shards.documents import DamagedShard
from c4pipe.shards.formats import FORMATS
from tests.support.corpus_builder import ROWS, json_report, of_shards, run_conform, write_lines

pytestmark = pytest.mark.usefixtures("builtin")


def plain_lines(folder: Path) -> None:
    write_lines(folder / "out.jsonl", ROWS)


def released(folder: Path) -> None:
    write_lines(folder / "c4-train.00000-of-00002.json.gz", ROWS[:2])
    write_lines(folder / "c4-train.00001-of-00002.json.gz", ROWS[2:4])
    write_lines(folder / "c4-validation.00000-of-00001.json.gz", ROWS[4:])


def by_folders(folder: Path) -> None:
    write_lines(folder / "train" / "00000.jsonl.gz", ROWS[:4])
    write_lines(folder / "validation" / "00000.jsonl.gz", ROWS[4:])


def datatrove(folder: Path) -> None:
    for rank, part in enumerate((ROWS[:3], ROWS[3:])):
        rows = [
            {
                "text": one["text"],
                "id": f"<urn:uuid:{one['url']}>",
                "metadata": {"url": one["url"], "date": one["timestamp"], "language": "en", "language_score": 0.99},
            }
            for one in part
        ]
        write_lines(folder / f"{rank:05}.jsonl.gz", rows, ("text", "id", "metadata"))


def hub_parquet(folder: Path) -> None:
    """As `datasets` writes it: timestamps are no strings there."""
    folder.mkdir()
    for split, rows in (("train", ROWS[:4]), ("validation", ROWS[4:])):
        columns = {name: [one[name] for one in rows] for name in ("text", "url")}
        times = [datetime.fromisoformat(one["timestamp"].removesuffix("Z")) for one in rows]
        table = pa.table({**columns, "timestamp": pa.array(times, pa.timestamp("s"))})
        pq.write_table(table, folder / f"{split}-00000-of-00001.parquet")


SPLIT = ["split", "text_sha256", "timestamp"]
LAYOUTS: Mapping[str, tuple[Callable[[Path], None], list[str]]] = {
    "lines": (plain_lines, SPLIT[1:]),
    "released": (released, SPLIT),
    "folders": (by_folders, SPLIT),
    "datatrove": (datatrove, ["language", "text_sha256", "timestamp"]),
    "hub": (hub_parquet, SPLIT),
    **{name: (of_shards(name), sorted({*row.fields, *SPLIT} - {"text", "url"})) for name, row in FORMATS.items()},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_same_documents_in_any_layout(
    golden_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], layout: str
) -> None:
    write, compared = LAYOUTS[layout]
    write(tmp_path / "out")
    report = json_report(capsys, "--golden", golden_folder, "--variant", "en", tmp_path / "out")
    assert (report["same"], report["compared"]) == (True, compared)
    assert report["counts"] == {"missing": 0, "extra": 0, "different": 0}
    assert report["first"]["documents"] == report["second"]["documents"] == 5


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_changed_character_in_any_layout(
    golden_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    layout: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = ROWS[1]["text"].replace("sentence 1", "sentence 7")
    monkeypatch.setitem(ROWS[1], "text", text)
    LAYOUTS[layout][0](tmp_path / "out")
    report = json_report(capsys, "--golden", golden_folder, "--variant", "en", tmp_path / "out")
    assert report["counts"] == {"missing": 0, "extra": 0, "different": 1}
    (example,) = report["rules"]["different"]["line changed"]["examples"]
    assert example == {
        "url": ROWS[1]["url"],
        "details": [
            "- [line changed] This is sentence 1 of the page that is known by the number 2.",
            "+ [line changed] This is sentence 7 of the page that is known by the number 2.",
        ],
    }


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        (["{out}"], "1 output named; name two, or one with --golden", 2),
        (["{out}", "{out}", "{out}"], "3 outputs named", 2),
        (["--golden", "{golden}", "{out}", "{out}"], "--golden is compared with one output, but 2 are named", 2),
        (["--golden", "{golden}", "{out}"], "holds no out.jsonl.jsonl.gz; it has en.jsonl.gz, ", 1),
        (["--golden", "{golden}", "--variant", "de", "{out}"], "holds no de.jsonl.gz", 1),
        (["{out}", "{out}", "--counters", "x"], "--counters are golden ones", 2),
        (["{out}", "{out}", "--variant", "en,en,en"], "--variant names 3", 2),
        (["{out}", "{out}", "--show", "-1"], "0 or more", 2),
        (
            ["--golden", "{folder}/nowhere", "{out}"],
            "there is no folder {folder}/nowhere; --golden names the folder",
            1,
        ),
        (["{out}", "{folder}/nothing"], f"holds no documents; it must hold files of {', '.join(FORMATS)}", 1),
        (["{out}", "{folder}/builds"], "builds is a build of en, en.noclean; name one of these folders in it", 1),
        (["{out}", "{out}", "--deviations", "{out}"], "Extra data", 1),
        (["{out}", "{out}", "--deviations", "{golden}/en.counters.json"], "is no table of deviations", 1),
    ],
)
def test_what_cannot_be_compared(
    golden_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
    code: int,
) -> None:
    for name in ("en", "en.noclean"):
        (tmp_path / "builds" / name).mkdir(parents=True)
        (tmp_path / "builds" / name / "manifest.json").write_text("{}")
    (tmp_path / "nothing").mkdir()
    (tmp_path / "nothing" / "manifest.json").write_text("{}")
    out = write_lines(tmp_path / "out.jsonl", ROWS)
    assert run_conform(*(word.format(out=out, golden=golden_folder, folder=tmp_path) for word in arguments)) == code
    printed = capsys.readouterr()
    assert (message.replace("{folder}", str(tmp_path)) in printed.err, printed.out) == (True, "")


def test_a_folder_of_several_variants(golden_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a build, the page store is no document."""
    for name in ("en", "en.noclean"):
        of_shards("parquet")(tmp_path / name)
    (tmp_path / "store").mkdir()
    pq.write_table(pa.table({"url": ["u"], "text": ["t"]}), tmp_path / "store" / "part.parquet")
    for path in (tmp_path, tmp_path / "en"):
        assert json_report(capsys, "--golden", golden_folder, "--variant", "en", path)["second"]["documents"] == 5


def test_of_two_formats_one_is_read(golden_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "out"
    of_shards("parquet")(folder)
    write_lines(folder / "c4-train.00000-of-00001.json.gz", [])
    report = json_report(capsys, "--golden", golden_folder, "--variant", "en", folder)
    assert report["same"]
    assert f"{folder}: its 2 parquet files are read, its jsonl files (1) are not" in report["notes"]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("c4-train.00000-of-01024.json.gz", ("train", "")),
        ("c4-validation.tfrecord-00000-of-00008", ("validation", "")),
        ("c4-validation-00000-of-00001.parquet", ("validation", "")),
        ("c4-af.tfrecord-00000-of-00001.json.gz", ("train", "af")),
        ("c4-bg-Latn-validation.tfrecord-00000-of-00001.json.gz", ("validation", "bg-Latn")),
        ("c4-und.00000-of-00001.json.gz", ("train", "und")),
        ("data-00000-of-00010.parquet", None),
        ("train-00000-of-00010.parquet", ("train", "")),
        ("out/train/00000.jsonl", ("train", "")),
        ("out/validation.jsonl", ("validation", "")),
        ("out/zh-Latn/00000.jsonl", ("train", "zh-Latn")),
        ("00000.jsonl.gz", None),
        ("raw/part.jsonl", None),
    ],
)
def test_the_split_that_a_name_tells(path: str, told: tuple[str, str] | None) -> None:
    assert documents.split_from_name(path) == told


@pytest.mark.parametrize("format", FORMATS)
def test_damaged_shards(format: str, tmp_path: Path) -> None:
    of_shards(format)(tmp_path / "out")
    path = tmp_path / "out" / read_write.shard_name(format, "train", 0, 1)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DamagedShard, match=f"^{path}, "):
        list(documents.read_corpus_file(str(path)))


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.jsonl", b'{"text": "t", "url": "u"}\n{"text": "t"', "a.jsonl, line 1 at byte 26: "),
        ("a.jsonl", b'{"text": "t"}\n', "a.jsonl, a document: no field 'url' among text"),
        (
            "a.jsonl",
            b'{"url": "u", "text": 3}\n',
            "a.jsonl, document 'u': neither 'text' nor 'text_sha256' is a string",
        ),
        ("a.jsonl", b'[{"url": "u", "text": "t"}]', "a.jsonl, line 0 at byte 0: not a JSON object"),
        ("a.jsonl", b'{"url": "\xff", "text": "t"}', "a.jsonl, line 0 at byte 0: "),
        (
            "a.json.gz",
            gzip.compress(b'{"url": "u", "text": "t"}\n', mtime=0)[:-6],
            "a.json.gz, in or after line 0 at inflated byte 0: ",
        ),
        ("a.json.gz", b"nothing", "a.json.gz, in or after line 0 at inflated byte 0: Not a gzipped file"),
        ("a.parquet", b"nothing", "a.parquet, footer: "),
    ],
)
def test_damaged_files(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DamagedShard) as caught:
        list(documents.read_corpus_file(str(tmp_path / name)))
    assert message in str(caught.value)


def test_a_text_that_is_no_unicode_is_compared_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"url": "u\\ud800", "text": "t\\udfff"}\n')
    sides = [Side(open_corpus(str(path)), None) for _ in range(2)]
    assert compare_corpora(sides[0], sides[1], examine=10).same
