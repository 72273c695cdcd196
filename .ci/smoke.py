"""Builds wheel and sdist, installs them in bare environments, and runs what an installed latentspace must do.

python .ci/smoke.py                     # the core on every Python that is here, then each extra alone
python .ci/smoke.py core web            # some
"""

import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
_NOT_A_FEATURE = ("all", "test", "lint", "bench", "docs", "supply", "fuzz")


def pythons() -> dict[str, str]:
    """The supported Pythons that are here: a version to its interpreter."""
    found = {f"{sys.version_info.major}.{sys.version_info.minor}": sys.executable}
    for version in PYTHONS:
        there = shutil.which(f"python{version}")
        homes = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
        for path in [*(str(home) for home in homes), *([there] if there else [])]:
            done = subprocess.run([path, "-c", "import ssl, venv"], capture_output=True, check=False)
            if done.returncode == 0:
                found.setdefault(version, path)
    return found


def built(folder: Path) -> tuple[Path, Path]:
    """The wheel and the sdist of this tree."""
    subprocess.run(
        [sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)], check=True, stdout=subprocess.DEVNULL
    )
    return next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))


def smoke(python: str, package: Path, extra: str, pinned: bool) -> tuple[bool, str]:
    """Installs a package with one extra in a bare venv and runs the smoke test there."""
    with tempfile.TemporaryDirectory(prefix="latentspace-smoke-") as place:
        subprocess.run([python, "-m", "venv", f"{place}/venv"], check=True)
        inside = f"{place}/venv/bin/python"
        what = str(package) if extra == "core" else f"{package}[{extra}]"
        pins = ["-c", str(ROOT / "constraints.txt")] if pinned else []
        steps = [
            [inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *pins, what],
            [inside, str(ROOT / ".ci" / "smoke_test.py"), extra],
        ]
        Path(place, "work").mkdir()
        for step in steps:
            done = subprocess.run(step, cwd=f"{place}/work", capture_output=True, text=True, check=False)
            if done.returncode:
                return False, (done.stderr or done.stdout).strip()[-600:]
        return True, ""


def main(chosen: list[str]) -> int:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    features = [name for name in extras if name not in _NOT_A_FEATURE]
    bad = 0
    with tempfile.TemporaryDirectory(prefix="latentspace-dist-") as folder:
        wheel, sdist = built(Path(folder))
        jobs = []
        here = pythons()
        for version, python in here.items():
            jobs.append((f"core, Python {version}", python, wheel, "core", version == "3.11"))
        jobs.append(("core from the sdist", sys.executable, sdist, "core", True))
        jobs += [(name, sys.executable, wheel, name, True) for name in features]
        for version in PYTHONS:
            if version not in here:
                print(f"core, Python {version}: no such interpreter here", flush=True)
        for said, python, package, extra, pinned in jobs:
            if chosen and extra not in chosen:
                continue
            began = time.monotonic()
            fine, why = smoke(python, package, extra, pinned)
            print(f"{said}: {'fine' if fine else 'FAILED'} ({time.monotonic() - began:.0f} s)", flush=True)
            if not fine:
                print(why, flush=True)
                bad += 1
    return bad


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
