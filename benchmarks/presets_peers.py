"""What `presets` is measured against: pythae 0.1.2, whose models are trained as its users train them.

Imports nothing of latentspace, so that it runs in pythae's own environment. Networks are pythae's own defaults, which
`network="dense", hidden=[512]` mirrors: 784-512-16 and back, one hidden layer a side.
"""

import tempfile
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .harness import measure
from .judging import BETA, DRAWN, Book, distances, judged, quiet, reason

DIMS = 16
# preset: pythae's model and its options. Cross-entropy where pythae has it, as it suits pixels best and is ours too.
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "vae": ("VAE", {"reconstruction_loss": "bce"}),
    "beta": ("BetaVAE", {"reconstruction_loss": "bce", "beta": BETA["beta"]}),
    "beta-tc": ("BetaTCVAE", {"reconstruction_loss": "bce", "beta": BETA["beta-tc"]}),
    "wae-mmd": ("WAE_MMD", {}),
    "rae-l2": ("RAE_L2", {}),
    "vq": ("VQVAE", {"use_ema": True}),
}


def build(preset: str, shape: tuple[int, ...], groups: int = 1, **options: Any) -> nn.Module:
    """One of pythae's models on its default networks; `groups` codes an item for "vq", from one codebook."""
    from pythae import models

    name, usual = MODELS[preset]
    config = getattr(models, f"{name}_Config" if hasattr(models, f"{name}_Config") else f"{name}Config")
    settings = config(input_dim=shape, latent_dim=DIMS, **(usual | options))
    if groups == 1:
        return getattr(models, name)(settings)
    return getattr(models, name)(settings, encoder=_grid(settings, groups), decoder=_flat(settings))


def _grid(settings: Any, groups: int) -> Any:
    """pythae's encoder, its 16 numbers laid out as a grid of `groups` places, as pythae's quantiser wants a picture."""
    from pythae.models.nn.default_architectures import Encoder_AE_MLP

    class Grid(Encoder_AE_MLP):
        def forward(self, x: Tensor, *rest: Any) -> Any:
            output = super().forward(x, *rest)
            output["embedding"] = output["embedding"].reshape(len(x), DIMS // groups, groups, 1)
            return output

    return Grid(settings)


def _flat(settings: Any) -> Any:
    """pythae's decoder, from that grid."""
    from pythae.models.nn.default_architectures import Decoder_AE_MLP

    class Flat(Decoder_AE_MLP):
        def forward(self, z: Tensor, *rest: Any) -> Any:
            return super().forward(z.flatten(1), *rest)

    return Flat(settings)


def train(
    preset: str, files: list[str], seed: int, epochs: int, rate: float = 1e-3, batch: int = 128,
    decay_at: list[int] | None = None, **options: Any,
) -> dict[str, Any]:  # fmt: skip
    """Trains through pythae's pipeline and judges the model that it keeps.

    `decay_at` names epochs after which the rate falls to a tenth. Seconds are those of training alone.
    """
    from pythae.trainers.training_callbacks import TrainingCallback

    x, x_test, y, y_test = (np.load(path) for path in files)
    x, x_test = (part.reshape(-1, 1, 28, 28) for part in (x, x_test))
    torch.manual_seed(seed)
    model = build(preset, x.shape[1:], **options)
    encode, decode = ends(model)
    book = Book(preset, x_test)

    class Watch(TrainingCallback):
        def on_epoch_end(self, *_: Any, **__: Any) -> None:
            model.eval()
            book.note(encode, decode)

    fit = pipeline(model, preset, epochs, seed, rate, batch, decay_at)
    book.start()
    with quiet():
        _, figures = measure(lambda: fit(x, callbacks=[Watch()]))
    figures |= book.finish()
    best = fit.trainer._best_model.eval()
    encode, decode = ends(best)
    book.note(encode, decode)
    kept_row = figures["rows"].pop()
    figures |= {"mse": kept_row["mse"], "loss": kept_row["loss"]}
    with torch.no_grad():
        z, z_test = (encode(torch.from_numpy(part))[0].numpy() for part in (x, x_test))
        figures |= judged(z, y, z_test, y_test)
        figures |= distances(x_test, lambda z: decode(torch.from_numpy(z)).numpy(), draws(z, seed))
    return figures


def ends(model: Any) -> tuple[Any, Any]:
    """A model's way to the mean (and log-variance) of z, and its way back."""

    def encode(x: Tensor) -> tuple[Tensor, Tensor | None]:
        if hasattr(model, "quantizer"):
            return model(_inputs(x)).z.flatten(1), None
        output = model.encoder(x)
        return output.embedding, output.get("log_covariance")

    def decode(z: Tensor) -> Tensor:
        return model.decoder(z)["reconstruction"]

    return encode, decode


def _inputs(x: Tensor) -> Any:
    from pythae.data.datasets import DatasetOutput

    return DatasetOutput(data=x)


def pipeline(
    model: Any, preset: str, epochs: int, seed: int, rate: float, batch: int, decay_at: list[int] | None = None
) -> Any:
    """pythae's training pipeline with the trainer that it asks for."""
    from pythae.pipelines import TrainingPipeline
    from pythae.trainers import BaseTrainerConfig, CoupledOptimizerTrainerConfig

    shared = {
        "output_dir": tempfile.mkdtemp(), "num_epochs": epochs, "per_device_train_batch_size": batch, "no_cuda": True,
        "keep_best_on_train": True, "seed": seed,
    }  # fmt: skip
    falls = {"milestones": decay_at, "gamma": 0.1}
    if preset == "rae-l2":
        config = CoupledOptimizerTrainerConfig(**shared, encoder_learning_rate=rate, decoder_learning_rate=rate)
        names = ["encoder_scheduler", "decoder_scheduler"]
    else:
        config = BaseTrainerConfig(**shared, learning_rate=rate)
        names = ["scheduler"]
    for name in names if decay_at else []:
        setattr(config, f"{name}_cls", "MultiStepLR")
        setattr(config, f"{name}_params", falls)
    return TrainingPipeline(model=model, training_config=config)


def draws(z: np.ndarray, seed: int) -> dict[str, Any]:
    """What pythae samples from: the prior, and a mixture of ten Gaussians with scikit-learn's defaults."""
    from sklearn.mixture import GaussianMixture

    def mixture() -> np.ndarray:
        fitted = GaussianMixture(10, covariance_type="full", max_iter=2000, tol=1e-3, random_state=seed).fit(z)
        return fitted.sample(DRAWN)[0].astype(np.float32)

    rng = np.random.default_rng(seed)
    return {"prior": lambda: rng.standard_normal((DRAWN, DIMS)).astype(np.float32), "mixture": mixture}


def unscaled(preset: str, path: str, epochs: int, rate: float = 1e-3) -> dict[str, Any]:
    """Trains on features as they come, with pythae's own default loss, and says what came of it."""
    x = np.load(path).astype(np.float32)
    torch.manual_seed(0)
    options = {"reconstruction_loss": "mse"} if "reconstruction_loss" in MODELS[preset][1] else {}
    model = build(preset, x.shape[1:], **options)
    try:
        with quiet():
            fit = pipeline(model, preset, epochs, 0, rate, 128)
            fit(x)
            encode, decode = ends(fit.trainer._best_model.eval())
            with torch.no_grad():
                x_hat = decode(encode(torch.from_numpy(x))[0]).numpy()
    except Exception as error:  # what a user would see is the figure here
        return {"outcome": reason(error)}
    return {"kept": kept(x, x_hat)} if np.isfinite(x_hat).all() else {"outcome": "NaN in reconstructions"}


def kept(x: np.ndarray, x_hat: np.ndarray) -> float:
    """Share of variance that reconstructions keep, the median over features that vary; 1 is best, below 0 is harm.

    Not the mean: pixels that are lit in one digit of a thousand have next to no variance, and would decide it.
    """
    x, x_hat = (part.reshape(len(part), -1).astype(np.float64) for part in (x, x_hat))
    varies = x.std(0) > 0
    lost = ((x - x_hat) ** 2).mean(0)[varies] / x.var(0)[varies]
    return float(1 - np.median(lost))
