"""`python -m latentspace` is the command line."""

from .cli import main

main()
