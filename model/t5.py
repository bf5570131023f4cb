"""T5, versions 1.0 and 1.1: the network and its initialisation.

After t5x (``examples/t5/network.py``). It departs in three things, and no formula changes. Dropout masks are not shared
along the length. Distances are sorted into buckets with integers. Under bfloat16 the residual stream stays in float32.

B batch, S source and T target positions, Q query and K key positions, H heads, D model width, V embedding rows.
"""

# Longer than 200 lines: one network, read from top to bottom.
from __future__ import annotations

import contextlib

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.config import PAD, T5Config

MASKED = -1e10  # as in t5x: this logit has the probability 0, and a row whose logits are all masked stays finite
TRUNCATED_STD = 0.87962566103423978  # of a standard normal cut at two standard deviations, as flax corrects for it


class Linear(nn.Linear):
    """A matrix without a bias. It is empty until ``T5.initialize`` or a checkpoint fills it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, bias=False)

    def reset_parameters(self) -> None:
        """Leave the weight as it is."""


class Embedding(nn.Embedding):
    """A table of rows, empty at first as ``Linear`` is."""

    def reset_parameters(self) -> None:
        """Leave the weight as it is."""


class RMSNorm(nn.Module):
    """Divides by the root mean square, in float32, and scales; it neither centres nor shifts."""

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(config.d_model))
        self.epsilon = config.layer_norm_epsilon

    def forward(self, x: Tensor) -> Tensor:
        """The normed ``x``, in float32."""
        x = x.float()
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.epsilon) * self.weight


def distance_buckets(buckets: int, max_distance: int) -> list[int]:
    """The bucket of each distance from 0 to ``max_distance``.

    The first half of the buckets hold one distance each. The rest grow with the logarithm: distance n is in bucket
    ``half + trunc(ln(n / half) / ln(max_distance / half) * rest)``. Integers solve this, since a device may round a
    distance on a border to either side.
    """
    half = buckets // 2
    rest = buckets - half

    def bucket(n: int) -> int:
        if n < half:
            return n
        steps = (m for m in range(rest) if n**rest * half**m >= max_distance**m * half**rest)
        return half + max(steps)

    return [bucket(n) for n in range(max_distance + 1)]


class RelativeBias(nn.Module):
    """The bias that each head adds to a logit, by the distance of key and query; all layers of a stack share it."""

    bucket_of: Tensor

    def __init__(self, config: T5Config, *, bidirectional: bool) -> None:
        super().__init__()
        self.bidirectional = bidirectional
        self.buckets = config.relative_attention_num_buckets // (2 if bidirectional else 1)
        self.weight = nn.Parameter(torch.empty(config.relative_attention_num_buckets, config.num_heads))
        table = distance_buckets(self.buckets, config.relative_attention_max_distance)
        self.register_buffer("bucket_of", torch.tensor(table), persistent=False)

    def bucket(self, offset: Tensor) -> Tensor:
        """The bucket of each ``offset``, which is key position minus query position."""
        distance = offset.abs() if self.bidirectional else (-offset).clamp(min=0)
        bucket = self.bucket_of[distance.clamp(max=len(self.bucket_of) - 1)]
        return bucket + self.buckets * (offset > 0) if self.bidirectional else bucket

    def forward(self, queries: int, keys: int) -> Tensor:
        """The bias for the first queries and keys; (1, H, Q, K)."""
        positions = torch.arange(max(queries, keys), device=self.weight.device)
        offset = positions[None, :keys] - positions[:queries, None]  # (Q, K)
        return functional.embedding(self.bucket(offset), self.weight).permute(2, 0, 1)[None]


class Attention(nn.Module):
    """Softmax attention with several heads."""

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        inner = config.num_heads * config.d_kv
        self.heads, self.dropout = config.num_heads, config.dropout_rate
        self.q, self.k, self.v = (Linear(config.d_model, inner) for _ in range(3))
        self.o = Linear(inner, config.d_model)

    def forward(self, x: Tensor, source: Tensor, bias: Tensor) -> Tensor:
        """What ``x`` (B, Q, D) reads from ``source`` (B, K, D); (B, Q, D). ``bias`` is broadcast to (B, H, Q, K)."""
        q, k, v = (
            states.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (B, H, Q or K, d_kv)
            for states in (self.q(x), self.k(source), self.v(source))
        )
        dropout = self.dropout if self.training else 0.0
        # No 1/sqrt(d): the initial q has this factor in T5. The kernels sum and normalise in float32.
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias, dropout_p=dropout, scale=1.0)
        outputs: Tensor = self.o(mixed.transpose(1, 2).flatten(-2))
        return outputs


class FeedForward(nn.Module):
    """Two matrices with a ReLU between them (v1.0), or three with a gated GELU (v1.1)."""

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        self.gated = config.gated
        if config.gated:
            self.wi_0, self.wi_1 = Linear(config.d_model, config.d_ff), Linear(config.d_model, config.d_ff)
        else:
            self.wi = Linear(config.d_model, config.d_ff)
        self.wo = Linear(config.d_ff, config.d_model)
        self.dropout = nn.Dropout(config.dropout_rate)

    def forward(self, x: Tensor) -> Tensor:
        """The new states, each computed from its own position alone."""
        if self.gated:
            hidden = functional.gelu(self.wi_0(x), approximate="tanh") * self.wi_1(x)
        else:
            hidden = functional.relu(self.wi(x))
        outputs: Tensor = self.wo(self.dropout(hidden))
        return outputs


class Block(nn.Module):
    """Self-attention, in a decoder cross-attention, and a feed-forward layer; each reads normed states and is added."""

    def __init__(self, config: T5Config, *, decoder: bool) -> None:
        super().__init__()
        self.self_attention_norm, self.self_attention = RMSNorm(config), Attention(config)
        if decoder:
            self.cross_attention_norm, self.cross_attention = RMSNorm(config), Attention(config)
        self.feed_forward_norm, self.feed_forward = RMSNorm(config), FeedForward(config)
        self.dropout = nn.Dropout(config.dropout_rate)

    def forward(self, x: Tensor, bias: Tensor, memory: Tensor | None, cross_bias: Tensor | None) -> Tensor:
        """``x`` (B, Q, D) plus the outputs of the sublayers."""
        normed = self.self_attention_norm(x)
        x = x + self.dropout(self.self_attention(normed, normed, bias))
        if memory is not None and cross_bias is not None:
            x = x + self.dropout(self.cross_attention(self.cross_attention_norm(x), memory, cross_bias))
        outputs: Tensor = x + self.dropout(self.feed_forward(self.feed_forward_norm(x)))
        return outputs


class Stack(nn.Module):
    """An encoder or a decoder: blocks that share one relative bias, and a last norm."""

    def __init__(self, config: T5Config, *, decoder: bool) -> None:
        super().__init__()
        self.relative_bias = RelativeBias(config, bidirectional=not decoder)
        layers = config.num_decoder_layers if decoder else config.num_layers
        self.blocks = nn.ModuleList(Block(config, decoder=decoder) for _ in range(layers))
        self.norm = RMSNorm(config)
        self.dropout = nn.Dropout(config.dropout_rate)

    def forward(
        self, x: Tensor, mask: Tensor, memory: Tensor | None = None, cross_mask: Tensor | None = None
    ) -> Tensor:
        """The states of the embedded ``x`` (B, Q, D); masks are true where a query may see a key."""
        length = x.shape[1]
        bias = masked(self.relative_bias(length, length), mask)
        cross_bias = None if cross_mask is None else masked(torch.zeros((), device=x.device), cross_mask)
        x = self.dropout(x)
        for block in self.blocks:
            x = block(x, bias, memory, cross_bias)
        states: Tensor = self.dropout(self.norm(x))
        return states


def masked(bias: Tensor, mask: Tensor) -> Tensor:
    """``bias`` where the mask (B or 1, Q or 1, K) is true, else MASKED, in attention's precision; (B, H, Q, K)."""
    bias = torch.where(mask[:, None], bias, MASKED)
    device = bias.device.type  # rounded once for all layers: autocast would round it, and keep a copy, in each layer
    return bias.to(torch.get_autocast_dtype(device)) if torch.is_autocast_enabled(device) else bias


class T5(nn.Module):
    """An encoder and a decoder that share an embedding.

    Only ``seed`` decides the initial weights. None leaves them empty, for a checkpoint to fill.
    """

    def __init__(self, config: T5Config, *, seed: int | None = 0) -> None:
        super().__init__()
        self.config = config
        self.embedding = Embedding(config.vocab_size, config.d_model)
        self.encoder = Stack(config, decoder=False)
        self.decoder = Stack(config, decoder=True)
        if not config.tied:
            self.head = Linear(config.d_model, config.vocab_size)
        if seed is not None:
            self.initialize(seed)

    @torch.no_grad()
    def initialize(self, seed: int) -> None:
        """Draw all weights as t5x does. They are drawn on the CPU, so all devices have the same."""
        generator = torch.Generator().manual_seed(seed)
        for name, weight in self.named_parameters():
            weight.copy_(_draw(name.split(".")[-2], weight.shape, self.config, generator))

    def encode(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """The encoder's states of ``inputs`` (B, S); (B, S, D). Without a mask no query sees padding."""
        states: Tensor = self.encoder(self.embedding(inputs), _real(inputs) if mask is None else mask)
        return states

    def decode(self, decoder_inputs: Tensor, memory: Tensor, cross_mask: Tensor, mask: Tensor | None = None) -> Tensor:
        """The logits (B, T, V) after ``decoder_inputs`` (B, T), in float32; ``memory`` (B, S, D) is the encoder's."""
        length = decoder_inputs.shape[1]
        if mask is None:
            mask = torch.ones(1, length, length, dtype=torch.bool, device=decoder_inputs.device).tril()
        return self.logits(self.decoder(self.embedding(decoder_inputs), mask, memory, cross_mask))

    def logits(self, states: Tensor) -> Tensor:
        """The logits (B, T, V) of the decoder's ``states`` (B, T, D), always in float32."""
        with torch.autocast(states.device.type, enabled=False):  # the states come from a norm, so they are float32
            if self.config.tied:
                return functional.linear(states * self.config.d_model**-0.5, self.embedding.weight)
            return functional.linear(states, self.head.weight)

    def forward(
        self,
        inputs: Tensor,
        decoder_inputs: Tensor,
        *,
        encoder_mask: Tensor | None = None,
        decoder_mask: Tensor | None = None,
        cross_mask: Tensor | None = None,
    ) -> Tensor:
        """The logits (B, T, V) for ``inputs`` (B, S) and shifted targets (B, T).

        Masks are broadcast to (B, Q, K) and true where a query may see a key. Without masks no query sees padding of
        the inputs, and no position of the decoder sees a later one.
        """
        memory = self.encode(inputs, encoder_mask)
        return self.decode(decoder_inputs, memory, _real(inputs) if cross_mask is None else cross_mask, decoder_mask)


def _real(ids: Tensor) -> Tensor:
    return (ids != PAD)[:, None]  # (B, 1, K)


def _draw(kind: str, shape: torch.Size, config: T5Config, generator: torch.Generator) -> Tensor:
    """The initial values of a parameter; ``kind`` is the name of the module that has it."""
    d, inner, heads = config.d_model, config.num_heads * config.d_kv, config.num_heads
    normal = {"embedding": 1.0, "q": (d * config.d_kv) ** -0.5, "k": d**-0.5, "v": d**-0.5, "o": inner**-0.5}
    fan_in = {"wi": d, "wi_0": d, "wi_1": d, "head": d, "wo": config.d_ff}
    values = torch.empty(shape)
    if kind.endswith("norm"):
        return values.fill_(1.0)
    if kind == "relative_bias":
        limit = (6 / (heads + config.relative_attention_num_buckets)) ** 0.5  # Glorot's
        return values.uniform_(-limit, limit, generator=generator)
    if kind in normal:
        return values.normal_(0.0, normal[kind], generator=generator)
    std = fan_in[kind] ** -0.5 / TRUNCATED_STD
    return nn.init.trunc_normal_(values, 0.0, std, -2 * std, 2 * std, generator=generator)


def mixed_precision(device: torch.device) -> contextlib.AbstractContextManager[object]:
    """A context with bfloat16 matrices on CUDA, float32 elsewhere; norms, softmax, logits and loss stay float32."""
    return torch.autocast("cuda", dtype=torch.bfloat16) if device.type == "cuda" else contextlib.nullcontext()


def shift_right(targets: Tensor) -> Tensor:
    """The decoder's inputs for ``targets`` (B, T): a pad, then all targets but the last; (B, T)."""
    return functional.pad(targets, (1, 0), value=PAD)[:, :-1]
