"""The command: data to stdout, talk to stderr, an example for everything."""

from __future__ import annotations

import argparse
import gzip
import hashlib
import importlib.metadata
import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from c4pipe import resources
from c4pipe.cli import main, registry
from c4pipe.commoncrawl import listing
from c4pipe.fingerprint import fingerprint
from c4pipe.fs import files, globs
from c4pipe.resource_pins import Resource
from c4pipe.variants import C4_ROWS, SEMANTICS, VARIANTS
from tests.support.unruly_server import UnrulyServer, status, whole
from tests.support.wet_builder import record

CRAWL = "CC-MAIN-2024-22"
PATHS = [f"crawl-data/{CRAWL}/segments/1.2/wet/CC-MAIN-{number:05}.warc.wet.gz" for number in range(10)]
WET = gzip.compress(b"WARC/1.0\r\n")


def commands() -> dict[str, argparse.ArgumentParser]:
    return {name: registry.load(point).parser(f"c4pipe {name}") for name, point in registry.registered().items()}


@pytest.fixture
def crawl_server(server: UnrulyServer) -> UnrulyServer:
    listing = gzip.compress("\n".join(PATHS).encode())
    server.behave(f"/crawl-data/{CRAWL}/wet.paths.gz", whole(listing))
    for path in PATHS:
        server.behave(f"/{path}", whole(WET))
    return server


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_has_examples_that_parse(name: str) -> None:
    text = commands()[name].format_help()
    lines = text.partition("examples:\n")[2].replace("\\\n", " ").splitlines()
    examples = [line.strip() for line in lines if line.strip().startswith("c4pipe ")]
    assert examples, f"c4pipe {name} --help shows no example"
    for example in examples:
        program, *arguments = shlex.split(example)
        assert (program, arguments[0]) == ("c4pipe", name)
        parsed, rest = commands()[name].parse_known_args(arguments[1:])
        assert not rest or (name == "build" and parsed.runner), rest


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_option_is_explained(name: str) -> None:
    for action in commands()[name]._actions:
        assert action.help, f"c4pipe {name} {action.dest}"


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        ([], [0]),
        (["--first", "3"], [0, 1, 2]),
        (["--range", "2-4"], [2, 3, 4]),
        (["--range", "9-9"], [9]),
    ],
)
def test_fetch_prints_where_the_files_are(
    crawl_server: UnrulyServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    numbers: list[int],
) -> None:
    assert main.main(["fetch", CRAWL, "--output", str(tmp_path), "--base-url", crawl_server.url, *options]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [str(tmp_path / PATHS[number]) for number in numbers]
    assert f"{len(numbers)}/{len(numbers)} files" in printed.err
    assert globs.expand(f"{tmp_path}/**/*") == printed.out.splitlines()


def test_fetch_takes_an_address_as_a_build_spells_it(crawl_server: UnrulyServer, tmp_path: Path) -> None:
    assert main.main(["fetch", CRAWL, "--output", str(tmp_path), "--base_url", crawl_server.url]) == 0


@pytest.mark.parametrize("name", ["variants", "explain", "conform"])
def test_help_lists_the_versions_of_the_rules(name: str) -> None:
    assert f"rules: {', '.join(SEMANTICS)} (default: " in " ".join(commands()[name].format_help().split())


def test_fetch_a_sample(crawl_server: UnrulyServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = ["fetch", CRAWL, "--output", str(tmp_path), "--base-url", crawl_server.url]
    assert main.main([*base, "--sample", "3", "--seed", "7"]) == 0
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / path) for path in listing.sample(PATHS, 3, 7)]


@pytest.mark.parametrize("packed", [False, True])
def test_fetch_a_list(
    crawl_server: UnrulyServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], packed: bool
) -> None:
    listing = f"{PATHS[4]}\n\ns3://commoncrawl/{PATHS[1]}\n".encode()
    (tmp_path / "list").write_bytes(gzip.compress(listing) if packed else listing)
    base = ["fetch", CRAWL, "--output", str(tmp_path), "--base-url", crawl_server.url]
    assert main.main([*base, "--paths", str(tmp_path / "list")]) == 0
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / PATHS[4]), str(tmp_path / PATHS[1])]
    assert crawl_server.count(f"/crawl-data/{CRAWL}/wet.paths.gz") == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["CC-MAIN-2024"], "c4pipe fetch: 'CC-MAIN-2024' is no crawl id"),
        (["CC-MAIN-2024-18"], "no listing of CC-MAIN-2024-18: "),
        ([CRAWL, "--first", "11"], "the listing has 10"),
        ([CRAWL, "--range", "5-10"], "range 5-10 is not within 0-9"),
        ([CRAWL, "--sample", "0"], "the listing has 10"),
        (
            [CRAWL, "--paths", "/nowhere/list"],
            "c4pipe fetch: --paths /nowhere/list: no such file or folder; check the path\n",
        ),
        ([CRAWL, "--base-url", "gopher://x"], "gopher:// is no protocol"),
        ([CRAWL, "--connections", "0"], "0 connections"),
        ([CRAWL, "--output", __file__], f"{__file__} is a file; name a folder as --output"),
    ],
)
def test_fetch_says_what_is_wrong(
    crawl_server: UnrulyServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    base = ["--base-url", crawl_server.url, "--output", str(tmp_path)]
    assert main.main(["fetch", *base, *arguments]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert message in printed.err
    assert "Traceback" not in printed.err


def test_fetch_names_what_did_not_come(
    crawl_server: UnrulyServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    crawl_server.behave(f"/{PATHS[1]}", status(404))
    base = ["fetch", CRAWL, "--output", str(tmp_path), "--base-url", crawl_server.url]
    assert main.main([*base, "--first", "3"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"1 of 3 files did not come:\n  {crawl_server.url}/{PATHS[1]}: HTTP 404" in printed.err
    assert files.exists(str(tmp_path / PATHS[2]))


@pytest.mark.parametrize(
    "options", [["--range", "5"], ["--range", "a-b"], ["--first", "1", "--sample", "2"], ["--nonsense"]]
)
def test_wrong_usage_exits_with_2(options: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main.main(["fetch", CRAWL, "--output", "x", *options])
    assert caught.value.code == 2


def test_an_interrupt_is_no_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(*arguments: object) -> list[str]:
        raise KeyboardInterrupt

    monkeypatch.setattr(listing, "listing", interrupt)
    assert main.main(["fetch", CRAWL, "--output", "x"]) == 130
    assert "the same command again goes on" in capsys.readouterr().err


@pytest.fixture
def pinned(server: UnrulyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Two pinned files on a server of our own; the real table stays untouched."""
    table = {
        name: Resource(name, hashlib.sha256(name.encode()).hexdigest(), server.behave(f"/{name}", whole(name.encode())))
        for name in ("lists/en", "lists/de")
    }
    monkeypatch.setattr("c4pipe.resource_pins.PINNED", table)
    monkeypatch.setattr(resources, "_chosen", None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("C4PIPE_RESOURCES", raising=False)
    resources.forget()
    return {name: resource.sha256 for name, resource in table.items()}


def test_resources_shows_where_each_is(
    pinned: dict[str, str], server: UnrulyServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["resources"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{sha256}  {name}  not here; {server.url}/{name}" for name, sha256 in pinned.items()
    ]
    assert server.count("/lists/en") == 0

    assert main.main(["resources", "--fetch"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{sha256}  {name}  {tmp_path}/cache/c4pipe/{name}" for name, sha256 in pinned.items()
    ]


def test_resources_makes_a_folder_that_is_one(
    pinned: dict[str, str], server: UnrulyServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "resources"
    assert main.main(["resources", "--output", str(folder)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{sha256}  {name}  {folder}/{name}" for name, sha256 in pinned.items()
    ]
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=folder, check=True)

    assert main.main(["resources", "--resources", str(folder), "--output", str(tmp_path / "copy")]) == 0
    assert (tmp_path / "copy" / "lists" / "de").read_bytes() == b"lists/de"
    assert server.count("/lists/de") == 1


def test_resources_says_what_is_wrong(
    pinned: dict[str, str], server: UnrulyServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.behave("/lists/de", status(404))
    assert main.main(["resources", "--fetch"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("c4pipe resources: lists/de is not in ")
    assert main.main(["resources", "--resources", str(tmp_path / "typo")]) == 1
    assert "typo is no folder" in capsys.readouterr().err


def test_an_unknown_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main.main(["fetsch"])
    assert caught.value.code == 2
    assert "invalid choice: 'fetsch'" in capsys.readouterr().err


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main.main(["--version"])
    assert not caught.value.code
    assert capsys.readouterr().out == f"c4pipe {importlib.metadata.version('c4pipe')}\n"


@pytest.mark.parametrize("arguments", [[], ["--help"], ["fetch", "--help"]])
def test_the_module_is_the_command(arguments: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", "c4pipe", *arguments], capture_output=True, text=True)
    assert done.returncode == (0 if arguments else 2)
    assert (done.stdout or done.stderr).startswith("usage: c4pipe")


EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "my_variant.py"


def test_variants_are_listed_by_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["variants"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("semantics ")] == [f"semantics {one}" for one in SEMANTICS]
    for (name, _), one in VARIANTS.items():
        assert any(line.startswith(f"  {name}: ") for line in lines)
        for stage in one.stages:
            assert any(stage.name in line and type(stage).__name__ in line for line in lines), stage
    for row in C4_ROWS:
        assert any(row.counter in line and row.rule.__name__ in line for line in lines), row


@pytest.mark.parametrize(("name", "semantics"), sorted(VARIANTS))
def test_a_variant_is_shown_whole(capsys: pytest.CaptureFixture[str], name: str, semantics: str) -> None:
    assert main.main(["variants", name, "--semantics", semantics]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"{name}, semantics {semantics}")
    told = " ".join(text.split())
    this = VARIANTS[name, semantics]
    assert all(crawl in told for crawl in this.crawls)
    for number, stage in enumerate(this.stages, 1):
        assert f"{number}. {stage.name} ({type(stage).__name__}): " in told
        assert all(row.counter in told for row in getattr(stage, "rows", ()))
    assert text.endswith(f"\nfingerprint {fingerprint(this)}\n\n")


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ([], list(VARIANTS)),
        (["--semantics", "3.1.0"], [key for key in VARIANTS if key[1] == "3.1.0"]),
        (["en,realnewslike"], [("en", "3.1.0"), ("realnewslike", "3.1.0")]),
        ([f"{EXAMPLE}:MY_VARIANT"], [("en.calm", "3.1.0")]),
    ],
)
def test_variants_for_machines(
    capsys: pytest.CaptureFixture[str], arguments: list[str], names: list[tuple[str, str]]
) -> None:
    assert main.main(["variants", *arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(one["name"], one["semantics"]) for one in found] == names
    for one in found:
        assert {"crawls", "by_language", "undated", "stages", "resources", "fingerprint"} < one.keys()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nosuch"], "no variant 'nosuch' at semantics '3.1.0'"),
        (["--semantics", "9"], "no variants at semantics '9'; there are 3.1.0, "),
        (["nosuch.py:MINE"], "nosuch.py is no Python file"),
    ],
)
def test_variants_says_what_is_wrong(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    assert main.main(["variants", *arguments]) == 1
    printed = capsys.readouterr()
    assert (printed.out, message in printed.err) == ("", True)


@pytest.fixture
def page_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(resources, "_chosen", None)
    lines = [f"This is a plain sentence of English, the one with the number {number}." for number in range(5)]
    path = tmp_path / "page.txt"
    path.write_text("\n".join(["Home", *lines]), encoding="utf-8")
    return path


def test_explain(page_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["explain", str(page_file), "--resources", "builtin", "--url", "http://fake.com/url/370"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "http://fake.com/url/370"
    assert "   1 line-filtered:no_endmark | Home" in lines
    assert any(line.startswith("kept in split validation, language en, with 5 lines") for line in lines)


def test_explain_by_rules_of_ones_own(page_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page_file.write_text("PLEASE BUY OUR WONDERFUL THINGS AT ONCE, AND ALL OF THEM.", encoding="utf-8")
    arguments = ["explain", str(page_file), "--resources", "builtin", "--variant", f"{EXAMPLE}:MY_VARIANT"]
    assert main.main(arguments) == 0
    printed = capsys.readouterr().out
    assert "1 line-filtered:shouting | PLEASE BUY" in printed
    assert printed.endswith("dropped by clean-page\n")


def test_explain_parts_several_pages(page_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wet = tmp_path / "a.wet"
    wet.write_bytes(record("http://example.com/a", b"A.") + record("http://example.com/b", b"B."))
    assert main.main(["explain", str(wet), "--resources", "builtin"]) == 0
    assert capsys.readouterr().out.count("=" * 40) == 1
    arguments = ["http://example.com/b", "--input", str(wet), "--resources", "builtin"]
    assert main.main(["explain", *arguments]) == 0
    assert capsys.readouterr().out.startswith("http://example.com/b  2019")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{page}.no"], "page.txt.no: no such file or folder; check the path\n"),
        (["http://example.com/"], "name them with --input"),
        (["{page}", "--variant", "en,en.noclean"], "--variant names 2; a page is explained for one"),
        (["{page}", "--variant", "german"], "no variant 'german'"),
        (["{page}", "--urls", "{page}"], "en keeps pages of any URL: it takes no list of URLs"),
    ],
)
def test_explain_says_what_is_wrong(
    page_file: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main.main(["explain", *(word.format(page=page_file) for word in arguments)]) == 1
    printed = capsys.readouterr()
    assert (printed.out, message in printed.err) == ("", True)


def test_who_has_seen_enough_gets_no_traceback(page_file: Path) -> None:
    page_file.write_bytes(b"".join(record(f"http://example.com/{n}", b"A.") for n in range(2000)))
    command = [sys.executable, "-m", "c4pipe", "explain", str(page_file), "--resources", "builtin"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 1


def test_an_error_with_words_of_a_file_is_shown_and_not_obeyed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other.jsonl").write_text('{"\\u001b[2Jurl": "", "text": ""}\n', "utf-8")
    assert main.main(["conform", str(tmp_path), str(tmp_path)]) == 1
    assert r"no field 'url' among \x1b[2Jurl, text" in capsys.readouterr().err
