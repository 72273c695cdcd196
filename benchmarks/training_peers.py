"""What `training` is measured against, on the same networks: a loop written by hand, and pythae.

Imports nothing of latentspace, so that pythae's jobs run in its own environment. The networks are those that
latentspace builds for `hidden=[400]` and for its default on 28 x 28 pixels, written out as a user would.
"""

import contextlib
import io
import tempfile
import time
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

DIMS = 16


def networks(kind: str) -> tuple[nn.Module, nn.Module]:
    """An encoder to 2 * DIMS outputs, and a decoder to logits."""
    if kind == "dense":
        encoder = nn.Sequential(nn.Flatten(), nn.Linear(784, 400), nn.ReLU(), nn.Linear(400, 2 * DIMS))
        decoder = nn.Sequential(nn.Linear(DIMS, 400), nn.ReLU(), nn.Linear(400, 784))
        return encoder, decoder
    encoder = nn.Sequential(
        nn.Conv2d(1, 16, 4, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 4, 2, 1), nn.ReLU(),
        nn.Flatten(), nn.Linear(1568, 256), nn.ReLU(), nn.Linear(256, 2 * DIMS),
    )  # fmt: skip
    decoder = nn.Sequential(
        nn.Linear(DIMS, 256), nn.ReLU(), nn.Linear(256, 1568), nn.Unflatten(1, (32, 7, 7)), nn.ReLU(),
        nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(16, 1, 4, 2, 1),
    )  # fmt: skip
    return encoder, decoder


def bare(path: str, kind: str, epochs: int, batch: int = 128, logits: bool = False) -> dict[str, float]:
    """A loop as one writes it: the data a tensor in memory, Adam as it comes, the loss summed up for the eye.

    The loss is that of PyTorch's own VAE example, a sigmoid and then the cross-entropy; with `logits`, both in one,
    which few write and which is faster.
    """
    torch.manual_seed(0)
    _warm_up()
    x = torch.from_numpy(np.load(path)).reshape(-1, 1, 28, 28)
    encoder, decoder = networks(kind)
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-3)
    began = time.perf_counter()
    for _ in range(epochs):
        order, total = torch.randperm(len(x)), 0.0
        for rows in order.split(batch):
            features = x[rows]
            mean, log_var = encoder(features).chunk(2, dim=1)
            z = mean + torch.exp(0.5 * log_var) * torch.randn_like(mean)
            x_hat = decoder(z).flatten(1)
            if logits:
                nll = F.binary_cross_entropy_with_logits(x_hat, features.flatten(1), reduction="sum")
            else:
                nll = F.binary_cross_entropy(torch.sigmoid(x_hat), features.flatten(1), reduction="sum")
            kl = -0.5 * torch.sum(1 + log_var - mean.pow(2) - log_var.exp())
            loss = (nll + kl) / len(rows)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
    return _rate(epochs * len(x), time.perf_counter() - began) | {"last": total}


def pythae(
    path: str, kind: str, epochs: int, batch: int = 128, rate: float = 1e-3, test: str | None = None
) -> dict[str, float]:
    """pythae's VAE and BaseTrainer with cross-entropy; its loss on `test` where that is given."""
    from pythae.data.datasets import BaseDataset
    from pythae.models import VAE, VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    class Encoder(BaseEncoder):
        def __init__(self, network: nn.Module):
            super().__init__()
            self.network = network

        def forward(self, x: Any) -> Any:
            mean, log_var = self.network(x).chunk(2, dim=1)
            return ModelOutput(embedding=mean, log_covariance=log_var)

    class Decoder(BaseDecoder):
        def __init__(self, network: nn.Module):
            super().__init__()
            self.network = network

        def forward(self, z: Any) -> Any:
            return ModelOutput(reconstruction=torch.sigmoid(self.network(z)).reshape(-1, 1, 28, 28))

    torch.manual_seed(0)
    _warm_up()
    x = torch.from_numpy(np.load(path)).reshape(-1, 1, 28, 28)
    encoder, decoder = networks(kind)
    config = VAEConfig(input_dim=(1, 28, 28), latent_dim=DIMS, reconstruction_loss="bce")
    model = VAE(config, encoder=Encoder(encoder), decoder=Decoder(decoder))
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        trainer = BaseTrainer(
            model=model,
            train_dataset=BaseDataset(x, torch.zeros(len(x))),
            training_config=BaseTrainerConfig(
                output_dir=folder, num_epochs=epochs, learning_rate=rate, per_device_train_batch_size=batch,
                no_cuda=True, keep_best_on_train=True,
            ),
        )  # fmt: skip
        began = time.perf_counter()
        trainer.train()
        figures = _rate(epochs * len(x), time.perf_counter() - began)
    if test is not None:
        held = torch.from_numpy(np.load(test)).reshape(-1, 1, 28, 28)
        figures["test_loss"] = negative_elbo(model.encoder.network, model.decoder.network, held)
    return figures


@torch.no_grad()
def negative_elbo(encoder: nn.Module, decoder: nn.Module, x: torch.Tensor, draws: int = 4) -> float:
    """Nats an item, lower is better, with the same noise for whoever asks."""
    generator = torch.Generator().manual_seed(0)
    mean, log_var = encoder(x).chunk(2, dim=1)
    kl = -0.5 * torch.sum(1 + log_var - mean.pow(2) - log_var.exp())
    nll = torch.zeros(())
    for _ in range(draws):
        z = mean + torch.exp(0.5 * log_var) * torch.randn(mean.shape, generator=generator)
        nll += F.binary_cross_entropy_with_logits(decoder(z).flatten(1), x.flatten(1), reduction="sum") / draws
    return float((nll + kl) / len(x))


def _rate(items: int, seconds: float) -> dict[str, float]:
    return {"seconds": seconds, "items_per_second": items / seconds}


def _warm_up() -> None:
    """Has torch import what it imports at the first optimiser (two seconds), so that the loops alone are compared."""
    weight = torch.ones(1, requires_grad=True)
    optimizer = torch.optim.Adam([weight])
    weight.sum().backward()
    optimizer.step()
