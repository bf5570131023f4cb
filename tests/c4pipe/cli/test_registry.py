"""Sub-commands are found by entry points, in a clone and where the package is installed."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from c4pipe.cli import main, registry

ROOT = Path(__file__).resolve().parents[3]
PROJECT = '[project]\nname = "{name}"\nversion = "9.8"\n[project.entry-points."c4pipe.commands"]\n{lines}\n'


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The ``pyproject.toml`` of a clone, which is not there yet; nothing is installed."""
    monkeypatch.setattr(registry, "PROJECT", tmp_path / "pyproject.toml")
    monkeypatch.setattr(metadata, "entry_points", lambda group: metadata.EntryPoints())
    return tmp_path / "pyproject.toml"


def test_a_clone_that_is_not_installed_has_its_commands(clone: Path) -> None:
    clone.write_text(PROJECT.format(name="c4pipe", lines='variants = "c4pipe.cli.variants:command"'), "utf-8")
    assert {name: point.value for name, point in registry.registered().items()} == {
        "variants": "c4pipe.cli.variants:command"
    }
    assert registry.version() == "9.8"
    assert main.main(["variants", "en"]) == 0


def test_without_any_command_it_says_how_to_install(clone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["fetch"]) == 1
    assert capsys.readouterr().err == (
        "c4pipe: no sub-commands are registered; install the package: pip install -e . in a clone\n"
    )


def test_the_table_of_another_project_does_not_count(clone: Path) -> None:
    clone.write_text(PROJECT.format(name="other", lines='variants = "c4pipe.cli.variants:command"'), "utf-8")
    with pytest.raises(registry.NoCommand):
        registry.registered()


def test_other_packages_add_commands(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        metadata.EntryPoint("mine", "my_package:command", registry.GROUP),
        metadata.EntryPoint("variants", "old_place:command", registry.GROUP),  # of an installation from before a move
    ]
    monkeypatch.setattr(metadata, "entry_points", lambda group: metadata.EntryPoints(points))
    clone.write_text(PROJECT.format(name="c4pipe", lines='variants = "c4pipe.cli.variants:command"'), "utf-8")
    assert {name: point.value for name, point in registry.registered().items()} == {
        "mine": "my_package:command",
        "variants": "c4pipe.cli.variants:command",
    }


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("no_such_package:command", "cannot be loaded (No module named 'no_such_package'); install its package again"),
        ("c4pipe.cli.variants:comand", "has no attribute 'comand'); install its package again"),
        ("c4pipe.cli.variants:DEFAULT", "is a str, but must be a Command, as in c4pipe/cli/resources.py"),
    ],
)
def test_a_command_that_cannot_be_loaded_is_one_line(
    clone: Path, capsys: pytest.CaptureFixture[str], value: str, message: str
) -> None:
    clone.write_text(PROJECT.format(name="c4pipe", lines=f'mine = "{value}"'), "utf-8")
    assert main.main(["mine"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"c4pipe: entry point mine = {value} ")
    assert printed.err.endswith(f"{message}\n")
    assert printed.err.count("\n") == 1


def test_the_help_lists_the_others_where_one_cannot_be_loaded(clone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = 'mine = "no_such_package:command"\nvariants = "c4pipe.cli.variants:command"'
    clone.write_text(PROJECT.format(name="c4pipe", lines=lines), "utf-8")
    with pytest.raises(SystemExit) as caught:
        main.main(["--help"])
    assert not caught.value.code
    shown = " ".join(capsys.readouterr().out.split())
    assert "mine entry point mine = no_such_package:command cannot be loaded" in shown
    assert "variants List the variants" in shown


IMPORTED = """
import sys
from c4pipe.cli import main
try:
    main.main(sys.argv[1:])
except SystemExit:
    pass
print(*sorted({name.partition(".")[0] for name in sys.modules} & {"apache_beam", "torch", "beam_jobs"}))
"""


@pytest.mark.parametrize(
    ("arguments", "imported"),
    [(["fetch", "--help"], ""), (["--help"], "beam_jobs"), (["build", "--help"], "beam_jobs")],
)
def test_only_the_command_that_is_asked_for_is_imported(arguments: list[str], imported: str) -> None:
    command = [sys.executable, "-c", IMPORTED, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == imported
