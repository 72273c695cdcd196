"""Neighbours in z: exact search, filters on metadata, and the neighbour graph that other rooms share."""
