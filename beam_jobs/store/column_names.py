"""Short names of stages, which the page store puts into the names of its columns."""

from __future__ import annotations

import functools
import hashlib
import json

from c4pipe.fingerprint import described, sources


@functools.lru_cache(maxsize=256)
def name_of(stages: tuple[object, ...]) -> str:
    """Return a short name of stages. Equal stages have equal names; no stages are called ``raw``.

    >>> name_of(())
    'raw'
    """
    if not stages:
        return "raw"
    text = json.dumps({"stages": described(stages), "sources": sources(stages)}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
