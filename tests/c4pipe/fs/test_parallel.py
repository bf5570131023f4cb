"""Many files are asked in their order, far ones several at a time."""

from __future__ import annotations

import threading

from c4pipe.fs import parallel


def test_many_remote_objects_are_asked_for_at_a_time() -> None:
    """In their order; each call waits here until another is at work."""
    meeting = threading.Barrier(2, timeout=30)
    assert parallel.each(lambda path: (meeting.wait() >= 0, path), ["memory://a", "memory://b"]) == [
        (True, "memory://a"),
        (True, "memory://b"),
    ]
