"""Whole numbers in few bytes: seven bits a byte, the lowest first, the eighth bit says that more follow (LEB128)."""

from collections.abc import Iterable

from ..errors import CorruptFileError

_LONGEST = 9  # bytes of one number: 63 bits


def write_varints(numbers: Iterable[int]) -> bytes:
    """Whole numbers, 0 to 2^63 - 1, as bytes.

    >>> write_varints([5, 300]).hex()
    '05ac02'
    """
    out = bytearray()
    for number in numbers:
        number = int(number)
        if not 0 <= number < 2**63:
            raise ValueError(f"{number} does not fit: 0 to 2^63 - 1 do.")
        while number > 127:
            out.append(number & 127 | 128)
            number >>= 7
        out.append(number)
    return bytes(out)


def read_varints(data: bytes, count: int, at: int = 0) -> tuple[list[int], int]:
    """Reads `count` numbers from a place on; returns them and the place after the last.

    Raises
    ------
    CorruptFileError
        If the bytes end before, or a number has more than 63 bits.

    Examples
    --------
    >>> read_varints(bytes.fromhex("05ac02"), 2)
    ([5, 300], 3)
    """
    if count > len(data) - at:
        raise CorruptFileError(f"{count:,} numbers cannot be in {len(data) - at:,} bytes.")
    numbers: list[int] = []
    for _ in range(count):
        number = shift = 0
        while True:
            if at >= len(data):
                raise CorruptFileError(f"its bytes end within a number, after {len(numbers):,} of {count:,}.")
            byte = data[at]
            at += 1
            number |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
            if shift >= 7 * _LONGEST:
                raise CorruptFileError("a number in it has more than 63 bits.")
        numbers.append(number)
    return numbers, at
