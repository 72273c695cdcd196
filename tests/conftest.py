"""Real data that comes with the test dependencies, small enough to fit in a moment."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def digits():
    """1,797 real handwritten digits of 8 x 8 as uint8 images, and their labels."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return (bunch.images * 255 / 16).round().astype(np.uint8), bunch.target


@pytest.fixture
def photos(tmp_path, digits):
    """A folder of 60 real digits as PNG files in one sub-folder a label."""
    from PIL import Image

    images, labels = digits
    for i in range(60):
        folder = tmp_path / "photos" / f"label-{labels[i]}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(images[i]).save(folder / f"{i:03d}.png")
    return tmp_path / "photos"


@pytest.fixture
def iris():
    """Fisher's irises as a mixed table: four measures, a category, a boolean, a date and holes."""
    import pandas as pd
    from sklearn.datasets import load_iris

    bunch = load_iris(as_frame=True)
    frame = bunch.data.rename(columns=lambda name: name.removesuffix(" (cm)").replace(" ", "_"))
    frame["species"] = bunch.target_names[bunch.target]
    frame["tall"] = frame["sepal_length"] > 6
    frame["seen"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(range(len(frame)), unit="D")
    frame.loc[3, "petal_width"] = None
    return frame
