import os
import subprocess
import sys
from importlib.metadata import version

from hbac.quiet import _without_noise


def test_keras_starts_without_a_word_of_its_backend():
    code = "import hbac, keras; keras.ops.ones((2,)); print(keras.__version__)"
    environment = {name: os.environ[name] for name in os.environ if name != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == version("keras")
    assert done.stderr == ""


def test_what_is_no_noise_is_still_written(capfd):
    with _without_noise():
        os.write(2, b"I0000 00:00:1 port.cc:153] oneDNN custom operations are on.\n")
        os.write(2, b"E0000 00:00:1 driver.cc:1] the GPU has fallen off the bus\n")
        os.write(2, b"a warning of another library\n")
    assert capfd.readouterr().err.splitlines() == [
        "E0000 00:00:1 driver.cc:1] the GPU has fallen off the bus",
        "a warning of another library",
    ]


def test_an_import_that_fails_does_not_lose_what_was_written(capfd):
    try:
        with _without_noise():
            os.write(2, b"libcudart.so.12 is broken\n")
            raise ImportError
    except ImportError:
        pass
    assert capfd.readouterr().err == "libcudart.so.12 is broken\n"
