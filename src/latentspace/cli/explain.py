"""Verbs that tell what dimensions mean, what is odd, and which model to take: explain, outliers, choose, card."""
