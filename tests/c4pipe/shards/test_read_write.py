"""Every format: what is written is what comes back, in the same bytes each time."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import subprocess
import zlib
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c4pipe.shards import read_write, tfrecord
from c4pipe.shards.documents import BATCH
from c4pipe.shards.read_write import FIELDS, FORMATS, DamagedShard, ShardInfo

Document = dict[str, str]
TRICKY = [
    "",
    "\0",
    "line\u2028separator\u2029\x85\x0b\x0c\x1c",
    "\r\n\r",
    '"\'`\\\\" \\ud800 \\n',
    "\ufeffBOM \ufffe\uffff",
    "🜁 é e\u0301 İ K ß",
    "{}[]</script>\x7f\x01\x1f",
    "w" * 1_000_000,
]


def document(number: int, text: str | None = None) -> Document:
    values = (text if text is not None else f"Text {number}.", f"http://e.org/{number}", "2019-04-18T10:38:25Z")
    return dict(zip(FIELDS, (*values, "text/plain", str(number)), strict=True))


def write(format: str, documents: list[Document] | pa.Table, folder: Path, name: str = "") -> tuple[Path, ShardInfo]:
    name = name or read_write.shard_name(format, "train", 0, 1)
    made = documents if isinstance(documents, pa.Table) else read_write.table(documents)
    with open(folder / name, "wb") as stream:
        info = read_write.write_shard(format, stream, made, name=name)
    return folder / name, info


def held(format: str, documents: list[Document]) -> list[Document]:
    return [{field: one[field] for field in FORMATS[format].fields} for one in documents]


@pytest.mark.parametrize("format", FORMATS)
def test_any_text_comes_back(format: str, tmp_path: Path) -> None:
    documents = [document(number, text) for number, text in enumerate(TRICKY)]
    path, info = write(format, documents, tmp_path)
    assert list(read_write.read_documents(path)) == held(format, documents)
    assert (
        read_write.content_digest(read_write.read_documents(path))
        == info.content_digest
        == read_write.content_digest(documents)
    )


any_document = st.fixed_dictionaries(dict.fromkeys(FIELDS, st.text()))


@settings(deadline=None)
@given(st.lists(any_document, max_size=4))
def test_any_documents_come_back(tmp_path_factory: pytest.TempPathFactory, documents: list[Document]) -> None:
    folder = tmp_path_factory.getbasetemp()
    for format in FORMATS:
        path, info = write(format, documents, folder)
        found = list(read_write.read_documents(path))
        assert found == held(format, documents)
        assert read_write.content_digest(found) == info.content_digest


@pytest.mark.parametrize("format", FORMATS)
def test_info_tells_the_file(format: str, tmp_path: Path) -> None:
    name = read_write.shard_name(format, "bg-Latn-validation", 2, 8)
    path, info = write(format, [document(1), document(2)], tmp_path, name)
    data = path.read_bytes()
    assert info == ShardInfo(
        name=name,
        split="bg-Latn-validation",
        format=format,
        documents=2,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        content_digest=read_write.content_digest([document(1), document(2)]),
    )


def test_a_stream_without_a_name_has_no_split() -> None:
    info = read_write.write_shard("jsonl", io.BytesIO(), read_write.table([document(1)]))
    assert (info.name, info.split, info.documents) == ("", "", 1)


def test_an_unknown_format_is_named() -> None:
    with pytest.raises(ValueError, match=f"format 'xml' is unknown; there are {', '.join(FORMATS)}$"):
        read_write.write_shard("xml", io.BytesIO(), read_write.table([]))


@pytest.mark.parametrize("format", FORMATS)
def test_the_stream_stays_open(format: str) -> None:
    stream = io.BytesIO()
    info = read_write.write_shard(format, stream, read_write.table([document(1)]))
    assert len(stream.getvalue()) == info.bytes


def test_tfrecord_bytes_are_examples_in_records(tmp_path: Path) -> None:
    documents = [document(1), document(2, "")]
    path, _ = write("tfrecord", documents, tmp_path)
    examples = [{name: value.encode() for name, value in one.items()} for one in documents]
    assert path.read_bytes() == b"".join(tfrecord.record(tfrecord.example(one)) for one in examples)


def test_tfrecord_bytes_never_change(tmp_path: Path) -> None:
    """They depend on no library's version."""
    _, info = write("tfrecord", [document(1), document(2, "é\n")], tmp_path)
    assert info.sha256 == "f377e02803f179df87032dd1254092c1ee407b52110970a797657a7f99fda844"


def test_json_lines_are_as_released(tmp_path: Path) -> None:
    path, _ = write("jsonl", [document(1, 'Café "x"\n\u2028\0/\x7f'), document(2)], tmp_path)
    data = path.read_bytes()
    assert data[:10] == b"\x1f\x8b\x08\0\0\0\0\0\4\xff"  # no name, no time; XFL 4: packed fast
    assert gzip.decompress(data).decode() == (
        '{"text":"Café \\"x\\"\\n\u2028\\u0000/\x7f","timestamp":"2019-04-18T10:38:25Z","url":"http://e.org/1"}\n'
        '{"text":"Text 2.","timestamp":"2019-04-18T10:38:25Z","url":"http://e.org/2"}\n'
    )


@pytest.mark.parametrize("count", [1, BATCH - 1, BATCH, BATCH + 1, 2 * BATCH + 1])
def test_json_lines_have_a_gzip_member_a_batch(count: int, tmp_path: Path) -> None:
    """Each without name and time; what reads gzip reads them as one."""
    path, _ = write("jsonl", [document(number) for number in range(count)], tmp_path)
    members = members_of(path.read_bytes())
    assert {member[:10] for member in members} == {b"\x1f\x8b\x08\0\0\0\0\0\4\xff"}
    inflated = [gzip.decompress(member) for member in members]
    assert [lines.count(b"\n") for lines in inflated] == [min(BATCH, count - done) for done in range(0, count, BATCH)]
    whole = b"".join(inflated)
    assert gzip.decompress(path.read_bytes()) == whole
    assert pa.CompressedInputStream(pa.OSFile(str(path)), "gzip").read() == whole
    if zcat := shutil.which("zcat"):
        with path.open("rb") as stream:
            assert subprocess.run([zcat], stdin=stream, capture_output=True, check=True).stdout == whole


def members_of(data: bytes) -> list[bytes]:
    members = []
    while data:
        inflater = zlib.decompressobj(31)
        inflater.decompress(data)
        assert inflater.eof
        members.append(data[: len(data) - len(inflater.unused_data)])
        data = inflater.unused_data
    return members


def test_json_lines_cut_after_a_member_are_fewer(tmp_path: Path) -> None:
    """Gzip cannot tell: the file's hash does."""
    documents = [document(number) for number in range(BATCH + 1)]
    path, info = write("jsonl", documents, tmp_path)
    first, second = members_of(path.read_bytes())
    path.write_bytes(first)
    assert list(read_write.read_documents(path)) == held("jsonl", documents[:BATCH])
    expected = f"{path.name} has {len(first)} bytes, not {info.bytes}; its documents differ"
    assert read_write.verify(tmp_path, [info]) == [expected]
    for end in range(1, len(second)):
        path.write_bytes(first + second[:end])
        with pytest.raises(DamagedShard, match=f"^{path}, in or after line "):
            list(read_write.read_documents(path, BATCH))


def test_json_lines_inflated_never_change(tmp_path: Path) -> None:
    """They depend on no library's version."""
    path, _ = write("jsonl", [document(1), document(2, '"\\\n\0\x1f\x7f é\u2028🜁')], tmp_path)
    inflated = hashlib.sha256(gzip.decompress(path.read_bytes())).hexdigest()
    assert inflated == "951dfd7e547422fe773c0aea4e7601742f1908a41d902d7a7bf8c04dd10fe307"


def test_json_style_is_that_of_released_documents(shared: Path, tmp_path: Path) -> None:
    """The sample at hand has the same values in another order, under another name for the time."""
    (sample,) = shared.glob("data/c4/*.json.gz")
    lines = gzip.decompress(sample.read_bytes()).decode().split("\n")[:-1]
    assert len(lines) == 1000
    parsed = [json.loads(line) for line in lines]
    documents = [document(0) | {"text": one["text"], "url": one["url"], "timestamp": one["date"]} for one in parsed]
    path, _ = write("jsonl", documents, tmp_path)
    for ours, line in zip(gzip.decompress(path.read_bytes()).decode().split("\n"), lines, strict=False):
        text, rest = line.split(',"url":"', 1) if line.count(',"url":"') == 1 else line.rsplit(',"url":"', 1)
        url, date = rest.rsplit(',"date":', 1)
        assert ours == f'{text},"timestamp":{date[:-1]},"url":"{url}}}'


@pytest.mark.parametrize("count", [BATCH - 1, BATCH, BATCH + 1])
def test_parquet_row_groups_are_of_one_size(count: int, tmp_path: Path) -> None:
    path, _ = write("parquet", [document(number) for number in range(count)], tmp_path)
    metadata = pq.ParquetFile(path).metadata
    sizes = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
    assert sizes == [min(count, BATCH)] + [1] * (count > BATCH)
    assert pq.read_schema(path).names == list(FIELDS)
    assert {metadata.row_group(0).column(number).compression for number in range(5)} == {"ZSTD"}


@pytest.mark.parametrize("format", FORMATS)
def test_bytes_depend_on_the_documents_alone(format: str) -> None:
    """Not on when, how the table is chunked or typed, or what else it holds; but on the order of documents."""
    documents = [document(number, TRICKY[number % 8]) for number in range(BATCH + 300)]
    plain = read_write.table(documents)

    def sha256(made: pa.Table) -> str:
        return read_write.write_shard(format, io.BytesIO(), made).sha256

    chunked = pa.concat_tables([plain.slice(0, 7), plain.slice(7, 0), plain.slice(7, 1500), plain.slice(1507)])
    assert chunked["text"].num_chunks > 2
    large = plain.cast(pa.schema([(name, pa.large_string()) for name in FIELDS]))
    wider = plain.append_column("language", [["en"] * len(documents)]).select(["language", *reversed(FIELDS)])
    described = plain.replace_schema_metadata({"b": "1", "a": "2"})
    nulls_possible = pa.table(
        [
            pa.chunked_array([pa.concat_arrays([pa.nulls(1, pa.string()), *column.chunks])[1:]])
            for column in plain.columns
        ],
        names=FIELDS,
    )
    for same in (plain, chunked, large, wider, described, nulls_possible):
        assert sha256(same) == sha256(plain)
    assert sha256(read_write.table(documents[::-1])) != sha256(plain)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("start", [0, 1, BATCH - 1, BATCH, BATCH + 1, 2 * BATCH, 2 * BATCH + 2, 2 * BATCH + 3, 9999])
def test_reading_begins_anywhere(format: str, start: int, tmp_path: Path) -> None:
    documents = [document(number) for number in range(2 * BATCH + 3)]
    path, _ = write(format, documents, tmp_path)
    assert list(read_write.read_documents(path, start)) == held(format, documents[start:])


@pytest.mark.parametrize("rows", [100, 5000, 10_000])
def test_parquet_of_other_writers_is_read_from_anywhere(rows: int, tmp_path: Path) -> None:
    """Row groups of any size, other columns, other string types."""
    documents = [document(number) for number in range(5001)]
    made = read_write.table(documents).cast(pa.schema([(name, pa.large_string()) for name in FIELDS]))
    made = made.append_column("score", [range(5001)]).drop_columns(["content-type"])
    pq.write_table(made, tmp_path / "a.parquet", row_group_size=rows)
    for start in (0, 1, 999, 1000, 4999, 5000, 5001):
        found = list(read_write.read_documents(tmp_path / "a.parquet", start))
        assert found == [{f: one[f] for f in FIELDS if f != "content-type"} for one in documents[start:]]


def test_a_negative_start_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="start is -1, but must be 0 or more"):
        list(read_write.read_documents(write("jsonl", [document(1)], tmp_path)[0], -1))


@pytest.mark.parametrize("format", FORMATS)
def test_reading_is_lazy(format: str, tmp_path: Path) -> None:
    """The first documents come before a damage further on is met."""
    path, _ = write(format, [document(number, f"{number} " * 500) for number in range(3 * BATCH)], tmp_path)
    data = bytearray(path.read_bytes())
    if format == "parquet":
        column = pq.ParquetFile(path).metadata.row_group(2).column(0)
        data[column.data_page_offset + column.total_compressed_size - 1] ^= 1
    else:
        data[-100] ^= 1
    path.write_bytes(data)
    assert list(islice(read_write.read_documents(path), 2)) == held(
        format, [document(n, f"{n} " * 500) for n in (0, 1)]
    )
    with pytest.raises(DamagedShard, match=f"^{path}, "):
        list(read_write.read_documents(path))


@pytest.mark.parametrize("format", FORMATS)
def test_a_shard_without_documents_reads_as_none(format: str, tmp_path: Path) -> None:
    path, info = write(format, [], tmp_path)
    assert list(read_write.read_documents(path)) == []
    assert (info.documents, info.content_digest) == (0, hashlib.sha256().hexdigest())


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_cut_anywhere_is_damaged_or_shorter(format: str, tmp_path: Path) -> None:
    """Where a format cannot tell that it was cut, ``verify`` can."""
    documents = [document(1), document(2)]
    path, info = write(format, documents, tmp_path)
    data = path.read_bytes()
    for end in range(len(data)):
        path.write_bytes(data[:end])
        (difference,) = read_write.verify(tmp_path, [info])
        size, _, what = difference.partition("; ")
        assert size == f"{path.name} has {end} bytes, not {len(data)}"
        if what.startswith("it is damaged: "):
            with pytest.raises(DamagedShard):
                list(read_write.read_documents(path))
        else:
            assert what == "its documents differ"
            assert list(read_write.read_documents(path)) in ([], held(format, documents[:1]))


@pytest.mark.parametrize("format", ["parquet", "jsonl"])
def test_a_file_cut_anywhere_is_named(format: str, tmp_path: Path) -> None:
    """TFRecord has this test in its own room."""
    path, _ = write(format, [document(1), document(2)], tmp_path)
    data = path.read_bytes()
    for end in range(len(data)):
        path.write_bytes(data[:end])
        with pytest.raises(DamagedShard, match=f"^{path}, "):
            list(read_write.read_documents(path))


def gzipped(*lines: bytes) -> bytes:
    return gzip.compress(b"".join(line + b"\n" for line in lines), mtime=0)  # the moment would be in tests' names


GOOD = b'{"text":"a","timestamp":"t","url":"u"}'


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"plain text", "in or after line 0 at inflated byte 0: Not a gzipped file"),
        (gzipped(GOOD, b'{"text":'), "line 1 at inflated byte 39: Expecting value"),
        (gzipped(GOOD, b""), "line 1 at inflated byte 39: Expecting value"),
        (gzipped(GOOD, b'{"text":"\xff"}'), "line 1 at inflated byte 39: .*invalid start byte"),
        (gzipped(b'{"text":"\xed\xa0\x80"}'), "line 0 .*invalid continuation byte"),
        (gzipped(b'{"text":"\\uD800"}'), "line 0 .*surrogates not allowed"),
        (gzipped(b'{"text":"\\udfff \\\\ud800"}'), "line 0 .*surrogates not allowed"),
        (gzipped(b'{"url":"u"}'), "line 0 .*no field 'text' among url"),
        (gzipped(b"[1]"), "line 0 .*not a JSON object"),
        (gzipped(b'{"text":null}'), "line 0 .*field 'text' is None, but must be a string"),
        (gzipped(b'{"text":"a","url":1}'), "line 0 .*field 'url' is 1, but must be a string"),
        (b"", "in or after line 0 .*: the file is empty"),
        (gzipped(GOOD) + b"\x1f\x8bjunk", "in or after line [01] at inflated byte"),
    ],
)
def test_json_lines_that_are_no_documents_are_named(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json.gz"
    path.write_bytes(data)
    with pytest.raises(DamagedShard, match=f"^{path}, {message}"):
        list(read_write.read_documents(path))


@pytest.mark.parametrize("line", [b'{"text":"\\ud83d\\ude00 \\\\ud800"}', '{"text":"😀 \\\\ud800","x":1}'.encode()])
def test_json_of_other_writers_is_read(line: bytes, tmp_path: Path) -> None:
    """Escaped pairs, no newline at the end, several gzip members, other keys."""
    path = tmp_path / "part.json.gz"
    path.write_bytes(gzipped(GOOD) + gzip.compress(line))
    assert list(read_write.read_documents(path)) == [
        {"text": "a", "url": "u", "timestamp": "t"},
        {"text": "😀 \\ud800"},
    ]


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ({"url": b"u"}, "no field 'text' among url"),
        ({"text": b"\xff"}, "not a tf.train.Example of text: .*invalid start byte"),
    ],
)
def test_records_that_are_no_documents_are_named(features: dict[str, bytes], message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.tfrecord"
    good = tfrecord.record(tfrecord.example({"text": b"a"}))
    path.write_bytes(good + tfrecord.record(tfrecord.example(features)))
    with pytest.raises(DamagedShard, match=f"^{path}, record at byte {len(good)}: {message}"):
        list(read_write.read_documents(path))


def test_a_record_that_is_no_example_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.tfrecord"
    path.write_bytes(tfrecord.record(b"\x0b"))
    with pytest.raises(DamagedShard, match=r"record at byte 0: not a tf\.train\.Example of text: wire type 3"):
        list(read_write.read_documents(path))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"url": ["u"]}, "footer: no column 'text' among url"),
        ({"text": [None]}, "row group 0: field 'text' is None"),
        ({"text": ["a"], "url": [1]}, "row group 0: field 'url' is 1"),
    ],
)
def test_parquet_that_holds_no_documents_is_named(
    columns: dict[str, list[object]], message: str, tmp_path: Path
) -> None:
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    with pytest.raises(DamagedShard, match=message):
        list(read_write.read_documents(tmp_path / "a.parquet"))


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.ndjson", "a.jsonl.gz", "a.ndjson.gz"])
def test_json_lines_of_other_tools_are_read(name: str, tmp_path: Path) -> None:
    data = GOOD + b"\n" + GOOD + b"\n"
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    assert list(read_write.read_documents(tmp_path / name, 1)) == [{"text": "a", "url": "u", "timestamp": "t"}]


def test_a_plain_line_is_named_by_its_byte(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(GOOD + b"\n{")
    with pytest.raises(DamagedShard, match=r"a\.jsonl, line 1 at byte 39: "):
        list(read_write.read_documents(tmp_path / "a.jsonl"))


def test_json_lines_whose_name_mentions_tfrecord_are_json_lines(tmp_path: Path) -> None:
    """As in the release of mC4."""
    path = tmp_path / "c4-af.tfrecord-00000-of-00064.json.gz"
    path.write_bytes(gzipped(GOOD))
    assert [one["text"] for one in read_write.read_documents(path)] == ["a"]


def test_a_missing_file_is_no_damaged_shard(tmp_path: Path) -> None:
    for format in FORMATS:
        with pytest.raises(FileNotFoundError):
            list(read_write.read_documents(tmp_path / read_write.shard_name(format, "train", 0, 1)))


def test_a_name_of_no_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a\.xml: no shard has such a name; they look like c4-"):
        list(read_write.read_documents(tmp_path / "a.xml"))
