"""Small real spaces behind the server, one a way of showing items."""

import pytest

pytest.importorskip("fastapi")
from fastapi.testclient import TestClient

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
    from PIL import Image

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
