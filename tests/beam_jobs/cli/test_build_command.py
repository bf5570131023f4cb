"""``c4pipe build`` is ``python -m beam_jobs.build_c4``."""

from __future__ import annotations

from pathlib import Path

import pytest

from beam_jobs import build_c4, options
from c4pipe.cli import main
from tests.support import builds


def test_it_makes_the_same_bytes(small: builds.Built, tmp_path: Path) -> None:
    argv = builds.arguments(small.wet, tmp_path, "--shards", "3", format=builds.ALL_FORMATS)
    assert main.main(["build", *argv]) == 0
    assert builds.tree(tmp_path / "en") == builds.tree(small.folder)


def test_it_has_the_same_help(capsys: pytest.CaptureFixture[str]) -> None:
    helps = []
    for command in (lambda: main.main(["build", "--help"]), lambda: build_c4.main(["--help"])):
        with pytest.raises(SystemExit) as stopped:
            command()
        assert stopped.value.code == 0
        helps.append(capsys.readouterr().out.replace(options.CALLED, "c4pipe build").split())
    assert [sorted(words) for words in helps[:1]] == [sorted(words) for words in helps[1:]]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--shard", "3"), "c4pipe build: unknown: --shard 3"),
        (("--urls", "nowhere.txt"), "c4pipe build: "),
    ],
)
def test_its_errors_name_it(
    small: builds.Built, more: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["build", *builds.arguments(small.wet, tmp_path / "build", *more)]) == 1
    assert capsys.readouterr().err.startswith(message)


def test_wrong_usage_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main.main(["build", *builds.arguments("x", "y", "--shards", "0")])
    assert stopped.value.code == 2
    assert "c4pipe build: error: argument --shards: " in capsys.readouterr().err
