"""Writes the input of the demo: a WET file of English prose that comes with Python. It is no crawl, and says so.

The pages are the documentation topics and docstrings of this Python and of the packages installed in it, a module a
page, under URLs of a host that does not exist. Where Python, packages and zlib are the same, so are the bytes.
"""

from __future__ import annotations

import argparse
import io
import sys
import uuid
from collections.abc import Sequence
from urllib.parse import quote

from warcio.warcwriter import WARCWriter

from c4pipe.cli.errors import error_line
from c4pipe.demo_crawl.prose import prose
from c4pipe.fs import files

MAX_BYTES = 5_000_000  # of text: enough for a vocabulary of 8,000 pieces and a tiny model
URL = "http://demo.invalid/"  # RFC 2606: no such host
DATE = "2024-01-01T00:00:00Z"
CONTENT_TYPES = {"warcinfo": "application/warc-fields", "conversion": "text/plain"}
WARCINFO = {
    "description": "No crawl: documentation topics and docstrings of a Python installation, laid out as WET for a demo",
    "software": f"c4pipe.demo_crawl, Python {sys.version_info.major}.{sys.version_info.minor}",
    "format": "WARC File Format 1.0",
}


def write(path: str, *, max_bytes: int = MAX_BYTES) -> int:
    """Write a WET file, a gzip member for each record, of at most ``max_bytes`` of text; return its number of pages."""
    if max_bytes < 1:
        raise ValueError(f"max_bytes is {max_bytes}, but a page needs at least 1")
    pages, left = 0, max_bytes
    with files.write_atomic(path) as stream:
        writer = WARCWriter(stream, gzip=True)
        write_record(writer, "warcinfo", "", "".join(f"{name}: {value}\r\n" for name, value in WARCINFO.items()))
        for name, text in prose():
            left -= len(text.encode())
            if left < 0:
                break
            if text:
                write_record(writer, "conversion", URL + quote(name), text)
                pages += 1
    return pages


def write_record(writer: WARCWriter, kind: str, url: str, text: str) -> None:
    """Write one record of that WARC-Type, dated ``DATE``, with an id that depends on its URL alone."""
    payload = text.encode()
    record = writer.create_warc_record(
        url,
        kind,
        payload=io.BytesIO(payload),
        length=len(payload),
        warc_content_type=CONTENT_TYPES[kind],
        warc_headers_dict={"WARC-Date": DATE, "WARC-Record-ID": f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, url)}>"},
    )
    writer.write_record(record)


def main(argv: Sequence[str] | None = None) -> int:
    """Write the file that the command line names, and say on stderr what it holds."""
    parser = argparse.ArgumentParser(
        prog="python -m c4pipe.demo_crawl",
        description="Lay out English prose that is on every Python machine as a WET file: input for a demo.",
        epilog="example:\n  python -m c4pipe.demo_crawl demo/demo.warc.wet.gz --max_bytes 1000000",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("output", metavar="OUTPUT.warc.wet.gz", help="the file to write")
    parser.add_argument("--max_bytes", type=int, default=MAX_BYTES, help="of text (default: %(default)s)")
    arguments = parser.parse_args(argv)
    try:
        pages = write(arguments.output, max_bytes=arguments.max_bytes)
    except (OSError, ValueError) as error:
        print(f"{parser.prog}: {error_line(error, parser, arguments)}", file=sys.stderr)
        return 1
    print(f"{pages:,} pages of Python documentation, no crawl, are in {arguments.output}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
