"""Small real spaces behind the server, one a way of showing items."""

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

pytest.importorskip("fastapi")
from fastapi.testclient import TestClient
from PIL import Image

import latentspace as ls
from latentspace.web.app import make_app
from latentspace.web.opened import Opened

TEXTS = [
    "The river rose after days of rain and the bridge was closed.",
    "Rain and wind tomorrow, with sun in the north.",
    "She baked bread with rye flour and a little honey.",
    "Honey, flour, butter: the cake needs nothing else.",
    "The bridge over the river is open again.",
    "Bread from yesterday makes the best toast with butter.",
    "Wind from the north brings colder days.",
    "The cake was gone before the rain began.",
] * 3


@pytest.fixture(scope="session")
def pictures(tmp_path_factory, digits):
    """120 digits as a folder of files, their PCA of 8 dims, and its map."""
    folder = tmp_path_factory.mktemp("digits")
    images, labels = digits
    for i in range(120):
        (folder / str(labels[i])).mkdir(exist_ok=True)
        Image.fromarray(images[i]).resize((32, 32)).save(folder / str(labels[i]) / f"{i:03d}.png")
    space = ls.fit(folder, "pca", dims=8, metadata={"ink": [float(images[i].mean()) for i in range(120)]})
    space.map("pca")
    return space


@pytest.fixture(scope="session")
def texts():
    return ls.fit(TEXTS, "lsa", dims=3, kind="texts", ids=[f"t{i}" for i in range(len(TEXTS))])


WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
RATE = 8000


def tone(hertz):
    return (0.2 * np.sin(2 * np.pi * hertz * np.arange(RATE // 2) / RATE)).astype(np.float32)


def of_sounds(folder, digits, iris):
    import soundfile

    for step in range(16):
        soundfile.write(folder / f"{step:02d}.wav", tone(200 * 2 ** (step / 12)), RATE)
    return ls.fit(folder, dims=4)


def of_strings(folder, digits, iris):
    return ls.fit([f"CC{'O' * (i % 5)}N{'C' * (i % 3)}" for i in range(30)], dims=3, kind="strings")


def of_table(folder, digits, iris):
    return ls.fit(iris, dims=3, target="species")


def of_array(folder, digits, iris):
    return ls.fit(digits[0][:60].reshape(60, 64).astype(np.float32), dims=3)


def of_stack(folder, digits, iris):
    return ls.fit(digits[0][:60], dims=4)


def of_vectors(folder, digits, iris):
    vectors = digits[0][:60].reshape(60, 64)[:, 20:40].astype(np.float32)
    return ls.fit([Image.fromarray(image) for image in digits[0][:60]], "pca", dims=3, vectors=vectors, kind="images")


def of_pairs(folder, digits, iris):
    pictures = [Image.fromarray(image) for image in digits[0][:60]]
    captions = [f"the digit {WORDS[label]}" for label in digits[1][:60]]
    return ls.fit({"image": pictures, "text": captions}, kind="pairs", model="cca", dims=3)


def of_interactions(folder, digits, iris):
    import pandas as pd

    rng = np.random.default_rng(0)
    likes = [(u, t) for u in range(60) for t in range(30) if rng.random() < (0.5 if t % 4 == u % 4 else 0.05)]
    rows = [(f"u{user}", f"t{thing}", float(rng.integers(1, 6))) for user, thing in likes]
    return ls.fit(pd.DataFrame(rows, columns=["user", "item", "rating"]), kind="interactions", dims=4)


def of_one(folder, digits, iris):
    return ls.fit(np.ones((1, 3), np.float32), dims=1)


def of_equals(folder, digits, iris):
    return ls.fit(np.ones((9, 3), np.float32), dims=1)


SPACES = {
    "sounds": of_sounds,
    "strings": of_strings,
    "table": of_table,
    "array": of_array,
    "stack": of_stack,
    "vectors": of_vectors,
    "pairs": of_pairs,
    "interactions": of_interactions,
    "one": of_one,
    "equals": of_equals,
}


@pytest.fixture(scope="session")
def spaces(tmp_path_factory, digits):
    """A function from a kind's name to its space, fitted once."""
    import pandas as pd
    from sklearn.datasets import load_iris

    bunch = load_iris(as_frame=True)
    iris = bunch.data.rename(columns=lambda name: name.removesuffix(" (cm)").replace(" ", "_"))
    iris["species"], iris["tall"] = bunch.target_names[bunch.target], iris["sepal_length"] > 6
    iris["seen"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(range(len(iris)), unit="D")
    iris.loc[3, "petal_width"] = None
    made = {}

    def of(name):
        if name not in made:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of spaces that are too small to be good
                made[name] = SPACES[name](tmp_path_factory.mktemp(name), digits, iris)
                made[name].map("pca")
        return made[name]

    return of


def serving(*spaces):
    """A client that holds the token of a server of these spaces."""
    opened = [Opened(space, f"space {number}") for number, space in enumerate(spaces)]
    app = make_app(opened, token="t", hosts={"testserver"})
    return TestClient(app, headers={"authorization": "Bearer t"}, raise_server_exceptions=False)


@pytest.fixture
def served():
    """`serving`, for tests that bring spaces of their own."""
    return serving


@pytest.fixture
def client(pictures, texts):
    return serving(pictures, texts)


@pytest.fixture(scope="module")
def link(pictures, tmp_path_factory):
    """The link of a real server process."""
    path = pictures.save(tmp_path_factory.mktemp("page") / "digits.latent")
    command = [sys.executable, "-m", "latentspace", "serve", str(path), "--port", "0", "--no-browser"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    ) as server:
        yield server.stdout.readline().strip()
        server.terminate()


@pytest.fixture(scope="module")
def browser():
    """A Chromium that draws without a graphics card."""
    from browsing import CHROMIUM, GRAPHICS
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=GRAPHICS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser, link, request):
    """The page of a running server."""
    from browsing import watched

    forgiven = ["status of 400"] if "rubbish" in request.node.name else []  # Chromium's own word on a refusal
    with watched(browser, link, forgiven) as opened:
        yield opened
