"""Variants of your own: what is told at the start, and that workers judge by the same rules."""

from __future__ import annotations

import importlib
import itertools
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from c4pipe import oracle, user_variants
from c4pipe.fingerprint import fingerprint
from c4pipe.page import Page
from c4pipe.rules import contains
from c4pipe.stages.clean_lines import CleanLines
from c4pipe.user_variants import BadVariant
from c4pipe.variants import C4_ROWS, VARIANTS, variant

EXAMPLE = Path(__file__).resolve().parent.parent.parent / "examples" / "my_variant.py"
BEGIN = """
from dataclasses import dataclass, replace
from c4pipe.stages.clean_lines import CleanLines
from c4pipe.stages.rule_rows import drop_line, drop_page, edit
from c4pipe.page import Page, Verdict, drop, keep
from c4pipe.rules import contains
from c4pipe.variants import C4_ROWS, Variant, variant
EN = variant("en")

"""
STAGE = """
@dataclass(frozen=True)
class ByWord:
    word: str
    name: str = "word-filter"

    def judge(self, page: Page) -> Verdict:
        return keep(page) if self.word in page.text else drop("filtered")

MINE = replace(EN, name="mine", stages=(ByWord("x"), *EN.stages))
"""
RULE = """
def fires_on(*, mark):
    def fires(line):
        return mark in line
    return fires

ROWS = (*C4_ROWS, drop_line("marked", fires_on, mark="#"))
MINE = replace(EN, name="mine", stages=(CleanLines(ROWS, min_sentences=1),))
"""

numbers = itertools.count()
Written = Callable[..., str]


@pytest.fixture(autouse=True)
def paths(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a variant may be imported from is set back after the test, and its modules are forgotten."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith(("own_", "my_variant")):
            del sys.modules[name]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Writes a module of its own name and folder, and returns its path."""

    def write(body: str, *, stem: str | None = None, folder: str | None = None) -> str:
        number = next(numbers)
        path = tmp_path / (folder or f"folder{number}") / f"{stem or f'own_{number}'}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(BEGIN + body, encoding="utf-8")
        importlib.invalidate_caches()
        return str(path)

    return write


@pytest.mark.parametrize("body", [STAGE, RULE])
def test_a_file_is_loaded(written: Written, body: str) -> None:
    path = written(body)
    mine = user_variants.load(f"{path}:MINE")
    assert (mine.name, mine.semantics) == ("mine", "3.1.0")
    assert sys.modules[Path(path).stem].MINE is mine
    assert os.environ["PYTHONPATH"].split(os.pathsep)[-1] == str(Path(path).parent)
    assert user_variants.load(f"{path}:MINE") is mine


def test_a_relative_path_is_loaded_and_stays_importable(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(written(STAGE))
    monkeypatch.chdir(path.parent)
    user_variants.load(f"./{path.name}:MINE")
    assert os.environ["PYTHONPATH"].split(os.pathsep)[-1] == str(path.parent)


def test_a_module_is_found_in_the_working_folder(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(written(STAGE))
    monkeypatch.chdir(path.parent)
    assert user_variants.load(f"{path.stem}:MINE").name == "mine"


def test_a_module_on_the_path_is_loaded(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(written(STAGE))
    monkeypatch.syspath_prepend(str(path.parent))
    assert user_variants.load(f"{path.stem}:MINE").name == "mine"


def test_another_process_gets_the_same_variant(written: Written) -> None:
    """As a worker does: by name, from what it inherits."""
    path = written(RULE)
    mine = user_variants.load(f"{path}:MINE")
    sent = pickle.dumps(mine)
    code = f"import pickle; from c4pipe.fingerprint import fingerprint; print(fingerprint(pickle.loads({sent!r})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == fingerprint(mine)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "has no MINE; the variants in it are: EN"),
        ("MINE = 3", "MINE is a int, but must be a Variant"),
        ("MINE = Variant", "MINE is a type, but must be a Variant"),
        ("import nosuchthing", "ModuleNotFoundError: No module named 'nosuchthing' ("),
        ("MINE = (", "SyntaxError: '(' was never closed"),
        ("MINE = unknown", "NameError: name 'unknown' is not defined ("),
        ("MINE = replace(EN, stages=EN.stages * 2)", "two stages named badwords-filter"),
        (
            'R = (*C4_ROWS, drop_line("policy", contains, substring="x")); CleanLines(R, 1)',
            "rows count twice under policy",
        ),
        ('R = (drop_line("x", contains, phrase="x"),); CleanLines(R, 1)', "unexpected keyword argument 'phrase'"),
        ("MINE = EN", "the name 'en' is taken"),
        ('MINE = replace(EN, name="EN")', "the name 'EN' is taken"),
        ('MINE = replace(EN, name="realnewslike", semantics="3.1.0")', "the name 'realnewslike' is taken"),
        ('MINE = replace(EN, name="store")', "the name 'store' is taken"),
        ('MINE = replace(EN, name="../mine")', "'../mine' makes no folder"),
        ('MINE = replace(EN, name="my own")', "'my own' makes no folder"),
        ('MINE = replace(EN, name="")', "'' makes no folder"),
        ('MINE = replace(EN, name=".hidden")', "'.hidden' makes no folder"),
        (f'MINE = replace(EN, name="{"a" * 101}")', "makes no folder"),
        ('MINE = replace(EN, name="mine", semantics="9.9.9")', "has semantics '9.9.9'; there are "),
        ('MINE = replace(EN, name="mine", stages=())', "must have a tuple of one or more"),
        ('MINE = replace(EN, name="mine", stages=list(EN.stages))', "must have a tuple of one or more"),
        (
            'R = (*C4_ROWS, drop_line("x", lambda: bool)); MINE = replace(EN, name="mine", stages=(CleanLines(R, 1),))',
            "mine cannot be sent to workers",
        ),
        (
            "def made():\n def inner(): return bool\n return inner\n"
            'MINE = replace(EN, name="mine", stages=(CleanLines((drop_line("x", made()),), 1),))',
            "mine cannot be sent to workers",
        ),
        (
            '@dataclass(frozen=True)\nclass S:\n x: object\n name = "s"\n def judge(self, page): return keep(page)\n'
            'MINE = replace(EN, name="mine", stages=(S(open(__file__)),))',
            "mine cannot be sent to workers",
        ),
        (
            '@dataclass(frozen=True)\nclass S:\n name: str = "s"\nMINE = replace(EN, name="mine", stages=(S(),))',
            "mine: stage S has neither judge (of a page) nor judge_all (of all pages)",
        ),
        (
            '@dataclass\nclass S:\n name: str = "s"\n def judge(self, page): return keep(page)\n'
            'MINE = replace(EN, name="mine", stages=(S(),))',
            "mine: stage S must be a frozen dataclass",
        ),
        (
            'class S:\n name = "s"\n def judge(self, page): return keep(page)\n'
            'MINE = replace(EN, name="mine", stages=(S(),))',
            "mine: stage S must be a frozen dataclass",
        ),
        (
            '@dataclass(frozen=True)\nclass S:\n name: str = "a/b"\n def judge(self, page): return keep(page)\n'
            'MINE = replace(EN, name="mine", stages=(S(),))',
            "mine: stage S has the name 'a/b'",
        ),
        (
            '@dataclass(frozen=True, eq=False)\nclass S:\n name: str = "s"\n def judge(self, page): return keep(page)\n'
            'MINE = replace(EN, name="mine", stages=(S(),))',
            "mine comes to workers changed",
        ),
    ],
)
def test_what_is_wrong_is_told_at_the_start(written: Written, body: str, message: str) -> None:
    with pytest.raises(BadVariant) as caught:
        user_variants.load(f"{written(body)}:MINE")
    assert message in str(caught.value)


def test_a_mistake_is_told_with_its_line(written: Written) -> None:
    path = written("A = 1\nMINE = replace(EN, stages=EN.stages * 2)")
    with pytest.raises(BadVariant, match=rf"{path}, line {BEGIN.count(chr(10)) + 2}\)"):
        user_variants.load(f"{path}:MINE")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (":MINE", "names no variant; write module:NAME"),
        ("module:", "names no variant; write module:NAME"),
        ("nosuchmodule:MINE", "no module nosuchmodule is installed, nor in "),
        ("nosuch/file.py:MINE", "nosuch/file.py is no Python file"),
        ("gs://bucket/file.py:MINE", "gs://bucket/file.py is no Python file"),
        ("my-module:MINE", "'my-module' is no module's name"),
        (f"{Path(__file__).parent}:MINE", "is no Python file"),
    ],
)
def test_what_names_nothing(name: str, message: str) -> None:
    with pytest.raises(BadVariant) as caught:
        user_variants.load(name)
    assert message in str(caught.value)


def test_a_file_alone_is_asked_for_a_name() -> None:
    with pytest.raises(BadVariant, match=r"examples/x\.py is a Python file; say .*: examples/x\.py:NAME$"):
        user_variants.resolve("en,examples/x.py")


def test_a_file_that_hides_behind_an_installed_module(written: Written) -> None:
    with pytest.raises(BadVariant, match=r"hides behind another module warcio \(.*\); rename it"):
        user_variants.load(f"{written(STAGE, stem='warcio')}:MINE")


def test_a_folder_that_would_hide_pythons_own_modules(written: Written) -> None:
    """Workers look there before they look among Python's own."""
    written("", stem="types", folder="shadows")
    with pytest.raises(BadVariant, match=r"holds types\.py, which would hide Python's own"):
        user_variants.load(f"{written(STAGE, folder='shadows')}:MINE")


def test_a_name_that_no_worker_can_import(written: Written) -> None:
    with pytest.raises(BadVariant, match="cannot be imported by workers: rename it"):
        user_variants.load(f"{written(STAGE, stem='own-rules')}:MINE")


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ("en", ["en"]),
        ("en,en.noblocklist", ["en", "en.noblocklist"]),
        (" realnewslike , en,", ["realnewslike", "en"]),
    ],
)
def test_resolve(names: str, found: list[str]) -> None:
    assert [one.name for one in user_variants.resolve(names)] == found
    assert user_variants.resolve(names) == tuple(variant(name) for name in found)


def test_resolve_takes_published_ones_and_your_own(written: Written) -> None:
    path = written(STAGE)
    assert [one.name for one in user_variants.resolve(f"en,{path}:MINE", semantics="3.1.0")] == ["en", "mine"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("", "no variant named"),
        (" , ", "no variant named"),
        ("en,en", "two variants are named en"),
        ("english", "no variant 'english' at semantics '3.1.0'"),
    ],
)
def test_resolve_says_what_is_wrong(names: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        user_variants.resolve(names)


def test_two_of_one_folder(written: Written) -> None:
    one, other = written(STAGE), written(STAGE.replace('"mine"', '"Mine"'))
    with pytest.raises(BadVariant, match="two variants are named mine"):
        user_variants.resolve(f"{one}:MINE,{other}:MINE")


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        (RULE, RULE, False),
        (RULE, RULE.replace('mark="#"', 'mark="*"'), True),
        (RULE, RULE.replace("return mark in line", "return mark not in line"), True),  # the body of a rule
        (RULE, RULE.replace("min_sentences=1", "min_sentences=2"), True),
        (STAGE, STAGE.replace("self.word in page.text", "self.word in page.url"), True),
        (STAGE, STAGE.replace("    word: str", '    """By a word."""\n\n    word: str  # of any case'), False),
        (
            RULE,
            RULE.replace("def fires_on", "UNUSED = 1\ndef fires_on"),
            True,
        ),  # what a file's code does is not looked into
    ],
)
def test_a_fingerprint_notices_what_changed(written: Written, before: str, after: str, changed: bool) -> None:
    path = Path(written(before))
    first = fingerprint(user_variants.load(f"{path}:MINE"))
    del sys.modules[path.stem]
    path.write_text(BEGIN + after, encoding="utf-8")
    os.utime(path, (1, 1))  # so that Python's cache of the compiled file does not count
    importlib.invalidate_caches()
    assert (fingerprint(user_variants.load(f"{path}:MINE")) != first) is changed


def test_fingerprints_of_published_variants_differ() -> None:
    found = {fingerprint(one) for one in VARIANTS.values()}
    assert len(found) == len(VARIANTS)


def test_described_names_functions_and_classes() -> None:
    (row,) = [row for row in variant("en").stages[2].rows if row.counter == "squigglybracket"]  # type: ignore[union-attr]
    assert user_variants.described(row) == {
        "type": "c4pipe:Row",
        "effect": "drop_page",
        "counter": "squigglybracket",
        "rule": "c4pipe:contains",
        "limits": [["substring", "{"]],
    }


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (frozenset({"b", "a"}), ["a", "b"]),
        ({"b": 1, "a": (2.5, None)}, {"a": [2.5, None], "b": 1}),
        (b"\x00\xff", "00ff"),
        (str.upper, "builtins.str.upper"),
        (contains, "c4pipe:contains"),
        (Page, "c4pipe:Page"),
    ],
)
def test_described(value: object, data: object) -> None:
    assert user_variants.described(value) == data


def test_what_cannot_be_described() -> None:
    with pytest.raises(TypeError, match="is a object, which cannot be told as data"):
        user_variants.described((object(),))


PLAIN = [f"This is quite a plain line of some length, and it has the number {number}." for number in range(6)]
LOUD = "PLEASE BUY OUR WONDERFUL THINGS today, and buy THEM ALL AT ONCE."
SHORT = "Only six words are in here."


@pytest.mark.usefixtures("builtin")
@pytest.mark.parametrize(
    ("lines", "kept", "tally"),
    [
        (PLAIN[:5], PLAIN[:5], {"line-passed": 5, "passed": 1}),
        (PLAIN[:4], None, {"line-passed": 4, "filtered:too_few_sentences": 1}),
        ([*PLAIN[:5], LOUD], PLAIN[:5], {"line-passed": 5, "line-filtered:shouting": 1, "passed": 1}),
        ([*PLAIN[:5], SHORT], PLAIN[:5], {"line-passed": 5, "line-filtered:too_short": 1, "passed": 1}),
        (
            [*PLAIN[:5], "ONLY 17 OF LETTERS, is it?"],
            PLAIN[:5],
            {"line-passed": 5, "line-filtered:too_short": 1, "passed": 1},
        ),
    ],
)
def test_the_example_does_what_it_says(lines: list[str], kept: list[str] | None, tally: dict[str, int]) -> None:
    mine = user_variants.load(f"{EXAMPLE}:MY_VARIANT")
    assert mine.name == "en.calm"
    page = Page("http://example.com/", "\n".join(lines), "2019-04-18T10:38:25Z")
    (clean,) = [stage for stage in mine.stages if stage.name == "clean-page"]
    outcome = oracle.run(replace(mine, stages=(clean,)), [page])
    assert outcome.counters == {f"clean-page/{name}": count for name, count in tally.items()}
    assert [one.text for one in outcome.pages] == ([] if kept is None else ["\n".join(kept)])


def test_the_example_is_short() -> None:
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) < 20


WORKER = '''
import functools
import own_neighbour

@functools.cache
def heavy():
    return own_neighbour.MARK

@dataclass(frozen=True)
class Marked:
    name: str = "marked-filter"

    def judge(self, page):
        return keep(page, "marked") if heavy() in page.text else drop("unmarked")

MINE = replace(EN, name="mine", stages=(Marked(), CleanLines(C4_ROWS, min_sentences=1)))

def judge_into(page, variant, folder):
    """What a step of a build does: the variant comes with the step, as an argument."""
    import os
    from pathlib import Path
    from c4pipe import oracle, resources

    resources.use("builtin")
    stem = page.url.rpartition("/")[2]
    (Path(folder) / f"{stem}.verdict").write_text(repr(oracle.run(variant, [page]).counters))
    (Path(folder) / f"{stem}.process").write_text(str(os.getpid()))
'''


@pytest.mark.slow
@pytest.mark.usefixtures("builtin")
@pytest.mark.parametrize("mode", ["in_memory", "multi_processing"])
def test_beam_workers_judge_by_the_same_rules(written: Written, tmp_path: Path, mode: str) -> None:
    """The file, its neighbour and what it caches, in processes that inherit no more than the environment."""
    beam = pytest.importorskip("apache_beam")
    from apache_beam.options.pipeline_options import PipelineOptions

    written("MARK = '#'", stem="own_neighbour", folder="workers")
    path = written(WORKER, folder="workers")
    mine = user_variants.load(f"{path}:MINE")
    judge_into = sys.modules[Path(path).stem].judge_into
    pages = [Page(f"http://example.com/{n}", f"{'#' * (n % 2)}{PLAIN[n]}", "2019") for n in range(6)]
    options = PipelineOptions(
        runner="FnApiRunner", direct_running_mode=mode, direct_num_workers=2 if mode == "multi_processing" else 1
    )
    with beam.Pipeline(options=options) as pipeline:
        _ = pipeline | beam.Create(pages) | beam.Reshuffle() | beam.Map(judge_into, mine, str(tmp_path))
    found = {path.name: path.read_text() for path in tmp_path.glob("*.verdict")}
    assert found == {f"{n}.verdict": repr(oracle.run(mine, [page]).counters) for n, page in enumerate(pages)}
    processes = {path.read_text() for path in tmp_path.glob("*.process")}
    assert (str(os.getpid()) in processes) is (mode == "in_memory")


def test_the_documentation_shows_the_example_as_it_is() -> None:
    text = (EXAMPLE.parent.parent / "docs" / "your-own-variant.md").read_text(encoding="utf-8")
    shown = [line.removeprefix("    ") for line in text.splitlines()]
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    begin = shown.index(lines[0])
    assert shown[begin : begin + len(lines)] == lines
    mine = user_variants.load(f"{EXAMPLE}:MY_VARIANT")
    (clean,) = [stage for stage in mine.stages if isinstance(stage, CleanLines)]
    for row in set(clean.rows) - set(C4_ROWS):
        assert f"`clean-page/line-filtered:{row.counter}`" in text
