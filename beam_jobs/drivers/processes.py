"""Processes of this machine that share the items of a step.

Where the system can, they are forked from the process that builds: what it has imported and loaded is there for all of
them, and costs time and memory once. So they are made before there are threads, and before the folder is locked, since
a fork would hold the lock as well.
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
    "killed, as the system does where memory runs out, or crashed; with fewer --workers, or less --memory, the same "
    "command goes on from what is done"
)
START = "fork" if sys.platform == "linux" else None  # elsewhere the system's libraries may not survive it


class ProcessLost(RuntimeError):
    """A process of the build is gone, such as one that the system killed for memory."""


class Processes:
    """As many as there are to be, or none but this one."""

    def __init__(self, pool: ProcessPoolExecutor | None) -> None:
        self.pool = pool

    def each(self, run: Callable[..., None], job: Job, items: Iterable[tuple[Any, ...]]) -> None:
        """Run a function of the job and an item, for all items; raise what one of them raises.

        What is at work then is done, and what waits for its turn, an item at most, unless a process is lost.
        """
        if self.pool is None:
            for item in items:
                run(job, *item)
        else:
            _run_in_pool(self.pool, run, job, items)


@contextmanager
def ready(job: Job) -> Iterator[Processes]:
    """Have the processes that a job wants; with one worker that is this process alone."""
    gc.freeze()  # what is imported is no garbage: to look through it again and again would also copy what is shared
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
    """Have all processes of a pool begin, or none; a Ctrl-C waits until then: a fork's hooks would swallow it."""
    others = set(multiprocessing.active_children())
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        pool.submit(os.getpid)
    except BaseException:
        for process in set(multiprocessing.active_children()) - others:  # what would end them has not begun
            process.terminate()
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(job: Job) -> None:
    """Begin a process: it ends at once when Ctrl-C tells it to, or when the one that made it has ended."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as in the background of a script
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, daemon=True).start()
    gc.freeze()  # what it has imported itself, if it was not forked
    job.begin()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _run_item(run: Callable[..., None], job: Job, *item: Any) -> None:
    """Do an item; an error that would not come through to the process that asks comes as its text."""
    try:
        run(job, *item)
    except Exception as error:
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:  # noqa: BLE001  # whatever its class does when it is made anew
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
            for one in done:
                one.result()
            at_work |= submit_next(len(done))
    except BrokenProcessPool as error:
        raise ProcessLost(f"one of {job.workers} processes at work is gone: {WHY_LOST}") from error
