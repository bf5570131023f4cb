"""A crawl of ten files of noise, as a server has it."""

from __future__ import annotations

import gzip
import random

from c4pipe.fs.download import Patience
from tests.support.unruly_server import UnrulyServer, whole

CRAWL = "CC-MAIN-2024-22"
QUICK = Patience(attempts=4, first_wait_seconds=0.001, silence_seconds=0.3, longest_wait_seconds=0.01)


def path_of(number: int) -> str:
    name = f"CC-MAIN-20240517233122-20240518023122-{number:05}.warc.wet.gz"
    return f"crawl-data/{CRAWL}/segments/1715971057216.39/wet/{name}"


def wet_of(number: int) -> bytes:
    return gzip.compress(random.Random(number).randbytes(20_000), mtime=0)


PATHS = [path_of(number) for number in range(10)]
LISTING = gzip.compress("".join(f"{path}\n" for path in PATHS).encode())


def publish(server: UnrulyServer) -> UnrulyServer:
    """The server, with the listing and the files."""
    server.behave(f"/crawl-data/{CRAWL}/wet.paths.gz", whole(LISTING))
    for number, path in enumerate(PATHS):
        server.behave(f"/{path}", whole(wet_of(number)))
    return server
