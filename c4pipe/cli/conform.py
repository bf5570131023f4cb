"""``c4pipe conform``: the conformance kit."""

from __future__ import annotations

import argparse
import json
import os

from c4pipe import resources
from c4pipe.cli.command import DIFFERENT, Command, WrongUsage
from c4pipe.cli.options import add_resources_option, add_semantics_option
from c4pipe.conform.blame import Side
from c4pipe.conform.corpus import NLTK, Corpus, open_corpus, open_golden
from c4pipe.conform.render import report_data, report_lines
from c4pipe.conform.report import compare_corpora, read_deviations
from c4pipe.shards.formats import FORMATS
from c4pipe.terminal import counted, say
from c4pipe.user_variants import named
from c4pipe.variants import SEMANTICS, VARIANTS, Variant

DEFAULT = "3.1.0"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``c4pipe conform``."""
    _add_compared(parser)
    _add_shown(parser)
    add_resources_option(parser)


def _add_compared(parser: argparse.ArgumentParser) -> None:
    """Add the options that name the two corpora and the rules of each."""
    parser.add_argument(
        "outputs",
        nargs="+",
        metavar="OUTPUT",
        help=f"one with --golden, else two: a file or folder of {', '.join(FORMATS)} with text and url",
    )
    parser.add_argument("--golden", metavar="DIR", help="folder of the reference's output")
    parser.add_argument(
        "--variant",
        metavar="V[,V]",
        help="variant that made both, or one for each (default: from their manifests or folder names)",
    )
    add_semantics_option(parser, None, f"from the manifest or the golden folder's name, else {DEFAULT}")
    parser.add_argument(
        "--counters", metavar="FILE", help="golden counters (default: those of the variant in the folder)"
    )
    parser.add_argument("--deviations", metavar="FILE", help="JSON table of known differences, which are allowed")


def _add_shown(parser: argparse.ArgumentParser) -> None:
    """Add the options that limit and format the differences shown."""
    parser.add_argument(
        "--show", type=int, default=5, metavar="N", help="examples to show of each rule (default: %(default)s)"
    )
    parser.add_argument(
        "--examine",
        type=int,
        default=1000,
        metavar="N",
        help="differing URLs to look at; all are counted (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def conform(arguments: argparse.Namespace) -> int:
    """Print the differences of the outputs; return 0 if there are none, else 3."""
    if arguments.resources:
        resources.use(arguments.resources)
    if min(arguments.show, arguments.examine) < 0:
        raise WrongUsage("--show and --examine are numbers of examples and URLs, 0 or more")
    left, right = against_golden(arguments) if arguments.golden else two_outputs(arguments)
    deviations = read_deviations(arguments.deviations) if arguments.deviations else []
    report = compare_corpora(left, right, deviations=deviations, examine=arguments.examine)
    if arguments.json:
        say(json.dumps(report_data(report, show=arguments.show), indent=2))
    else:
        for line in report_lines(report, show=arguments.show):
            say(line)
    return 0 if report.same else DIFFERENT


def against_golden(arguments: argparse.Namespace) -> tuple[Side, Side]:
    """Return the golden file of the output's variant, and the output."""
    if len(arguments.outputs) != 1:
        raise WrongUsage(f"--golden is compared with one output, but {len(arguments.outputs)} are named")
    (output,) = arguments.outputs
    of_golden, of_output = variant_names(arguments.variant)
    corpus = open_corpus(output, of_golden)
    name = of_golden or corpus.variant or os.path.basename(os.path.normpath(output))
    folder = os.path.basename(os.path.normpath(arguments.golden))
    version = arguments.semantics or (folder if folder in SEMANTICS else DEFAULT)
    own = find_variant(corpus, of_output if of_output != of_golden else corpus.variant, version)
    golden = open_golden(arguments.golden, name, nltk=nltk_release(corpus, own), counters=arguments.counters)
    return Side(golden, find_variant(golden, name, version)), Side(corpus, own)


def nltk_release(corpus: Corpus, variant: Variant | None) -> str:
    """Return the release of NLTK that counted the corpus's sentences; "" if it is not known."""
    releases = [str(stage.punkt) for stage in variant.stages if hasattr(stage, "punkt")] if variant else []
    of_manifest = NLTK.search(str(corpus.manifest.get("versions", {}).get("punkt", "")))
    return releases[0] if releases else of_manifest[1] if of_manifest else ""


def two_outputs(arguments: argparse.Namespace) -> tuple[Side, Side]:
    """Return the two corpora, neither of them golden."""
    if len(arguments.outputs) != 2:
        raise WrongUsage(f"{counted(len(arguments.outputs), 'output')} named; name two, or one with --golden")
    if arguments.counters:
        raise WrongUsage("--counters are golden ones; they need --golden")
    sides = []
    for path, name in zip(arguments.outputs, variant_names(arguments.variant), strict=True):
        corpus = open_corpus(path, name)
        sides.append(Side(corpus, find_variant(corpus, name or corpus.variant, arguments.semantics)))
    return sides[0], sides[1]


def variant_names(variants: str | None) -> tuple[str | None, str | None]:
    """Return the variant names of the first and the second corpus; a single name counts for both.

    >>> variant_names("en"), variant_names("en,mine:MINE"), variant_names(None)
    (('en', 'en'), ('en', 'mine:MINE'), (None, None))
    """
    parts = variants.split(",") if variants else [None]
    if len(parts) > 2:
        raise WrongUsage(f"--variant names {len(parts)}; name one for both, or two")
    return parts[0], parts[-1]


def find_variant(corpus: Corpus, name: str | None, version: str | None) -> Variant | None:
    """Return the variant of that name, or None if no variant has it."""
    version = version or corpus.semantics or DEFAULT
    if name is None or (":" not in name and (name, version) not in VARIANTS):
        return None
    return named(name, version)


command = Command(
    summary=(
        "Compare a corpus with a golden folder, or two corpora: documents and counters, by rule. "
        "Exits with 0 if nothing differs, with 3 if something does."
    ),
    examples="""
c4pipe conform --golden golden/c4 build/en
c4pipe conform --golden golden/c4 --variant en --deviations tests/known-deviations.json other-tool/output
c4pipe conform build/en other-build/en
c4pipe conform build/en build/en.calm --variant en,path/to/my_variant.py:MY_VARIANT --show 20
""",
    add_options=add_options,
    run=conform,
)
