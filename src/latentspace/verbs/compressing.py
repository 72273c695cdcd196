"""Items as bytes, and back."""

import io
import os
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

from ..items.protocol import OnError
from .state import State


class CompressingVerbs(State):
    """`compress`, `decompress`."""

    def compress(
        self,
        items: Any = None,
        *,
        quality: float | None = None,
        psnr: float | None = None,
        bpp: float | None = None,
        max_bytes: int | None = None,
        max_error: float | Mapping[str, float] | Sequence[float] | None = None,
        lossless: bool = False,
        random_access: bool = True,
        embed: bool = False,
        coder: str | None = None,
        metadata: bool = True,
        seed: int = 0,
        on_error: OnError = "skip",
    ) -> bytes:
        """Items to the bytes of a `.lsz` container, through what this space has learned.

        Of `quality`, `psnr`, `bpp`, `max_bytes` and `max_error` one may be given; without any, quality is 75, where
        the coder loses anything.

        Parameters
        ----------
        items
            One item, several, or a source as `fit` takes it; None for the space's own.
        quality : float, optional
            1 to 100, in equal ratios of the step between the coder's coarsest and finest.
        psnr : float, optional
            dB, over all values together, to be reached on a sample of the items: pixels in [0, 255], samples of full
            scale 1, features of what is coded by latents.
        bpp : float, optional
            Bits a pixel, sample or value, at most, on a sample of the items.
        max_bytes : int, optional
            Bytes of the whole container, at most.
        max_error : float, dict of column to float, or array of shape (columns,), optional
            How far a number of a table or an array may be from the original, at most: in every numeric column, or in
            those that are named, where the others come back exactly. So do columns with infinite numbers.
        lossless : bool, default=False
            Give the very items back.
        random_access : bool, default=True
            Let each item be decoded alone. False shares one stream among those of a block, which is smaller.
        embed : bool, default=False
            Put what decoding needs into the container, instead of this space's fingerprint.
        coder : str, optional
            "latents", "pq", "pictures", "lossless", "text", "table", "sound" or "sound-lossless"; by default what suits
            the items and what was asked for.
        metadata : bool, default=True
            Keep the items' metadata in the container.
        seed : int, default=0
            The one source of chance, where a coder learns.
        on_error : "skip" or "raise", default="skip"
            Items that cannot be read are left out with a warning, or are an error.

        Returns
        -------
        bytes

        Raises
        ------
        UnsupportedError
            If items of this kind have no coder, or the model no decoder.
        ValueError
            If options exclude one another, or `max_bytes` cannot be met.

        Notes
        -----
        What a coder learns from the space's items it learns once, when it is first asked for, and the space keeps it,
        in its file if it has one: containers refer to it.
        """
        from .. import compressing, fitting

        asked = compressing.asked_for(
            quality=quality, psnr=psnr, bpp=bpp, max_bytes=max_bytes, max_error=max_error,
            lossless=lossless, random_access=random_access, embed=embed, coder=coder, metadata=metadata, seed=seed,
            on_error=on_error,
        )  # fmt: skip
        out = io.BytesIO()
        written = compressing.compress(self, items, asked, out)
        fitting.warn_of(written.skipped, written.items + len(written.skipped), "compress()")
        return out.getvalue()

    def decompress(
        self, blob: bytes | str | os.PathLike | BinaryIO, *, only: Sequence[str] | str | None = None,
        on_damage: str = "raise",
    ) -> Any:  # fmt: skip
        """The items of a `.lsz` container, in their own form.

        Parameters
        ----------
        blob : bytes, path or binary stream
            What `compress` gave.
        only : str or sequence of str, optional
            Names of the items that are wanted, in the order they are wanted; one name gives that item alone.
        on_damage : "raise" or "skip", default="raise"
            What is damaged is an error that names it, or is left out with a warning.

        Returns
        -------
        list of PIL images, list of (samples, rate), list of str, array or frame
            As the space's items are.

        Raises
        ------
        CorruptFileError
            If a part is damaged.
        ValueError
            If it was compressed with another space, or there is no item of a name in `only`.
        """
        from ..compressing.opening import decompress

        if isinstance(blob, str | os.PathLike):
            with open(blob, "rb") as stream:
                return decompress(stream, self, only, on_damage)
        return decompress(bytes(blob) if isinstance(blob, bytearray | memoryview) else blob, self, only, on_damage)
