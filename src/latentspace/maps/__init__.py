"""z -> 2-d: fitting maps, placing and decoding on them, how far they can be trusted, and drawing them."""
