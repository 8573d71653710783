"""A framework that is not there is told in one line; adapters load no more than their own."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

import learnorder as lo


@pytest.mark.parametrize(
    ("module", "framework", "extra"),
    [
        ("lightning", "lightning", "lightning"),
        ("transformers", "transformers", "transformers"),
        ("keras", "keras", "keras"),
        ("skorch", "skorch", "skorch"),
        ("xgboost", "xgboost", "boost"),
        ("lightgbm", "lightgbm", "boost"),
    ],
)
def test_a_missing_framework_is_told_with_its_extra(monkeypatch, module, framework, extra):
    for name in [n for n in sys.modules if n.partition(".")[0] == framework]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, f"learnorder.adapters.{module}", raising=False)
    monkeypatch.setitem(sys.modules, framework, None)
    with pytest.raises(lo.ExtraMissing, match=rf"pip install 'learnorder\[{extra}\]'") as refused:
        importlib.import_module(f"learnorder.adapters.{module}")
    assert "\n" not in str(refused.value)


def test_adapters_of_arrays_do_not_load_torch():
    code = "import sys, learnorder.adapters.sklearn, learnorder.adapters.margins"
    done = subprocess.run([sys.executable, "-c", f"{code}; sys.exit('torch' in sys.modules)"])
    assert done.returncode == 0
