"""Factors of users and items: what interactions say of both, and the linear baseline beside them."""
