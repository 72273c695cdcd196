"""Opens many mutated files in child processes, and tells what came of them.

Run as `python tests/hostile/hostile_campaign.py --files 10000 [--seed 0] [--publish]`; with --publish the figures go
into docs/reliability.md. A file that something is wrong with is kept in the folder that is named, to be opened again.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hostile_batch
import hostile_watch

MEMORY = 500 << 20  # bytes that opening one file may take
BATCH = 1000  # files of one process


@dataclass
class Told:
    """What came of a file: `outcome` is "opened", "refused", "mistake", "crash", "hang", "executed" or "memory"."""

    number: int
    kind: str
    file: str
    outcome: str
    message: str = ""
    memory: int = 0
    seconds: float = 0.0
    cpu: float = 0.0


@dataclass
class Campaign:
    """All that was opened."""

    told: list[Told] = field(default_factory=list)

    @property
    def wrong(self) -> list[Told]:
        return [one for one in self.told if one.outcome not in ("opened", "refused")]

    def count(self) -> Counter:
        return Counter(one.outcome for one in self.told)


def run(seeds: Path, work: Path, files: int, seed: int = 0, first: int = 0, few: bool = False) -> Campaign:
    """Opens files `first` to `first + files` - 1 in one process after another; one that dies costs its file only."""
    campaign, number, last = Campaign(), first, first + files
    while number < last:
        rows, code, errors = _batch(seeds, work, number, min(last, number + BATCH), seed, few)
        campaign.told += [_row(one) for one in rows if "outcome" in one]
        if code == 0:
            number = min(last, number + BATCH)
            continue
        if not rows:
            raise RuntimeError(f"the process died before its first file ({code}): {errors[-2000:]}")
        died = rows[-1]
        campaign.told.append(Told(died["number"], died["kind"], died["file"], _cause(code, errors), errors[-300:]))
        number = died["number"] + 1
    return campaign


def _batch(
    seeds: Path, work: Path, first: int, last: int, seed: int, few: bool
) -> tuple[list[dict[str, Any]], int, str]:
    with tempfile.TemporaryDirectory(dir=work) as folder:
        script = Path(__file__).with_name("hostile_batch.py")
        command = [sys.executable, str(script), str(seeds), folder, str(first), str(last), str(seed), *["few"] * few]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, env=_plain())
    rows: list[dict[str, Any]] = []
    for line in done.stdout.splitlines():
        row = json.loads(line)
        if "outcome" in row:
            rows[-1] |= row
        else:
            rows.append(row)
    return rows, done.returncode, done.stderr


def _plain() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONFAULTHANDLER": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def _row(row: dict[str, Any]) -> Told:
    told = Told(**row)
    if told.outcome in ("opened", "refused") and told.memory > MEMORY:
        told.outcome, told.message = "memory", f"{told.memory >> 20} MB; {told.message}"
    if told.cpu > hostile_watch.SECONDS:
        told.outcome = "hang"
    return told


def _cause(code: int, errors: str) -> str:
    if code == 99:
        return "executed"
    if -code in (signal.SIGPROF, signal.SIGALRM):
        return "hang"
    return "memory" if "MemoryError" in errors[-2000:] else "crash"


def keep(campaign: Campaign, seeds: Path, folder: Path, seed: int) -> None:
    """Writes the files that something is wrong with, to be looked at."""
    originals = hostile_batch.seeds_in(seeds)
    folder.mkdir(parents=True, exist_ok=True)
    for one in campaign.wrong:
        kind, original, data = hostile_batch.case(one.number, seed, originals)
        (folder / f"{one.number}-{kind}-{original.name}").write_bytes(data)


# ---------------------------------------------------------------------- figures
def table(campaign: Campaign, seconds: float) -> str:
    """The figures, as a table in Markdown."""
    kinds = dict.fromkeys(one.kind for one in campaign.told)
    lines = [
        "| what was mutated | files | opened | refused | crash | hang | over 500 MB | executed | unclear error "
        "| most memory | longest |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in (*kinds, "all"):
        rows = [one for one in campaign.told if name in ("all", one.kind)]
        count = Counter(one.outcome for one in rows)
        cells = [count[key] for key in ("opened", "refused", "crash", "hang", "memory", "executed", "mistake")]
        most, longest = max(one.memory for one in rows), max(one.cpu for one in rows)
        lines.append(
            f"| {name} | {len(rows):,} | {' | '.join(f'{cell:,}' for cell in cells)} | {max(0, most) / 2**20:.0f} MB "
            f"| {longest:.2f} s |"
        )
    return "\n".join(lines) + f"\n\n{len(campaign.told):,} files in {seconds / 60:.1f} minutes."


def publish(text: str, page: Path) -> None:
    """Replaces what stands between the page's two marks."""
    begin, end = "<!-- fuzz: begin -->", "<!-- fuzz: end -->"
    held = page.read_text(encoding="utf-8")
    before, after = held.split(begin)[0], held.split(end)[1]
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--files", type=int, default=10_000)
    asked.add_argument("--first", type=int, default=0)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "latentspace-fuzz")
    asked.add_argument("--publish", action="store_true", help="write the figures into docs/reliability.md")
    given = asked.parse_args()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        seeds, work = Path(folder) / "seeds", Path(folder)
        campaign = run(seeds, work, given.files, given.seed, given.first)
        keep(campaign, seeds, given.keep, given.seed)
    text = table(campaign, time.perf_counter() - start)
    print(text)
    for one in campaign.wrong:
        print(f"{one.outcome}: {one.number} {one.kind} {one.file}: {one.message}", file=sys.stderr)
    if given.publish:
        publish(text, Path(__file__).resolve().parents[2] / "docs" / "reliability.md")
    print(f"{len(campaign.told) - len(campaign.wrong)} passed, {len(campaign.wrong)} failed")
    return bool(campaign.wrong)


if __name__ == "__main__":
    sys.exit(main())
