"""The table of formats: what each row promises, and what is said of the formats elsewhere."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from c4pipe.shards import jsonl, parquet, tfrecord
from c4pipe.shards.base import Format
from c4pipe.shards.documents import DIGESTED, FIELDS
from c4pipe.shards.formats import FORMATS, known_format, preferred, recognised_format
from c4pipe.shards.jsonl import RELEASED

README = (Path(__file__).parents[3] / "README.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "row"), [("tfrecord", tfrecord.TFRECORD), ("parquet", parquet.PARQUET), ("jsonl", jsonl.JSONL)]
)
def test_a_format_is_known_by_its_name(name: str, row: Format) -> None:
    assert known_format(name) is FORMATS[name] is row


def test_each_format_has_its_own_preference() -> None:
    assert len({row.preference for row in FORMATS.values()}) == len(FORMATS)
    assert [preferred({name}).name for name in FORMATS] == list(FORMATS)


@pytest.mark.parametrize("format", FORMATS)
def test_readme_lists_the_format(format: str) -> None:
    (listed,) = re.findall(r"^\| `--format` \| any of `(.*)` \|$", README, re.MULTILINE)
    assert format in listed.split(",")


@pytest.mark.parametrize("format", FORMATS)
def test_a_name_is_recognised_by_one_format_alone(format: str) -> None:
    name = FORMATS[format].file_name("train", 0, 8)
    assert [row.name for row in FORMATS.values() if row.recognises(name)] == [format]
    assert [row.name for row in FORMATS.values() if row.parse(name)] == [format]


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("theirs.tfrecord", "tfrecord"),
        ("theirs.tfrecord-00000-of-00001", "tfrecord"),
        ("theirs.tfrecord-00000-of-00001.json.gz", "jsonl"),
        ("theirs.tfrecord-index", None),
        ("theirs.parquet", "parquet"),
        ("theirs.parquet.tmp", None),
        ("theirs.parquet\n", None),
        ("theirs.jsonl", "jsonl"),
        ("theirs.ndjson.gz", "jsonl"),
        ("theirs.json.gz", "jsonl"),
        ("theirs.json.bz2", None),
        ("theirsjson", None),
    ],
)
def test_files_of_other_tools_are_recognised_by_their_ends(name: str, format: str | None) -> None:
    row = recognised_format(name)
    assert (row.name if row else None) == format


@pytest.mark.parametrize(("format", "fields"), [("tfrecord", FIELDS), ("parquet", FIELDS), ("jsonl", RELEASED)])
def test_the_fields_that_a_format_holds(format: str, fields: tuple[str, ...]) -> None:
    assert FORMATS[format].fields == fields


@pytest.mark.parametrize("fields", [FIELDS[1:], ("text", "url"), (*DIGESTED, "language")])
def test_a_format_holds_what_is_digested_and_known_fields_alone(fields: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"^format 'jsonl' holds .*; it must hold url, timestamp, text, and may"):
        replace(FORMATS["jsonl"], fields=fields)


def test_a_format_without_rows_of_its_own_gives_its_documents() -> None:
    def read(stream: object, path: str, start: int) -> Iterator[dict[str, str]]:
        yield {"text": f"{path} from {start}"}

    row = replace(FORMATS["jsonl"], read=read, rows=None)
    assert list(row.read_rows(io.BytesIO(), "a.x", ())) == [{"text": "a.x from 0"}]
