"""What a variant is called by what it does: the same wherever its code lies, and in every version of Python."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import c4pipe
from c4pipe import rules, twins
from c4pipe.dedup import spans
from c4pipe.fingerprint import fingerprint, published_name
from c4pipe.stages import badwords
from c4pipe.variants import VARIANTS
from c4pipe.warc import wet

# Builds and page stores hang on these. They change with what a variant does, never with where its code lies.
PUBLISHED = {
    ("en", "3.1.0"): "6f9369a30fe3b4fbe84a28e6e69c2a1d32296dc29deab112c8dd95db960c956d",
    ("en.noclean", "3.1.0"): "2c889e95faabb456e1b20155f09ea66f531d13fa11a8370bdc0efbf4937967f5",
    ("en.noblocklist", "3.1.0"): "7bbaa6142f69770a557a202f1a3d9149c760a4c3ebd22ee5a093e9af5c85685d",
    ("realnewslike", "3.1.0"): "22cd30ae8963b82a318eca324d4c3993531cfa4e316f58c4ae0ab427da2c65a4",
    ("webtextlike", "3.1.0"): "4841778f71da5b77b43d46ce495579d7568c14187f554fe61ba16cd55ab12bbe",
    ("multilingual", "3.1.0"): "bf5b2354c7eaebecc073adb73de70d9826d97285361f8cce72a31795f1545ec7",
    ("en", "3.0.1"): "ba72e5fc05164106ba9244e0cd9a96f215e90d4be0ccf52940686a98a811baf4",
    ("en.noclean", "3.0.1"): "3b97914d32ac49e6493114c8726e59a1e96171b1e1e63d104915c177c93907cc",
    ("en.noblocklist", "3.0.1"): "919a9a9a05ac213a730897769b08334e37a8f4f04a92404cf8b2bc720aafb5d2",
    ("realnewslike", "3.0.1"): "d6a4058bf1d027a47d6143817edf5f7cd894a5a9b8add7013918fab2115ade8a",
    ("webtextlike", "3.0.1"): "f0518eafeb3186228188f87ea40c2cbba13ffe6b674eece7faa676fb78e8cd0d",
    ("multilingual", "3.0.1"): "6b310a495274d98027e886b75b2f6da57c257af5d21a056ad4db247728131fec",
    ("en", "paper"): "56cbcf71003b88cbdfbe4f3922ace5948362a8781ffa74080b88fd326f6c8455",
    ("en.noclean", "paper"): "3d84e9d12f610b95c35e4c74c627d5bebbbb269fcc70cb6321e81198413369dd",
    ("en.noblocklist", "paper"): "22238be0b0dcbb4338e0fe1787e674a63f2a7adbe81e00e2cadb129e41eb5614",
    ("realnewslike", "paper"): "019a0f81f3e4497af1a4fc450f39975f672738414d1db9c1bb7b4916d67440ba",
    ("webtextlike", "paper"): "18bc200af70965248fb12e3e6ca8fb2606b68eae634c439916a1f14d2ccade19",
    ("multilingual", "paper"): "79ded07a8c62d2239018be48680ccd591bcf2b19678ddc7ebd06d9ba3f36f307",
}


def test_published_fingerprints() -> None:
    assert {key: fingerprint(found) for key, found in VARIANTS.items()} == PUBLISHED


def rooms() -> Iterator[str]:
    """All modules of the package, as dotted names."""
    for found in pkgutil.walk_packages(c4pipe.__path__, "c4pipe."):
        if not found.name.endswith("__main__") and not found.name.startswith("c4pipe.fast."):
            yield found.name


def test_published_names_are_unique() -> None:
    """Of classes and public functions: two of one name could pass for each other."""
    defined: dict[str, set[str]] = {}
    for name in rooms():
        for value in vars(importlib.import_module(name)).values():
            is_public = inspect.isclass(value) or (inspect.isfunction(value) and not value.__name__.startswith("_"))
            decides = hasattr(value, "judge") or hasattr(value, "judge_all") or name in ("c4pipe.rules", "c4pipe.page")
            if is_public and decides and value.__module__ == name:
                defined.setdefault(published_name(value), set()).add(name)
    assert {name: places for name, places in defined.items() if len(places) > 1} == {}
    assert {"c4pipe:CleanLines", "c4pipe:DedupSpans", "c4pipe:contains"} <= set(defined)


SCRIPT = """
import json
from c4pipe import engine
from c4pipe.fingerprint import fingerprint
from c4pipe.variants import VARIANTS

try:
    engine.use("fast")
    refused = ""
except engine.EngineError as error:
    refused = str(error)
print(json.dumps([refused, {"/".join(key): fingerprint(found) for key, found in VARIANTS.items()}]))
"""


def replaced(module: ModuleType, old: str, new: str, place: Path) -> None:
    """Replace a text in the file of a module, in a copy of the package."""
    package = Path(c4pipe.__file__).parent
    if not (place / "c4pipe").exists():
        shutil.copytree(package, place / "c4pipe", ignore=shutil.ignore_patterns("__pycache__", "*.pyx", "*.pxi"))
    path = place / "c4pipe" / Path(str(module.__file__)).relative_to(package)
    source = path.read_text("utf-8")
    assert old in source
    path.write_text(source.replace(old, new, 1), "utf-8")


def seen(place: Path) -> tuple[str, set[str]]:
    """What ``--engine fast`` says to a copy of the package, and which variants are others there."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=place, capture_output=True, text=True, check=True)
    refused, found = json.loads(done.stdout)
    return refused, {
        f"{name}/{version}" for (name, version), mark in PUBLISHED.items() if found[f"{name}/{version}"] != mark
    }


NEW_RULE = """
SHOUTS = 3

def shouts(*, letters):
    return lambda line: len(line) > SHOUTS and line.isupper()

def no_end_mark("""
DECIDING = [importlib.import_module(f"c4pipe.{room}") for room in (*twins.DECIDING, "rules")]


def test_what_decides_nothing_changes_no_variant(tmp_path: Path) -> None:
    """A comment, a blank line and another docstring in every room that decides, and a rule that no row uses."""
    for module in DECIDING:
        replaced(module, '"""', '# A comment.\n\n"""Another word: ', tmp_path)
    replaced(rules, "def no_end_mark(", NEW_RULE, tmp_path)
    assert seen(tmp_path) == ("", set())


EVERY = {f"{name}/{version}" for name, version in PUBLISHED}
PAPER = {key for key in EVERY if key.endswith("/paper")}
CLEANED = {key for key in EVERY if not key.startswith(("en.noclean", "multilingual"))}
FILTERED = {key for key in EVERY if not key.startswith("en.no")}


@pytest.mark.parametrize(
    ("module", "old", "new", "others"),
    [
        (rules, "substring in line", "substring not in line", CLEANED),
        (rules, "Test = Callable[[str], bool]", "Test = Callable[[str], int]", CLEANED),
        (rules, "import re", "import regex as re", CLEANED),
        (rules, "return lambda line: found.search", "return lambda line: not found.search", CLEANED & PAPER),
        (rules, "len(line) > characters", "len(line) >= characters", CLEANED - PAPER),
        (spans, "\n@dataclass", "\nLIMIT = 1\n\n@dataclass", CLEANED & PAPER),
        (badwords, "\n@dataclass", "\nLIMIT = 1\n\n@dataclass", FILTERED),
        (wet, "\ndef page_text", "\nLIMIT = 1\n\ndef page_text", EVERY),
    ],
)
def test_what_decides_changes_its_own_variants(
    module: ModuleType, old: str, new: str, others: set[str], tmp_path: Path
) -> None:
    if "import regex" in new:
        (tmp_path / "regex.py").write_text("from re import *", "utf-8")
    replaced(module, old, new, tmp_path)
    refused, found = seen(tmp_path)
    assert found == others
    assert bool(refused) is (module is not spans)  # which no compiled code judges
