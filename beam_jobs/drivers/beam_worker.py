"""A worker of a graph on this machine (``--exchange shuffle``): Beam's own, but quiet; its parent gets what it logs.

It is told its parent's number, and ends when that does, in whatever way: Beam's would be there for minutes.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import threading
import time

# Before Beam is imported: it warns of parts that are not installed, which would put its whole log on the terminal.
logging.getLogger().addHandler(logging.NullHandler())

from apache_beam.runners.worker import sdk_worker_main

LOOK_EVERY_SECONDS = 1.0
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def end_with(parent: int) -> None:
    """End this process once it has another parent: that one has ended."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # at once, before it could complain
    while os.getppid() == parent:
        time.sleep(LOOK_EVERY_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=end_with, args=(int(sys.argv.pop()),), daemon=True).start()
    sdk_worker_main.main(sys.argv)
