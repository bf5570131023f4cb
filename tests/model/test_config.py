from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from model.config import PRESETS, T5Config, embedding_rows, preset
from model.t5 import T5

# transformers 4.57.1 and the reference's gin files: parameters at 32,128 rows.
PUBLISHED = {
    "v1.0-small": 60_506_624,
    "v1.0-base": 222_903_552,
    "v1.0-large": 737_668_096,
    "v1.0-3B": 2_851_598_336,
    "v1.0-11B": 11_307_321_344,
    "v1.1-small": 76_961_152,
    "v1.1-base": 247_577_856,
    "v1.1-large": 783_150_080,
    "v1.1-xl": 2_849_757_184,
    "v1.1-xxl": 11_135_332_352,
}
SMALL = PRESETS["v1.1-small"]


@pytest.mark.parametrize(("name", "parameters"), PUBLISHED.items())
def test_published_sizes(name: str, parameters: int) -> None:
    assert PRESETS[name].parameter_count() == parameters


@pytest.mark.parametrize("name", PRESETS)
def test_the_network_has_as_many_parameters_as_the_formula_says(name: str) -> None:
    with torch.device("meta"):
        model = T5(PRESETS[name], seed=None)
    assert sum(weight.numel() for weight in model.parameters()) == PRESETS[name].parameter_count()


def test_stacks_of_different_depth_are_counted() -> None:
    config = replace(PRESETS["v1.0-tiny"], num_layers=2, num_decoder_layers=5)
    assert sum(weight.numel() for weight in T5(config).parameters()) == config.parameter_count()


@pytest.mark.parametrize("file", ["param_counts_4.57.1.json", "param_counts_5.23.0.json"])
def test_counts_of_transformers(shared: Path, file: str) -> None:
    for row in json.loads((shared / "golden/t5" / file).read_text())["rows"]:
        values = row["config"]
        version = "v1.0" if values["feed_forward_proj"] == "relu" else "v1.1"
        layers = values["num_layers"]
        sizes = (values["d_model"], values["d_kv"], values["d_ff"], layers, layers, values["num_heads"])
        assert T5Config(version, 32128, *sizes).parameter_count() == row["formula"], row["name"]


@pytest.mark.parametrize("version", ["v1.0", "v1.1"])
def test_hf_config_is_the_reference_checkpoint_s(shared: Path, version: str) -> None:
    written = json.loads((shared / "golden/t5/tiny_ckpt" / version / "config.json").read_text())
    config = T5Config.from_hf(written)
    assert config.version == version
    assert config.to_hf() == written


@pytest.mark.parametrize("name", PRESETS)
def test_configurations_come_back(name: str) -> None:
    config = PRESETS[name]
    assert T5Config.from_hf(json.loads(json.dumps(config.to_hf()))) == config
    assert T5Config.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_hf_defaults_fill_what_the_released_t5_small_leaves_out() -> None:
    """The fields of google's t5-small: no decoder depth, no activation, nothing on tying."""
    released = {"model_type": "t5", "d_ff": 2048, "d_kv": 64, "d_model": 512, "num_heads": 8, "num_layers": 6}
    released |= {"dropout_rate": 0.1, "layer_norm_epsilon": 1e-06, "vocab_size": 32128, "n_positions": 512}
    assert T5Config.from_hf(released) == PRESETS["v1.0-small"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"feed_forward_proj": "gated-silu"}, "gated-silu"),
        ({"tie_word_embeddings": True}, "set tie_word_embeddings to false"),  # as transformers 5 saves v1.1
        ({"model_type": "mt5"}, "mt5"),
    ],
)
def test_other_hf_networks_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        T5Config.from_hf(SMALL.to_hf() | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": "v1.2"}, "version is 'v1.2'"),
        ({"vocab_size": 0}, "vocab_size is 0"),
        ({"num_heads": 2.0}, "num_heads is 2.0"),
        ({"d_ff": True}, "d_ff is True"),
        ({"dropout_rate": 1.0}, "dropout_rate is 1.0"),
        ({"dropout_rate": -0.1}, "dropout_rate is -0.1"),
        ({"layer_norm_epsilon": 0.0}, "layer_norm_epsilon"),
        ({"relative_attention_num_buckets": 30}, "multiple of 4"),
        ({"relative_attention_max_distance": 16}, "must be above 16"),
    ],
)
def test_impossible_sizes_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(SMALL, **changes)


def test_the_nearest_possible_sizes_are_taken() -> None:
    config = replace(SMALL, vocab_size=1, dropout_rate=0.0, relative_attention_max_distance=17)
    assert (config.vocab_size, config.dropout_rate, config.relative_attention_max_distance) == (1, 0.0, 17)


@pytest.mark.parametrize(("tokens", "rows"), [(127, 128), (128, 128), (129, 256), (32_100, 32_128)])
def test_rows_are_a_multiple_of_128(tokens: int, rows: int) -> None:
    assert embedding_rows(tokens) == rows
    assert preset("v1.0-tiny", tokens).vocab_size == rows


def test_unknown_preset_names_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"no preset 'tiny'; there are v1\.0-tiny, "):
        preset("tiny", 32_100)


def test_missing_fields_are_named() -> None:
    values = SMALL.to_json()
    del values["d_ff"], values["num_heads"]
    with pytest.raises(ValueError, match="needs d_ff, num_heads: add them"):
        T5Config.from_json(values)
    with pytest.raises(ValueError, match="needs d_model, num_layers: add them"):
        T5Config.from_hf(
            {name: value for name, value in SMALL.to_hf().items() if name not in ("d_model", "num_layers")}
        )


def test_unknown_fields_are_named() -> None:
    with pytest.raises(ValueError, match="depth"):
        T5Config.from_json(SMALL.to_json() | {"depth": 3})


def test_differences_name_field_and_values() -> None:
    assert SMALL.differences(SMALL) == []
    assert SMALL.differences(replace(SMALL, d_ff=7, num_heads=1)) == ["d_ff is 1024, not 7", "num_heads is 6, not 1"]
