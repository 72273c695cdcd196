"""From latents to bits and back."""
