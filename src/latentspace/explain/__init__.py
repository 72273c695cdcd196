"""What the dimensions of a latent space mean."""
