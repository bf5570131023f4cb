"""``c4pipe explain``: one page through the rules of a variant."""

from __future__ import annotations

import argparse

from c4pipe import resources
from c4pipe.cli.command import Command
from c4pipe.cli.options import DEFAULT, VARIANT_HELP, add_resources_option, add_semantics_option
from c4pipe.explain import find_pages
from c4pipe.explain.explanation import explain
from c4pipe.explain.render import account_lines
from c4pipe.fs import globs
from c4pipe.terminal import say
from c4pipe.user_variants import resolve


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``c4pipe explain``."""
    parser.add_argument(
        "source",
        metavar="FILE|URL",
        help="a WET file, a plain text, '-' for standard input, or a URL in the --input files",
    )
    parser.add_argument("--variant", default="en", metavar="V", help=f"{VARIANT_HELP} (default: %(default)s)")
    add_semantics_option(parser, DEFAULT, DEFAULT)
    parser.add_argument("--url", help="which pages of a WET file, or the URL of a plain text (default: all, or none)")
    parser.add_argument(
        "--input", action="append", default=[], metavar="WET", help="where to look for a URL; globs, too"
    )
    parser.add_argument("--urls", action="append", default=[], metavar="LIST", help="the list of URLs of webtextlike")
    add_resources_option(parser)


def explain_pages(arguments: argparse.Namespace) -> None:
    """Print the verdicts of the variant's rules and stages on each page."""
    if arguments.resources:
        resources.use(arguments.resources)
    (variant, *more) = resolve(arguments.variant, arguments.semantics)
    if more:
        raise ValueError(f"--variant names {len(more) + 1}; a page is explained for one")
    if arguments.urls:
        variant = variant.with_url_list(*globs.expand(arguments.urls))
    pages = find_pages.pages(arguments.source, url=arguments.url, inputs=arguments.input, undated=variant.undated)
    for number, page in enumerate(pages):
        if number:
            say("\n" + "=" * 40 + "\n")
        for line in account_lines(explain(variant, page)):
            say(line)


command = Command(
    summary="Show each line of a page with the rule that took it, and the verdict of each stage on the page.",
    examples="""
c4pipe explain page.txt --variant en
c4pipe explain wet/a.warc.wet.gz --variant en --url https://example.com/page
c4pipe explain https://example.com/page --input 'wet/**/*.warc.wet.gz' --variant realnewslike
c4pipe explain - --variant path/to/my_variant.py:MY_VARIANT
""",
    add_options=add_options,
    run=explain_pages,
)
