"""What ``benchmarks/tfds_peer.py`` runs is the reference: it keeps as many documents of a WET file as we do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from c4pipe import oracle
from c4pipe.variants import variant
from c4pipe.warc.wet import WetReader

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "tfds_peer.py"


@pytest.mark.parametrize("name", ["CC-MAIN-2020-50-fragment-A.warc.wet.gz", "CC-MAIN-2026-12-fragment-A.warc.wet.gz"])
def test_documents(prepared: Path, shared: Path, name: str) -> None:
    path = shared / "data" / "wet" / "original" / name
    command = [sys.executable, str(SCRIPT), str(path), "--resources", str(prepared)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout.splitlines()[-1])
    with path.open("rb") as stream:
        pages = list(WetReader(stream, name=name))
    assert told["pages"] == len(pages) > 50
    assert told["kept"] == len(oracle.run(variant("en"), pages).pages) > 10
    assert told["cpu_seconds"] > 0
