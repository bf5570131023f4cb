"""Processes of this machine that share the items of a step.

Where the system can, they are forked from the process that builds: what it has imported and loaded is there for all of
them, and costs time and memory once. So they are made before there are threads, and before the folder is locked, since
a fork would hold the lock as well.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from typing import Any

from beam_jobs.plan import Job

START = "fork" if sys.platform == "linux" else None  # elsewhere the system's libraries may not survive it


class ProcessLost(RuntimeError):
    """A process of the build is gone, such as one that the system killed for memory."""


class Processes:
    """As many as there are to be, or none but this one.

    ``failure`` is what an item raised, or a ``ProcessLost``; there is no more work after it. A function that Beam sends
    to itself may hold this object: in the process that made it, and only there, a pickle of it is the object itself.
    """

    def __init__(self, pool: ProcessPoolExecutor | None) -> None:
        self.pool = pool
        self.failure: Exception | KeyboardInterrupt | None = None

    def __reduce__(self) -> tuple[Callable[[int], Processes], tuple[int]]:
        return _here, (id(self),)

    def each(self, run: Callable[..., None], job: Job, items: Iterable[tuple[Any, ...]]) -> None:
        """Run a function of the job and an item, for all items; an error ends it, once what is at work is done.

        The error is kept as ``failure``: Beam would tell its text and a traceback of its own.
        """
        try:
            if self.pool is None:
                for item in items:
                    run(job, *item)
            else:
                _share(self.pool, run, job, items)
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # whoever asks for ``failure`` raises it
            self.failure = error


_open: dict[int, Processes] = {}


def _here(number: int) -> Processes:
    return _open[number]


@contextmanager
def ready(job: Job) -> Iterator[Processes]:
    """Have the processes that a job wants; with one worker that is this process alone."""
    if job.workers == 1:
        yield from _opened(None)
        return
    context = multiprocessing.get_context(START)
    with ProcessPoolExecutor(job.workers, context, initializer=_begin, initargs=(job,)) as pool:
        pool.submit(os.getpid).result()  # forks them all, now
        yield from _opened(pool)


def _opened(pool: ProcessPoolExecutor | None) -> Iterator[Processes]:
    processes = Processes(pool)
    _open[id(processes)] = processes
    try:
        yield processes
    finally:
        del _open[id(processes)]


def _begin(job: Job) -> None:
    """Begin a process: it ends at once when it is told to by Ctrl-C, or when the one that made it has ended."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    gc.freeze()  # else collecting garbage would write to, and so copy, all that is shared
    job.begin()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _share(pool: ProcessPoolExecutor, run: Callable[..., None], job: Job, items: Iterable[tuple[Any, ...]]) -> None:
    left = iter(items)
    try:
        at_work = {pool.submit(run, job, *item) for item in islice(left, job.workers + 1)}  # one waits for its turn
        while at_work:
            done, at_work = wait(at_work, return_when=FIRST_COMPLETED)
            for one in done:
                one.result()
            at_work |= {pool.submit(run, job, *item) for item in islice(left, len(done))}
    except BrokenProcessPool as error:
        raise ProcessLost(
            f"one of {job.workers} processes at work is gone: killed, as the system does where memory runs out, or "
            "crashed; with fewer --workers, or less --memory, the same command goes on from what is done"
        ) from error
