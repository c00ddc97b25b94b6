import os
import subprocess
import sys
import threading
from functools import cache, partial

import numpy as np
import pytest
from kedro.io import DatasetError

from hbac.datasets import NpyDataset
from hbac.datasets.code import code_version
from hbac.datasets.file import FileDataset
from hbac.datasets.fingerprint import code_fingerprint, task_fingerprint
from hbac.eeg.denoise import wavelet_denoise
from tests.datasets.folders import folder


class Scaled(NpyDataset):
    """Numbers, multiplied as they are read."""

    def __init__(self, *, factor=1, **file_options):
        super().__init__(**file_options)
        self._factor = factor

    def _read(self, path):
        return super()._read(path) * self._factor


def ones(n):
    return np.ones(n)


def doubled(load):
    return load() * 2


def scaled(path, **arguments):
    return folder(path, {"type": f"{__name__}.Scaled"} | arguments)


def changed_at(path):
    return {entry.name: entry.stat().st_mtime_ns for entry in path.glob("*.npy")}


@pytest.fixture
def source(tmp_path):
    folder(tmp_path / "source").save({"1": partial(ones, 1), "2": partial(ones, 2)})
    return tmp_path / "source"


def test_fingerprints_agree_between_processes():
    values = "{'b': 1, 'a': {4, 5, 6, 'x'}}, frozenset('abc'), lambda n: n in {'a', 'b', 'c'}"
    task = f"partial(wavelet_denoise, [3, {values}], wavelet='db8')"
    code = (
        "from functools import partial; from hbac.eeg.denoise import wavelet_denoise; "
        f"from hbac.datasets.fingerprint import task_fingerprint as f; print(f({task}))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


def test_fingerprints_tell_parameters_apart():
    values = (1, 2, "1", None, True, 1.0, [1], {1: 2}, {"1": 2}, {2: 1}, {1}, b"1", np.ones(1))
    prints = {task_fingerprint(partial(wavelet_denoise, value)) for value in values}
    assert len(prints) == len(values)


def test_the_order_of_names_does_not_count():
    for one, other in (({"a": 1, "b": 2}, {"b": 2, "a": 1}), ({1: "a", 2: "b"}, {2: "b", 1: "a"})):
        tasks = (partial(wavelet_denoise, names) for names in (one, other))
        assert len(set(map(task_fingerprint, tasks))) == 1


def test_another_argument_of_the_reader_makes_everything_again(source, tmp_path):
    out = folder(tmp_path / "out")

    def make(**arguments):
        out.save(
            {n: partial(doubled, load) for n, load in scaled(source, **arguments).load().items()}
        )
        return changed_at(tmp_path / "out")

    first = make(factor=1)
    assert make(factor=1, metadata={"kedro-viz": {"layer": "01_raw"}}) == first
    second = make(factor=1000)
    assert all(second[name] != first[name] for name in first)
    assert out.load()["2"]().tolist() == [2000, 2000]


def test_another_reader_and_another_base_of_it_are_told_apart(monkeypatch):
    assert code_fingerprint(NpyDataset) != code_fingerprint(Scaled)
    before = code_fingerprint(Scaled)
    versions = {NpyDataset.__module__: "mended"}
    monkeypatch.setattr(
        "hbac.datasets.fingerprint.code_version",
        lambda module: versions.get(module) or code_version(module),
    )
    assert code_fingerprint(Scaled) != before


def test_mended_code_of_a_reader_makes_again_what_was_passed_on_as_it_is(
    source, tmp_path, monkeypatch
):
    out = folder(tmp_path / "out")
    out.save(dict(folder(source).load()))
    before = changed_at(tmp_path / "out")
    out.save(dict(folder(source).load()))
    assert changed_at(tmp_path / "out") == before
    monkeypatch.setattr(
        "hbac.datasets.fingerprint.code_version",
        lambda module: "mended" if module == NpyDataset.__module__ else code_version(module),
    )
    folder(tmp_path / "out").save(dict(folder(source).load()))
    after = changed_at(tmp_path / "out")
    assert all(after[name] != before[name] for name in before)


def test_another_way_to_write_makes_everything_again(tmp_path):
    scaled(tmp_path, factor=1).save({"1": partial(ones, 1)})
    before = changed_at(tmp_path)
    scaled(tmp_path, factor=1).save({"1": partial(ones, 1)})
    assert changed_at(tmp_path) == before
    scaled(tmp_path, factor=2).save({"1": partial(ones, 1)})
    assert changed_at(tmp_path) != before


def closure(value):
    def give():
        return np.full(1, value)

    return give


def test_a_function_that_takes_values_from_around_it_is_refused(tmp_path):
    message = r"7: tests\.datasets\.test_fingerprint\.closure\.<locals>\.give takes value from .*"
    with pytest.raises(DatasetError, match=message + r"functools\.partial"):
        folder(tmp_path).save({"7": closure(1)})
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(TypeError, match="takes value from"):
        task_fingerprint(partial(doubled, closure(1)))


def test_a_module_function_that_a_decorator_wraps_is_none():
    assert task_fingerprint(partial(decorated, 1)) != task_fingerprint(partial(decorated, 2))
    assert task_fingerprint(partial(cached, 1))


def around(function):
    def wrapper(*arguments):
        return function(*arguments)

    wrapper.__qualname__ = function.__qualname__
    return wrapper


@around
def decorated(n):
    return np.ones(n)


@cache
def cached(n):
    return np.ones(n)


def test_lambdas_are_told_apart_by_what_they_do_and_by_their_defaults():
    tasks = [lambda: np.ones(1), lambda: np.zeros(1), lambda: np.full(1, 2.0)]
    tasks += [lambda n=n: np.full(1, n) for n in (3, 4)]
    tasks += [lambda: (lambda: 5)(), lambda: (lambda: 6)()]
    assert len({task_fingerprint(task) for task in tasks}) == len(tasks)
    assert task_fingerprint(lambda: np.ones(1)) == task_fingerprint(lambda: np.ones(1))


class Maker:
    def __init__(self, n):
        self.n = n

    def __call__(self):
        return np.full(1, self.n)

    def make(self):
        return np.full(1, self.n)


def test_methods_and_objects_count_by_their_object():
    prints = [task_fingerprint(task) for n in (1, 2) for task in (Maker(n), Maker(n).make)]
    assert len(set(prints)) == 4
    assert task_fingerprint(Maker(1)) == prints[0]


def test_functions_of_libraries_count_by_name_and_arguments():
    tasks = [partial(np.ones, 3), partial(np.zeros, 3), partial(np.ones, 4), partial(np.add, 1, 2)]
    assert len({task_fingerprint(task) for task in tasks}) == 4


@pytest.mark.parametrize("value", [np.ones(3), "text", None])
def test_what_is_no_callable_is_refused_by_name(tmp_path, value):
    with pytest.raises(DatasetError, match=rf"7: expected a callable .* {type(value).__name__}"):
        folder(tmp_path).save({"7": value})


def test_an_argument_that_cannot_be_pickled_is_refused_by_name(tmp_path):
    with pytest.raises(DatasetError, match=r"7: .*lock.* cannot be told from others"):
        folder(tmp_path).save({"7": partial(ones, threading.Lock())})


def test_code_fingerprints_hash_functions_and_classes():
    assert len({code_fingerprint(code) for code in (ones, doubled, Scaled, FileDataset)}) == 4
    assert code_fingerprint(ones) == code_fingerprint(ones)
