"""From latents, pixels, samples, cells and texts to bits and back: coders, and the container that holds what they give.

`protocol.Coder` says what a coder is, `CODERS` names them; `container` frames, names and checks; `rate` finds the step.
"""
