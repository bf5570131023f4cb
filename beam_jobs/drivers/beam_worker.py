"""A worker of a graph on this machine (``--exchange shuffle``): Beam's worker, but its log goes to its parent alone.

Its last argument is its parent's process id. It ends as soon as its parent does; Beam's worker would stay for minutes.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import threading
import time

# Before Beam is imported: its import warns of missing parts, which would put Beam's whole log on the terminal.
logging.getLogger().addHandler(logging.NullHandler())

from apache_beam.runners.worker import sdk_worker_main

LOOK_EVERY_SECONDS = 1.0
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def end_with(parent: int) -> None:
    """Wait until this process has another parent, which means that ``parent`` has ended; then end."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # ends at once, before Beam can log errors
    while os.getppid() == parent:
        time.sleep(LOOK_EVERY_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=end_with, args=(int(sys.argv.pop()),), daemon=True).start()
    sdk_worker_main.main(sys.argv)
