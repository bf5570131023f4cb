"""Which twin decides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from c4pipe import engine

FAST = Path(engine.__file__).parent / "fast"


@pytest.fixture(autouse=True)
def undecided(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = engine._chosen
    monkeypatch.delenv(engine.SETTING, raising=False)
    engine.use(None)
    yield
    engine._chosen = before


def test_every_compiled_room_is_here() -> None:
    """What is installed here is whole: with a compiler or with zig."""
    assert engine.missing() == ()


def test_every_compiled_room_has_types() -> None:
    assert tuple(sorted(path.stem for path in FAST.glob("*.pyi"))) == engine.ROOMS


def test_fast_where_nothing_is_said() -> None:
    assert engine.chosen() == "fast"


def test_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(engine.SETTING, "plain")
    engine.use(None)
    assert engine.chosen() == "plain"
    monkeypatch.setenv(engine.SETTING, "quick")
    with pytest.raises(engine.EngineError, match="engine is 'quick', but must be one of fast, plain"):
        engine.use(None)


def test_plain_has_no_twins() -> None:
    engine.use("plain")
    assert all(engine.twin(room) is None for room in (*engine.ROOMS, "nothing"))


def test_a_room_that_was_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "ROOMS", (*engine.ROOMS, "nothing"))
    assert engine.missing() == ("nothing",)
    assert engine.twin("nothing") is None
    with pytest.raises(engine.EngineError, match=r"no compiled code for nothing \(not built: run `pip install -e \.`"):
        engine.use("fast")


def test_the_user_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert engine.message() == "compiled code judges pages"
    engine.use("plain")
    assert engine.message().startswith("plain Python judges pages, as chosen")
    engine.use(None)
    monkeypatch.setattr(engine, "ROOMS", (*engine.ROOMS, "nothing"))
    assert engine.message().startswith("compiled code judges pages, but is not there for nothing (not built: ")


def test_the_remedy_fits_the_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In a clone ``pip install .`` would build elsewhere, where those who stand in the clone never look."""
    assert f"run `pip install -e .` in {Path(engine.__file__).parent.parent}" in engine._remedy()
    monkeypatch.setattr(engine, "__file__", str(tmp_path / "c4pipe" / "engine.py"))
    assert engine._remedy().startswith("install c4pipe again, with a C compiler")


def test_an_engine_for_a_block() -> None:
    engine.use("fast")

    def failing() -> None:
        with engine.using("plain"):
            assert engine.chosen() == "plain"
            raise KeyError

    with pytest.raises(KeyError):
        failing()
    assert engine.chosen() == "fast"
