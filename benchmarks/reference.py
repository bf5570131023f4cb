"""The reference itself on a WET file: the builder ``c4`` of TensorFlow Datasets, from WET to the documents of ``en``.

    .venv-reference/bin/python benchmarks/reference.py FILE.warc.wet.gz --resources DIR

Runs by itself in the environment that ``make test-reference`` makes, and prints CPU seconds as JSON. The builder's own
pipeline runs on Beam's local runner, in memory, in one process; nothing is written. Before the clock starts a first
page loads what loads late. Importing and building the pipeline are not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import apache_beam as beam
import langdetect
import nltk
import tensorflow_datasets as tfds
import tldextract.tldextract
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from tensorflow_datasets.text import c4, c4_utils

WARMING = "Here is a page of three sentences. This is the second one. The third one ends it all here."


def badword_files(resources: Path) -> dict[str, str]:
    """The lists that the builder would download."""
    (english,) = resources.glob("ldnoobw/25e679f*/en")
    (others,) = resources.glob("ldnoobw/5faf2ba*")
    return {language: str(others / language) for language in c4._BADWORDS_LANGS} | {"en": str(english)}


def stay_local(resources: Path) -> None:
    """Have all that the reference would fetch come from the pinned files."""
    nltk.data.path.insert(0, str(resources / "nltk_data"))
    nltk.download = lambda *args, **kwargs: True
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    c4._download_wet_file = lambda path, dl_dir: path


def documents(pipeline: beam.Pipeline, listing: str, resources: Path) -> beam.PCollection:
    """What the builder makes of the WET files that a file lists."""
    builder = SimpleNamespace(builder_config=next(one for one in c4.C4.BUILDER_CONFIGS if one.name == "en"))
    given = {"wet_path_urls": [listing], "badwords": badword_files(resources)}
    return c4.C4._get_pages_pcollection(builder, pipeline, given, SimpleNamespace(download_dir=""))


def count(result: beam.runners.runner.PipelineResult, namespace: str, *names: str) -> int:
    """The sum of some of the reference's counters."""
    counters = result.metrics().query(beam.metrics.MetricsFilter().with_namespace(namespace))["counters"]
    return sum(one.committed for one in counters if one.key.metric.name in names)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--resources", type=Path, required=True, help="folder of the pinned lists and of Punkt")
    arguments = parser.parse_args()
    stay_local(arguments.resources)
    langdetect.detect(WARMING)
    assert len(c4_utils._get_sentences(WARMING)) == 3
    with tempfile.TemporaryDirectory() as folder:
        listing = Path(folder, "wet.paths")
        listing.write_text(os.path.abspath(arguments.file) + "\n", "utf-8")
        pipeline = beam.Pipeline(runner=FnApiRunner())
        kept = documents(pipeline, str(listing), arguments.resources)
        _ = kept | beam.combiners.Count.Globally() | beam.Map(print, file=sys.stderr)
        begun = time.process_time()
        result = pipeline.run()
        result.wait_until_finish()
        seconds = time.process_time() - begun
    read = count(result, "split-wet-file", "passed")
    told = {"tfds": tfds.__version__, "pages": read, "kept": count(result, "badwords-filter", "passed")}
    print(json.dumps(told | {"cpu_seconds": seconds}))


if __name__ == "__main__":
    main()
