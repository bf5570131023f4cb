"""Golden files and corpora of five documents, in any layout, and what ``conform`` tells of them."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from c4pipe.cli import main
from c4pipe.shards import read_write
from c4pipe.text import urls

FIELDS = ("text", "url", "timestamp")  # of the release's JSON lines
Row = dict[str, Any]


def row(number: int, **changes: Any) -> Row:
    """A golden row; the URL of number 370 is of the validation split."""
    url = f"http://fake.com/url/{number}"
    lines = [f"This is sentence {part} of the page that is known by the number {number}." for part in range(4)]
    fields = {
        "url": url,
        "timestamp": f"2019-04-18T10:38:{number % 60:02}Z",
        "split": urls.split(url),
        "language": "en",
        "content-type": "text/plain",
        "content-length": str(1000 + number),
        "text": "\n".join(lines),
    }
    return fields | changes


ROWS = [row(number) for number in (1, 2, 3, 4, 370)]
COUNTERS = {"clean-page/passed": 5, "duplicate-url-filter/filtered": 0, "download_wet_url/exists": 10}


def write_lines(path: Path, rows: Sequence[Row], fields: Sequence[str] = FIELDS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = "".join(json.dumps({name: one[name] for name in fields if name in one}) + "\n" for one in rows).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def hashed(one: Row) -> Row:
    return one | {"text_sha256": hashlib.sha256(one["text"].encode()).hexdigest(), "chars": len(one["text"])}


def write_golden(folder: Path) -> Path:
    """What the golden files tell of ``en``, with text, and of ``en.noclean``, without."""
    every = ("url", "timestamp", "split", "language", "content-type", "content-length", "chars", "text_sha256")
    write_lines(folder / "en.jsonl.gz", [hashed(one) for one in ROWS], (*every, "text"))
    write_lines(folder / "en.noclean.jsonl.gz", [hashed(one) for one in ROWS], every)
    (folder / "en.counters.json").write_text(json.dumps(COUNTERS))
    traced = [{"url": one["url"], "timestamp": one["timestamp"], "kept": True, "reason": None} for one in ROWS]
    traced += [
        {"url": row(number)["url"], "timestamp": row(number)["timestamp"], "kept": False, "reason": "english-filter"}
        for number in (7, 8)
    ]
    write_lines(folder / "en.trace.jsonl.gz", traced, ("url", "timestamp", "kept", "reason"))
    return folder


def run_conform(*arguments: object) -> int:
    return main.main(["conform", *map(str, arguments)])


def json_report(capsys: pytest.CaptureFixture[str], *arguments: object) -> Row:
    """The report as JSON, whose exit code agrees with it."""
    code = run_conform("--json", *arguments)
    found: Row = json.loads(capsys.readouterr().out)
    assert code == (0 if found["same"] else 3)
    return found


def rules(found: Row, kind: str) -> dict[str, int]:
    return {rule: one["documents"] for rule, one in found["rules"][kind].items()}


def of_shards(format: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        folder.mkdir()
        infos = []
        for split, rows in (("train", ROWS[:4]), ("validation", ROWS[4:])):
            name = read_write.shard_name(format, split, 0, 1)
            with (folder / name).open("wb") as stream:
                infos.append(read_write.write_shard(format, stream, read_write.table(rows), name=name))
        for name, data in read_write.files_beside(infos, variant="en").items():
            (folder / name).write_bytes(data)
        (folder / "manifest.json").write_text('{"options": {"variant": "en", "semantics": "3.1.0"}}')
        (folder / "stats.json").write_text(json.dumps({"counters": {"clean-page/passed": 5}, "faults": {}}))

    return write
