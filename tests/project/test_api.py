"""The two doors: small, and all that README and docs import."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import beam_jobs.api
import c4pipe.api
from beam_jobs.api import AnotherBuild, BadOptions, build
from c4pipe.api import DropBadwords, English, MaxLength, Variant, clean, explain, read_documents, read_wet
from c4pipe.stages.language import LabelLanguage
from c4pipe.variants import NEWEST
from tests.support import crawls

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "examples" / "my_variant.py"]
IMPORT = re.compile(r"^\s*(?:>>> )?from (c4pipe|beam_jobs)([.\w]*) import (\(?[\w, ]+)", re.MULTILINE)

TEXT = "\n".join(
    [
        "Home",
        *(f"This is quite a plain line of some length, and it has the number {n}." for n in range(5)),
        "Contact us.",
    ]
)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_pages_import_from_the_doors_alone(path: Path) -> None:
    for house, module, names in IMPORT.findall(path.read_text("utf-8")):
        door = c4pipe.api if house == "c4pipe" else beam_jobs.api
        assert module == ".api", f"from {house}{module} import {names}"
        assert {name.strip(" (") for name in names.split(",") if name.strip(" (")} <= set(door.__all__)


def test_some_pages_import() -> None:
    """Or the test above would show nothing."""
    assert sum(len(IMPORT.findall(path.read_text("utf-8"))) for path in PAGES) >= 5


@pytest.mark.parametrize("door", [c4pipe.api, beam_jobs.api])
def test_names_are_there(door: object) -> None:
    assert all(hasattr(door, name) for name in door.__all__)  # type: ignore[attr-defined]
    assert len(set(door.__all__)) == len(door.__all__)  # type: ignore[attr-defined]


def snippets() -> list[str]:
    """The Python of README's section, block by block."""
    (section,) = re.findall(r"^## From Python\n(.*?)(?=^## )", (ROOT / "README.md").read_text("utf-8"), re.M | re.S)
    return [block.replace("\n    ", "\n").strip() for block in re.findall(r"((?:^    .*\n)+)", section, re.MULTILINE)]


def test_the_snippets_of_the_readme_run(tmp_path: Path) -> None:
    (tmp_path / "wet").mkdir()
    crawls.write(tmp_path / "wet", crawls.dealt(crawls.crawl(seed=3, records=30), 2))
    (first, *_) = sorted((tmp_path / "wet").iterdir())
    first.rename(tmp_path / "file.warc.wet.gz")
    (tmp_path / "page.txt").write_text(TEXT, "utf-8")
    blocks = snippets()
    assert len(blocks) == 4
    assert all(len(block.splitlines()) <= 4 for block in blocks)
    code = "\n".join(
        ["if __name__ == '__main__':", *("    " + line for block in blocks for line in block.splitlines())]
    )
    (tmp_path / "script.py").write_text(code, "utf-8")
    env = {"C4PIPE_RESOURCES": "builtin", "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "line-filtered:no_endmark" in done.stdout


def test_clean_keeps_what_the_rules_leave(builtin: None) -> None:
    assert clean(TEXT, "en") == "\n".join(TEXT.split("\n")[1:6])
    assert clean(TEXT.replace("plain", "{"), "en") is None
    assert clean("", "en") is None
    assert clean(" \n ", "en.noclean") is None


def test_clean_equals_what_explain_leaves(builtin: None) -> None:
    for name in ("en", "en.noclean", "en.noblocklist"):
        assert clean(TEXT, name) == explain(TEXT, name).to_dict()["text"]


def test_clean_says_what_is_wrong(builtin: None) -> None:
    with pytest.raises(ValueError, match="no variant 'english'"):
        clean(TEXT, "english")
    with pytest.raises(ValueError, match="lone surrogate at character 1"):
        clean("a\ud800", "en")


def test_an_account_is_json(builtin: None) -> None:
    account = explain(TEXT, "en").to_dict()
    assert json.loads(json.dumps(account)) == account
    lines = next(stage for stage in account["stages"] if stage["name"] == "clean-page")["lines"]
    assert [line["taken_by"] for line in lines] == ["line-filtered:no_endmark", *[None] * 5, "line-filtered:too_short"]
    assert (account["dropped_by"], account["split"], account["language"]) == (None, "train", "en")
    dropped = explain("A { in a line of more than five words.\n" + TEXT, "en").to_dict()
    assert (dropped["dropped_by"], dropped["text"], dropped["split"]) == ("clean-page", None, None)


@pytest.fixture
def wet(tmp_path: Path) -> str:
    return crawls.write(tmp_path / "wet", crawls.dealt(crawls.crawl(seed=3, records=30), 2))


def test_a_build_is_read_back(wet: str, tmp_path: Path) -> None:
    built = build([wet], output=tmp_path / "corpus", variant=["en", "en.noclean"], resources="builtin", workers=1)
    assert list(built) == ["en", "en.noclean"]
    for name, variant in built.items():
        assert variant.folder == f"{tmp_path}/corpus/{name}"
        for split, count in variant.documents.items():
            assert len(list(read_documents(variant.folder, split))) == count
    assert built["en"].counters["split-wet-file/passed"] > 0
    assert build(wet, output=tmp_path / "corpus", variant="en,en.noclean", resources="builtin", workers=1) == built


def test_one_shard_is_read(wet: str, tmp_path: Path) -> None:
    built = build(wet, output=tmp_path / "corpus", format="parquet", shards=1, resources="builtin", workers=1)["en"]
    shard = f"{built.folder}/c4-train-00000-of-00001.parquet"
    assert list(read_documents(shard)) == list(read_documents(built.folder, format="parquet"))
    assert set(next(read_documents(shard))) == {"text", "url", "timestamp", "content-type", "content-length"}


@pytest.mark.parametrize(
    ("more", "error", "message"),
    [
        ({"shards": 0}, BadOptions, "must be a whole number of at least 1"),
        ({"shard": 1}, BadOptions, "unrecognized arguments: --shard=1"),
        ({"dry_run": True}, BadOptions, "end before a variant is whole"),
        ({"variant": "english"}, BadOptions, "no variant 'english'"),
        ({"urls": ["a,b"]}, BadOptions, "'a,b' holds a comma"),
        ({"exchange": "shuffle"}, BadOptions, "add --runner FnApiRunner"),
    ],
)
def test_a_build_that_cannot_be(
    more: dict[str, object], error: type[Exception], message: str, wet: str, tmp_path: Path
) -> None:
    options = {"output": tmp_path / "corpus", "resources": "builtin", "workers": 1} | more
    with pytest.raises(error, match=message):
        build(wet, **options)  # type: ignore[arg-type]
    assert not (tmp_path / "corpus").exists()


def test_another_build_in_the_folder(wet: str, tmp_path: Path) -> None:
    build(wet, output=tmp_path / "corpus", resources="builtin", workers=1)
    with pytest.raises(AnotherBuild, match="variant en is gone"):
        build(wet, output=tmp_path / "corpus", variant="en.noclean", resources="builtin", workers=1)


def test_pages_of_a_wet_file(wet: str) -> None:
    path = sorted(Path(wet).parent.iterdir())[0]
    dated, every = list(read_wet(path)), list(read_wet(path, undated=True))
    assert {page.url for page in dated} <= {page.url for page in every}
    assert all(page.timestamp for page in dated)
    assert dated


@pytest.mark.parametrize(
    ("before", "language", "fails"),
    [
        ((MaxLength(9), NEWEST), None, True),
        ((MaxLength(9), NEWEST), "en", False),
        ((NEWEST, English(0.99)), None, False),
        ((NEWEST, LabelLanguage(("en",), min_probability=0.9)), None, False),
    ],
)
def test_bad_words_of_no_language_are_an_error(before: tuple[object, ...], language: str | None, fails: bool) -> None:
    """They would pass every page in silence."""
    stages = (*before, DropBadwords(language=language))
    if not fails:
        assert Variant("mine", "3.1.0", stages, ()).stages == stages  # type: ignore[arg-type]
        return
    with pytest.raises(ValueError, match="no stage before it sets the language, so every page would pass"):
        Variant("mine", "3.1.0", stages, ())  # type: ignore[arg-type]
