"""Makes a Beam pipeline. On this machine it starts Beam's own workers, and ends the build if one of them is lost."""

from __future__ import annotations

import logging
import os
import shlex
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import apache_beam as beam
import grpc
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, StandardOptions
from apache_beam.portability import python_urns
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.portability.fn_api_runner.worker_handlers import SubprocessSdkWorkerHandler, WorkerHandler
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from beam_jobs.drivers.processes import WHY_LOST

LOCAL = "FnApiRunner"
WORKER_THREAD = "run_worker"  # name of the threads in which the local runner and ``_Worker`` wait for a worker
CONNECTIONS_LOGGER = "apache_beam.runners.worker.data_plane"


def pipeline(options: PipelineOptions) -> beam.Pipeline:
    """Return an empty pipeline with the runner that its options name.

    The local runner's mode ``multi_processing`` starts Beam's worker by an unquoted path. So this gives it an
    environment that starts ``beam_worker.py`` by a quoted path, ``direct_num_workers`` times. Workers ignore Ctrl-C,
    which a terminal sends to all processes. ``exec`` leaves no shell between this process and a worker, so that a
    worker sees the end of its parent.
    """
    if options.view_as(StandardOptions).runner != LOCAL or options.view_as(DirectOptions).direct_num_workers == 1:
        return beam.Pipeline(options=options)
    command = (
        f"trap '' INT; exec {shlex.join([sys.executable, '-m', 'beam_jobs.drivers.beam_worker', str(os.getpid())])}"
    )
    environment = SubprocessSDKEnvironment.from_command_string(command)
    return beam.Pipeline(runner=FnApiRunner(default_environment=environment), options=options)


@WorkerHandler.register_environment(python_urns.SUBPROCESS_SDK, bytes)
class _Worker(SubprocessSdkWorkerHandler):
    """A worker of the local runner. If it ends without ``close``, that is an error, even with exit code 0.

    Beam's class takes exit code 0 for the end of the work, and then waits forever for the worker's results.
    """

    asked = False

    def start_worker(self) -> None:
        super().start_worker()
        threading.Thread(name=WORKER_THREAD, target=self._watch, daemon=True).start()

    def close(self) -> None:
        self.asked = self.worker_thread.is_alive()
        super().close()

    def _watch(self) -> None:
        self.worker_thread.join()
        if not self.asked:
            raise RuntimeError("it ended unasked, with exit code 0")


@contextmanager
def ended_with_a_worker() -> Iterator[None]:
    """End this process at once, with a message, if a worker of the local runner ends early.

    The runner would wait forever for that worker, and after an interrupt for the others. Connections that break before
    that are not logged.
    """
    before = threading.excepthook

    def report_loss(failed: threading.ExceptHookArgs) -> None:
        if failed.thread is not None and failed.thread.name == WORKER_THREAD:
            lost = f"build_c4: one of Beam's workers is gone ({failed.exc_value}): {WHY_LOST}"
            print(lost, file=sys.stderr, flush=True)
            os._exit(1)
        if not isinstance(failed.exc_value, grpc.RpcError):
            before(failed)

    connections = logging.getLogger(CONNECTIONS_LOGGER)
    level = connections.level
    connections.setLevel(logging.CRITICAL)
    threading.excepthook = report_loss
    try:
        yield
    finally:
        threading.excepthook = before
        connections.setLevel(level)
