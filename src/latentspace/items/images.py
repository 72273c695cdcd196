"""Images <-> pixels in [0, 1]: folders, paths and PIL images of any size and mode, to one size and channel count."""

import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from PIL import Image

from ..errors import BadItemError, CorruptFileError
from ..resources import usable_cores
from . import decode, tiles
from .file_items import in_folder, of_paths
from .folders import Listing, check_ids, not_a_file, readable, suffix, walk
from .protocol import Batch, Gathered, Modality, OnError, bad

_HEADERS = 2048  # headers looked at: a quarter of a second, and a mixed folder shows itself long before
_DEEP_SAMPLE = 64  # images deeper than 8 bits that are decoded to find their range
_KEPT_UP_TO = 256  # pixels: images that already share a size up to this keep it
_LONG_SIDE = 64  # pixels: what others are brought to, unless size= says more
_MAX_SIDE = 4096
_TASK = 32  # images a thread takes at a time
_WORTH_A_THREAD = 1_000  # bytes a file: below it Pillow's time passes under Python's lock, and threads gain nothing


class Images(Modality):
    """Images as float32 pixels of shape (n, channels, height, width), each exactly k / 255.

    Every image is decoded, turned upright by its EXIF orientation, flattened to grey or RGB with transparent pixels on
    white, and resampled (bicubic, in 8 bits) to one size. Of an animation or a TIFF with pages the first frame is read.
    A file that cannot be decoded whole is a bad item.

    Parameters
    ----------
    size : int, (height, width) or None, default=None
        Pixels of the result; an int is a square. None chooses from the data: the images' own size where they all share
        one up to 256 pixels, otherwise their median aspect (a square if it is within a quarter of one) with a long
        side of their median, at most 64, in multiples of 8.
    channels : 1, 3, 4 or None, default=None
        Grey, RGB, or RGB with alpha. None is 1 where all headers say grey, otherwise 3.
    fit : "pad", "crop" or "stretch", default="pad"
        How an image of another aspect gets there: whole, centred, with bars in the median colour of its border; its
        centre only; or distorted.
    tiles : int, (height, width) or None, default=None
        An item for every tile of so many pixels of each image, so that details of large ones are seen. A tile's id is
        "path#row,column", and its metadata `path`, `top` and `left` say where it is, in pixels.
    stride : int, (height, width) or None, default=None
        Pixels from one tile to the next; None is the tile's size. Those at the lower and the right edge are moved
        inwards, so that each pixel is in a tile.

    Attributes
    ----------
    size_ : (height, width)
    channels_ : int
    deep_range_ : (low, high)
        Values that become black and white in images deeper than 8 bits (16-bit grey, floats), found over a sample.
        Values beyond are clipped.
    """

    kind = "images"
    stored_as = "uint8"

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        channels: int | None = None,
        fit: decode.Fit = "pad",
        tiles: int | Sequence[int] | None = None,
        stride: int | Sequence[int] | None = None,
    ):
        self.size = size
        self.channels = channels
        self.fit = fit
        self.tiles = tiles
        self.stride = stride

    # ------------------------------------------------------------------ sources
    @classmethod
    def gather(cls, source: Any, *, ids: Sequence[str] | None = None) -> Gathered | None:
        """Lists a folder, a path, a PIL image, or a list of paths or PIL images.

        Folders are searched with all that is in them, in sorted order. Metadata: `label` is the name of the sub-folder
        that a file lies in, `folder` its whole way down where folders are nested. Reading adds `width` and `height`,
        in pixels.
        """
        if isinstance(source, Image.Image):
            return _in_memory([source], "a PIL image", ids)
        if isinstance(source, Listing):
            return in_folder(source, decode.SUFFIXES, ids)
        if isinstance(source, str | os.PathLike):
            if os.path.isdir(source):
                return in_folder(walk(source), decode.SUFFIXES, ids)
            return of_paths([source], os.fspath(source), ids) if _is_image_file(source) else None
        if not isinstance(source, list | tuple) or not source:
            return None
        if all(isinstance(item, Image.Image) for item in source):
            return _in_memory(list(source), f"list of {len(source):,} PIL images", ids)
        if all(isinstance(item, str | os.PathLike) and _is_image_file(item) for item in source):
            return of_paths(source, f"list of {len(source):,} paths", ids)
        return None

    def gather_new(self, source: Any, *, ids: Sequence[str] | None = None) -> Gathered | None:
        """As `gather`; takes also 8-bit arrays, (h, w[, c]) for one image and (n, h, w[, c]) or a list for several."""
        if isinstance(source, np.ndarray):
            one = source.ndim == 2 or (source.ndim == 3 and source.shape[-1] in (3, 4))
            source = [source] if one else list(source)
        if isinstance(source, list | tuple) and source and all(_is_pixels(item) for item in source):
            source = [
                Image.fromarray(item[..., 0] if item.ndim == 3 and item.shape[-1] == 1 else item) for item in source
            ]
        gathered = type(self).gather(source, ids=ids)
        return None if gathered is None else self.pieces(gathered)

    def pieces(self, items: Gathered) -> Gathered:
        """Images to the items that features are made of: themselves, or with `tiles=` all their tiles."""
        if self.tiles is None or tiles.are_tiles(items.raw):
            return items
        size = _as_size(self.tiles)
        return tiles.cut(items, size, size if self.stride is None else _as_size(self.stride))

    # ------------------------------------------------------------------ features
    def learn(self, items: Gathered) -> "Images":
        """Chooses the size, the channels and the range of deep images from the headers of up to 2,048 items.

        Raises
        ------
        ValueError
            If an option is out of range, or none of the items is a readable image.
        """
        self._check_options()
        headers = self._headers(items)
        deep = [position for position, head in headers if head.deep]
        heads = [head for _, head in headers]
        wanted = self.size if self.size is not None else self.tiles
        self.size_ = _chosen_size(heads) if wanted is None else _as_size(wanted)
        self.channels_ = self.channels or (1 if all(head.grey for head in heads) else 3)
        self.deep_range_ = _deep_range([items.raw[position] for position in _spread(deep, _DEEP_SAMPLE)])
        return self

    def _check_options(self) -> None:
        if self.channels not in (None, *decode.MODES):
            raise ValueError(
                f"channels={self.channels!r} is not known: choose 1 (grey), 3 (RGB), 4 (with alpha) or None."
            )
        if self.fit not in ("pad", "crop", "stretch"):
            raise ValueError(f"fit={self.fit!r} is not known: choose 'pad', 'crop' or 'stretch'.")
        if self.stride is not None and self.tiles is None:
            raise ValueError(f"stride={self.stride!r} is the distance between tiles: it needs tiles=.")
        for name in ("size", "tiles", "stride"):
            if getattr(self, name) is not None:
                _as_size(getattr(self, name), name)
        if self.tiles is not None and self.stride is not None:
            size, stride = _as_size(self.tiles), _as_size(self.stride)
            if stride[0] > size[0] or stride[1] > size[1]:
                raise ValueError(
                    f"stride={self.stride!r} is more than tiles={self.tiles!r}: pixels would be in no tile."
                )

    @staticmethod
    def _headers(items: Gathered) -> list[tuple[int, decode.Header]]:
        sample = _spread(range(len(items)), _HEADERS)
        found: list[tuple[int, decode.Header]] = []
        reasons: list[str] = []
        # All of the sample; only where nothing in it can be read, the others until one can.
        for positions, enough in ((sample, len(sample)), (range(len(items)), 1)):
            for position in positions:
                if len(found) >= enough:
                    break
                try:
                    found.append((position, decode.header(items.raw[position])))
                except BadItemError as error:
                    reasons.append(f"{items.ids[position]}: {error}")
            if found:
                return found
        raise ValueError(
            f"none of the {len(items):,} files of {items.origin} is an image that can be read ({reasons[0]})."
            if reasons
            else f"{items.origin} holds no image."
        )

    def read(self, items: Gathered, *, on_error: OnError = "skip", block: int = 1024) -> Iterator[Batch]:
        """Yields float32 (b, channels, height, width) in [0, 1], each value the float32 quotient k / 255."""
        # PIL images are not safe to share, and tiles of one image go one after the other.
        alone = bool(items.raw) and isinstance(items.raw[0], Image.Image | tiles.Tile)
        threads = 1 if alone or not _worth_threads(items.raw) else min(8, usable_cores())
        opened = tiles.Opened()
        with ThreadPoolExecutor(threads) as pool:
            waiting: deque[tuple[int, np.ndarray, list[Future]]] = deque()
            try:
                for start in range(0, len(items), block):
                    stop = min(start + block, len(items))
                    rows = np.empty((stop - start, self.channels_, *self.size_), np.uint8)
                    tasks = [
                        pool.submit(self._decode_into, rows, items.raw, start, first, min(first + _TASK, stop), opened)
                        for first in range(start, stop, _TASK)
                    ]
                    waiting.append((start, rows, tasks))
                    if len(waiting) == 2:  # the next block decodes while the caller works on this one
                        yield self._batch(items, *waiting.popleft(), on_error)
                while waiting:
                    yield self._batch(items, *waiting.popleft(), on_error)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _decode_into(
        self, rows: np.ndarray, raw: Sequence, start: int, first: int, stop: int, opened: tiles.Opened
    ) -> list:
        """Decodes items `first` to `stop` into their rows; returns each one's own size, or the reason it has none."""
        outcomes: list[tuple[int, int] | str] = []
        for position in range(first, stop):
            source = raw[position]
            try:
                rows[position - start], had = decode.pixels(
                    opened.of(source) if isinstance(source, tiles.Tile) else source,
                    self.size_,
                    self.channels_,
                    self.fit,
                    self.deep_range_,
                )
                outcomes.append(had)
            except BadItemError as error:
                outcomes.append(str(error))
        return outcomes

    def _batch(self, items: Gathered, start: int, rows: np.ndarray, tasks: list[Future], on_error: OnError) -> Batch:
        outcomes = [outcome for task in tasks for outcome in task.result()]
        good = [place for place, outcome in enumerate(outcomes) if not isinstance(outcome, str)]
        skipped = [
            bad(items, start + place, outcome, on_error)
            for place, outcome in enumerate(outcomes)
            if isinstance(outcome, str)
        ]
        metadata = {name: [column[start + place] for place in good] for name, column in items.metadata.items()}
        metadata["width"] = [outcomes[place][0] for place in good]
        metadata["height"] = [outcomes[place][1] for place in good]
        x = np.divide(rows if len(good) == len(rows) else rows[good], np.float32(255), dtype=np.float32)
        return Batch(x, [items.ids[start + place] for place in good], metadata, skipped)

    def restore(self, x: np.ndarray) -> list[Image.Image]:
        """Pixels (n, c, h, w) to n PIL images of mode L, RGB or RGBA; values beyond [0, 1] are clipped."""
        x = np.asarray(x)
        if x.ndim != 4 or x.shape[1:] != self.shape:
            raise ValueError(f"restore() got features of shape {x.shape}, but these images have (n, {self.shape}).")
        return [to_picture(one) for one in x]

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.channels_, *self.size_)

    @property
    def feature_names(self) -> None:
        return None

    # ------------------------------------------------------------------ looking and keeping
    def picture(self, x: np.ndarray) -> Image.Image:
        """One item's pixels (c, h, w) as a PIL image, its contrast as it is."""
        return to_picture(x)

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        options: dict[str, Any] = {"channels": self.channels, "fit": self.fit}
        for name in ("size", "tiles", "stride"):
            sides = getattr(self, name)
            options[name] = sides if sides is None or isinstance(sides, int) else [int(side) for side in sides]
        learned = {"size": list(self.size_), "channels": self.channels_, "deep_range": list(self.deep_range_)}
        return {"options": options, "learned": learned}, {}

    @classmethod
    def from_state(cls, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> "Images":
        """Rebuilds from `state`. Raises CorruptFileError for anything that `state` would not have given."""
        try:
            if arrays:
                raise ValueError(f"arrays {sorted(arrays)}, where none belong")
            options, learned = dict(facts["options"]), dict(facts["learned"])
            modality = cls(**options)
            modality._check_options()
            modality.size_ = _as_size(learned["size"])
            modality.channels_ = learned["channels"]
            low, high = (float(value) for value in learned["deep_range"])
            if type(modality.channels_) is not int or modality.channels_ not in decode.MODES:
                raise ValueError(f"channels {modality.channels_!r}")
            if not (np.isfinite(low) and np.isfinite(high) and low < high):
                raise ValueError(f"deep_range {low}, {high}")
            modality.deep_range_ = (low, high)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise CorruptFileError(f"the image reader's state is damaged: {error}.") from None
        return modality


def _in_memory(pictures: list, origin: str, ids: Sequence[str] | None) -> Gathered:
    names = [str(position) for position in range(len(pictures))]
    return Gathered(pictures, names if ids is None else check_ids(ids, len(pictures), origin), {}, origin)


def to_picture(x: np.ndarray) -> Image.Image:
    """Pixels (c, h, w), in [0, 1] or bytes as they are stored, to a PIL image; c is 1, 3 or 4."""
    rows = x if x.dtype == np.uint8 else _to_bytes(x)
    return Image.fromarray(rows[0] if rows.shape[0] == 1 else np.ascontiguousarray(rows.transpose(1, 2, 0)))


def _to_bytes(x: np.ndarray) -> np.ndarray:
    if not np.isfinite(x).all():
        raise ValueError("these pixels hold NaN or infinity; an image needs numbers. Look at the model that gave them.")
    return np.rint(np.clip(x, 0, 1) * 255).astype(np.uint8)


# ---------------------------------------------------------------------- choosing from the data
def _chosen_size(headers: Sequence[decode.Header]) -> tuple[int, int]:
    sizes = {(head.height, head.width) for head in headers}
    if len(sizes) == 1 and max(only := next(iter(sizes))) <= _KEPT_UP_TO:
        return only
    aspect = float(np.median([head.width / head.height for head in headers]))
    long_side = min(float(np.median([max(head.width, head.height) for head in headers])), _LONG_SIDE)
    if 0.8 <= aspect <= 1.25:
        aspect = 1.0
    sides = (long_side / max(aspect, 1.0), long_side * min(aspect, 1.0))
    height, width = (max(8, 8 * round(side / 8)) for side in sides)
    return height, width


def _as_size(size: Any, name: str = "size") -> tuple[int, int]:
    sides = (size, size) if isinstance(size, int) else tuple(size) if isinstance(size, Sequence) else ()
    if len(sides) != 2 or not all(type(side) is int and 1 <= side <= _MAX_SIDE for side in sides):
        raise ValueError(
            f"{name}={size!r} is not a size: give pixels, as 64 or (height, width), each 1 to {_MAX_SIDE:,}."
        )
    return sides[0], sides[1]


def _deep_range(sources: Sequence[Any]) -> tuple[float, float]:
    """Black and white of deep images: 0 to the full scale of the fewest bits that hold the sample, or its own range."""
    low, high = 0.0, 0.0
    for source in sources:
        try:
            values = np.asarray(decode.decoded(source)[0])
        except BadItemError:
            continue
        finite = values[np.isfinite(values)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    if high <= 1 and low >= 0:
        return 0.0, 1.0 if high > 0 else 65535.0
    for bits in (8, 10, 12, 14, 16):
        if low >= 0 and high <= 2**bits - 1:
            return 0.0, float(2**bits - 1)
    return low, high if high > low else low + 1.0


def _spread(positions: Sequence[int], count: int) -> list[int]:
    """At most `count` of the positions, evenly over all of them, the same ones every time."""
    if len(positions) <= count:
        return list(positions)
    return [positions[i] for i in np.linspace(0, len(positions) - 1, count).astype(int)]


def _worth_threads(raw: Sequence) -> bool:
    sizes = []
    for position in _spread(range(len(raw)), 32):
        try:
            sizes.append(os.path.getsize(raw[position]))
        except OSError:
            continue
    return bool(sizes) and float(np.mean(sizes)) >= _WORTH_A_THREAD


def _is_pixels(item: Any) -> bool:
    if not isinstance(item, np.ndarray) or item.dtype != np.uint8:
        return False
    return item.ndim == 2 or (item.ndim == 3 and item.shape[-1] in (1, 3, 4))


def _is_image_file(path: str | os.PathLike) -> bool:
    """Whether a path is taken for an image: by its suffix, or by its first bytes where it has none."""
    ending = suffix(readable(os.fspath(path)))
    if ending in decode.SUFFIXES:
        return True
    if ending or not_a_file(path) is not None:
        return False
    try:
        decode.header(path)
    except BadItemError:
        return False
    return True
