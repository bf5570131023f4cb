"""What columns of a page store are called: a store serves later builds, so a name never hangs on where code lies."""

from __future__ import annotations

from collections.abc import Iterator

from beam_jobs.plan import scopes
from beam_jobs.plan.scopes import Wanted
from beam_jobs.store.column_names import name_of
from c4pipe import resources
from c4pipe.variants import VARIANTS


def names() -> Iterator[str]:
    """Of all published variants: what enters, how it is cleaned, which kind of keys is made."""
    for variant in VARIANTS.values():
        origin = scopes.split_stages(Wanted(variant, ())).origin
        yield f"{variant.name}/{variant.semantics} enters:{name_of(origin.scope.entry)}"
        yield f"{variant.name}/{variant.semantics} kept:{name_of(origin.cleaning)}"
        if origin.lines is not None:
            yield f"{variant.name}/{variant.semantics} keys:{name_of(origin.lines.keyed)}"


PUBLISHED = """
en.noblocklist/3.0.1 enters:ff5d3700cea8
en.noblocklist/3.0.1 kept:bfd1879c582d
en.noblocklist/3.0.1 keys:617c68c3bc39
en.noblocklist/3.1.0 enters:ff5d3700cea8
en.noblocklist/3.1.0 kept:85381b2a29b1
en.noblocklist/3.1.0 keys:617c68c3bc39
en.noblocklist/paper enters:raw
en.noblocklist/paper kept:4fc0d026b1be
en.noblocklist/paper keys:ff8778399090
en.noclean/3.0.1 enters:ff5d3700cea8
en.noclean/3.0.1 kept:raw
en.noclean/3.1.0 enters:ff5d3700cea8
en.noclean/3.1.0 kept:raw
en.noclean/paper enters:raw
en.noclean/paper kept:raw
en/3.0.1 enters:ff5d3700cea8
en/3.0.1 kept:bfd1879c582d
en/3.0.1 keys:617c68c3bc39
en/3.1.0 enters:ff5d3700cea8
en/3.1.0 kept:85381b2a29b1
en/3.1.0 keys:617c68c3bc39
en/paper enters:raw
en/paper kept:4c8d72082969
en/paper keys:ff8778399090
multilingual/3.0.1 enters:ff5d3700cea8
multilingual/3.0.1 kept:63effb63c26c
multilingual/3.0.1 keys:617c68c3bc39
multilingual/3.1.0 enters:ff5d3700cea8
multilingual/3.1.0 kept:63effb63c26c
multilingual/3.1.0 keys:617c68c3bc39
multilingual/paper enters:raw
multilingual/paper kept:63effb63c26c
multilingual/paper keys:617c68c3bc39
realnewslike/3.0.1 enters:2813b85dab9f
realnewslike/3.0.1 kept:bfd1879c582d
realnewslike/3.0.1 keys:617c68c3bc39
realnewslike/3.1.0 enters:c504d44970f9
realnewslike/3.1.0 kept:85381b2a29b1
realnewslike/3.1.0 keys:617c68c3bc39
realnewslike/paper enters:raw
realnewslike/paper kept:4c8d72082969
realnewslike/paper keys:ff8778399090
webtextlike/3.0.1 enters:ff5d3700cea8
webtextlike/3.0.1 kept:bfd1879c582d
webtextlike/3.0.1 keys:617c68c3bc39
webtextlike/3.1.0 enters:ff5d3700cea8
webtextlike/3.1.0 kept:85381b2a29b1
webtextlike/3.1.0 keys:617c68c3bc39
webtextlike/paper enters:raw
webtextlike/paper kept:4c8d72082969
webtextlike/paper keys:ff8778399090
"""


def test_published_names_of_columns() -> None:
    resources.use("builtin")  # keys of spans are those of the lists that sentences are told by
    assert sorted(names()) == PUBLISHED.split("\n")[1:-1]
