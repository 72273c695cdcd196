"""The verbs of a space, one class a room: what `LatentSpace` is put together from. No mathematics here."""
