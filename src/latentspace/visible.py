"""Words of files as a terminal may show them: what would steer it is spelled out, so that a name cannot."""

import re

# C0 without tab and line feed, DEL, C1, and what turns the direction of writing (which can hide what a name says).
_STEERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    r"""Spells out control characters, as Python and JSON do.

    Examples
    --------
    >>> visible("a\x1b[2Jb")
    'a\\u001b[2Jb'
    >>> visible("one\ttwo, ü")
    'one\ttwo, ü'
    """
    return _STEERS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
