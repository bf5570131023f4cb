"""Time the reference on a WET file: TensorFlow Datasets' builder ``c4``, from WET to the documents of ``en``.

    .venv-reference/bin/python benchmarks/tfds_peer.py FILE.warc.wet.gz --resources DIR

The script runs alone, in the environment of ``make test-reference``, and prints CPU seconds as JSON. The builder's own
pipeline runs on Beam's local runner, in memory and in one process, and writes nothing. A first page before the clock
starts triggers lazy loading. Importing and building the pipeline are not counted.
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
import tensorflow_datasets as tfds
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from tensorflow_datasets.text import c4, c4_utils

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "reference"))
import tfds_c4

WARMING = "Here is a page of three sentences. This is the second one. The third one ends it all here."


def documents(pipeline: beam.Pipeline, listing: str, resources: Path) -> beam.PCollection:
    """Return the documents that the builder makes of the WET files listed in ``listing``."""
    builder = SimpleNamespace(builder_config=next(one for one in c4.C4.BUILDER_CONFIGS if one.name == "en"))
    given = {"wet_path_urls": [listing], "badwords": tfds_c4.badword_files(resources)}
    return c4.C4._get_pages_pcollection(builder, pipeline, given, SimpleNamespace(download_dir=""))


def passed(result: beam.runners.runner.PipelineResult, namespace: str) -> int:
    """Return the reference's count of pages that a stage passed on."""
    wanted = beam.metrics.MetricsFilter().with_namespace(namespace).with_name("passed")
    (counter,) = result.metrics().query(wanted)["counters"]
    return counter.committed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--resources", type=Path, required=True, help="folder of the pinned lists and of Punkt")
    arguments = parser.parse_args()
    tfds_c4.prepare(arguments.resources)
    c4._download_wet_file = lambda path, dl_dir: path
    langdetect.detect(WARMING)
    assert len(c4_utils._get_sentences(WARMING)) == 3
    with tempfile.TemporaryDirectory() as folder:
        listing = Path(folder, "wet.paths")
        listing.write_text(os.path.abspath(arguments.file) + "\n", "utf-8")
        pipeline = beam.Pipeline(runner=FnApiRunner())
        documents(pipeline, str(listing), arguments.resources)
        begun = time.process_time()
        result = pipeline.run()
        result.wait_until_finish()
        seconds = time.process_time() - begun
    read, kept = passed(result, "split-wet-file"), passed(result, "badwords-filter")
    print(json.dumps({"tfds": tfds.__version__, "pages": read, "kept": kept, "cpu_seconds": seconds}))


if __name__ == "__main__":
    main()
