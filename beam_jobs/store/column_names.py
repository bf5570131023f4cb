"""Names of stages: what a page store calls the columns that they made."""

from __future__ import annotations

import functools
import hashlib
import json

from c4pipe.fingerprint import described, sources


@functools.lru_cache(maxsize=256)
def name_of(stages: tuple[object, ...]) -> str:
    """A short name for stages, equal for equal ones: ``raw`` for none, which is what they leave of a page.

    >>> name_of(())
    'raw'
    """
    if not stages:
        return "raw"
    text = json.dumps({"stages": described(stages), "sources": sources(stages)}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
