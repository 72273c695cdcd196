"""New items: ways through the latent space, and the sheets that show what decodes along them."""
