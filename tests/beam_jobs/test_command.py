"""The command line: its help, what it does not take, and one run of it as a user would."""

from __future__ import annotations

import argparse
import doctest
import importlib
import os
import pkgutil
import shlex
import subprocess
import sys
from pathlib import Path

import fsspec
import pytest
from apache_beam.options.pipeline_options import DirectOptions, StandardOptions
from apache_beam.transforms.environments import SubprocessSDKEnvironment

import beam_jobs
from beam_jobs import beam_options, build_c4, memory_budget, options
from beam_jobs.drivers import on_beam
from beam_jobs.drivers.beam_runner import pipeline
from c4pipe.commoncrawl.listing import BASE_URL
from c4pipe.variants import SEMANTICS
from tests.support import builds

ROOT = Path(__file__).resolve().parent.parent.parent
MODULES = [module.name for module in pkgutil.walk_packages(beam_jobs.__path__, "beam_jobs.")]


def examples() -> list[list[str]]:
    """The commands in the help, as words."""
    text = str(options.parser().epilog).replace("\\\n", " ")
    return [shlex.split(line) for line in text.splitlines() if line.strip().startswith("python ")]


@pytest.mark.parametrize("words", examples(), ids=lambda words: words[-1])
def test_examples_of_the_help_parse(words: list[str]) -> None:
    assert words[:3] == ["python", "-m", "beam_jobs.build_c4"]
    arguments, rest = options.parser().parse_known_args(words[3:])
    assert beam_options.unknown_to_beam(rest) == []
    assert bool(rest) is (arguments.runner == "DataflowRunner")
    if arguments.runner:
        given = beam_options.pipeline_options(arguments, rest, workers=1)
        assert given.view_as(StandardOptions).runner == arguments.runner


def test_help_has_examples_and_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(examples()) >= 2
    with pytest.raises(SystemExit) as stopped:
        build_c4.main(["--help"])
    assert stopped.value.code == 0
    told = capsys.readouterr().out
    assert str(options.parser().epilog).strip() in told
    assert f"rules: {', '.join(SEMANTICS)} (default: 3.1.0)" in " ".join(told.split())
    for action in options.parser()._actions:
        assert action.help
        assert action.option_strings[0] in told or action.help == argparse.SUPPRESS
    for title in ("input", "output", "what to build", "machine", "runner"):
        assert f"\n{title}:\n  --" in told


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--shard", "3"), "unknown: --shard 3"),
        (("b.warc.wet.gz", "c.warc.wet.gz"), "a glob is put in quotes"),
        (("--runner", "DataflowRunner", "--dry_run", "--projekt", "x"), "unknown: --projekt x"),
        (("--output", __file__), f"{__file__} is a file; name a folder as --output"),
        (("--from_store", __file__), f"{__file__} is a file; name the --output of an earlier build, a folder"),
        (("--runner", "NoRunner"), "--runner is 'NoRunner', but must be DataflowRunner, "),
        (("--runner", "nowhere.NoRunner"), "--runner is 'nowhere.NoRunner' (No module named 'nowhere'), but must be "),
        (("--runner", "beam_jobs.NoRunner"), "has no attribute 'NoRunner'), but must be "),
        (("--variant", "english"), "no variant"),
        (("--semantics", "1.0.0"), "semantics"),
        (("--input", "unheard-of://bucket/*"), "unheard-of:// is no protocol"),
        (("--input", "needs-a-library://bucket/*"), "install what it names"),
    ],
)
def test_what_it_does_not_take(
    small: builds.Built, more: tuple[str, ...], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Told in a line, without a traceback, before anything is written."""
    fsspec.register_implementation("needs-a-library", "no_such_library.Store", clobber=True, errtxt="no_such_library")
    assert build_c4.main(builds.arguments(small.wet, tmp_path / "build", *more)) == 1
    said = capsys.readouterr().err
    assert told in said
    assert said.startswith("build_c4: ")
    assert "Traceback" not in said
    assert not (tmp_path / "build").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("--format", "csv"),
        ("--format", ""),
        ("--format", ","),
        ("--variant", ""),
        ("--variant", ",,"),
        ("--input", ""),
        ("--input", ","),
        ("--output", ""),
        ("--crawl", " "),
        ("--from_store", ""),
        ("--urls", ","),
        ("--shards", "0"),
        ("--shards", "-1"),
        ("--workers", "0"),
        ("--seed", "-1"),
        ("--seed", str(2**64)),
        ("--max_bad_files", "-1"),
        ("--exchange", "post"),
    ],
)
def test_values_that_it_does_not_take(name: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        build_c4.main(builds.arguments("x", "y", f"{name}={value}"))
    assert stopped.value.code == 2
    assert f"argument {name}: " in capsys.readouterr().err


def test_an_address_by_either_spelling() -> None:
    """``c4pipe fetch`` takes both, too."""
    for name in ("--base_url", "--base-url"):
        parsed, rest = options.parser().parse_known_args(builds.arguments("x", "y", name, "http://a.example"))
        assert (parsed.base_url, rest) == ("http://a.example", [])
    assert options.parser().parse_known_args(builds.arguments("x", "y"))[0].base_url == BASE_URL


@pytest.mark.parametrize("value", ["0", str(2**64 - 1)])
def test_seeds_at_the_borders(value: str) -> None:
    parsed, _ = options.parser().parse_known_args(builds.arguments("x", "y", "--seed", value))
    assert parsed.seed == int(value)


@pytest.mark.parametrize(
    ("argv", "workers"),
    [
        (("--workers", "1"), 1),
        (("--workers", "3"), 3),
        (("--workers", "3", "--runner", "DirectRunner"), 3),
        (("--workers", "3", "--runner", "FnApiRunner", "--exchange", "files"), 3),
        (("--workers", "1", *builds.by("shuffle")), 1),
        ((), memory_budget.cores()),
    ],
)
def test_a_process_a_core(argv: tuple[str, ...], workers: int) -> None:
    """They are ours without a runner, else those of Beam, by our own command."""
    arguments, rest = options.parser().parse_known_args(["--input", "x", "--output", "y", *argv])
    count = memory_budget.divide_memory(arguments.memory, arguments.workers).workers
    assert count == workers
    if not arguments.runner:
        return
    given = on_beam.pipeline_options(arguments, rest, count)
    assert given.view_as(StandardOptions).runner == "FnApiRunner"
    assert given.view_as(DirectOptions).direct_num_workers == workers
    environment = getattr(pipeline(given).runner, "_default_environment", None)
    own = isinstance(environment, SubprocessSDKEnvironment)
    assert own is (workers > 1)
    assert not own or environment.command_string.endswith(f"-m beam_jobs.drivers.beam_worker {os.getpid()}")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--exchange", "shuffle"), "needs a runner: add --runner FnApiRunner"),
        (("--no_wait",), "--no_wait is for a runner on a cluster"),
        (("--project", "x"), "unknown: --project x"),
        (("--runner", "FnApiRunner", "--exchange", "files", "--no_wait"), "--no_wait is for --exchange shuffle"),
    ],
)
def test_options_that_lack_a_runner(
    more: tuple[str, ...], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build_c4.main(builds.arguments("nowhere", tmp_path / "build", *more)) == 1
    assert told in capsys.readouterr().err
    assert not (tmp_path / "build").exists()


WITHOUT_BEAM = """
import sys
from beam_jobs import build_c4
code = build_c4.main(sys.argv[1:])
print(code, sorted({name.partition(".")[0] for name in sys.modules} & {"apache_beam", "grpc", "torch"}))
"""


@pytest.mark.parametrize("more", [(), ("--dry_run",)])
def test_a_build_without_a_runner_does_not_import_beam(
    small: builds.Built, more: tuple[str, ...], tmp_path: Path
) -> None:
    """Which costs a second."""
    argv = builds.arguments(small.wet, tmp_path, *more)
    command = [sys.executable, "-c", WITHOUT_BEAM, *argv]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "0 []\n"
    assert ("nothing run" in done.stderr) is bool(more)


@pytest.mark.parametrize("more", [("--runner", "DirectRunner"), ("--runner", "FnApiRunner", "--exchange", "files")])
def test_a_runner_makes_the_same_bytes(small: builds.Built, more: tuple[str, ...], tmp_path: Path) -> None:
    argv = builds.arguments(small.wet, tmp_path, "--shards", "3", *more, format=builds.ALL_FORMATS)
    assert build_c4.main(argv) == 0
    assert builds.tree(tmp_path / "en") == builds.tree(small.folder)


def test_as_a_user_calls_it(small: builds.Built, tmp_path: Path) -> None:
    """Talk goes to stderr, and says where the documents are and what was dropped."""
    command = [sys.executable, "-m", "beam_jobs.build_c4"]
    argv = builds.arguments(small.wet, tmp_path / "build", "--shards", "3", format=builds.ALL_FORMATS)
    done = subprocess.run([*command, *argv], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    kept = builds.told(small.folder, "stats.json")["documents"]
    splits = f"{kept['train']} train, {kept['validation']} validation"
    assert f"{tmp_path}/build/en: {sum(kept.values())} documents: {splits}\n" in done.stderr
    assert "english-filter/filtered:ignored_language-de" in done.stderr
    assert "Traceback" not in done.stderr
    assert builds.tree(tmp_path / "build" / "en") == builds.tree(small.folder)


@pytest.mark.parametrize("name", MODULES)
def test_doctests(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
