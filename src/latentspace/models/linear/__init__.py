"""Latent spaces beside PCA whose decoder is linear: one file a family, one base that fits, encodes and decodes."""
