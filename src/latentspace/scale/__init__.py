"""More than memory, and more than one machine: PCA, networks and encoding over blocks on disk, resumable, or by Ray."""
