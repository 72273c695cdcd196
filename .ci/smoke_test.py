"""What an installed latentspace must do with the core alone, and with one extra; run by smoke.py in a bare venv."""

import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import numpy as np

import latentspace as ls


def core() -> None:
    """Fit, save, load, search, encode, decode, map, sample, evaluate: from the library and the command line."""
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(300, 4)) @ rng.normal(size=(4, 20)) + 0.1 * rng.normal(size=(300, 20))).astype(np.float32)
    np.save("x.npy", x)
    space = ls.fit(x, dims=4, metadata={"side": ["left" if row[0] < 0 else "right" for row in x]})
    space.save("x.latent")
    again = ls.load("x.latent")
    assert again.search(x[3], k=1).ids[0] == "3"
    assert np.allclose(again.decode(again.encode(x[:5])), space.decode(space.latents[:5]), atol=1e-4)
    assert again.info()["reconstruction"]["variance_kept"] > 0.9
    assert len(again.sample(3, seed=0)) == 3
    assert again.map("pca").coordinates.shape == (300, 2)
    assert again.evaluate("side", quick=True).verdict
    command("fit", "x.npy", "-o", "y.latent", "--dims", "3")
    command("search", "y.latent", "--id", "3", "-k", "2")
    command("fit-blocks", "x.npy", "-o", "job", "--dims", "3")
    command("export", "y.latent", "--to", "numpy", "-o", "y.npz")
    command("check", "y.latent")
    page = Path(ls.__file__).parent / "web" / "static" / "index.html"
    assert page.exists(), f"the page is not in the wheel: {page}"


def neural() -> None:
    """Without the extra one line names it; with it a VAE learns."""
    assert ls.fit("x.npy", "vae", dims=2, epochs=2, density="gaussian").latents.shape == (300, 2)


def tables() -> None:
    Path("t.csv").write_text(
        "size,kind,when\n" + "".join(f"{i},{'ab'[i % 2]},2020-01-{i % 28 + 1:02}\n" for i in range(60))
    )
    space = ls.fit("t.csv", dims=2)
    space.export("parquet", "t.parquet")
    assert ls.fit("t.parquet", kind="table", dims=2).dims == 2


def audio() -> None:
    import soundfile

    Path("sounds").mkdir()
    for pitch in range(8):
        soundfile.write(f"sounds/{pitch}.flac", np.sin(np.arange(16_000) * (0.05 + pitch / 50)) * 0.5, 16_000)
    assert len(ls.fit("sounds", dims=2)) == 8


def maps() -> None:
    assert ls.load("x.latent").map("umap").coordinates.shape == (300, 2)


def demo() -> None:
    from latentspace import datasets

    assert len(ls.fit(datasets.load("mnist-5k").x[:500], dims=5)) == 500


def tensorboard() -> None:
    from tensorboard.compat.proto.event_pb2 import Event  # noqa: F401

    assert ls.TensorBoard("runs") is not None


def web() -> None:
    server = subprocess.Popen(
        [sys.executable, "-m", "latentspace", "serve", "x.latent", "--port", "0", "--no-browser"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        link = next(word for line in server.stdout for word in line.split() if word.startswith("http"))
        keeps = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())  # the token becomes a cookie
        with keeps.open(link) as page:
            assert b"<html" in page.read().lower()
    finally:
        server.terminate()
        server.wait()


def notebook() -> None:
    assert "<" in ls.load("x.latent")._repr_html_()


def explain() -> None:
    assert ls.load("x.latent").explain().verdict


def pretrained() -> None:
    import onnxruntime  # noqa: F401
    import tokenizers  # noqa: F401
    from torch import nn

    assert ls.fit("x.npy", ls.Pretrained(nn.Linear(20, 3), decoder=None), density="gaussian").dims == 3


def ray() -> None:
    import ray as cluster

    cluster.init(num_cpus=2, log_to_driver=False, include_dashboard=False)
    done = ls.fit_blocks("x.npy", "job-ray", dims=3, engine="ray")
    assert np.allclose(np.asarray(done.latents), np.load("job/z-000000.npy"), atol=1e-5)
    cluster.shutdown()


def onnx() -> None:
    ls.load("x.latent").export("onnx", "onnx")
    assert {path.name for path in Path("onnx").iterdir()} == {"encoder.onnx", "decoder.onnx", "features.json"}


def pgvector() -> None:
    said = refusal(OSError, lambda: ls.load("x.latent").export("pgvector", "postgresql://nobody@localhost:1/none"))
    assert "PostgreSQL at" in said


def qdrant() -> None:
    ls.load("x.latent").export("qdrant", "qdrant")


def lancedb() -> None:
    ls.load("x.latent").export("lancedb", "lance")


# What a missing extra must say, from the core alone.
MISSING: dict[str, Callable[[], object]] = {
    "neural": lambda: ls.fit("x.npy", "vae", dims=2, epochs=1),
    "onnx": lambda: ls.load("x.latent").export("onnx", "no"),
    "pgvector": lambda: ls.load("x.latent").export("pgvector", "postgresql://localhost/none"),
    "qdrant": lambda: ls.load("x.latent").export("qdrant", "no"),
    "lancedb": lambda: ls.load("x.latent").export("lancedb", "no"),
    "ray": lambda: ls.fit_blocks("x.npy", "no", dims=2, engine="ray"),
}


def refusal(kind: type[Exception], work: Callable[[], object]) -> str:
    """What an error says that must come."""
    try:
        work()
    except kind as error:
        return str(error)
    raise AssertionError(f"no {kind.__name__} came")


def command(*words: str) -> None:
    subprocess.run([str(Path(sys.executable).with_name("latentspace")), *words], check=True, stdout=subprocess.DEVNULL)


def main(extra: str) -> None:
    core()
    if extra == "core":
        for name, work in MISSING.items():
            said = refusal(ImportError, work)
            assert f"latentspace[{name}]" in said, f"{name}: {said}"
    else:
        globals()[extra]()
    print(f"{extra}: fine")


if __name__ == "__main__":
    main(sys.argv[1])
