"""Fixtures of the builds' tests: one small crawl, built once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from beam_jobs import build_c4
from c4pipe import resources
from c4pipe.fs import files
from tests.support import builds, crawls
from tests.support.builds import Built


@pytest.fixture(autouse=True)
def keep_resources() -> Iterator[None]:
    """A build in this process sets where resources come from."""
    previous = resources.source()
    yield
    resources.use(previous)


@pytest.fixture(autouse=True, scope="session")
def no_waiting_for_the_disk() -> Iterator[None]:
    """What these builds leave is read at once. Those in processes of their own do wait."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "_sync", lambda path: None)
        yield


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """120 records in six files, built by the command in one process, in all formats, with three shards of train."""
    place = tmp_path_factory.mktemp("small")
    records = crawls.crawl(seed=1, records=120)
    built = Built(records, crawls.write(place / "wet", crawls.dealt(records, 6)), place / "build")
    previous = resources.source()
    argv = builds.arguments(built.wet, built.output, "--shards", "3", format=builds.ALL_FORMATS)
    assert build_c4.main(argv) == 0
    resources.use(previous)
    return built
