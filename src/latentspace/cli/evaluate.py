"""Verbs that judge: evaluate, compare."""
