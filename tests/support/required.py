"""Which lacks are failures: elsewhere tests skip without them, where all must run they fail."""

from __future__ import annotations

import os


def is_required(name: str) -> bool:
    """``C4_REQUIRE_<name>=1`` is set: ``SHARED`` of the reference material, ``EXTRAS`` of libraries that are extras."""
    return os.environ.get(f"C4_REQUIRE_{name}") == "1"
