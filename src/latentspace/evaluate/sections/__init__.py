"""The parts of an evaluation: each takes what is given and returns its section, its facts and what it found."""
