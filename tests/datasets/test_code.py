import gc
import importlib
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata

import pytest

from hbac.datasets import code
from hbac.datasets.code import code_version

F = "def f(x):\n    return x + 1\n"
LAZILY = """import lazy_loader
__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={"b": ["f"]})
"""


@pytest.fixture
def version(tmp_path, monkeypatch):
    """Write modules of a package ``sample``; return the version of its module ``a``."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write(**modules):
        for name, source in ({"sample.__init__": ""} | modules).items():
            path = tmp_path / (name.replace(".", "/") + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source)
        for name in [name for name in sys.modules if name.partition(".")[0] == "sample"]:
            del sys.modules[name]
        importlib.invalidate_caches()
        code._find.cache_clear()
        code_version.cache_clear()
        return code_version("sample.a")

    return write


def check_that_code_counts(version, where, **modules):
    """A change of one module is seen, one of a comment in it is not."""
    plain = version(**modules | {where: F})
    assert version(**modules | {where: 'def f(x):\n    "Add."\n    return x + 1  # one\n'}) == plain
    assert version(**modules | {where: F.replace("1", "2")}) != plain
    assert version(**modules | {where: F}) == plain


@pytest.mark.parametrize(
    "source",
    [
        "from sample.b import f\n",
        "from .b import f\n",
        "from . import b\n",
        "from sample.b import *\n",
        "import sample.b\n",
        "def g():\n    from sample.b import f\n    return f\n",
    ],
)
def test_the_code_of_a_module_that_is_imported_counts(version, source):
    check_that_code_counts(version, "sample.b", **{"sample.a": source})


@pytest.mark.parametrize(
    "source", ["from sample.c import f\n", "from sample import c\ng = c.f\n", "from .c import f\n"]
)
@pytest.mark.parametrize(
    "init",
    ["from sample.c.b import f\n", LAZILY],
    ids=["at once", "lazily"],
)
def test_code_counts_that_a_package_offers(version, source, init):
    modules = {"sample.a": source, "sample.c.__init__": init}
    check_that_code_counts(version, "sample.c.b", **modules)


def test_code_does_not_count_that_a_package_offers_to_others(version):
    modules = {
        "sample.a": "from sample.c import f\n",
        "sample.c.__init__": "from sample.c.b import f\nfrom sample.c.other import h\n",
        "sample.c.b": F,
    }
    plain = version(**modules | {"sample.c.other": "def h(): pass\n"})
    assert version(**modules | {"sample.c.other": "def h(): return 1\n"}) == plain


def test_a_module_beside_it_that_nobody_installed_counts(version):
    check_that_code_counts(version, "helper", **{"sample.a": "from helper import f\n"})


def test_what_cannot_be_imported_here_is_left_out(version):
    assert version(**{"sample.a": "try:\n    import nowhere.at_all\nexcept ImportError: pass\n"})


@pytest.mark.parametrize(
    ("library", "counts"), [("numpy", True), ("librosa", True), ("pywt", True), ("kedro", False)]
)
def test_libraries_that_decide_values_count_by_their_version(version, monkeypatch, library, counts):
    modules = {"sample.a": f"import {library}\n"}
    before = version(**modules)
    monkeypatch.setattr(metadata, "version", lambda name: "0.0.1")
    code._version.cache_clear()
    after = version(**modules)
    code._version.cache_clear()
    assert (after != before) == counts


def test_the_libraries_of_a_spectrogram_are_known():
    libraries = code._Walk("hbac.pipelines.spectrogram.nodes").libraries
    assert {"numpy", "scipy", "librosa", "pywt"} <= libraries.keys()
    assert libraries["pywt"] == metadata.version("PyWavelets")


def test_a_network_is_not_imported_to_read_its_code(version):
    modules = {"sample.a": "from sample.b import f\n"}
    assert version(**modules | {"sample.b": "raise SystemExit('imported')\ndef f(): pass\n"})


def _deep(depth):
    """Read code from further down the stack."""
    return _deep(depth - 1) if depth else code_version.__wrapped__("hbac.eeg.wavelet")


def test_code_is_read_on_several_threads_at_once():
    def switch(*_):
        time.sleep(0)

    before = gc.get_threshold()
    gc.callbacks.append(switch)
    gc.set_threshold(50)
    try:
        with ThreadPoolExecutor(4) as pool:
            found = set(pool.map(_deep, [0, 10, 20, 30]))
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(switch)
    assert found == {_deep(0)}
