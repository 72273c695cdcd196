"""Reads damaged copies of a file in a process that dies of anything a reader must not do.

Run as `python read_damaged.py FILE COPIES SEED`; prints a JSON line for each copy. Memory is limited, running code is
audited, and a copy that takes over 10 seconds kills the process.
"""

import json
import os
import random
import resource
import signal
import sys

from store_samples import assert_same

from latentspace import store

PAGE = 8192
FORBIDDEN = (
    "exec", "compile", "import", "pickle.", "marshal.", "subprocess.", "os.system", "os.exec", "os.posix_spawn",
    "os.fork", "ctypes.", "socket.", "sqlite3.enable_load_extension", "sqlite3.load_extension", "urllib.",
)  # fmt: skip


def forbid_execution() -> None:
    def audit(event: str, arguments: tuple) -> None:
        if event.startswith(FORBIDDEN):
            os.write(2, f"a reader did {event} {arguments!r:.200}\n".encode())
            os._exit(99)

    sys.addaudithook(audit)


def limit_memory(more: int) -> None:
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + more, now + more))


# ---------------------------------------------------------------------- ways to damage
def flip(data: bytearray, chance: random.Random) -> None:
    """Flips 1 to 8 bits anywhere."""
    for _ in range(chance.randint(1, 8)):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def flip_header(data: bytearray, chance: random.Random) -> None:
    data[chance.randrange(100)] ^= 1 << chance.randrange(8)


def flip_page_header(data: bytearray, chance: random.Random) -> None:
    """Hits a b-tree page's type, its count of cells, or where they are."""
    start = chance.randrange(len(data) // PAGE) * PAGE
    data[start + (100 if start == 0 else 0) + chance.randrange(24)] ^= 1 << chance.randrange(8)


def enlarge(data: bytearray, chance: random.Random) -> None:
    """Makes some bytes as large as they get, where sizes and page numbers lie: a page's start, and its last cells."""
    start = chance.randrange(len(data) // PAGE) * PAGE
    at = start + chance.choice([chance.randrange(40), PAGE - 1 - chance.randrange(200)])
    for i in range(at, min(at + chance.randint(1, 4), len(data))):
        data[i] = 0xFF


def enlarge_in_header(data: bytearray, chance: random.Random) -> None:
    """Page size, page count, first free page, count of free pages, cache size."""
    at = chance.choice([16, 28, 32, 36, 48, 52])
    data[at : at + (2 if at == 16 else 4)] = chance.choice([b"\xff" * 4, b"\x7f\xff\xff\xff", b"\0\1\0\0"])[
        : 2 if at == 16 else 4
    ]


def truncate(data: bytearray, chance: random.Random) -> None:
    del data[
        chance.choice(
            [chance.randrange(len(data)), chance.randrange(len(data) // PAGE) * PAGE, chance.randrange(200)]
        ) :
    ]


def lengthen(data: bytearray, chance: random.Random) -> None:
    data += chance.randbytes(chance.choice([1, 100, PAGE, 3 * PAGE]))


def swap_pages(data: bytearray, chance: random.Random) -> None:
    a, b = (chance.randrange(len(data) // PAGE) * PAGE for _ in range(2))
    data[a : a + PAGE], data[b : b + PAGE] = data[b : b + PAGE], data[a : a + PAGE]


def zero_page(data: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(data) // PAGE) * PAGE
    data[start : start + PAGE] = bytes(PAGE)


WAYS = [
    flip, flip, flip_header, flip_page_header, flip_page_header, enlarge, enlarge_in_header, truncate, swap_pages,
    zero_page, lengthen,
]  # fmt: skip


def main(original: str, copies: int, seed: int) -> None:
    good = store.read(original)
    with open(original, "rb") as file:
        whole = file.read()
    copy = original + ".copy.latent"
    outcomes = []
    for number in range(-1, copies):  # -1: undamaged, so that all that reading imports is there before it is forbidden
        chance = random.Random(seed * 1000 + number)
        data, way = bytearray(whole), WAYS[number % len(WAYS)]
        if number >= 0:
            way(data, chance)
        with open(copy, "wb") as file:
            file.write(data)
        signal.alarm(10)
        try:
            found = store.read(copy)
        except (ValueError, TimeoutError) as error:
            outcomes.append({"way": way.__name__, "error": type(error).__name__, "message": str(error)})
        else:
            assert_same(found, good)  # what can be read in full is right in full
            outcomes.append({"way": way.__name__, "error": None})
        signal.alarm(0)
        if number < 0:
            assert outcomes.pop()["error"] is None
            forbid_execution()
            limit_memory(256 << 20)
    for outcome in outcomes:
        print(json.dumps(outcome))
    os.unlink(copy)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
