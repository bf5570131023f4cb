"""Test the wheel as a user gets it: build it, install it outside the clone, and have it build a WET file.

    python build_tools/wheel_test.py

Packages come from the user's package index, at the versions of ``constraints.txt``. The exit code is 0 if all holds.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOUSES = ("c4pipe", "beam_jobs", "model")
CHECK = """
import importlib.util, sys
from pathlib import Path
import c4pipe
from c4pipe import engine
clone = sys.argv[1]
assert not Path(c4pipe.__file__).is_relative_to(clone), c4pipe.__file__
assert importlib.util.find_spec("torch") is None, "the core install pulls torch"
engine.use("fast")
"""


def missing(wheel: Path) -> list[str]:
    """The source files and type markers of the clone that the wheel lacks, and compiled rooms without a library."""
    packed = set(zipfile.ZipFile(wheel).namelist())
    wanted = [path for house in HOUSES for kind in ("*.py", "py.typed") for path in (ROOT / house).rglob(kind)]
    absent = [name for path in wanted if (name := path.relative_to(ROOT).as_posix()) not in packed]
    rooms = [path.relative_to(ROOT).with_suffix("").as_posix() for path in (ROOT / "c4pipe" / "fast").glob("*.pyx")]
    return absent + [room for room in rooms if not any(name.startswith(f"{room}.") for name in _libraries(packed))]


def _libraries(names: set[str]) -> list[str]:
    return [name for name in names if name.endswith((".so", ".pyd"))]


def run(*command: str | Path, cwd: Path) -> None:
    """Run a command; a failure ends the test with the output that the command left on the terminal."""
    print("$", *command, flush=True)
    subprocess.run([str(word) for word in command], cwd=cwd, check=True)


def main() -> int:
    """Build, install and try the wheel; 0 if all holds, 1 with the files that are missing."""
    with tempfile.TemporaryDirectory(prefix="wheel-test-") as folder:
        place = Path(folder).resolve()
        run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", place, ROOT, cwd=place)
        (wheel,) = place.glob("c4pipe-*.whl")
        if absent := missing(wheel):
            print(f"{wheel.name} lacks {', '.join(absent)}", file=sys.stderr)
            return 1
        venv.create(place / "venv", with_pip=True)
        python = place / "venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        run(python, "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", wheel, cwd=place)
        run(python, "-c", CHECK, ROOT, cwd=place)
        run(python, "-m", "c4pipe.demo_crawl", place / "demo.warc.wet.gz", cwd=place)
        build = ("--input", "demo.warc.wet.gz", "--output", "corpus", "--format", "tfrecord,parquet,jsonl")
        run(python, "-m", "c4pipe", "build", *build, "--resources", "builtin", cwd=place)  # found by its entry point
        run(python, "-m", "c4pipe", "verify", "corpus", cwd=place)
    print("the wheel is whole, and builds a WET file")
    return 0


if __name__ == "__main__":
    sys.exit(main())
