"""The graph for a cluster, as Dataflow would get it: built offline, with keys of few bytes and without the listing."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions, SetupOptions

from beam_jobs import build_c4, options
from beam_jobs.drivers import on_beam
from tests.support import builds, crawls

DATAFLOW = (
    *("--runner", "DataflowRunner", "--project", "my-project", "--region", "us-central1"),
    *("--temp_location", "gs://bucket/tmp"),
)
COUNTING = ("AwaitShards", "CountUnreadable")
NUMBER, BYTES = "beam:coder:varint:v1", "beam:coder:bytes:v1"


def dry_run(wet: str, *more: str) -> tuple[Any, PipelineOptions]:
    """The graph of the command for Dataflow, and its options: up to where a job would start."""
    built = []
    graph = on_beam.graph

    def kept(job: Any, arguments: Any, options: PipelineOptions) -> beam.Pipeline:
        pipeline = graph(job, arguments, options)
        built.append((pipeline.to_runner_api(), options))
        return pipeline

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(on_beam, "graph", kept)
        argv = ["--input", wet, "--output", "gs://bucket/c4", "--resources", "builtin", *DATAFLOW, "--dry_run", *more]
        assert build_c4.main(argv) == 0
    (found,) = built
    return found


@functools.cache
def built() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        wet = crawls.write(Path(folder), crawls.dealt(crawls.crawl(seed=8, records=20), 2))
        return dry_run(wet)[0]


@pytest.fixture
def graph() -> Any:
    """Built once, but in a test, where the network is closed."""
    return built()


def groupings(graph: Any) -> Iterator[tuple[str, str]]:
    """The name of each grouping and the coder of its keys."""
    parts = graph.components
    for transform in parts.transforms.values():
        if transform.spec.urn == "beam:transform:group_by_key:v1":
            (pages,) = transform.inputs.values()
            pair = parts.coders[parts.pcollections[pages].coder_id]
            assert pair.spec.urn == "beam:coder:kv:v1"
            yield transform.unique_name, parts.coders[pair.component_coder_ids[0]].spec.urn


def test_keys_that_meet_are_numbers_or_names(graph: Any) -> None:
    """So that workers of any kind agree on them; counting alone has one key, which is None."""
    keys = {name: coder for name, coder in groupings(graph) if name.split("/")[1] not in COUNTING}
    by_name = {name for name, coder in keys.items() if coder == BYTES}
    assert {name.split("/")[1] for name in by_name} == {"MeetAtShard", "SumSizes"}
    assert {coder for name, coder in keys.items() if name not in by_name} == {NUMBER}
    assert len(keys) == 7


def test_text_meets_at_shards_alone(graph: Any) -> None:
    """Before that, whatever is grouped comes from steps that send keys and places."""
    parts = graph.components
    makers = {pages: step for step in parts.transforms.values() for pages in step.outputs.values()}
    grouped = [step for step in parts.transforms.values() if step.spec.urn == "beam:transform:group_by_key:v1"]
    direct = {step.unique_name: makers[next(iter(step.inputs.values()))].unique_name for step in grouped}
    assert direct["Build/MeetAtShard"].startswith("Build/SendToShards")
    assert sum("SendToShards" in maker for maker in direct.values()) == 1


def test_sizes_are_asked_for_where_no_number_of_shards_is_given(tmp_path: Path) -> None:
    """Where one is, documents need not wait until the last of them is judged."""
    wet = crawls.write(tmp_path / "wet", [[]])
    for more, asked in (((), True), (("--shards", "4"), False)):
        names = [name for name, _ in groupings(dry_run(wet, *more)[0])]
        assert any("SumSizes" in name for name in names) is asked


def test_a_variant_in_a_file_is_not_for_dataflow(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Workers have none, so the first page would fail there."""
    wet, path = crawls.write(tmp_path / "wet", [[]]), tmp_path / "rules_for_test_graph.py"
    path.write_text(
        "from dataclasses import replace\nfrom c4pipe.variants import variant\n"
        "MINE = replace(variant('en'), name='mine')\n",
        "utf-8",
    )
    argv = ["--input", wet, "--output", "gs://bucket/c4", "--resources", "builtin", *DATAFLOW]
    for more in ((), ("--dry_run",)):
        assert build_c4.main([*argv, "--variant", f"en,{path}:MINE", *more]) == 1
        said = capsys.readouterr().err
        assert f"Dataflow's workers have no file {path}; install it as a module in the container image" in said
        assert "name the variant as module:NAME" in said


def test_the_graph_is_as_small_for_many_files(graph: Any, tmp_path: Path) -> None:
    """The listing is read by workers: no path is in the graph, and its size does not grow."""
    for number in range(200):
        (tmp_path / f"a-name-to-look-for-{number:03}.warc.wet.gz").write_bytes(b"x")
    few = graph.SerializeToString()
    many = dry_run(f"{tmp_path}/*", "--sdk_container_image", "image:1")[0].SerializeToString()
    assert b"a-name-to-look-for" not in many
    assert abs(len(many) - len(few)) < 200


def test_options_for_dataflow(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Beam's own are handed on; modules are found on the workers, not pickled from here."""
    (tmp_path / "one").write_bytes(b"x")
    _, given = dry_run(f"{tmp_path}/one", "--sdk_container_image", "image:1")
    assert "transforms built, nothing run" in capsys.readouterr().err
    cloud = given.view_as(GoogleCloudOptions)
    assert (cloud.project, cloud.region, cloud.temp_location) == ("my-project", "us-central1", "gs://bucket/tmp")
    assert given.get_all_options()["sdk_container_image"] == "image:1"
    assert given.view_as(SetupOptions).save_main_session is False


def test_local_paths_are_not_for_dataflow(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wet = crawls.write(tmp_path / "wet", [[]])
    argv = ["--input", wet, "--resources", "builtin", *DATAFLOW]
    assert build_c4.main([*argv, "--output", str(tmp_path / "build")]) == 1
    assert f"Dataflow's workers cannot reach '{tmp_path}/build'; give gs:// paths" in capsys.readouterr().err
    assert build_c4.main([*argv, "--output", "gs://bucket/c4"]) == 1
    assert f"cannot reach '{tmp_path}/wet/000.warc.wet.gz'" in capsys.readouterr().err
    assert not (tmp_path / "build").exists()


@pytest.mark.parametrize(
    ("more", "how"),
    [
        ((), "files"),
        (("--runner", "DirectRunner"), "shuffle"),
        (("--runner", "DirectRunner", "--exchange", "files"), "files"),
        (("--runner", "DataflowRunner"), "shuffle"),
        (("--runner", "FlinkRunner"), "shuffle"),
        (builds.by("shuffle"), "shuffle"),
        (("--runner", "FlinkRunner", "--exchange", "files"), "files"),
    ],
)
def test_how_steps_exchange(more: tuple[str, ...], how: str) -> None:
    parsed, _ = options.parser().parse_known_args(builds.arguments("x", "y", *more))
    assert options.exchange(parsed) == how
