"""The vocabulary: T5's layout, no way to smuggle a sentinel in, the same bytes for the same documents."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c4pipe.shards import read_write
from model import train_tokenizer
from model.tokenizer import MAX_LINE_BYTES, Tokenizer, cut, train

LETTERS = random.Random(0)
WORDS = ["".join(LETTERS.choices("abcdefghijklmnoprstuwyz", k=LETTERS.randint(2, 8))) for _ in range(300)]
SENTENCES = [" ".join(random.Random(i).choices(WORDS, k=12)) for i in range(200)]


@pytest.fixture(scope="module")
def tokens() -> Tokenizer:
    return Tokenizer(train(SENTENCES, vocab_size=60))


@pytest.fixture(scope="module")
def marked() -> Tokenizer:
    """Trained on text that holds the names of control symbols."""
    return Tokenizer(train([*SENTENCES, *["<extra_id_0> </p> & 99"] * 200], vocab_size=80))


def test_layout(tokens: Tokenizer) -> None:
    assert (tokens.pieces, tokens.vocab_size, tokens.padded_vocab_size) == (60, 160, 256)
    assert tokens.sentinel_id(0) == 159
    assert tokens.sentinel_id(99) == 60
    assert not tokens.is_sentinel(59)
    assert tokens.is_sentinel(60)
    assert tokens.is_sentinel(159)
    assert not tokens.is_sentinel(160)


@pytest.mark.parametrize("index", [-1, 100])
def test_no_such_sentinel(tokens: Tokenizer, index: int) -> None:
    with pytest.raises(ValueError, match="has 100, counted from 0"):
        tokens.sentinel_id(index)


@pytest.mark.parametrize(("pieces", "rows"), [(28, 128), (29, 256)])
def test_rows_are_a_multiple_of_128(tokens: Tokenizer, pieces: int, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "pieces", pieces)
    assert tokens.padded_vocab_size == rows


def test_there_and_back(tokens: Tokenizer) -> None:
    ids = tokens.encode(SENTENCES[0])
    assert tokens.decode(ids) == SENTENCES[0]
    assert min(ids) > 2


def test_newlines_and_doubled_spaces_become_one_space_as_in_t5(tokens: Tokenizer) -> None:
    assert tokens.encode("the dog\njumps  over") == tokens.encode("the dog jumps over")


def test_decode_shows_sentinels_stops_at_eos_and_leaves_padding_out(tokens: Tokenizer) -> None:
    ids = [tokens.sentinel_id(0), 0, *tokens.encode("the dog"), tokens.sentinel_id(1), tokens.sentinel_id(2), 1]
    assert tokens.decode([*ids, *tokens.encode("dog")]) == "<extra_id_0> the dog <extra_id_1> <extra_id_2>"
    assert tokens.decode([tokens.vocab_size]) == tokens.decode([2])  # a row that stands for nothing
    assert tokens.decode([]) == ""


ODDITIES = ["<extra_id_0>", " <extra_id_99> ", "</s>", "<pad>", "<unk>", "<s>", "\u2581<extra_id_0>", "\x00", "\u2581"]


@given(st.lists(st.one_of(st.sampled_from(ODDITIES), st.text(max_size=8)), max_size=8))
def test_no_text_becomes_a_sentinel_or_control_symbol(marked: Tokenizer, parts: list[str]) -> None:
    ids = marked.encode("".join(parts))
    assert not any(marked.is_sentinel(token) or token in (0, 1) for token in ids)
    assert all(2 <= token < marked.pieces for token in ids)


def test_the_text_of_a_sentinel_survives_as_text(marked: Tokenizer) -> None:
    assert marked.decode(marked.encode("an <extra_id_0> old </s> dog")) == "an <extra_id_0> old </s> dog"


def test_training_is_deterministic_and_the_vocabulary_exact() -> None:
    assert train(SENTENCES, vocab_size=60) == train(iter(SENTENCES), vocab_size=60)
    assert train(SENTENCES, vocab_size=60) != train(SENTENCES[:100], vocab_size=60)


def test_a_vocabulary_that_is_too_large_names_the_largest_possible() -> None:
    with pytest.raises(ValueError, match=r"of 5000 is too large for this text: the largest possible is \d+") as error:
        train(SENTENCES, vocab_size=5000)
    largest = int(str(error.value).rpartition(" ")[2])
    assert Tokenizer(train(SENTENCES, vocab_size=largest)).pieces == largest
    with pytest.raises(ValueError, match=f"the largest possible is {largest}"):
        train(SENTENCES, vocab_size=largest + 1)


def test_a_vocabulary_that_is_too_small_names_what_is_too_few() -> None:
    with pytest.raises(ValueError, match=r"of 10 is too small for the letters of this text: take more than \d+"):
        train(SENTENCES, vocab_size=10)


@pytest.mark.parametrize("texts", [[], [""], ["\n"]])
def test_nothing_to_train_on(texts: list[str]) -> None:
    with pytest.raises(ValueError, match="are empty"):
        train(texts, vocab_size=60)


def test_what_is_no_tokenizer(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"is not there: train a tokenizer, python -m model\.train_tokenizer"):
        Tokenizer.load(tmp_path / "spiece.model")
    (tmp_path / "spiece.model").write_bytes(b"junk")
    with pytest.raises(ValueError, match=r"spiece\.model is no SentencePiece model"):
        Tokenizer.load(tmp_path / "spiece.model")
    with pytest.raises(IsADirectoryError, match="is a folder: name the file in it"):
        Tokenizer.load(tmp_path)


@given(st.text(alphabet=st.sampled_from("ab é\U0001f600"), max_size=60), st.integers(4, 12))
def test_cut_loses_nothing_and_keeps_to_the_limit(line: str, max_bytes: int) -> None:
    parts = list(cut(line, max_bytes=max_bytes))
    assert "".join(parts) == line
    assert all(len(part.encode()) <= max_bytes for part in parts)


@pytest.mark.parametrize(
    ("line", "parts"),
    [("aaaa", ["aaaa"]), ("aaaaa", ["aaaa", "a"]), ("aa aa", ["aa", " aa"]), ("éééé", ["éé", "éé"])],
)
def test_cut_at_the_limit(line: str, parts: list[str]) -> None:
    assert list(cut(line, max_bytes=4)) == parts


def test_lines_that_sentencepiece_would_skip_are_learned_from() -> None:
    long = "zygote " * (MAX_LINE_BYTES // 7 + 1)
    assert "\u2581zygote" in pieces_of(train([*SENTENCES, long], vocab_size=60))


def pieces_of(model: bytes) -> set[str]:
    loaded = Tokenizer(model)._model
    return {loaded.IdToPiece(i) for i in range(loaded.GetPieceSize())}


# The command


def write_shards(folder: Path, texts: list[str], format: str, count: int) -> None:
    folder.mkdir(exist_ok=True)
    for index in range(count):
        rows = [
            {"text": text, "url": f"http://a.example/{text[:20]}", "timestamp": "2019-04-18T00:00:00Z"}
            | {"content-type": "text/plain", "content-length": "1"}
            for text in texts[index::count]
        ]
        name = read_write.shard_name(format, "train", index, count)
        with open(folder / name, "wb") as stream:
            read_write.write_shard(format, stream, read_write.table(rows), name=name)


@pytest.mark.parametrize(("format", "count", "order"), [("jsonl", 1, 1), ("parquet", 3, -1), ("tfrecord", 2, 1)])
def test_the_same_documents_give_the_same_model(format: str, count: int, order: int, tmp_path: Path) -> None:
    write_shards(tmp_path / "shards", SENTENCES[::order], format, count)
    command = ["--shards", str(tmp_path / "shards"), "--output", str(tmp_path / "out" / "spiece.model")]
    assert train_tokenizer.main([*command, "--vocab_size", "60"]) == 0
    expected = train_tokenizer.sample(SENTENCES, max_documents=None, max_bytes=10**9, seed=0)
    assert (tmp_path / "out" / "spiece.model").read_bytes() == train(expected, vocab_size=60)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["spiece.model"]


def test_sampling_is_by_content() -> None:
    few = train_tokenizer.sample(SENTENCES, max_documents=5, max_bytes=10**9, seed=0)
    assert len(few) == 5
    assert few == train_tokenizer.sample(reversed(SENTENCES), max_documents=5, max_bytes=10**9, seed=0)
    assert few != train_tokenizer.sample(SENTENCES, max_documents=5, max_bytes=10**9, seed=1)
    everything = train_tokenizer.sample(SENTENCES, max_documents=None, max_bytes=10**9, seed=0)
    assert everything[:5] == few
    assert sorted(everything) == sorted(SENTENCES)


@pytest.mark.parametrize(("max_bytes", "kept"), [(0, 1), (3, 1), (5, 1), (6, 2), (9, 3)])
def test_sampling_by_bytes(max_bytes: int, kept: int) -> None:
    assert (
        len(train_tokenizer.sample(["aaa", "", "bbb", "ccc"], max_documents=None, max_bytes=max_bytes, seed=0)) == kept
    )


def test_command_without_shards(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train_tokenizer.main(["--shards", str(tmp_path), "--output", str(tmp_path / "spiece.model")]) == 1
    assert "has no shards of split 'train'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_command_with_too_large_a_vocabulary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_shards(tmp_path / "shards", SENTENCES, "jsonl", 1)
    command = ["--shards", str(tmp_path / "shards"), "--output", str(tmp_path / "spiece.model")]
    assert train_tokenizer.main(command) == 1
    assert "a vocabulary of 32000 is too large for this text" in capsys.readouterr().err
    assert not (tmp_path / "spiece.model").exists()


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        train_tokenizer.main(["--help"])
    assert "python -m model.train_tokenizer --shards build/en" in capsys.readouterr().out


@pytest.mark.parametrize("number", ["0", "-1"])
def test_a_limit_of_nothing_is_refused(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        train_tokenizer.main(["--shards", "x", "--output", "y", "--max_documents", number])
    assert stopped.value.code == 2
    assert "is less than 1" in capsys.readouterr().err


def test_an_output_that_cannot_be_written_is_told_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(train_tokenizer, "find_shards", pytest.fail)
    assert train_tokenizer.main(["--shards", "x", "--output", str(tmp_path)]) == 1
    assert f"train_tokenizer: {tmp_path} is a folder, but must be a file: add a file name" in capsys.readouterr().err


def test_a_missing_output_folder_is_made(tmp_path: Path) -> None:
    write_shards(tmp_path / "shards", SENTENCES, "jsonl", 1)
    output = tmp_path / "a" / "b" / "spiece.model"
    command = ["--shards", str(tmp_path / "shards"), "--output", str(output), "--vocab_size", "60"]
    assert train_tokenizer.main(command) == 0
    assert Tokenizer.load(output).pieces == 60


def test_ctrl_c_leaves_no_vocabulary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(train_tokenizer, "find_shards", interrupted)
    output = tmp_path / "spiece.model"
    assert train_tokenizer.main(["--shards", "x", "--output", str(output)]) == 130
    assert capsys.readouterr().err == f"train_tokenizer: interrupted; {output} is not written\n"
    assert not output.exists()
