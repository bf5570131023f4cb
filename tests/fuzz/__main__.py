"""Hold the compiled rooms equal to the plain ones on inputs without end.

    python -m tests.fuzz --room all --seconds 60
    python -m tests.fuzz --room langdetect --inputs 1000000 --seed 7 --wet 'wet/*.gz' --resources DIR

A room, or a part of one (``COMPILED`` says of which), has a file fuzz_<room>.py here with
``inputs(rng, lines)``, which makes inputs from the lines of real pages, or of made-up ones where no WET files are
given, and ``agree(input)``, which fails where the two differ. The inputs of a room are the same for the same seed,
lines and Python: what fails is shown with the command that does it again. Ends with 1 where anything failed.
"""

from __future__ import annotations

import argparse
import faulthandler
import importlib
import random
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import ModuleType

from benchmarks import prose
from c4pipe import engine, resources
from c4pipe.fs import files, globs
from c4pipe.warc.wet import WetReader

ROOMS_FOLDER = Path(__file__).resolve().parent
LINES = 200_000  # read of the WET files at most
SAY_EVERY_SECONDS = 10.0
SHOWN = 4_000  # characters of what failed


@dataclass
class Tried:
    """What came of a room."""

    inputs: int
    seconds: float
    failed: bool = False

    def __str__(self) -> str:
        rate = self.inputs / max(self.seconds, 1e-3)
        return f"{self.inputs:,} inputs in {self.seconds:.1f} s, {rate:,.0f} a second"


@dataclass(frozen=True)
class Room:
    """What makes a room's inputs, and by which options its lines were found."""

    name: str
    module: ModuleType
    options: tuple[str, ...] = ()

    def again(self, seed: int, number: int) -> str:
        """The command that tries one input."""
        asked = ("--room", self.name, "--seed", str(seed), "--skip", str(number), "--inputs", "1", *self.options)
        return shlex.join(("python", "-m", "tests.fuzz", *asked))


def rooms(folder: Path = ROOMS_FOLDER) -> list[str]:
    """The rooms that have inputs."""
    return sorted(path.stem.removeprefix("fuzz_") for path in folder.glob("fuzz_*.py"))


def room_named(name: str) -> ModuleType:
    """The file that makes the room's inputs."""
    return importlib.import_module(f"tests.fuzz.fuzz_{name}")


def lines_of(pattern: str | None) -> list[str]:
    """The lines of real pages, or of made-up ones."""
    return list(islice(_read(globs.expand(pattern)), LINES)) if pattern else prose.lines()


def _read(paths: Sequence[str]) -> Iterator[str]:
    for path in paths:
        with files.open_read(path) as stream:
            for page in WetReader(stream, name=path, undated=True):
                yield from page.text.split("\n")


def tried(
    room: Room, lines: Sequence[str], *, seed: int, skip: int, inputs: int | None, seconds: float | None
) -> Tried:
    """Try inputs number ``skip`` and after, until there were so many or the time is over."""
    begun = said = time.monotonic()
    done = 0
    for one in islice(room.module.inputs(random.Random(seed), lines), skip, None if inputs is None else skip + inputs):
        now = time.monotonic()
        if seconds is not None and now - begun >= seconds:
            break
        if now - said >= SAY_EVERY_SECONDS:
            said = now
            print(f"{room.name}: {Tried(done, now - begun)}", file=sys.stderr, flush=True)
        try:
            room.module.agree(one)
        except AssertionError as error:
            print(f"{room.name}: input {skip + done:,} of seed {seed} differs: {ascii(one)[:SHOWN]}")
            print(f"{str(error)[:SHOWN]}\nagain: {room.again(seed, skip + done)}")
            return Tried(done + 1, time.monotonic() - begun, failed=True)
        except BaseException as error:
            error.add_note(f"at input {skip + done:,}; again: {room.again(seed, skip + done)}")
            raise
        done += 1
    return Tried(done, time.monotonic() - begun)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--room", required=True, help=f"any of {', '.join(rooms())}, separated by commas, or all")
    parser.add_argument("--seconds", type=float, help="for each room")
    parser.add_argument("--inputs", type=int, help="for each room; with --seconds: at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--skip", type=int, default=0, metavar="N", help="the first N inputs are made, but not tried")
    parser.add_argument("--wet", help="WET files whose lines are taken: paths and globs (default: made-up text)")
    parser.add_argument("--resources", default=resources.BUILTIN, help="folder of the pinned lists (default: builtin)")
    arguments = parser.parse_args(argv)
    names = rooms() if arguments.room == "all" else arguments.room.split(",")
    if unknown := sorted(set(names) - set(rooms())):
        parser.error(f"no room {', '.join(unknown)}; there are {', '.join(rooms())}")
    if arguments.seconds is None and arguments.inputs is None:
        parser.error("say how long: --seconds or --inputs")
    compiled = [getattr(room_named(name), "COMPILED", name) for name in names]
    if absent := [name for name in compiled if name in engine.missing()]:
        parser.error(f"not compiled: {', '.join(absent)}")
    resources.use(arguments.resources)
    lines = lines_of(arguments.wet)
    limits = {name: getattr(arguments, name) for name in ("seed", "skip", "inputs", "seconds")}
    options = ("--resources", arguments.resources, *(("--wet", arguments.wet) if arguments.wet else ()))
    failed = False
    for name in names:
        found = tried(Room(name, room_named(name), options), lines, **limits)
        print(f"{name}: {found}, seed {arguments.seed}: {'DIFFERENT' if found.failed else 'no difference'}", flush=True)
        failed |= found.failed
    return int(failed)


if __name__ == "__main__":
    faulthandler.enable()
    sys.exit(main())
