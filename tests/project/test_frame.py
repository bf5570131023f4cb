"""What stands around the code: README, Makefile, Dockerfile, pins. Each says what the others say."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import runpy
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from c4pipe.shards.read_write import shard_name

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
OF_ITS_OWN = "reference"  # the extra that wants an environment without these pins


def section(title: str) -> str:
    """What the README says under a heading."""
    (found,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", README, re.DOTALL | re.MULTILINE)
    return str(found)


COMMANDS = [
    (line.split()[2] if line.startswith("    python") else "c4pipe", line.split()[1])
    for line in section("Commands").splitlines()
    if line.startswith("    ")
]


def test_commands_are_listed() -> None:
    assert len(COMMANDS) >= 11
    assert ("c4pipe", "fetch") in COMMANDS
    assert ("beam_jobs.build_c4", "-m") in COMMANDS


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # runpy's, of a module that other tests have imported
@pytest.mark.parametrize(("module", "command"), COMMANDS, ids=lambda word: word)
def test_help_has_an_example(
    module: str, command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if module.startswith("model"):
        pytest.importorskip("torch")
    monkeypatch.setattr(sys, "argv", [module, *([command] if module == "c4pipe" else []), "--help"])
    with pytest.raises(SystemExit) as end:
        runpy.run_module(module, run_name="__main__")
    assert not end.value.code
    told = capsys.readouterr().out
    called = f"{module} {command}" if module == "c4pipe" else f"python -m {module}"
    assert re.search(rf"^examples?:.*{re.escape(called)} ", told, re.DOTALL | re.MULTILINE), told


def test_every_command_is_listed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["c4pipe", "--help"])
    with pytest.raises(SystemExit):
        runpy.run_module("c4pipe", run_name="__main__")
    there = set(re.findall(r"^    ([a-z]+)(?=\s)", capsys.readouterr().out, re.MULTILINE))
    assert there == {command for module, command in COMMANDS if module == "c4pipe"}


def test_readme_and_makefile_ask_for_the_same_packages() -> None:
    (asked,) = re.findall(r"^APT = (.*)$", MAKEFILE, re.MULTILINE)
    assert f"    {asked}\n" in section("Two commands")


def test_targets_that_the_readme_names() -> None:
    named = {word for line in re.findall(r"`?make ([a-z -]+)", README) for word in line.split("  ")[0].split()}
    assert {"demo", "test", "lint", "types"} <= named
    targets = set(re.findall(r"^([a-z-]+):.*##", MAKEFILE, re.MULTILINE))
    assert {"demo", "test", "test-reference", "lint", "types", "help"} <= targets
    (phony,) = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert targets <= set(phony.split())


def test_readme_and_image_build_gcld3_with_the_same_packages() -> None:
    (asked,) = re.findall(r"^RUN apt-get update && apt-get install -y ([^&]*) &&", DOCKERFILE, re.MULTILINE)
    assert f"    sudo apt-get install -y {asked}\n" in section("The variants")


def test_the_readme_compares_a_variant_of_your_own_as_its_page_does() -> None:
    """By the rules of both: those of your own are not found by the name in its manifest."""
    (wanted,) = re.findall(
        r"^    (c4pipe conform .*)$", (ROOT / "docs/your-own-variant.md").read_text("utf-8"), re.MULTILINE
    )
    (told,) = re.findall(r"^    (c4pipe conform .*?) *(?:#.*)?$", section("The variants"), re.MULTILINE)
    assert told == wanted


def test_the_readme_tells_the_splits_of_a_language_apart() -> None:
    """Also from those of a language whose name begins like it."""
    (files,) = re.findall(r"^    files = (.*)$", section("The variants"), re.MULTILINE)
    globs = {split: glob.replace("sw", "bg") for split, glob in ast.literal_eval(files).items()}
    splits = ("bg", "bg-validation", "bg-Latn", "bg-Latn-validation")
    names = {split: f"corpus/multilingual/{shard_name('parquet', split, 7, 12)}" for split in splits}
    for split, of_language in (("train", "bg"), ("validation", "bg-validation")):
        assert [one for one, name in names.items() if fnmatch(name, globs[split])] == [of_language]


def copied() -> list[str]:
    return [path for line in re.findall(r"^COPY (.*) \S+$", DOCKERFILE, re.MULTILINE) for path in line.split()]


@pytest.mark.parametrize("path", copied())
def test_what_the_image_takes_in_is_there(path: str) -> None:
    """Or the Dockerfile and the README say by which command it is made before."""
    if not (ROOT / path).exists() or path == "resources":
        made = f"c4pipe resources --output {path}"
        assert f"# Before: {made}\n" in DOCKERFILE
        assert made in section("On Dataflow")
    shown = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"}
    assert path in shown, "Docker would not see it"


def test_the_image_holds_every_house_that_is_installed() -> None:
    found = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["packages"]["find"]
    houses = {pattern.removesuffix("*") for pattern in found["include"]}
    assert {*houses, "pyproject.toml", "setup.py", "build_tools", "constraints.txt", PROJECT["readme"]} <= set(copied())


def test_every_folder_is_installed() -> None:
    """One without ``__init__.py`` would not be found."""
    found = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["packages"]["find"]
    houses = [pattern.removesuffix("*") for pattern in found["include"]]
    folders = {path.parent for house in houses for path in (ROOT / house).rglob("*.py")}
    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


def test_the_image_installs_extras_that_exist() -> None:
    (extras,) = re.findall(
        r"^RUN pip install .*--constraint /opt/c4pipe/constraints.txt '/opt/c4pipe\[(.*)\]'$", DOCKERFILE, re.MULTILINE
    )
    assert set(extras.split(",")) <= set(EXTRAS)


def test_the_image_is_not_built_without_compiled_rooms() -> None:
    (check,) = re.findall(r"^RUN python -c \"(.*)\"$", DOCKERFILE, re.MULTILINE)
    assert check == "from c4pipe import engine; engine.use('fast')"
    assert DOCKERFILE.index(check) > DOCKERFILE.index("RUN pip install")


def test_the_image_has_the_pinned_beam() -> None:
    (python, beam) = re.findall(r"^FROM apache/beam_python(\d\.\d+)_sdk:(\S+)$", DOCKERFILE, re.MULTILINE)[0]
    assert beam == PINS["apache-beam"]
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(python)


PINS = {
    canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
    for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
    for pin in [Requirement(line)]
    if not pin.marker or pin.marker.evaluate()
}
DIRECT = sorted({*PROJECT["dependencies"], *(one for name in EXTRAS if name != OF_ITS_OWN for one in EXTRAS[name])})


@pytest.mark.parametrize("wanted", DIRECT)
def test_every_dependency_is_pinned_in_its_range(wanted: str) -> None:
    requirement = Requirement(wanted)
    assert requirement.specifier.contains(PINS[canonicalize_name(requirement.name)])


def test_the_version_is_the_installed_one() -> None:
    assert importlib.metadata.version("c4pipe") == PROJECT["version"]


REGISTRY = re.compile(
    r"(?:pypi|pythonhosted|anaconda|npmjs|maven)\.(?:org|com|io)|download\.pytorch|(?:extra-)?index-url"
)


def test_no_file_names_a_package_registry() -> None:
    """Where packages come from is the user's own setting."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("no clone: nothing tells which files are the project's")
    paths = [ROOT / name for name in listed.stdout.splitlines() if name != "tests/project/test_frame.py"]
    naming = [path for path in paths if path.is_file() and REGISTRY.search(path.read_text("utf-8", errors="ignore"))]
    assert naming == []


def test_test_files_have_names_of_their_own() -> None:
    """Two of one name cannot be collected in one run."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(set(names)) == sorted(names)
