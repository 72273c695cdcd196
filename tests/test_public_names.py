import subprocess
import sys

import latentspace as ls


def test_all_is_sorted_and_each_name_is_there():
    assert ls.__all__ == sorted(ls.__all__, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    assert set(ls.__all__) == set(ls._LAZY)


def test_importing_the_package_loads_nothing_heavy():
    heavy = {"torch", "sklearn", "pandas", "matplotlib", "scipy"}
    code = f"import sys, latentspace; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
