"""Renders the account of a page as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from c4pipe.explain.explanation import Explanation, LineSeen, StageSeen
from c4pipe.terminal import shortened, visible

STAYS = "stays"


def account_lines(explanation: Explanation) -> Iterator[str]:
    """Yield the account as lines. Control characters of the page are made visible, so no terminal obeys them."""
    page = explanation.page
    lines = page.text.count("\n") + 1
    yield f"{visible(page.url) or 'a text without URL'}  {visible(page.timestamp)}".rstrip()
    yield (
        f"{explanation.variant}, semantics {explanation.semantics}; this page alone: "
        f"{lines:,} {'line' if lines == 1 else 'lines'}, {len(page.text):,} characters"
    )
    if not page.url:
        yield "no --url is given: stages that judge by the URL see an empty one"
    for number, stage in enumerate(explanation.stages, 1):
        yield ""
        yield from _stage(number, stage)
    yield ""
    yield from _end(explanation)


def _stage(number: int, stage: StageSeen) -> Iterator[str]:
    outcome = stage.note if stage.outcome == "undecided" else stage.outcome
    yield f"{number}. {stage.name}: {outcome}" + (f" ({stage.note})" if stage.note and outcome != stage.note else "")
    namespace = f"{stage.name}/"
    if stage.tally:
        yield "   " + ", ".join(f"{name.removeprefix(namespace)} {count:,}" for name, count in stage.tally.items())
    width = max((len(_fate(line)) for line in stage.lines), default=0)
    digits = len(str(len(stage.lines)))
    for line in stage.lines:
        yield f"   {line.number:>{digits}} {_fate(line):<{width}} | {shortened(line.text)}"
        if line.edited is not None:
            yield f"   {'':>{digits}} {'':<{width}} > {shortened(line.edited)}"
            yield f"   {'':>{digits}} {'':<{width}}   by {visible(', '.join(line.edits)) or 'edits'}"


def _fate(line: LineSeen) -> str:
    return line.taken_by or STAYS


def _end(explanation: Explanation) -> Iterator[str]:
    final, dropper = explanation.final, explanation.dropped_by
    if final is None:
        yield f"dropped by {dropper.name if dropper else 'no stage'}"
        return
    undecided = [stage.name for stage in explanation.stages if stage.outcome == "undecided" or stage.note]
    reservation = f", unless for {' or '.join(undecided)}" if undecided else ""
    lines = final.text.count("\n") + 1
    yield (
        f"kept in split {explanation.split}, language {final.language}, with {lines:,} "
        f"{'line' if lines == 1 else 'lines'}, {len(final.text):,} characters{reservation}:"
    )
    yield from (f"   | {visible(line)}" for line in final.text.split("\n"))
