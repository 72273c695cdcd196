"""Coherence of topics: whether the features that a topic is made of are met together."""

import torch
from torch import Tensor, nn

_ROWS = 4096  # items that are counted at a time


class Coherence(nn.Module):
    """sum_ij part_i part_j NPMI_ij for every topic: how coherent two features drawn from it are, -1 to 1.

    NPMI_ij = log(p_ij / (p_i p_j)) / -log p_ij over items that have i, j, or both (Bouma, 2009); -1 where no item has
    both, 0 between a feature and itself, which say nothing of a topic. As a prior of topics
    it is the quadratic regulariser of Newman, Bonilla and Buntine, "Improving topic coherence with regularized topic
    models", 2011.

    Parameters
    ----------
    x : float tensor of shape (n, ...)
        Items; a feature is there where it is above 0. The pairs take p * p numbers.
    """

    npmi: Tensor

    def __init__(self, x: Tensor):
        super().__init__()
        p = x[0].numel()
        together = torch.zeros((p, p), device=x.device)
        for rows in x.split(_ROWS):
            there = (rows.flatten(1) > 0).float()
            together += there.T @ there
        share = together.diagonal() / len(x)
        together /= len(x)
        chance = share[:, None] * share[None]
        npmi = torch.where(together > 0, torch.log(together / chance) / -torch.log(together), -1.0)
        npmi[together >= 1] = 0.0  # both in every item: that tells nothing
        npmi.fill_diagonal_(0.0)
        self.register_buffer("npmi", npmi.nan_to_num(nan=0.0))

    def forward(self, parts: Tensor) -> Tensor:
        """Topics' parts (k, p), rows summing to 1, to the coherence of each, (k,); higher is better."""
        of_others = 1 - parts.square().sum(1)  # the chance of drawing two that differ
        return ((parts @ self.npmi) * parts).sum(1) / of_others.clamp_min(1e-6)
