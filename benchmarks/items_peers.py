"""What `items` is measured against: a loop over Pillow, torchvision's folder of images, scikit-learn's TfidfVectorizer.

Imports nothing of latentspace, so that torchvision may live in an environment of its own.
"""

import os
import sys
import time
import types
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def processor() -> float:
    """Processor seconds so far, of this process and of those that it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def timed(work: Any) -> dict[str, Any]:
    """Calls `work`, which returns a count, and tells the count, the seconds, and the processor's."""
    began, used = time.perf_counter(), processor()
    count = work()
    return {"count": count, "seconds": time.perf_counter() - began, "processor": processor() - used}


def one(path: str, size: int, mode: str) -> np.ndarray:
    """One file to pixels, as one writes it."""
    with Image.open(path) as image:
        return np.asarray(image.convert(mode).resize((size, size), Image.Resampling.BICUBIC))


def pillow(folder: str, size: int, mode: str, workers: int, processes: bool = False) -> dict[str, Any]:
    """Every image of a folder as float32 in [0, 1]: list, open, convert, resize, stack."""

    def work() -> int:
        paths = sorted(str(path) for path in Path(folder).rglob("*") if path.is_file())
        load = partial(one, size=size, mode=mode)
        if workers == 1:
            rows = [load(path) for path in paths]
        else:
            with (ProcessPoolExecutor if processes else ThreadPoolExecutor)(workers) as pool:
                rows = list(pool.map(load, paths, **({"chunksize": 64} if processes else {})))
        return len(np.stack(rows).astype(np.float32) / 255)

    one(str(next(path for path in Path(folder).rglob("*") if path.is_file())), size, mode)  # imports done
    return timed(work)


def torchvision(folder: str, size: int, mode: str, workers: int) -> dict[str, Any]:
    """The same by ImageFolder, its usual transforms, and a DataLoader with worker processes."""
    try:
        from torchvision import datasets, transforms
    except RuntimeError:  # its compiled operators want another build of torch; folders and transforms use none of them
        for name in [name for name in sys.modules if name.startswith("torchvision")]:
            del sys.modules[name]
        sys.modules["torchvision._meta_registrations"] = types.ModuleType("torchvision._meta_registrations")
        from torchvision import datasets, transforms
    import torch
    from torch.utils.data import DataLoader

    steps = [transforms.Resize((size, size), transforms.InterpolationMode.BICUBIC), transforms.ToTensor()]
    if mode == "L":
        steps.insert(0, transforms.Grayscale())

    def work() -> int:
        found = datasets.ImageFolder(folder, transforms.Compose(steps))
        return len(torch.cat([x for x, _ in DataLoader(found, batch_size=256, num_workers=workers)]))

    return timed(work)


def tfidf(folder: str) -> dict[str, Any]:
    """Every text of a folder to a row of weights, by scikit-learn."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    def work() -> int:
        paths = sorted(str(path) for path in Path(folder).rglob("*.txt"))
        weigh = TfidfVectorizer(
            input="filename", decode_error="replace", sublinear_tf=True, min_df=2, max_df=0.5, dtype=np.float32
        )
        return weigh.fit_transform(paths).shape[0]

    return timed(work)
