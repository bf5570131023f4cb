"""A build begun in one way and gone on with in another, and stores that hold less than they seem to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from beam_jobs import options
from beam_jobs.plan import identity, planner, reuse
from beam_jobs.plan.job import Job
from beam_jobs.store.page_store import TEXT
from beam_jobs.store.tables import COMPRESSIONS, KEYS, read_pages, write_pages
from tests.support import builds, crawls


@pytest.fixture(scope="module")
def wet(tmp_path_factory: pytest.TempPathFactory) -> str:
    return crawls.write(tmp_path_factory.mktemp("wet"), crawls.dealt(crawls.crawl(seed=5, records=40), 2))


def asked(output: Path, *more: str, wet: str | None = None) -> list[str]:
    named = () if wet is None else ("--input", wet)
    return [*named, "--output", str(output), "--resources", "builtin", *more]


def plan(argv: list[str]) -> Job:
    return planner.planned(options.parser().parse_known_args(argv)[0])[0]


def claim(argv: list[str]) -> bool:
    """Begin a build, and do nothing of it."""
    return identity.claim_folder(*planner.planned(options.parser().parse_known_args(argv)[0]))


def test_the_order_in_which_variants_are_named_is_none(wet: str, tmp_path: Path) -> None:
    """Scopes are told by their numbers in what is on disk: a build that goes on must number them as it began."""
    (tmp_path / "list.txt").write_text("http://a.example/\n", "utf-8")
    urls = ("--urls", str(tmp_path / "list.txt"))
    jobs = [plan(asked(tmp_path, *urls, "--variant", names, wet=wet)) for names in ("webtextlike,en", "en,webtextlike")]
    assert jobs[0] == jobs[1]
    assert len(jobs[0].scopes) == 2


@pytest.mark.parametrize("first", [(), ("--keep_raw",)])
def test_raw_text_is_kept_of_all_parts_or_of_none(first: tuple[str, ...], wet: str, tmp_path: Path) -> None:
    """Else a later build would take the store for one that holds it."""
    second = () if first else ("--keep_raw",)
    assert not claim(asked(tmp_path, *first, wet=wet))
    assert claim(asked(tmp_path, *first, wet=wet))
    with pytest.raises(identity.AnotherBuild, match="keep_raw"):
        claim(asked(tmp_path, *second, wet=wet))


def test_how_the_page_store_is_compressed_changes_no_shard(wet: str, tmp_path: Path) -> None:
    found = {}
    for compression in (None, *COMPRESSIONS):
        output = tmp_path / str(compression)
        more = () if compression is None else ("--store_compression", compression)
        builds.plain(asked(output, *more, wet=wet))
        codecs, sizes = codecs_of(output)
        assert codecs == {TEXT: "UNCOMPRESSED" if compression in (None, "none") else compression.upper()}
        found[compression] = sizes
        assert builds.tree(output / "en") == builds.tree(tmp_path / "None" / "en")
    assert found[None] == found["none"] > found["lz4"] > found["zstd"]


def codecs_of(folder: Path) -> tuple[dict[str, str], int]:
    """How the text in a store's parts is compressed, and the bytes that it takes."""
    codecs, size = {}, 0
    for path in (folder / "store" / "pages").iterdir():
        group = pq.read_metadata(path).row_group(0)
        for column in map(group.column, range(group.num_columns)):
            if column.path_in_schema.startswith(TEXT):
                codecs[TEXT], size = column.compression, size + column.total_compressed_size
    return codecs, size


@pytest.mark.parametrize(("output", "more", "compression"), [
    ("build", (), "none"),
    ("build", ("--store_compression", "lz4"), "lz4"),
    ("build", ("--runner", "SparkRunner"), "zstd"),
    ("memory://build", (), "zstd"),
    ("memory://build", ("--store_compression", "none"), "none"),
])  # fmt: skip
def test_a_store_at_hand_is_not_compressed(output: str, more: tuple[str, ...], compression: str) -> None:
    argv = ["--input", "x", "--output", output, *more]
    assert options.store_compression(options.parser().parse_known_args(argv)[0]) == compression


def test_raw_text_cannot_be_kept_that_is_not_there(wet: str, tmp_path: Path) -> None:
    builds.plain(asked(tmp_path / "en", wet=wet))
    later = asked(tmp_path / "later", "--from_store", str(tmp_path / "en"), "--variant", "en.noblocklist")
    assert not plan(later).holds_raw
    with pytest.raises(ValueError, match="has no raw text to keep"):
        plan([*later, "--keep_raw"])


def changed(folder: Path, **holds: Any) -> None:
    """Have a store say something else of what it holds."""
    path = folder / "store" / "identity.json"
    identity_json = json.loads(path.read_text("utf-8"))
    identity_json["holds"] |= holds
    path.write_text(json.dumps(identity_json), "utf-8")


def test_text_that_was_cleaned_with_other_lists(wet: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wanted would be cleaned with the pinned sentence model; the store's pages were not."""
    builds.plain(asked(tmp_path / "en", wet=wet))
    later = asked(tmp_path / "later", "--from_store", str(tmp_path / "en"), "--variant", "en.noblocklist")
    assert plan(later).parts == 2
    later[later.index("builtin")] = str(tmp_path)
    with pytest.raises(ValueError, match=r"builtin:nltk_data/.*--resources"):
        plan(later)


@pytest.mark.parametrize("name", ["c4pipe", "nltk", "python"])
def test_text_that_was_cleaned_by_other_versions(name: str, wet: str, tmp_path: Path) -> None:
    builds.plain(asked(tmp_path / "en", wet=wet))
    later = asked(tmp_path / "later", "--from_store", str(tmp_path / "en"), "--variant", "en.noblocklist")
    made_by = reuse.holds(plan(later))["made_by"]
    changed(tmp_path / "en", made_by=made_by | {name: "0.0"})
    with pytest.raises(ValueError, match=rf"{name} 0\.0"):
        plan(later)


def test_what_is_made_from_raw_text_needs_no_list_of_the_store(wet: str, tmp_path: Path) -> None:
    """Pages as they were crawled have been through no list."""
    builds.plain(asked(tmp_path / "raw", "--variant", "en.noclean", wet=wet))
    later = asked(tmp_path / "later", "--from_store", str(tmp_path / "raw"), "--variant", "en")
    later[later.index("builtin")] = str(tmp_path)
    assert plan(later).parts == 2


def test_a_file_that_an_earlier_build_could_not_read(wet: str, tmp_path: Path) -> None:
    """It is named again, and left out again, by a variant whose pages go through more stages, too."""
    (tmp_path / "broken.warc.wet.gz").write_bytes(b"no gzip")
    both = f"{wet},{tmp_path}/broken.warc.wet.gz"
    bad = ("--max_bad_files", "1")
    own = tmp_path / "for_test_stores.py"
    own.write_text(
        "from dataclasses import replace\n"
        "from c4pipe.stages.url_filters import InDomains\n"
        "from c4pipe.variants import variant\n"
        "first, *rest = variant('en').stages\n"
        "ONE = replace(variant('en'), name='one', stages=(first, InDomains((('example.com', True),)), *rest))\n",
        "utf-8",
    )
    builds.plain(asked(tmp_path / "en", *bad, wet=both))
    builds.plain(asked(tmp_path / "later", *bad, "--from_store", str(tmp_path / "en"), "--variant", f"{own}:ONE"))
    builds.plain(asked(tmp_path / "alone", *bad, "--variant", f"{own}:ONE", wet=both))
    assert builds.told(tmp_path / "later" / "one", "manifest.json")["unreadable"] == [f"{tmp_path}/broken.warc.wet.gz"]
    assert builds.told(tmp_path / "later" / "one", "stats.json") == builds.told(
        tmp_path / "alone" / "one", "stats.json"
    )


OTHERS = """
from dataclasses import replace

from c4pipe.dedup.lines import DedupLines
from c4pipe.dedup.spans import DedupSpans
from c4pipe.variants import variant

en = variant("en")
before, (lines, *after) = en.stages[:3], en.stages[3:]
SPANS = replace(en, name="spans", stages=(*before, DedupSpans(span_sentences=3, min_sentences=3), *after))
PAIRS = replace(en, name="pairs", stages=(*before, DedupSpans(span_sentences=2, min_sentences=1)))
LINES = replace(en, name="lines", stages=(*before, DedupLines(min_sentences=1)))
RAW = replace(en, name="raw", stages=(*before[:2], lines))
"""


def keys_held(folder: Path) -> set[str]:
    """The columns of keys of a store's parts, which all have the same."""
    (found,) = {
        frozenset(name for name in pq.read_schema(path).names if name.startswith(KEYS))
        for path in (folder / "store" / "pages").iterdir()
    }
    return set(found)


def forget_keys(folder: Path) -> None:
    """Make a store one that has none, as of a build whose stages make other keys."""
    for path in (folder / "store" / "pages").iterdir():
        pages = read_pages(str(path))
        older = [name for name in pages.column_names if not name.startswith(KEYS)]
        write_pages(str(path), pages.select(older), "zstd")


@pytest.mark.parametrize("by", ["fast", "plain"])
def test_a_store_without_keys(by: str, wet: str, tmp_path: Path) -> None:
    """They are made from its text, cleaned or raw."""
    own = tmp_path / f"for_keys_{by}.py"  # a module a name
    own.write_text(OTHERS, "utf-8")
    variants = ("--variant", f"en,en.noclean,{own}:RAW", "--engine", by)
    builds.plain(asked(tmp_path / "first", *variants, wet=wet))
    held = keys_held(tmp_path / "first")
    assert len(held) == 2
    forget_keys(tmp_path / "first")
    builds.plain(asked(tmp_path / "later", *variants, "--from_store", str(tmp_path / "first")))
    assert keys_held(tmp_path / "later") == held
    for name in ("en", "en.noclean", "raw"):
        assert builds.tree(tmp_path / "later" / name) == builds.tree(tmp_path / "first" / name)


def test_each_kind_of_keys_has_its_column(wet: str, tmp_path: Path) -> None:
    """In one build, and in a later one that finds some of them; those of lines serve whatever the limits."""
    own = tmp_path / "for_kinds.py"
    own.write_text(OTHERS, "utf-8")
    names = {name: f"{own}:{name.upper()}" for name in ("spans", "pairs", "lines")} | {"en": "en"}
    every = ",".join(names.values())
    builds.plain(asked(tmp_path / "together", "--variant", every, wet=wet))
    builds.plain(asked(tmp_path / "en", wet=wet))
    builds.plain(asked(tmp_path / "later", "--variant", every, "--from_store", str(tmp_path / "en")))
    assert len(keys_held(tmp_path / "together")) == 3
    assert keys_held(tmp_path / "together") == keys_held(tmp_path / "later") > keys_held(tmp_path / "en")
    for name, spec in names.items():
        builds.plain(asked(tmp_path / "alone" / name, "--variant", spec, wet=wet))
        expected = builds.tree(tmp_path / "alone" / name / name)
        assert builds.tree(tmp_path / "together" / name) == builds.tree(tmp_path / "later" / name) == expected


def test_a_store_that_has_the_keys_stays_where_it_is(wet: str, tmp_path: Path) -> None:
    (tmp_path / "for_same_keys.py").write_text(OTHERS, "utf-8")
    builds.plain(asked(tmp_path / "en", wet=wet))
    later = ("--from_store", str(tmp_path / "en"), "--variant", f"{tmp_path}/for_same_keys.py:LINES")
    builds.plain(asked(tmp_path / "later", *later))
    assert not (tmp_path / "later" / "store" / "pages").exists()


def test_a_store_named_from_another_folder(wet: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain of stores is followed by whole paths, wherever a build of it ran."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    builds.plain(asked(Path("en"), wet=wet))
    builds.plain(asked(Path("second"), "--from_store", "en", "--variant", "en.noblocklist"))
    monkeypatch.chdir(tmp_path / "elsewhere")
    builds.plain(asked(Path("third"), "--from_store", "../second", "--variant", "en"))
    assert builds.tree(Path("third") / "en") == builds.tree(tmp_path / "en" / "en")


def test_a_store_whose_pages_are_gone(wet: str, tmp_path: Path) -> None:
    builds.plain(asked(tmp_path / "en", wet=wet))
    builds.plain(asked(tmp_path / "second", "--from_store", str(tmp_path / "en")))
    (tmp_path / "en" / "store" / "pages" / "00001.parquet").unlink()
    for folder in ("en", "second"):
        with pytest.raises(ValueError, match=r"00001\.parquet is gone"):
            plan(asked(tmp_path / "later", "--from_store", str(tmp_path / folder)))
