"""Ten real WET files, all variants in one pass as the papers word them: the oracle's documents and counts.

A file of its own, as the oracle takes minutes: another process may have it than has the golden builds.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from beam_jobs import build_c4
from c4pipe import resources
from tests.support import builds, corpora, variant_crawls

DOCUMENTS = {  # docs/semantics.md
    "en": 665,
    "en.noblocklist": 864,
    "en.noclean": 1109,
    "realnewslike": 158,
    "webtextlike": 110,
    "multilingual": 1048,
}


@pytest.mark.slow
@pytest.mark.timeout(1800)  # the oracle takes two minutes of a core, which on a busy machine were eight
def test_all_variants_of_the_papers_are_the_oracles(shared: Path, ten_wet_files: list[Path], tmp_path: Path) -> None:
    """No code of the papers' authors says what they are, so the build is held to the plain one in memory."""
    urls = str(shared / "golden" / "c4" / "webtextlike.urls.txt")
    argv = builds.arguments(
        ",".join(map(str, ten_wet_files)),
        tmp_path,
        *("--semantics", "paper", "--shards", "4", "--variant", ",".join(variant_crawls.names()), "--urls", urls),
        workers=2,
        resources=shared / "data" / "resources",
        format="parquet",
    )
    assert build_c4.main(argv) == 0
    resources.use(str(shared / "data" / "resources"))
    variants = variant_crawls.variants("paper", urls)
    found = corpora.of_build(tmp_path, variants)
    assert {name: len(corpus.documents) for name, corpus in found.items()} == {
        name: DOCUMENTS[name] for name in variant_crawls.names()
    }
    expected = corpora.of_oracle(ten_wet_files, variants)
    for name in variants:
        assert found[name] == expected[name]
