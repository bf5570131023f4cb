"""A worker of a graph on this machine (``--exchange shuffle``): Beam's own, but quiet; its parent gets what it logs."""

from __future__ import annotations

import logging
import sys

# Before Beam is imported: it warns of parts that are not installed, which would put its whole log on the terminal.
logging.getLogger().addHandler(logging.NullHandler())

from apache_beam.runners.worker import sdk_worker_main

if __name__ == "__main__":
    sdk_worker_main.main(sys.argv)
