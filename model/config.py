"""The configuration of a T5: its version and its sizes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, asdict, dataclass, fields, replace
from typing import Any

VERSIONS = ("v1.0", "v1.1")
PAD, EOS, UNK = 0, 1, 2  # T5's ids; a decoder starts from the pad
ROWS_MULTIPLE = 128  # Mesh-TensorFlow's vocab_divisor: 32,100 tokens make 32,128 rows

_POSITIVE = (
    "vocab_size",
    "d_model",
    "d_kv",
    "d_ff",
    "num_layers",
    "num_decoder_layers",
    "num_heads",
    "relative_attention_num_buckets",
    "relative_attention_max_distance",
)


@dataclass(frozen=True)
class T5Config:
    """The version and the sizes of a T5; ``vocab_size`` counts rows of the embedding, not tokens.

    v1.0 has a ReLU and one matrix for embedding and head. v1.1 has a gated GELU and a separate head.
    """

    version: str
    vocab_size: int
    d_model: int
    d_kv: int
    d_ff: int
    num_layers: int
    num_decoder_layers: int
    num_heads: int
    dropout_rate: float = 0.0
    relative_attention_num_buckets: int = 32
    relative_attention_max_distance: int = 128  # tokens; farther keys share the last bucket
    layer_norm_epsilon: float = 1e-6

    def __post_init__(self) -> None:
        if self.version not in VERSIONS:
            raise ValueError(f"version is {self.version!r}, but must be one of {', '.join(VERSIONS)}")
        for name in _POSITIVE:
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} is {value!r}, but must be a whole number of at least 1")
        if not 0 <= self.dropout_rate < 1:
            raise ValueError(f"dropout_rate is {self.dropout_rate}, but must lie in [0, 1)")
        if not self.layer_norm_epsilon > 0:
            raise ValueError(f"layer_norm_epsilon is {self.layer_norm_epsilon}, but must be above 0")
        buckets, farthest = self.relative_attention_num_buckets, self.relative_attention_max_distance
        if buckets < 4 or buckets % 4:
            raise ValueError(
                f"relative_attention_num_buckets is {buckets}, but must be a multiple of 4, since it is halved twice"
            )
        if farthest <= buckets // 2:
            raise ValueError(
                f"relative_attention_max_distance is {farthest}, but must be above {buckets // 2},"
                f" the distances that have a bucket of their own with {buckets} buckets"
            )

    @property
    def gated(self) -> bool:
        """True if the feed-forward layer has a gate (v1.1)."""
        return self.version == "v1.1"

    @property
    def tied(self) -> bool:
        """True if the head is the embedding (v1.0)."""
        return self.version == "v1.0"

    def parameter_count(self) -> int:
        """The number of trained parameters; tied ones count once."""
        d, inner = self.d_model, self.num_heads * self.d_kv
        feed_forward = (3 if self.gated else 2) * d * self.d_ff
        encoder = self.num_layers * (4 * d * inner + feed_forward + 2 * d)
        decoder = self.num_decoder_layers * (8 * d * inner + feed_forward + 3 * d)
        tables = 2 * self.relative_attention_num_buckets * self.num_heads
        return self.vocab_size * d * (1 if self.tied else 2) + encoder + decoder + 2 * d + tables

    def to_json(self) -> dict[str, Any]:
        """The fields as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> T5Config:
        """The configuration of these fields, as ``to_json`` gives them; unknown and missing fields are errors."""
        if unknown := sorted(set(values) - {field.name for field in fields(cls)}):
            raise ValueError(f"a T5 configuration has no fields {', '.join(unknown)}: remove them")
        require(values, [field.name for field in fields(cls) if field.default is MISSING])
        return cls(**values)

    def differences(self, config: T5Config) -> list[str]:
        """A readable clause for each field in which this configuration differs from ``config``."""
        ours, theirs = asdict(self), asdict(config)
        return [f"{name} is {ours[name]!r}, not {theirs[name]!r}" for name in ours if ours[name] != theirs[name]]

    def to_hf(self) -> dict[str, Any]:
        """The content of a ``config.json`` that transformers 4 and 5 read alike.

        It is written by hand: transformers 5 would write a v1.1 model as tied, and transformers 4 would then load it
        wrongly. When transformers 5 loads v1.1, it warns of two matrices, whatever ``tie_word_embeddings`` is.
        """
        names = [name for name in asdict(self) if name != "version"]
        return {
            "architectures": ["T5ForConditionalGeneration"],
            "model_type": "t5",
            **{name: getattr(self, name) for name in names},
            "initializer_factor": 1.0,
            "feed_forward_proj": "gated-gelu" if self.gated else "relu",
            "is_encoder_decoder": True,
            "use_cache": True,
            "pad_token_id": PAD,
            "eos_token_id": EOS,
            "decoder_start_token_id": PAD,
            "tie_word_embeddings": self.tied,
            "scale_decoder_outputs": self.tied,
        }

    @classmethod
    def from_hf(cls, values: Mapping[str, Any]) -> T5Config:
        """The configuration in a T5's ``config.json``; missing fields have the defaults of transformers."""
        kind = values.get("feed_forward_proj", "relu"), bool(values.get("tie_word_embeddings", True))
        versions = {("relu", True): "v1.0", ("gated-gelu", False): "v1.1"}
        if values.get("model_type", "t5") != "t5" or kind not in versions:
            raise ValueError(
                f"this is no T5 v1.0 or v1.1: model_type {values.get('model_type')!r}, feed_forward_proj {kind[0]!r},"
                f" tie_word_embeddings {kind[1]}; v1.0 is relu and tied, v1.1 gated-gelu and untied"
                " (transformers 5 saves v1.1 as tied: set tie_word_embeddings to false if lm_head.weight is there)"
            )
        require(values, ("vocab_size", "d_model", "d_kv", "d_ff", "num_layers", "num_heads"))
        known = {field.name for field in fields(cls)} & set(values) - {"version"}
        sizes = {"dropout_rate": 0.1, "num_decoder_layers": values["num_layers"]}
        return cls(**(sizes | {name: values[name] for name in known}), version=versions[kind])


def require(values: Mapping[str, Any], names: Iterable[str]) -> None:
    """Raise an error that lists the names without a value."""
    if missing := [name for name in names if name not in values]:
        raise ValueError(f"a T5 configuration needs {', '.join(missing)}: add them")


def embedding_rows(tokens: int) -> int:
    """The number of rows that T5's embedding has for so many tokens, sentinels included.

    >>> embedding_rows(32_000 + 100)
    32128
    """
    return -(-tokens // ROWS_MULTIPLE) * ROWS_MULTIPLE


def _sizes(version: str, d_model: int, layers: int, d_ff: int, num_heads: int, d_kv: int) -> T5Config:
    dropout = 0.1 if version == "v1.0" else 0.0  # v1.1 was pretrained without dropout
    return T5Config(version, 32128, d_model, d_kv, d_ff, layers, layers, num_heads, dropout)


# The released sizes, with 32,128 rows. The tiny ones are ours: they learn something in minutes on two CPU cores.
PRESETS: Mapping[str, T5Config] = {
    "v1.0-tiny": _sizes("v1.0", 128, 3, 512, 4, 32),
    "v1.0-small": _sizes("v1.0", 512, 6, 2048, 8, 64),
    "v1.0-base": _sizes("v1.0", 768, 12, 3072, 12, 64),
    "v1.0-large": _sizes("v1.0", 1024, 24, 4096, 16, 64),
    "v1.0-3B": _sizes("v1.0", 1024, 24, 16384, 32, 128),
    "v1.0-11B": _sizes("v1.0", 1024, 24, 65536, 128, 128),
    "v1.1-tiny": _sizes("v1.1", 128, 3, 256, 4, 32),
    "v1.1-small": _sizes("v1.1", 512, 8, 1024, 6, 64),
    "v1.1-base": _sizes("v1.1", 768, 12, 2048, 12, 64),
    "v1.1-large": _sizes("v1.1", 1024, 24, 2816, 16, 64),
    "v1.1-xl": _sizes("v1.1", 2048, 24, 5120, 32, 64),
    "v1.1-xxl": _sizes("v1.1", 4096, 24, 10240, 64, 64),
}


def preset(name: str, vocab_size: int) -> T5Config:
    """The preset of that name, with rows for ``vocab_size`` tokens."""
    if name not in PRESETS:
        raise ValueError(f"there is no preset {name!r}; there are {', '.join(PRESETS)}")
    return replace(PRESETS[name], vocab_size=embedding_rows(vocab_size))
