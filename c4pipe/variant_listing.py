"""Lists variants, as text or as data: stages in order, rows with counters and limits, crawls."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass

from c4pipe.fingerprint import described, fingerprint
from c4pipe.stages.clean_lines import CleanLines, DropPages
from c4pipe.stages.rule_rows import Row
from c4pipe.variants import Stage, Variant

SHOWN = 5  # members of a long list in the overview
WIDTH = 110
WITH_ROWS = CleanLines | DropPages
EFFECTS = {"drop_line": "drop line", "drop_page": "drop page", "edit": "edit line"}


def as_data(variant: Variant) -> dict[str, object]:
    """Return the variant as JSON, with its fingerprint."""
    return {
        "name": variant.name,
        "semantics": variant.semantics,
        "crawls": list(variant.crawls),
        "by_language": variant.by_language,
        "undated": variant.undated,
        "stages": [described(stage) for stage in variant.stages],
        "resources": sorted(variant.resources()),
        "fingerprint": fingerprint(variant),
    }


def listing(variants: Sequence[Variant]) -> Iterator[str]:
    """Yield the lines of an overview by version of the semantics. Shared rows stand once, long lists are cut."""
    for semantics in dict.fromkeys(variant.semantics for variant in variants):
        yield f"semantics {semantics}"
        of_version = [variant for variant in variants if variant.semantics == semantics]
        for variant in of_version:
            yield ""
            yield f"  {', '.join([f'{variant.name}: {crawls(variant)}', *_flags(variant)])}"
            yield from _stages(variant, indent="    ")
        for (stage, rows), owners in _tables(of_version).items():
            yield ""
            yield f"  rows of {stage} in {', '.join(owners)}, in order"
            yield from _rows(rows, indent="    ")
        yield ""


def full_listing(variant: Variant) -> Iterator[str]:
    """Yield the lines of one variant in full."""
    yield ", ".join([f"{variant.name}, semantics {variant.semantics}", *_flags(variant)])
    yield from wrapped(f"crawls: {', '.join(variant.crawls)}", indent="  ")
    for number, stage in enumerate(variant.stages, 1):
        yield ""
        yield f"{number}. {stage.name} ({type(stage).__name__}): {summary(stage)}"
        for name, limit in limits(stage):
            yield from wrapped(f"{name} = {value(limit)}", indent="     ")
        if isinstance(stage, WITH_ROWS):
            yield from _rows(stage.rows, indent="     ")
        if read := sorted(stage.resources() if hasattr(stage, "resources") else ()):
            yield from wrapped(f"reads {', '.join(read)}", indent="     ")
    yield ""
    yield f"fingerprint {fingerprint(variant)}"


def _flags(variant: Variant) -> Iterator[str]:
    if variant.by_language:
        yield "splits by language"
    if variant.undated:
        yield "pages without a timestamp take part"


def crawls(variant: Variant) -> str:
    """Return the crawls of the published corpus; of a long list, its ends."""
    if len(variant.crawls) <= SHOWN:
        return ", ".join(variant.crawls) or "no crawls named"
    return f"{len(variant.crawls)} crawls, {variant.crawls[0]} to {variant.crawls[-1]}"


def summary(stage: Stage) -> str:
    """Return the first line of the docstring of a stage."""
    return (type(stage).__doc__ or "").strip().partition("\n")[0].replace("``", "")


def limits(stage: Stage) -> list[tuple[str, object]]:
    """Return the limits of a stage, without its name and rows."""
    names: list[str] = [field.name for field in fields(stage)] if is_dataclass(stage) else []
    found = [(name, getattr(stage, name)) for name in names if name not in ("name", "rows")]
    return [(name, limit) for name, limit in found if limit is not None and limit != ()]


def value(limit: object, *, shown: int | None = None) -> str:
    """Return a limit as text: thousands separated, strings quoted, lists cut after ``shown`` members.

    >>> value(190_000), value((("ja", 1), "?")), value(("a", "b", "c"), shown=1)
    ('190,000', '("ja" 1) "?"', '"a" and 2 more')
    """
    if isinstance(limit, tuple | list):
        texts = (value(member, shown=shown) for member in limit[:shown])
        nested = (isinstance(member, tuple | list) for member in limit[:shown])
        members = " ".join(f"({text})" if deeper else text for text, deeper in zip(texts, nested, strict=True))
        return members if shown is None or len(limit) <= shown else f"{members} and {len(limit) - shown} more"
    if isinstance(limit, str):
        return f"'{limit}'" if '"' in limit else f'"{limit}"'
    return f"{limit:,}" if isinstance(limit, int) and not isinstance(limit, bool) else str(limit)


def rule(row: Row) -> str:
    """Return the rule of a row with its limits.

    >>> from c4pipe.variants import C4_ROWS
    >>> rule(C4_ROWS[0])
    'word_longer_than(characters=1,000)'
    """
    return f"{row.rule.__name__}({', '.join(f'{name}={value(limit)}' for name, limit in row.limits)})"


def wrapped(text: str, *, indent: str) -> list[str]:
    """Return text as lines of 110 characters at most, with a hanging indent."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + "    ",
        break_on_hyphens=False,
        break_long_words=False,
    )


def _stages(variant: Variant, *, indent: str) -> Iterator[str]:
    names = max(len(stage.name) for stage in variant.stages)
    types = max(len(type(stage).__name__) for stage in variant.stages)
    for number, stage in enumerate(variant.stages, 1):
        limits_text = ", ".join(f"{name}={value(limit, shown=SHOWN)}" for name, limit in limits(stage))
        yield f"{indent}{number}. {stage.name:<{names}}  {type(stage).__name__:<{types}}  {limits_text}".rstrip()


def _rows(rows: Sequence[Row], *, indent: str) -> Iterator[str]:
    width = max(len(row.counter) for row in rows)
    for row in rows:
        yield from wrapped(f"{EFFECTS[row.effect]}  {row.counter:<{width}}  {rule(row)}", indent=indent)


def _tables(variants: Sequence[Variant]) -> dict[tuple[str, tuple[Row, ...]], list[str]]:
    """Return each table of rows, by stage name and rows, with the names of the variants that have it."""
    found: dict[tuple[str, tuple[Row, ...]], list[str]] = {}
    for variant in variants:
        for stage in variant.stages:
            if isinstance(stage, WITH_ROWS):
                found.setdefault((stage.name, stage.rows), []).append(variant.name)
    return found
