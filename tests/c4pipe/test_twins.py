"""Who changes a rule in place is obeyed, whatever engine judges."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from c4pipe import batch, engine, rules, twins
from c4pipe.fingerprint import fingerprint
from c4pipe.stages import badwords, language, length, rule_rows
from c4pipe.variants import variant

ROOT = Path(twins.__file__).parent.parent
PAGE = "\n".join(f"Here are just five words{number}." for number in range(1, 6))  # and as many sentences


@pytest.fixture(autouse=True)
def as_published() -> Iterator[None]:
    cached = twins.changes, twins.digests
    for function in cached:
        function.cache_clear()
    yield
    for function in cached:
        function.cache_clear()


def test_plain_rooms_are_what_their_twins_were_held_equal_to() -> None:
    """If not: is the compiled code still equal? Tests and ``make fuzz`` say so; then ``make twins``."""
    assert twins.changes() == {}


def test_every_room_that_decides_has_its_plain_one() -> None:
    assert set(engine.ROOMS) - set(twins.PLAIN) == {"columns"}
    assert {name for rooms in twins.PLAIN.values() for name in rooms} <= set(twins.DECIDING)
    of_rules = {name for name in vars(rules) if getattr(vars(rules)[name], "__module__", "") == rules.__name__}
    assert set(twins.held()["code"]) == {*twins.DECIDING, *(f"rules.{name}" for name in of_rules)}
    assert set(twins.held()["files"]) == {*twins.DECIDING, "rules"}
    assert of_rules >= twins.COMPILED_RULES


def test_every_room_that_asks_for_a_twin_is_its_plain_one() -> None:
    """Or an edit of that room would not be obeyed. A room of columns decides nothing."""
    asked = {
        (room, ".".join(path.relative_to(twins.HERE).with_suffix("").parts))
        for path in twins.HERE.rglob("*.py")
        for room in re.findall(r'engine\.twin\("(\w+)"\)', path.read_text("utf-8"))
        if room != "columns"
    }
    assert ("documents", "shards.tfrecord") in asked
    assert [(room, plain) for room, plain in sorted(asked) if plain not in twins.PLAIN[room]] == []


def test_what_is_as_written_down_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parsing all rooms takes a tenth of a second, of each command."""
    twins.digests.cache_clear()
    monkeypatch.setattr(twins, "source_digest", None)
    assert twins.digests() == twins.held()["code"]


def copied(place: Path, room: str, old: str, new: str) -> Path:
    """The package with a text in one of its rooms replaced."""
    shutil.copytree(ROOT / "c4pipe", place / "c4pipe", ignore=shutil.ignore_patterns("__pycache__", "*.pyx", "*.pxi"))
    path = place / "c4pipe" / room
    source = path.read_text("utf-8")
    assert source.count(old) == 1
    path.write_text(source.replace(old, new), "utf-8")
    return place


SCRIPT = """
import sys
from c4pipe import engine, twins
from c4pipe.batch import Batch, judge
from c4pipe.fingerprint import fingerprint
from c4pipe.page import Page
from c4pipe.variants import variant

en = variant("en")
stage = next(stage for stage in en.stages if stage.name == sys.argv[1])
for using in ("plain", None):
    with engine.using(using):
        page = Page("http://a.com", sys.argv[2], "t")
        assert not (verdict := stage.judge(page)).page, verdict
        assert not judge(stage, Batch.of([page])).kept.any()
        print(engine.message())
print(fingerprint(en))
print(*twins.changes())
"""


FEWER, FEW = "        if found < self.min_sentences:", "        if found <= self.min_sentences + 2:"


@pytest.mark.parametrize(
    ("stage", "room", "old", "new", "named"),
    [
        ("clean-page", "rules.py", "len(line.split()) < words", "len(line.split()) <= words", "rules.fewer_words_than"),
        (
            "clean-page",
            "stages/clean_lines.py",
            f"{FEWER}\n            return",
            f"{FEW}\n            return",
            "stages.clean_lines",
        ),
        (
            "too-long-filter",
            "stages/length.py",
            "len(page.text) > self.characters",
            "len(page.text) > 9",
            "stages.length",
        ),
    ],
    ids=["rule", "rows", "length"],
)
def test_a_rule_that_was_changed_is_obeyed(
    stage: str, room: str, old: str, new: str, named: str, tmp_path: Path
) -> None:
    """By one page and by columns, with compiled code or without; and the variant is another."""
    place = copied(tmp_path, room, old, new)
    argv = [sys.executable, "-c", SCRIPT, stage, PAGE]
    env = os.environ | {"C4PIPE_RESOURCES": "builtin"}
    done = subprocess.run(argv, cwd=place, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    _, told, mark, changes = done.stdout.splitlines()
    assert changes == named
    assert f"is not there for c4pipe.{named} (edited;" in told
    assert mark != fingerprint(variant("en"))


def test_what_has_no_source_has_not_changed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As of compiled bytecode alone."""
    monkeypatch.setattr(twins, "HERE", tmp_path)
    assert twins.changes() == {}
    twins.path("text.urls").parent.mkdir(parents=True, exist_ok=True)
    twins.path("text.urls").write_text("another", "utf-8")
    twins.digests.cache_clear()
    twins.changes.cache_clear()
    assert list(twins.changes()) == ["text.urls"]


def test_a_changed_rule_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only that rule is."""
    monkeypatch.setattr(twins, "changes", lambda: {"rules.contains": "another"})
    assert rule_rows.compiled_name(rules.contains) == ""
    assert rule_rows.compiled_name(rules.mentions) == "mentions"


def test_a_rule_of_another_module_is_called() -> None:
    """Whatever it is called."""

    def contains(*, substring: str) -> Callable[[str], bool]:
        return lambda line: substring not in line

    assert rule_rows.compiled_name(contains) == ""
    assert rule_rows.compiled_name(functools.partial(rules.contains)) == ""


@pytest.mark.parametrize("room", sorted(twins.PLAIN))
def test_a_changed_room_has_no_twin(room: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with engine.using(None):
        for plain in twins.PLAIN[room]:
            monkeypatch.setattr(twins, "changes", lambda plain=plain: {plain: "another"})
            assert engine.twin(room) is None
            assert all(engine.twin(other) for other in set(engine.ROOMS) - {room})
            with pytest.raises(
                engine.EngineError, match=rf"no compiled code for .*c4pipe\.{plain} \(edited; run `make twins`"
            ):
                engine.use("fast")


@pytest.mark.parametrize("stage", [language.English, badwords.DropBadwords, length.MaxLength])
def test_a_stage_of_a_changed_room_is_asked_page_by_page(stage: type, monkeypatch: pytest.MonkeyPatch) -> None:
    knows_columns = batch._knows_columns.__wrapped__
    assert knows_columns(stage)
    room = stage.__module__.removeprefix("c4pipe.")
    monkeypatch.setattr(twins, "changes", lambda: {room: "another"})
    assert not knows_columns(stage)
