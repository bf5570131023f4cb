"""Several variants in one pass, further ones from the page store, several crawls: always what separate builds give."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from beam_jobs import build_c4, options
from beam_jobs.plan import job, planner
from c4pipe import oracle
from c4pipe.variants import variant
from tests.support import builds, crawls
from tests.support.crawls import Record

ENGLISH = ("en", "en.noblocklist", "en.noclean")  # need nothing beyond the built-in lists


def build(output: Path, *more: str, wet: str | None = None) -> int:
    named = () if wet is None else ("--input", wet)
    argv = [*named, "--output", str(output), "--workers", "1", "--resources", "builtin", "--shards", "2", *more]
    return build_c4.main(argv)


def published(output: Path, *names: str) -> dict[str, dict[str, str]]:
    """The files of each variant, but its manifest, which also says how it was built."""
    found = {name: builds.tree(output / name) for name in names}
    for files in found.values():
        del files["manifest.json"]
    return found


@pytest.fixture(scope="module")
def wet(tmp_path_factory: pytest.TempPathFactory) -> str:
    return crawls.write(tmp_path_factory.mktemp("wet"), crawls.dealt(crawls.crawl(seed=3, records=90), 3))


@pytest.fixture(scope="module")
def together(wet: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All English variants in one pass."""
    output = tmp_path_factory.mktemp("together") / "build"
    assert build(output, "--variant", ",".join(ENGLISH), wet=wet) == 0
    return output


@pytest.mark.parametrize("name", ENGLISH)
def test_one_pass_gives_what_a_build_of_each_gives(name: str, wet: str, together: Path, tmp_path: Path) -> None:
    assert build(tmp_path / "alone", "--variant", name, wet=wet) == 0
    assert published(tmp_path / "alone", name) == published(together, name)


def test_one_graph_gives_the_same_bytes(wet: str, together: Path, tmp_path: Path) -> None:
    assert build(tmp_path / "graph", "--variant", ",".join(ENGLISH), *builds.by("shuffle"), wet=wet) == 0
    assert published(tmp_path / "graph", *ENGLISH) == published(together, *ENGLISH)


def test_a_variant_made_later_from_the_page_store(wet: str, together: Path, tmp_path: Path) -> None:
    """Without a look at a WET file, and without touching the store."""
    assert build(tmp_path / "en", "--variant", "en", wet=wet) == 0
    before = builds.moments(tmp_path / "en")
    assert build(tmp_path / "later", "--variant", "en.noblocklist", "--from_store", str(tmp_path / "en")) == 0
    assert published(tmp_path / "later", "en.noblocklist") == published(together, "en.noblocklist")
    assert builds.moments(tmp_path / "en") == before
    assert not (tmp_path / "later" / "store" / "pages").exists()


def test_raw_text_that_was_kept_gives_any_variant(wet: str, together: Path, tmp_path: Path) -> None:
    assert build(tmp_path / "en", "--variant", "en", "--keep_raw", wet=wet) == 0
    assert build(tmp_path / "later", "--variant", "en.noclean", "--from_store", str(tmp_path / "en")) == 0
    assert published(tmp_path / "later", "en.noclean") == published(together, "en.noclean")


def test_from_raw_text_to_cleaned(wet: str, together: Path, tmp_path: Path) -> None:
    """And a store that was made from a store serves as any other."""
    for number, name in enumerate(("en.noclean", "en", "en.noblocklist")):
        source = ("--from_store", str(tmp_path / str(number - 1))) if number else ()
        assert build(tmp_path / str(number), "--variant", name, *source, wet=None if number else wet) == 0
        assert published(tmp_path / str(number), name) == published(together, name)


def test_a_store_that_lacks_the_text_says_what_would_have_kept_it(
    wet: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build(tmp_path / "en", "--variant", "en", wet=wet) == 0
    assert build(tmp_path / "later", "--variant", "en.noclean", "--from_store", str(tmp_path / "en")) == 1
    message = capsys.readouterr().err
    assert "lacks what en.noclean needs" in message
    assert "--keep_raw" in message
    assert not (tmp_path / "later").exists()


def test_a_store_of_an_unfinished_build(wet: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build(tmp_path / "en", wet=wet) == 0
    (tmp_path / "en" / "store" / "done" / "clean" / "00001.json").unlink()
    assert build(tmp_path / "later", "--from_store", str(tmp_path / "en")) == 1
    assert "finish it first" in capsys.readouterr().err


def test_no_store_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build(tmp_path / "later", "--from_store", str(tmp_path)) == 1
    assert "has no page store" in capsys.readouterr().err


CRAWLS = ("CC-MAIN-2019-18", "CC-MAIN-2019-22")  # two that share pages and lines


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("crawls")
    records = crawls.crawl(seed=4, records=80)
    halves: Sequence[Sequence[Record]] = crawls.dealt(records, 2)
    for name, half in zip(CRAWLS, halves, strict=True):
        crawls.write(folder / name / "wet", crawls.dealt(half, 2))
    return folder


@pytest.fixture(scope="module")
def union(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("union") / "build"
    assert build(output, wet=f"{folder}/*/wet/*") == 0
    return output


def test_a_crawl_added_later(folder: Path, union: Path, tmp_path: Path) -> None:
    """URLs and lines are deduplicated over the union, and the first crawl's pages are not read again."""
    first, second = CRAWLS
    assert build(tmp_path / "first", wet=f"{folder}/{first}/wet/*") == 0
    before = builds.moments(tmp_path / "first")
    added = ("--from_store", str(tmp_path / "first"))
    assert build(tmp_path / "both", *added, wet=f"{folder}/{second}/wet/*") == 0
    assert published(tmp_path / "both", "en") == published(union, "en")
    assert builds.moments(tmp_path / "first") == before
    parts = list((tmp_path / "both" / "store" / "pages").iterdir())
    assert len(parts) == 2  # those of the second crawl alone


def test_each_variant_has_its_crawls(folder: Path, union: Path, tmp_path: Path) -> None:
    """What one variant takes from both crawls, another from one, in one pass."""
    first = CRAWLS[0]
    asked = f"en,en.noblocklist@{first}"
    assert build(tmp_path / "mixed", "--variant", asked, wet=f"{folder}/*/wet/*") == 0
    assert build(tmp_path / "one", "--variant", "en.noblocklist", wet=f"{folder}/{first}/wet/*") == 0
    assert published(tmp_path / "mixed", "en") == published(union, "en")
    assert published(tmp_path / "mixed", "en.noblocklist") == published(tmp_path / "one", "en.noblocklist")


def test_crawl_chooses_among_the_input(folder: Path, tmp_path: Path) -> None:
    second = CRAWLS[1]
    assert build(tmp_path / "chosen", "--crawl", second, wet=f"{folder}/*/wet/*") == 0
    assert build(tmp_path / "named", wet=f"{folder}/{second}/wet/*") == 0
    assert published(tmp_path / "chosen", "en") == published(tmp_path / "named", "en")


def test_a_crawl_without_input(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build(tmp_path / "build", "--crawl", "CC-MAIN-2020-05", wet=f"{folder}/*/wet/*") == 1
    assert "no input is of CC-MAIN-2020-05" in capsys.readouterr().err


def test_the_plan_says_what_is_shared(wet: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build(tmp_path / "build", "--variant", ",".join(ENGLISH), "--dry_run", wet=wet) == 0
    message = capsys.readouterr().err
    assert "URLs deduplicated by too-long-filter > duplicate-url-filter for en, en.noblocklist, en.noclean" in message
    assert "lines deduplicated by clean-page > dedupe-lines for en, en.noblocklist" in message
    assert "lines all kept for en.noclean" in message
    assert not (tmp_path / "build").exists()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("en,en", "twice"),
        ("english", "no variant"),
        ("webtextlike", "--urls"),
        ("en@CC-MAIN-2019-18", "no input is of CC-MAIN-2019-18; the crawl of a file is read from its path"),
        ("examples/my_variant.py", "is a Python file; say which variant in it is meant: examples/my_variant.py:NAME"),
        ("no_such_module:MINE", "no_such_module"),
    ],
)
def test_what_cannot_be_built_is_told_at_start(
    asked: str, message: str, wet: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build(tmp_path / "build", "--variant", asked, wet=wet) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "build").exists()


def test_listed_urls_are_joined_by_keys(wet: str, tmp_path: Path) -> None:
    """The list may write a URL otherwise than the crawl does, name it twice, and name some that have no page."""
    pages, reading = crawls.read(wet)
    listed = [page.url.replace("https://www.", "http://") for page in pages[::2]]
    (tmp_path / "list.txt").write_text("\n".join([*listed, listed[0], "http://nowhere.example/"]) + "\n", "utf-8")
    argv = ("--variant", "webtextlike", "--urls", str(tmp_path / "list.txt"), "--format", "parquet")
    for exchange in ("files", "shuffle"):
        assert build(tmp_path / exchange, *argv, *builds.by(exchange), wet=wet) == 0
        outcome = oracle.run(variant("webtextlike").with_url_list(str(tmp_path / "list.txt")), pages)
        found = {
            document["url"]: document["text"] for document in builds.documents(tmp_path / exchange / "webtextlike")
        }
        assert found == {page.url: page.text for page in outcome.pages}
        counters = json.loads((tmp_path / exchange / "webtextlike" / "stats.json").read_text("utf-8"))["counters"]
        assert counters == outcome.counters | reading
        assert counters["webtextlike-filter/missing-page"] >= 1


OWN = """
from dataclasses import replace

from c4pipe.variants import variant

MINE = replace(variant("en.noblocklist"), name="mine")
"""


def test_a_variant_of_your_own(wet: str, together: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a file, in several processes, under its own name; and a changed file is another build."""
    path = tmp_path / "my_rules_for_a_test.py"
    path.write_text(OWN, "utf-8")
    argv = ("--variant", f"{path}:MINE")
    assert build(tmp_path / "build", *argv, "--workers", "2", wet=wet) == 0
    mine, theirs = (
        published(tmp_path / "build", "mine")["mine"],
        published(together, "en.noblocklist")["en.noblocklist"],
    )
    assert mine == theirs


def test_scopes_of_urls_have_a_bit_each(wet: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two scopes where one is allowed is one too many."""
    (tmp_path / "list.txt").write_text("http://a.example/\n", "utf-8")
    named = ["--input", wet, "--output", str(tmp_path), "--resources", "builtin", "--urls", str(tmp_path / "list.txt")]
    parsed, _ = options.parser().parse_known_args([*named, "--variant", "en,webtextlike"])
    monkeypatch.setattr(planner, "MAX_SCOPES", 2)
    assert len(planner.planned(parsed)[0].scopes) == 2
    monkeypatch.setattr(planner, "MAX_SCOPES", 1)
    with pytest.raises(ValueError, match="a build has 1 at most"):
        planner.planned(parsed)


@pytest.mark.parametrize(
    ("size", "shards"),
    [
        (0, 1),
        (2 * 64 * 2**20 - 1, 1),
        (2 * 64 * 2**20, 2),
        (1024 * 2**30, 1024),
        (1024 * 2**30 + 1, 2048),
    ],
)
def test_default_shards_at_the_borders(size: int, shards: int) -> None:
    assert job.default_shards(size) == shards
