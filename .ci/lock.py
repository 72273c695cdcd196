"""Writes locked/: what to install, on any platform, with the sha256 of every file; versions are constraints.txt's.

Run by `make lock` after `make pins`. `pip install --require-hashes -r locked/core.txt` then takes no other bytes.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = "3.11.5"  # the oldest that every pin runs on
FILES = {
    "core.txt": ["pyproject.toml"],
    "everything.txt": ["pyproject.toml", "constraints.txt", "--all-extras"],  # and what builds, tests and documents it
}
HEAD = "# Written by `make lock`. pip install --require-hashes -r locked/{name}\n"


def main() -> int:
    """Resolves for every platform at once, and writes the files; the index it asks is the user's own."""
    for name, sources in FILES.items():
        beside = ROOT / "locked" / f".{name}.part"
        command = [
            sys.executable, "-m", "uv", "pip", "compile", *sources, "-c", "constraints.txt", "-o", str(beside),
            "--universal", "--generate-hashes", "--python-version", PYTHON, "--no-header", "--no-annotate", "--quiet",
            "--native-tls",
        ]  # fmt: skip
        try:
            if code := subprocess.run(command, cwd=ROOT, check=False).returncode:
                return code
            body = beside.read_text()
        finally:
            beside.unlink(missing_ok=True)
        (ROOT / "locked" / name).write_text(HEAD.format(name=name) + body)
        packages = set(re.findall(r"^[^ #=]+(?===)", body, re.MULTILINE))
        print(f"locked/{name}: {len(packages)} packages, {body.count('sha256:'):,} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
