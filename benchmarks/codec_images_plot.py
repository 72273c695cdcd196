"""The picture of `codec_images`: PSNR against bits a pixel of every format, files on the left, mosaics on the right."""

from pathlib import Path
from typing import Any

_COLOURS = {
    "JPEG": "#8c564b", "WebP": "#1f77b4", "AVIF": "#9467bd", "JPEG XL": "#2ca02c", "PCA, ideal": "#7f7f7f",
    "ours": "#d62728",
}  # fmt: skip
_LOW, _HIGH = 22, 39  # dB


def draw(name: str, ours: dict[str, Any], others: dict[str, Any], path: Path) -> None:
    """Writes a PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), sharey=True, layout="constrained")
    for axis, mine, theirs, title in zip(
        axes, ("files", "one stream"), ("files", "mosaic"),
        ("each picture on its own", "all together: one stream, one mosaic"), strict=True,
    ):  # fmt: skip
        curves = {kind: ways[theirs] for kind, ways in others.items() if theirs in ways} | {"ours": ours[mine]}
        furthest = 0.0
        for kind, points in curves.items():
            shown = sorted((bits, psnr) for _, bits, psnr in points if _LOW - 3 <= psnr <= _HIGH + 3)
            if shown:
                axis.plot(*zip(*shown, strict=True), label=kind, color=_COLOURS[kind], marker="o", ms=3,
                          lw=2.5 if kind == "ours" else 1.4)  # fmt: skip
                furthest = max([furthest, *(bits for bits, psnr in shown if psnr <= _HIGH)])
        axis.set(xlim=(0, 1.03 * furthest), ylim=(_LOW, _HIGH), xlabel="bits a pixel", title=f"{name}, {title}")
        axis.grid(color="#e5e5e5")
        axis.legend(loc="lower right", fontsize=8)
    axes[0].set_ylabel("PSNR, dB")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)
