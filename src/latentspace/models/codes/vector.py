"""Vector quantisation: each piece of z is the nearest entry of a codebook, in one stage or in several."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from ..parts import in_range, whole
from .coded import Coded, perplexity
from .steady import Steady

_MEMORY = 0.97  # share of the old averages that a batch leaves
_DEAD = 0.2  # of a fair share: an entry that is used less than this is put where items are
_MOST_VALUES = 2**24  # of all codebooks together: 64 MB


class VectorCodes(nn.Module):
    """z is cut into pieces, and each replaced by its nearest codebook entry (van den Oord et al., 2017).

    code = argmin_k |h - e_k|^2        z = e_code

    Entries follow the items by moving averages, e_k = sum of h / count (Razavi, van den Oord and Vinyals, 2019), so the
    codebook has no rate to tune. Unused entries restart at items that are far from all entries, drawn as k-means++
    draws (Arthur and Vassilvitskii, 2007; Dhariwal et al., 2020).

    Parameters
    ----------
    dims : int
        Latent dimensions.
    groups : int or None, default=None
        Pieces of z, each with a code of its own; must divide dims. None takes pieces of 2 dimensions, of 1 where dims
        is odd.
    size : int, default=256
        Entries of a codebook.
    stages : int, default=1
        Codebooks a piece: each quantises what the ones before have left (Zeghidour et al., 2021).
    shared : bool, default=False
        Whether all groups use the same codebooks.
    commitment : float, default=0.25
        Weight of |h - z|^2, which keeps the encoder near its codes,, in nats.

    Raises
    ------
    ValueError
        If the groups do not divide the dimensions, or a number is out of range.
    """

    name: ClassVar[str] = "vq"
    space: ClassVar[str] = "euclidean"
    factorised: ClassVar[bool] = True
    has_density: ClassVar[bool] = False

    codebooks: Tensor  # (books, stages, size, width)
    counts: Tensor  # (books, stages, size)
    sums: Tensor  # (books, stages, size, width)

    def __init__(
        self, dims: int, groups: int | None = None, size: int = 256, stages: int = 1, shared: bool = False,
        commitment: float = 0.25,
    ):  # fmt: skip
        super().__init__()
        groups = whole("groups", groups, 1, dims) if groups is not None else dims // 2 if dims % 2 == 0 else dims
        if dims % groups:
            fits = [g for g in range(1, min(dims, 128) + 1) if dims % g == 0]
            raise ValueError(f"groups={groups} do not divide dims={dims}. Numbers that do: {fits}.")
        size, stages = whole("size", size, 2, 2**16), whole("stages", stages, 1, 64)
        books, width = 1 if shared else groups, dims // groups
        if books * stages * size * width > _MOST_VALUES:
            raise ValueError(
                f"codebooks of {books} x {stages} x {size} x {width} values are too large. Pass a smaller size."
            )
        self.steady = Steady(dims)
        self.outputs, self.groups, self.size, self.stages = dims, groups, size, stages
        self.weight = in_range("commitment", commitment, 0, 1e6)
        self.register_buffer("codebooks", torch.zeros(books, stages, size, width))
        self.register_buffer("counts", torch.zeros(books, stages, size))
        self.register_buffer("sums", torch.zeros(books, stages, size, width))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one item's codes."""
        return (self.groups,) if self.stages == 1 else (self.groups, self.stages)

    def forward(self, h: Tensor) -> Coded:
        """The encoder's outputs (n, dims) to q."""
        steady = self.steady(h)
        codes, quantised = self._quantise(self._pieces(steady.detach()))
        return Coded(Coded.passing(steady, self._whole(quantised)), steady, self._named(codes))

    def project(self, z: Tensor) -> Tensor:
        """Latents (n, dims) to the nearest that a code stands for; in several stages, to one that is near."""
        return self._whole(self._quantise(self._pieces(z))[1])

    def codes(self, z: Tensor) -> Tensor:
        """Latents (n, dims) to codes, int64 (n, groups) or (n, groups, stages)."""
        return self._named(self._quantise(self._pieces(z))[0])

    def decode(self, codes: Tensor) -> Tensor:
        """Codes (n, groups) or (n, groups, stages) to latents (n, dims); fewer stages give a coarser z."""
        codes = codes if codes.ndim == 3 else codes.unsqueeze(-1)
        books = torch.arange(len(self.codebooks), device=codes.device).expand(self.groups)  # (groups,)
        z = torch.zeros(len(codes), self.groups, self.codebooks.shape[-1])
        for stage in range(codes.shape[-1]):
            z = z + self.codebooks[books, stage, codes[..., stage]]
        return z.flatten(1)

    def commitment(self, q: Coded) -> Tensor:
        """Returns what training adds to its loss: the encoder's distance from its codes, averaged over the batch."""
        return self.weight * (q.raw - q.mean.detach()).square().sum(1).mean()

    @torch.no_grad()
    def learn(self, q: Coded, generator: torch.Generator) -> None:
        """Moves the codebooks to a batch's raw latents; draws where unused entries restart."""
        self.steady.learn(q.raw)
        left = self._pieces(q.raw.detach())  # (books, m, width)
        for stage in range(self.stages):
            if not self.counts[:, stage].any():
                self._start(left, stage, generator)
            codes, entries = self._nearest(left, stage)
            counts = torch.zeros_like(self.counts[:, stage]).scatter_add_(1, codes, torch.ones_like(left[..., 0]))
            sums = torch.zeros_like(self.sums[:, stage])
            sums.scatter_add_(1, codes.unsqueeze(-1).expand_as(left), left)
            self.counts[:, stage].lerp_(counts, 1 - _MEMORY)
            self.sums[:, stage].lerp_(sums, 1 - _MEMORY)
            self.codebooks[:, stage] = self.sums[:, stage] / self.counts[:, stage].clamp_min(1e-20).unsqueeze(-1)
            dead = self.counts[:, stage] < _DEAD * left.shape[1] / self.size
            if dead.any():
                self._restart(left, stage, dead, (left - entries).square().sum(-1), generator)
            left = left - self._nearest(left, stage)[1]

    def used(self, q: Coded) -> dict[str, Tensor]:
        """Returns how many codes are in use by the moving averages: the codebooks' mean perplexity."""
        return {"perplexity": perplexity(self.counts).mean()}

    def _start(self, left: Tensor, stage: int, generator: torch.Generator) -> None:
        """Puts all entries on items of the first batch, drawn in rounds, each far from those of earlier rounds."""
        chosen = left[:, :0]  # (books, 0, width)
        far = torch.ones_like(left[..., 0])  # (books, m)
        while (taken := chosen.shape[1]) < self.size:
            more = self._drawn(left, far, min(max(taken, 1), self.size - taken), generator)
            chosen = torch.cat([chosen, more], 1)
            far = torch.cdist(left, chosen).amin(-1).square()
        self._put(stage, torch.ones_like(self.counts[:, stage], dtype=torch.bool), chosen, left, generator)

    def _restart(self, left: Tensor, stage: int, dead: Tensor, far: Tensor, generator: torch.Generator) -> None:
        """Puts dead entries on items that are far from the entries they have."""
        self._put(stage, dead, self._drawn(left, far, self.size, generator), left, generator)

    def _drawn(self, left: Tensor, far: Tensor, count: int, generator: torch.Generator) -> Tensor:
        """Draws items (books, count, width) by their squared distances `far` (books, m), or evenly if all are 0."""
        odds = far + 1e-12 * (1 + far.sum(1, keepdim=True))
        items = torch.multinomial(odds, count, replacement=True, generator=generator)
        return left.gather(1, items.unsqueeze(-1).expand(-1, -1, left.shape[-1]))

    def _put(self, stage: int, where: Tensor, values: Tensor, left: Tensor, generator: torch.Generator) -> None:
        """Gives entries new values, as if they had been used as often as is fair."""
        jitter = torch.empty_like(values).normal_(generator=generator)  # two on one item would stay one for ever
        values = values + 0.01 * left.std(1, correction=0, keepdim=True) * jitter
        fair = left.shape[1] / self.size
        self.codebooks[:, stage] = torch.where(where.unsqueeze(-1), values, self.codebooks[:, stage])
        self.counts[:, stage].masked_fill_(where, fair)
        self.sums[:, stage] = torch.where(where.unsqueeze(-1), fair * values, self.sums[:, stage])

    def _quantise(self, pieces: Tensor) -> tuple[Tensor, Tensor]:
        """Pieces (books, m, width) to codes (books, m, stages) and the sum of their entries."""
        left, total, codes = pieces, torch.zeros_like(pieces), []
        for stage in range(self.stages):
            chosen, entries = self._nearest(left, stage)
            codes.append(chosen)
            left, total = left - entries, total + entries
        return torch.stack(codes, dim=-1), total

    def _nearest(self, left: Tensor, stage: int) -> tuple[Tensor, Tensor]:
        """Returns the nearest entries' codes (books, m), and the entries (books, m, width)."""
        book = self.codebooks[:, stage]
        # By differences: through a product, an entry may be nearer to a neighbour than to itself by a rounding.
        codes = torch.cdist(left, book, compute_mode="donot_use_mm_for_euclid_dist").argmin(-1)
        return codes, book.gather(1, codes.unsqueeze(-1).expand_as(left))

    def _pieces(self, values: Tensor) -> Tensor:
        """(n, dims) to (books, m, width): m is n, or n * groups where one book serves all groups."""
        pieces = values.unflatten(1, (self.groups, -1))
        return pieces.transpose(0, 1) if len(self.codebooks) > 1 else pieces.reshape(1, -1, pieces.shape[-1])

    def _whole(self, pieces: Tensor) -> Tensor:
        """The way back from `_pieces`."""
        if len(self.codebooks) > 1:
            return pieces.transpose(0, 1).flatten(1)
        return pieces.reshape(-1, self.outputs)

    def _named(self, codes: Tensor) -> Tensor:
        """Codes (books, m, stages) to an item's: (n, groups) or (n, groups, stages)."""
        items = codes.transpose(0, 1) if len(self.codebooks) > 1 else codes.reshape(-1, self.groups, self.stages)
        return items.squeeze(-1) if self.stages == 1 else items


class ResidualCodes(VectorCodes):
    """Vector codes of several stages: a coarse code first, then what each leaves (Zeghidour et al., 2021).

    Parameters
    ----------
    dims, groups, size, stages, shared, commitment
        As for `VectorCodes`, with pieces of 4 dimensions in 4 stages where none are given.
    """

    def __init__(
        self, dims: int, groups: int | None = None, size: int = 256, stages: int = 4, shared: bool = False,
        commitment: float = 0.25,
    ):  # fmt: skip
        groups = groups if groups is not None else dims // 4 if dims % 4 == 0 else 1
        super().__init__(dims, groups, size, stages, shared, commitment)
