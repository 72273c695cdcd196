"""Verbs of the codec: compress, decompress."""
