"""The examples in docstrings, each module's as one test."""

import doctest
import importlib
import pkgutil

import pytest

import latentspace

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(latentspace.__path__, "latentspace.")
    if not module.name.endswith("__main__")
)


@pytest.mark.parametrize("name", ["latentspace", *MODULES])
def test_examples_give_the_answers_they_show(name):
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert failed == 0
