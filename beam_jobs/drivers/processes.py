"""Processes of this machine that run the items of a step.

On Linux they are forked from the process that builds, so its modules and tables are loaded once and shared. So they
start before there are threads, and before the folder is locked, since a fork would hold the lock, too.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from typing import Any

from beam_jobs.plan.job import Job

WHY_LOST = (
    "the system killed it, probably because memory ran out, or it crashed; give the same command again with fewer "
    "--workers or less --memory, and it continues from the items that are done"
)
START = "fork" if sys.platform == "linux" else None  # elsewhere system libraries may not survive a fork


class ProcessLost(RuntimeError):
    """A process of the build is gone, for example because the system killed it for memory."""


class Processes:
    """The worker processes; without a pool, this process alone."""

    def __init__(self, pool: ProcessPoolExecutor | None) -> None:
        self.pool = pool

    def each(self, run: Callable[..., None], job: Job, items: Iterable[tuple[Any, ...]]) -> None:
        """Call ``run(job, *item)`` for all items; raise the error of an item that fails.

        Items at work are then finished, and at most one that waits, unless a process is lost (``ProcessLost``).
        """
        if self.pool is None:
            for item in items:
                run(job, *item)
        else:
            _run_in_pool(self.pool, run, job, items)


@contextmanager
def ready(job: Job) -> Iterator[Processes]:
    """Start the processes of a job for the length of a block; with one worker, this process works alone."""
    gc.freeze()  # imported objects are no garbage; scanning them again would also copy shared memory
    try:
        if job.workers == 1:
            yield Processes(None)
            return
        context = multiprocessing.get_context(START)
        with ProcessPoolExecutor(job.workers, context, initializer=_begin, initargs=(job,)) as pool:
            _fork(pool)
            yield Processes(pool)
    finally:
        gc.unfreeze()


def _fork(pool: ProcessPoolExecutor) -> None:
    """Start all processes of a pool, or none. Ctrl-C is blocked until then: the hooks of a fork would swallow it."""
    earlier = set(multiprocessing.active_children())
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        pool.submit(os.getpid)
    except BaseException:
        for process in set(multiprocessing.active_children()) - earlier:  # the thread that would end them has not begun
            process.terminate()
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(job: Job) -> None:
    """Set up a worker process, which ends at once on Ctrl-C or when its parent ends."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # ignored for a script in the background
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, daemon=True).start()
    gc.freeze()  # its own imports, if it was not forked
    job.begin()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _run_item(run: Callable[..., None], job: Job, *item: Any) -> None:
    """Run an item; an error that cannot be pickled is raised as a ``RuntimeError`` with its text."""
    try:
        run(job, *item)
    except Exception as error:
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:  # noqa: BLE001  # unpickling an error may raise anything
            raise RuntimeError(f"{type(error).__name__}: {error}") from None
        raise


def _run_in_pool(
    pool: ProcessPoolExecutor, run: Callable[..., None], job: Job, items: Iterable[tuple[Any, ...]]
) -> None:
    left = iter(items)

    def submit_next(count: int) -> set[Future[None]]:
        return {pool.submit(_run_item, run, job, *item) for item in islice(left, count)}

    try:
        at_work = submit_next(job.workers + 1)  # one waits for its turn
        while at_work:
            done, at_work = wait(at_work, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()
            at_work |= submit_next(len(done))
    except BrokenProcessPool as error:
        raise ProcessLost(f"one of {job.workers} processes at work is gone: {WHY_LOST}") from error
