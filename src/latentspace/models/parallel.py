"""Several processes that train one network together: each on its share of every batch, their gradients averaged.

    g = (g_0 + ... + g_(size - 1)) / size

With shares of one length that is the gradient of the mean loss over the whole batch, so all take the same step and
their weights stay equal, as those of one process would be up to the order of sums (Li et al., "PyTorch distributed",
2020).
What depends on a whole batch (MMD, total correlation, a minibatch's variance) is taken over each share instead.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta

import torch
from torch import Tensor


class Group:
    """Those who train together; this one alone unless there are more."""

    rank = 0
    size = 1

    def share(self, batch: int) -> int:
        """Returns how many items of a batch each takes, at least 1."""
        return max(1, batch // self.size)

    def part(self, chosen: Tensor) -> Tensor:
        """Returns this one's share of a batch's positions."""
        share = self.share(len(chosen))
        start = min(self.rank * share, len(chosen) - share)
        return chosen[start : start + share]

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Replaces tensors by their mean over all, in place."""

    def own_chance(self, generator: torch.Generator) -> torch.Generator:
        """Returns the source of chance for this one's draws, where `generator` is the same for all."""
        return generator


class Several(Group):
    """A group over torch.distributed, joined already."""

    def __init__(self, rank: int, size: int):
        self.rank, self.size = rank, size

    def average(self, tensors: Sequence[Tensor]) -> None:
        from torch import distributed

        flat = torch.cat([tensor.detach().reshape(-1) for tensor in tensors])  # one message costs less than many
        distributed.all_reduce(flat)
        flat /= self.size
        start = 0
        for tensor in tensors:
            tensor.copy_(flat[start : start + tensor.numel()].view_as(tensor))
            start += tensor.numel()

    def own_chance(self, generator: torch.Generator) -> torch.Generator:
        """A generator of its own, begun anew each epoch from one number of the common one: so the common one alone is
        the state of a run, and a run that stopped can be taken up by other processes."""
        seed = int(torch.randint(2**40, (1,), generator=generator, device=generator.device))
        return torch.Generator(generator.device).manual_seed(seed * self.size + self.rank)


_group: ContextVar[Group] = ContextVar("group", default=Group())  # noqa: B039 - it has no state


def group() -> Group:
    """Returns the group that this process trains in."""
    return _group.get()


@contextmanager
def joined(rank: int, size: int, address: str, patience: float = 1800.0) -> Iterator[Group]:
    """Joins a group of `size` processes that meet at an address, "tcp://host:port"; `fit` within trains with them.

    Parameters
    ----------
    rank : int
        Which of them this is, from 0.
    size : int
    address : str
        Where the process of rank 0 listens.
    patience : float, default=1800
        Seconds after which one that does not answer is given up.
    """
    from torch import distributed

    distributed.init_process_group(
        "gloo", init_method=address, rank=rank, world_size=size, timeout=timedelta(seconds=patience)
    )
    token = _group.set(Several(rank, size))
    try:
        yield _group.get()
    finally:
        _group.reset(token)
        distributed.destroy_process_group()
