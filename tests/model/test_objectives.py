"""Span corruption against seqio's and t5's own numbers, and against what they promise."""

from __future__ import annotations

import json
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.objectives import (
    Ids,
    SpanCorruption,
    composition,
    generator,
    span_counts,
    span_lengths,
    span_mask,
    spans_to_sentinels,
    trim_and_end,
)

FIRST = 32099


@pytest.fixture(scope="module")
def t5(shared: Path) -> Path:
    return shared / "golden" / "t5"


def read(folder: Path, name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / f"{name}.json").read_text())
    return loaded


def ids(*values: int) -> Ids:
    return np.array(values, np.int32)


def runs(mask: np.ndarray) -> list[int]:
    edges = np.flatnonzero(np.diff(mask.astype(int))) + 1
    return [len(part) for part in np.split(mask, edges)]


def test_span_lengths_are_the_references(t5: Path) -> None:
    rows = read(t5, "random_spans_helper")["rows"]
    refused = 0
    for row in rows:
        settings = {"noise_density": row["noise_density"], "mean_span": row["mean_noise_span_length"]}
        if round(round(row["tokens_length"] * row["noise_density"]) / row["mean_noise_span_length"]) == 0:
            refused += 1
            with pytest.raises(ValueError, match="less than half a span"):
                span_lengths(row["inputs_length"], **settings)
        else:
            expected = (row["tokens_length"], row["targets_length"])
            assert span_lengths(row["inputs_length"], **settings) == expected, row
    assert (len(rows), refused) == (224, 12)


def test_span_lengths_fill_the_inputs() -> None:
    """One token more would not fit."""
    for length in (64, 114, 512, 2048):
        tokens, targets = span_lengths(length, noise_density=0.15, mean_span=3.0)
        noise = round(tokens * 0.15)
        assert tokens - noise + round(noise / 3) + 1 == length
        assert noise + round(noise / 3) + 1 == targets


def test_noise_counts_are_the_references(t5: Path) -> None:
    file = read(t5, "noise_mask_counts")
    assert len(file["float32_traps"]["rows"]) >= 39
    for row in file["rows"] + file["float32_traps"]["rows"]:
        settings = {"noise_density": row["noise_density"], "mean_span": row["mean_span"]}
        mask = span_mask(row["length"], **settings, random=generator(1, epoch=2, index=row["length"]))
        starts = mask & ~np.concatenate([[False], mask[:-1]])
        counts = (int(mask.sum()), int(starts.sum()), bool(mask[0]), bool(mask[-1]))
        keys = ("noise_tokens", "noise_spans", "first_is_noise", "last_is_noise")
        assert counts == tuple(row[key] for key in keys), row


def test_runs_of_a_full_chunk(t5: Path) -> None:
    """Our draws have the structure of the reference's: as many runs, as long in all, not noise first."""
    for row in read(t5, "noise_mask_runs_568")["rows"]:
        mask = span_mask(568, noise_density=0.15, mean_span=3.0, random=generator(0, epoch=0, index=row["seed"][0][0]))
        theirs, ours = row["run_lengths"], runs(mask)
        assert bool(mask[0]) is row["starts_with_noise"]
        assert len(ours) == len(theirs) == 56
        assert (sum(ours[::2]), sum(ours[1::2])) == (sum(theirs[::2]), sum(theirs[1::2])) == (483, 85)


def test_compositions_are_uniform() -> None:
    """Each of the ten ways to part six into three comes equally often: chi squared with 9 degrees of freedom."""
    random = generator(3, epoch=0, index=0)
    seen = Counter(tuple(int(part) for part in composition(6, 3, random)) for _ in range(5000))
    assert set(seen) == {(a, b - a, 6 - b) for a, b in combinations(range(1, 6), 2)}
    assert sum((count - 500) ** 2 / 500 for count in seen.values()) < 27.9  # p = 0.001


@given(st.integers(1, 40), st.data())
def test_a_composition_adds_up(total: int, data: st.DataObject) -> None:
    parts = data.draw(st.integers(1, total))
    lengths = composition(total, parts, generator(0, epoch=0, index=total))
    assert len(lengths) == parts
    assert lengths.min() >= 1
    assert lengths.sum() == total


def test_transforms_are_the_references(t5: Path) -> None:
    file = read(t5, "objective_transforms")
    tokens, mask = ids(*file["tokens"]), np.array(file["mask"], bool)
    for chosen, key in ((mask, "out"), (~mask, "inverted_mask_out")):
        inputs = spans_to_sentinels(tokens, chosen, first_sentinel=FIRST, sentinels=100)
        targets = spans_to_sentinels(tokens, ~chosen, first_sentinel=FIRST, sentinels=100)
        assert inputs.tolist() == file[key]["noise_span_to_unique_sentinel"]
        assert targets.tolist() == file[key]["nonnoise_span_to_unique_sentinel"]


def test_short_sequences_are_the_references(t5: Path) -> None:
    for row in read(t5, "objective_more")["short_sequences"]["rows"]:
        tokens, mask = ids(*row["tokens"]), np.array(row["mask"], bool)
        settings = {"noise_density": row["density"], "mean_span": row["mean_span"]}
        drawn = span_mask(len(tokens), **settings, random=generator(0, epoch=0, index=0))
        assert (drawn.sum(), len(runs(drawn))) == (mask.sum(), len(runs(mask)))
        inputs = spans_to_sentinels(tokens, mask, first_sentinel=FIRST, sentinels=100)
        targets = spans_to_sentinels(tokens, ~mask, first_sentinel=FIRST, sentinels=100)
        assert (inputs.tolist(), targets.tolist()) == (row["inputs"], row["targets"])


def test_one_chunk_after_the_other_is_the_references_pipeline(t5: Path) -> None:
    """Inputs of 16: chunks of 17 with one span at the end, so that the mask leaves nothing to chance."""
    case = read(t5, "objective_more")["pipelines"]
    tokens = np.concatenate([ids(*document) for document in case["documents"]])
    objective = SpanCorruption(FIRST, inputs_length=16)
    pieces = [tokens[i : i + objective.tokens_length] for i in range(0, len(tokens), objective.tokens_length)]
    made = [objective.corrupt(piece, generator(0, epoch=0, index=i)) for i, piece in enumerate(pieces)]
    expected = [(row["inputs"], row["targets"]) for row in case["out"]["span_corruption"]]
    assert [(inputs.tolist(), targets.tolist()) for inputs, targets in made] == expected


@pytest.mark.parametrize(
    ("length", "expected"), [(2, [5, 1]), (3, [5, 6, 1]), (4, [5, 6, 7, 1]), (5, [5, 6, 7, 1]), (1, [1])]
)
def test_eos_is_always_there(length: int, expected: list[int]) -> None:
    assert trim_and_end(ids(5, 6, 7), length).tolist() == expected


def test_t5s_lengths() -> None:
    objective = SpanCorruption(FIRST)
    assert (objective.tokens_length, objective.inputs_length, objective.targets_length) == (568, 512, 114)
    inputs, targets = objective.corrupt(np.arange(3, 571, dtype=np.int32), generator(0, epoch=0, index=0))
    assert (len(inputs), len(targets), inputs[-1], targets[-1]) == (512, 114, 1, 1)


@given(st.integers(1, 568), st.integers(0, 2**64 - 1), st.sampled_from([(0.15, 3.0), (0.15, 8.0), (0.25, 2.0)]))
def test_nothing_is_lost(length: int, index: int, setting: tuple[float, float]) -> None:
    """Putting each span back where its sentinel stands gives the chunk."""
    objective = SpanCorruption(999, inputs_length=512, noise_density=setting[0], mean_span=setting[1])
    tokens = np.arange(3, 3 + min(length, objective.tokens_length), dtype=np.int32) % 800 + 2
    inputs, targets = objective.corrupt(tokens, generator(0, epoch=0, index=index))
    assert inputs[-1] == targets[-1] == 1
    filled: list[int] = []
    spans = np.split(targets[:-1], np.flatnonzero(targets[:-1] >= 900))[1:]
    hidden = {int(span[0]): span[1:].tolist() for span in spans}
    for token in inputs[:-1].tolist():
        filled += hidden.pop(token) if token >= 900 else [token]
    assert [span for span in hidden.values() if span] == []
    assert filled == tokens.tolist()


def test_sentinels_may_run_out() -> None:
    """A hundred spans are the most: the reference runs on into ordinary pieces."""
    tokens, mask = np.zeros(202, np.int32) + 7, np.arange(202) % 2 == 1
    assert spans_to_sentinels(tokens[:200], mask[:200], first_sentinel=FIRST, sentinels=100)[-1] == 32000
    with pytest.raises(ValueError, match="has 101 spans, but the vocabulary has 100 sentinels: take shorter inputs"):
        spans_to_sentinels(tokens, mask, first_sentinel=FIRST, sentinels=100)


def test_an_objective_that_needs_too_many_sentinels_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="have 128 spans, but the vocabulary has 100 sentinels"):
        SpanCorruption(FIRST, noise_density=0.5)
    assert SpanCorruption(FIRST, noise_density=0.5, sentinels=128).tokens_length == 766


@pytest.mark.parametrize(
    "bad", [{"noise_density": 0.0}, {"noise_density": 1.0}, {"mean_span": 0.5}, {"inputs_length": 2}]
)
def test_impossible_settings(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="no such corruption"):
        SpanCorruption(FIRST, **bad)  # type: ignore[arg-type]


def test_more_spans_than_gaps_are_cut_to_the_gaps() -> None:
    assert span_counts(3, noise_density=0.5, mean_span=1.0) == (2, 1)


def test_a_stream_depends_on_its_four_numbers_alone() -> None:
    keys = [(0, 0, 0, 0), (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1), (0, 0, 2**63, 0)]
    draws = [generator(s, epoch=e, index=i, purpose=p).integers(2**63, size=4).tolist() for s, e, i, p in keys]
    again = [generator(s, epoch=e, index=i, purpose=p).integers(2**63, size=4).tolist() for s, e, i, p in keys]
    assert draws == again
    assert len({number for draw in draws for number in draw}) == 4 * len(keys)


def test_neighbouring_streams_do_not_overlap() -> None:
    """A long stream of one example never reaches the next one's."""
    first = generator(0, epoch=0, index=0).integers(2**63, size=10_000)
    second = generator(0, epoch=0, index=1).integers(2**63, size=10_000)
    assert not set(first.tolist()) & set(second.tolist())
