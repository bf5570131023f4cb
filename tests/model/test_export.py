"""The exported folder, and the network that transformers 4 and 5, each in its own process, load from it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from runs import have_equal_weights, mean_loss
from safetensors.torch import load_file, save_file

from model import checkpoint, export, tokenizer
from model.config import preset
from model.optim import Adafactor
from model.t5 import T5, shift_right
from tests.support.required import is_required

VERSIONS = ["v1.0", "v1.1"]
LINE = "The network <extra_id_0> the matrix <extra_id_1>."

# Loads a folder of ours and says what it has. The arguments: a folder, a line of text.
LOADER = """
import json, sys
import torch, transformers
torch.set_num_threads(2)
inputs, labels = torch.tensor([[5, 9, 11, 1], [7, 8, 1, 0]]), torch.tensor([[6, 7, 1], [8, 1, 0]])
values = {"transformers": transformers.__version__}
for folder in sys.argv[2:]:
    model = transformers.T5ForConditionalGeneration.from_pretrained(folder).eval()
    starts = torch.nn.functional.pad(labels, (1, 0))[:, :-1]
    with torch.no_grad():
        logits = model(input_ids=inputs, attention_mask=inputs != 0, decoder_input_ids=starts).logits
    words = transformers.AutoTokenizer.from_pretrained(folder)
    values[folder] = {
        "logits": logits.tolist(), "dtype": str(logits.dtype),
        "tokens": len(words), "ids": words(sys.argv[1])["input_ids"],
        "special": words.convert_tokens_to_ids(["<pad>", "</s>", "<unk>", "<extra_id_0>", "<extra_id_99>"]),
        "tied": model.lm_head.weight is model.shared.weight, "start": model.generation_config.decoder_start_token_id,
    }
print(json.dumps(values))
"""


@pytest.fixture(scope="module")
def spiece(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tokenizer") / "spiece.model"
    path.write_bytes(tokenizer.train([Path(export.__file__).read_text()], vocab_size=200))
    return path


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory, spiece: Path) -> dict[Path, T5]:
    """A network of each version, after a step of training so that no norm is 1, and the folder that it went to."""
    networks = {}
    for version in VERSIONS:
        model = T5(preset(f"{version}-tiny", 300))
        optimizer = Adafactor(model.parameters(), lr=1.0)
        targets = torch.tensor([[6, 7, 1]])
        mean_loss(model(torch.tensor([[5, 9, 1]]), shift_right(targets)), targets).backward()
        optimizer.step()
        folder = tmp_path_factory.mktemp("export") / version
        export.save_hf(model.eval(), folder, tokenizer=spiece, step=1)
        networks[folder] = model
    return networks


def check_load(values: Any, exports: dict[Path, T5], spiece: Path) -> None:
    words = tokenizer.Tokenizer.load(spiece)
    inputs, targets = torch.tensor([[5, 9, 11, 1], [7, 8, 1, 0]]), torch.tensor([[6, 7, 1], [8, 1, 0]])
    for folder, model in exports.items():
        theirs = values[str(folder)]
        with torch.no_grad():
            ours = model(inputs, shift_right(targets))
        torch.testing.assert_close(torch.tensor(theirs["logits"]), ours, rtol=0, atol=1e-5)
        assert (theirs["dtype"], theirs["start"], theirs["tied"]) == ("torch.float32", 0, model.config.tied)
        assert theirs["tokens"] == words.vocab_size == 300
        assert theirs["special"] == [0, 1, 2, words.sentinel_id(0), words.sentinel_id(99)]
        parts = [words.encode("The network"), [299], words.encode("the matrix"), [298], words.encode("."), [1]]
        assert theirs["ids"] == [token for part in parts for token in part]


def loaded(folders: list[Path], extra: str | None) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, [extra, os.environ.get("PYTHONPATH")]))
    environment = os.environ | {"PYTHONPATH": path, "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-c", LOADER, LINE, *map(str, folders)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done


def load_elsewhere(folders: list[Path], extra: str | None) -> Any:
    return json.loads(loaded(folders, extra).stdout.splitlines()[-1])


def test_transformers_5_loads_the_same_network(exports: dict[Path, T5], spiece: Path) -> None:
    values = load_elsewhere(list(exports), None)
    assert values["transformers"].startswith("5.")
    check_load(values, exports, spiece)


def test_what_transformers_5_warns_of_is_in_the_config_already(exports: dict[Path, T5]) -> None:
    """It takes v1.1 for tied, too, finds two matrices, and asks for what the config has said all the time."""
    for folder in exports:
        tied = folder.name == "v1.0"
        assert json.loads((folder / "config.json").read_text())["tie_word_embeddings"] is tied
        assert ("update the config with `tie_word_embeddings=False`" in loaded([folder], None).stderr) is not tied


def test_transformers_4_loads_the_same_network(exports: dict[Path, T5], spiece: Path) -> None:
    folder = os.environ.get("C4_TRANSFORMERS_4")
    if not folder:
        assert not is_required("EXTRAS"), (
            "C4_REQUIRE_EXTRAS=1, so set C4_TRANSFORMERS_4 to a folder with transformers 4"
        )
        pytest.skip("C4_TRANSFORMERS_4 names no folder with transformers 4")
    values = load_elsewhere(list(exports), folder)
    assert values["transformers"].startswith("4.57.")
    check_load(values, exports, spiece)


@pytest.mark.parametrize("version", VERSIONS)
def test_forward_is_the_reference_s(shared: Path, version: str) -> None:
    golden = json.loads((shared / "golden/t5/forward_tiny.json").read_text())
    model = export.load_hf(shared / "golden/t5/tiny_ckpt" / version)
    targets = torch.tensor(golden["inputs"]["labels"]).clamp(min=0)
    with torch.no_grad():
        logits = model(torch.tensor(golden["inputs"]["input_ids"]), shift_right(targets))
    assert len(golden["results"]) == 2
    for results in golden["results"].values():
        expected = results[version]
        assert mean_loss(logits, targets, z_loss=0).item() == pytest.approx(expected["loss"], abs=1e-5)
        assert logits[0, 0, :8].tolist() == pytest.approx(expected["logits_0_0_first8"], abs=5e-6)
        assert logits[1, 2, :8].tolist() == pytest.approx(expected["logits_1_2_first8"], abs=5e-6)
        exact = logits.double()
        for name, value in (("sum", exact.sum()), ("abs_sum", exact.abs().sum()), ("sq_sum", exact.square().sum())):
            assert value.item() == pytest.approx(expected[f"logits_{name}"], rel=2e-4)


@pytest.mark.parametrize("version", VERSIONS)
def test_names_are_those_that_transformers_stores(shared: Path, tmp_path: Path, version: str) -> None:
    stored = json.loads((shared / "golden/t5/hf_weight_names.json").read_text())[version]["stored"]
    source = shared / "golden/t5/tiny_ckpt" / version
    model = export.load_hf(source)
    export.save_hf(model, tmp_path)
    written = load_file(tmp_path / "model.safetensors")
    assert sorted(written) == sorted(stored)
    original = load_file(source / "model.safetensors")
    assert all(torch.equal(written[name], original[name]) for name in stored)
    assert json.loads((tmp_path / "config.json").read_text()) == model.config.to_hf()


def test_a_network_comes_back_from_its_export(exports: dict[Path, T5]) -> None:
    for folder, model in exports.items():
        again = export.load_hf(folder)
        assert again.config == model.config
        assert not again.training
        assert have_equal_weights(model, again)


def test_the_export_has_these_files(exports: dict[Path, T5], spiece: Path) -> None:
    for folder in exports:
        assert sorted(path.name for path in folder.iterdir()) == [
            "README.md",
            "config.json",
            "generation_config.json",
            "model.safetensors",
            "spiece.model",
            "tokenizer_config.json",
        ]
        assert (folder / "spiece.model").read_bytes() == spiece.read_bytes()
        generation = json.loads((folder / "generation_config.json").read_text())
        assert generation == {"decoder_start_token_id": 0, "eos_token_id": 1, "pad_token_id": 0}


def test_the_card_tells_tokens_from_rows(exports: dict[Path, T5], tmp_path: Path) -> None:
    for folder in exports:
        card = (folder / "README.md").read_text()
        assert "300 tokens: 200 pieces, then 100 sentinels, `<extra_id_0>` = 299 down to `<extra_id_99>` = 200." in card
        assert "384 rows, the next multiple of 128. Rows 300 to 383 stand for no token." in card
        assert "T5 itself has 32100 tokens and 32128 rows" in card
        assert "after 1 steps" in card
        assert ("transformers 5 takes every T5 for tied, whatever its config says" in card) is (folder.name == "v1.1")
    export.save_hf(T5(preset("v1.0-tiny", 256)), tmp_path)
    bare = (tmp_path / "README.md").read_text()
    assert "256 rows" in bare
    assert "This folder has no tokenizer. T5 itself has 32100 tokens and 32128 rows" in bare
    assert not (tmp_path / "spiece.model").exists()


def test_a_tokenizer_of_another_size_is_refused(tmp_path: Path, spiece: Path) -> None:
    with pytest.raises(ValueError, match=r"300 tokens, which make 384 rows, but the network has 256"):
        export.save_hf(T5(preset("v1.0-tiny", 256)), tmp_path / "out", tokenizer=spiece)
    assert not (tmp_path / "out").exists()


def test_a_folder_with_a_configuration_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An export that fails over an older one leaves a folder that nothing loads, not a mixture."""
    export.save_hf(T5(preset("v1.0-tiny", 128)), tmp_path)
    assert (tmp_path / "config.json").is_file()
    monkeypatch.setattr(export, "card", lambda *_: "\ud800")  # no text that UTF-8 has
    with pytest.raises(UnicodeEncodeError):
        export.save_hf(T5(preset("v1.1-tiny", 128)), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "README.md", "generation_config.json", "model.safetensors",
    ]  # fmt: skip


def drop(tensors: dict[str, torch.Tensor]) -> None:
    del tensors["lm_head.weight"]


def add(tensors: dict[str, torch.Tensor]) -> None:
    tensors["adapter.weight"] = torch.ones(1)


@pytest.mark.parametrize(("change", "message"), [(drop, "lacks .'lm_head.weight'"), (add, "has .'adapter.weight'")])
def test_weights_that_do_not_fit_are_named(
    tmp_path: Path, change: Callable[[dict[str, torch.Tensor]], None], message: str
) -> None:
    export.save_hf(T5(preset("v1.1-tiny", 128)), tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    change(tensors)
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match=message):
        export.load_hf(tmp_path)


def test_aliases_of_the_embedding_are_overlooked(tmp_path: Path) -> None:
    """Old files of T5 hold the one matrix up to four times."""
    model = T5(preset("v1.0-tiny", 128))
    export.save_hf(model, tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    for alias in ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight"):
        tensors[alias] = tensors["shared.weight"].clone()
    save_file(tensors, tmp_path / "model.safetensors")
    assert torch.equal(export.load_hf(tmp_path).embedding.weight, model.embedding.weight)


def test_weights_in_several_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(preset("v1.0-tiny", 128).to_hf()))
    with pytest.raises(FileNotFoundError, match=r"model.safetensors is not there"):
        export.load_hf(tmp_path)


@pytest.mark.parametrize("given", ["folder", "file"])
def test_the_command_exports_a_checkpoint(
    tmp_path: Path, spiece: Path, given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    models = [T5(preset("v1.1-tiny", 300), seed=seed) for seed in (1, 2)]
    paths = [
        checkpoint.save(tmp_path / "run", model, Adafactor(model.parameters()), step=1000 * seed, position={})
        for seed, model in enumerate(models, 1)
    ]
    source, model = (tmp_path / "run", models[1]) if given == "folder" else (paths[0], models[0])
    output = tmp_path / "a" / "new" / "folder"
    assert export.main([str(source), str(output), "--tokenizer", str(spiece)]) == 0
    assert capsys.readouterr().out == f"{output}\n"
    assert torch.equal(export.load_hf(output).embedding.weight, model.embedding.weight)
    assert f"after {'2,000' if given == 'folder' else '1,000'} steps" in (output / "README.md").read_text()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (".", "holds no checkpoint (step-XXXXXXXX.safetensors): name another"),
        ("step-00000001.safetensors", "step-00000001.safetensors is not there: name a checkpoint"),
        ("step-00000002.safetensors", "step-00000002.safetensors is no whole checkpoint"),
    ],
)
def test_the_command_says_what_is_missing(
    tmp_path: Path, source: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    if source != ".":
        (folder / "step-00000002.safetensors").write_bytes(b"half")
    assert export.main([str(folder / source), str(tmp_path / "out")]) == 1
    assert re.search(rf"^export: .*{re.escape(message)}", capsys.readouterr().err)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["FILE"], "file is a file, but must be a folder: name another folder"),
        (["OUT", "--tokenizer", "FILE"], "file is no SentencePiece model"),
        (["OUT", "--tokenizer", "."], "is a folder: name the file in it, such as spiece.model"),
        (["OUT", "--tokenizer", "nowhere"], "nowhere is not there: train a tokenizer"),
    ],
)
def test_the_command_names_what_it_cannot_use(
    tmp_path: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_bytes(b"junk")
    model = T5(preset("v1.1-tiny", 128))
    path = checkpoint.save(tmp_path / "run", model, Adafactor(model.parameters()), step=1, position={})
    names = {"FILE": str(tmp_path / "file"), "OUT": str(tmp_path / "out")}
    assert export.main([str(path), *(names.get(option, option) for option in options)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("export: ")
    assert message in error
    assert not (tmp_path / "out").exists()


def test_wrong_usage_of_the_command() -> None:
    with pytest.raises(SystemExit) as stopped:
        export.main([])
    assert stopped.value.code == 2


def test_ctrl_c_stops_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "load_model", interrupted)
    assert export.main([str(tmp_path / "step-00000001.safetensors"), str(tmp_path / "out")]) == 130
    assert capsys.readouterr().err == f"export: interrupted; {tmp_path / 'out'} may lack files; export again\n"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("{", "config.json is no JSON"),
        ("[]", "config.json: a T5 configuration needs vocab_size, d_model"),
        ("{}", "config.json: a T5 configuration needs vocab_size, d_model"),
        ('{"model_type": "bert"}', "config.json: this is no T5 v1.0 or v1.1: model_type 'bert'"),
    ],
)
def test_a_configuration_that_is_none_is_named(tmp_path: Path, config: str, message: str) -> None:
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(ValueError, match=re.escape(message)):
        export.load_hf(tmp_path)


def test_weights_that_are_not_whole_are_named(tmp_path: Path) -> None:
    export.save_hf(T5(preset("v1.1-tiny", 128)), tmp_path)
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"model\.safetensors is no whole .*: copy or export it again"):
        export.load_hf(tmp_path)
