"""How good a space is."""
