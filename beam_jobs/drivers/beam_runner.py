"""A pipeline with the runner that its options name; on this machine with as many of Beam's workers as it is to have."""

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
WORKER_THREAD = "run_worker"  # in which the local runner, and ``_Worker``, wait for one of its workers
CONNECTIONS_LOGGER = "apache_beam.runners.worker.data_plane"


def pipeline(options: PipelineOptions) -> beam.Pipeline:
    """A pipeline to fill and run.

    The local runner's mode ``multi_processing`` would start Beam's worker by an unquoted path; with an environment of
    its own it starts ``beam_worker.py`` by a quoted one, as many as there are to be. Ctrl-C, which a terminal sends to
    all, is for this process alone, and no shell stays between it and the workers, which end when their parent does.
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
    """One of the local runner's workers, of which it is an error to end unasked, with the exit code 0 as with others.

    Beam's own would take 0 for the end of the work, and wait for ever for what that worker had not done.
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
            raise RuntimeError("it ended unasked, with the exit code 0")


@contextmanager
def ended_with_a_worker() -> Iterator[None]:
    """End this process at once, and say why, if one of the local runner's workers ends early.

    The runner would wait for ever for what that worker was to do, and, if it were interrupted, for the others. Nothing
    is said of connections that break before that.
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
