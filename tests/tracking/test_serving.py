"""The model behind ``mlflow models serve``, asked as a client would."""

import base64
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pandas as pd
import pytest
import requests
from edfio import Edf, EdfSignal, Patient

from hbac.eeg import Recording
from hbac.eeg.recording import CHANNELS
from hbac.eeg.simulation.background import simulate_background
from hbac.eeg.votes import PREDICTION_COLUMNS
from hbac.eeg.windows import select_windows
from hbac.formats import open_recording
from hbac.models.eeg_ensemble import EEGEnsemble
from hbac.pipelines.inference.nodes import assemble_inference_waveforms, predict_with_ensemble
from hbac.pipelines.inference.params import InferenceParams
from hbac.shipped import pretrained_dir
from hbac.tracking.ensemble import save_ensemble
from tests.conftest import PROJECT
from tests.services import kill, wait_until
from tests.shipped import SHIPPED, shipped_networks
from tests.tracking.test_ui import free_port

pytestmark = pytest.mark.slow

PATIENT = "Ada_Lovelace"
EEG = np.random.default_rng(1).normal(0, 30, (3, 20, 10_000)).astype(np.float32)


def inferred(eeg):
    """What the nodes of ``inference`` make of windows."""
    labels = pd.DataFrame({"eeg_id": range(len(eeg)), "patient_id": 0, "spectrogram_id": -1})
    windows = select_windows(labels, policy="per_eeg").assign(spectrogram_source="empty")

    def load(row, channels=CHANNELS):
        return Recording(eeg[row], CHANNELS).pick(channels)

    files = {str(row): partial(load, row) for row in windows["eeg_id"]}
    tasks = assemble_inference_waveforms(windows, files, SHIPPED)
    seen = np.stack([tasks[row]() for row in windows.index])
    params = InferenceParams(batch_size=32)
    table = predict_with_ensemble(np.empty(0), seen, windows, shipped_networks(), SHIPPED, params)
    return table[list(PREDICTION_COLUMNS)].to_numpy()


def write_edf(path, seconds=120, electrodes=CHANNELS[:19]):
    eeg = simulate_background(
        np.random.default_rng(2),
        200 * seconds,
        exponent=1.6,
        amplitude=15,
        slowing=0.5,
        posterior=8.0,
        posterior_frequency=9.0,
    )
    signals = [
        EdfSignal(
            trace.clip(-500, 500),
            200,
            label=f"EEG {name}-Ref",
            physical_dimension="uV",
            physical_range=(-500, 500),
        )
        for name, trace in zip(CHANNELS, eeg, strict=False)
        if name in electrodes
    ]
    Edf(signals, patient=Patient(name=PATIENT)).write(path)
    return path


def encoded(path):
    return base64.b64encode(path.read_bytes()).decode()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Address of a live server of the networks that ship with the package; its log."""
    folder = tmp_path_factory.mktemp("served")
    save_ensemble(pretrained_dir(), folder / "model")
    address = f"http://127.0.0.1:{(port := free_port())}"
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", "model"]
    command += ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )

    def answers():
        assert process.poll() is None, (folder / "log").read_text()
        try:
            return requests.get(f"{address}/ping", timeout=5).ok
        except requests.ConnectionError:
            return False

    wait_until(answers, seconds=300)
    yield address, folder / "log"
    kill(process)


@pytest.fixture(scope="module")
def ask(server):
    address, _ = server

    def ask(body, kind="application/json"):
        data = body if isinstance(body, str | bytes) else json.dumps(body)
        headers = {"Content-Type": kind}
        return requests.post(f"{address}/invocations", data=data, headers=headers, timeout=120)

    return ask


def windows_of(eeg):
    """Windows as JSON has them."""
    return np.where(np.isnan(eeg), None, eeg.astype(float)).tolist()


def shares_in(answer):
    assert answer.status_code == 200, answer.text[:1000]
    rows = answer.json()["predictions"]
    return np.array([[row[name] for name in PREDICTION_COLUMNS] for row in rows])


def test_http_pyfunc_and_pipeline_give_the_same_numbers(ask):
    eeg = EEG.copy()
    eeg[1, CHANNELS.index("T3")] = eeg[2, :, 2_000:5_000] = np.nan
    expected = inferred(eeg)
    answered = shares_in(ask({"inputs": {"eeg": windows_of(eeg)}}))
    np.testing.assert_allclose(answered, expected, atol=1e-5)
    assert np.ptp(answered, axis=0).max() > 1e-4
    np.testing.assert_allclose(
        EEGEnsemble(SHIPPED, shipped_networks()).predict_windows(eeg), expected, atol=1e-5
    )
    for body in (
        {"instances": [{"eeg": window} for window in windows_of(eeg)]},
        {"dataframe_split": {"columns": ["eeg"], "data": [[one] for one in windows_of(eeg)]}},
    ):
        np.testing.assert_allclose(shares_in(ask(body)), expected, atol=1e-5)


def test_many_clients_at_once_are_answered_alike(ask):
    bodies = [json.dumps({"inputs": {"eeg": windows_of(EEG[: 1 + n % 3])}}) for n in range(8)]
    expected = shares_in(ask(bodies[2]))
    with ThreadPoolExecutor(4) as clients:
        for shares in map(shares_in, clients.map(ask, bodies)):
            np.testing.assert_allclose(shares, expected[: len(shares)], atol=1e-5)


@pytest.mark.parametrize("value", [None, 0])
def test_a_window_with_nothing_in_it_gets_the_prior(ask, value):
    window = [[value] * 10_000] * 20
    np.testing.assert_allclose(
        shares_in(ask({"inputs": {"eeg": [window]}})), [SHIPPED["prior"]], atol=1e-6
    )


def test_a_recording_gets_a_timeline(ask, tmp_path):
    file = write_edf(tmp_path / "night.edf")
    body = {"inputs": {"edf": encoded(file)}, "params": {"step_seconds": 20}}
    answer = ask(body)
    assert answer.status_code == 200, answer.text[:1000]
    timeline = pd.DataFrame(answer.json()["predictions"])
    expected = EEGEnsemble(SHIPPED, shipped_networks()).predict_recording(
        open_recording(file), step_seconds=20
    )
    assert list(timeline) == list(expected)
    assert len(timeline) == 6
    assert timeline["predicted_class"].iloc[2] != ""
    pd.testing.assert_frame_equal(
        timeline, expected, check_dtype=False, check_exact=False, rtol=0, atol=1e-5
    )
    # JSON has no NaN, which Python would take but others would not.
    json.loads(answer.text, parse_constant=lambda name: pytest.fail(name))


@pytest.fixture
def example():
    """The client of the docs."""
    spec = importlib.util.spec_from_file_location("ask", PROJECT / "docs/examples/ask_model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_client_of_the_docs_is_answered(server, example, tmp_path):
    address, _ = server
    eeg = EEG.round(2)
    eeg[1, 3] = np.nan
    answered = example.ask_windows(address, eeg)
    np.testing.assert_allclose(answered, inferred(eeg), atol=1e-5)
    timeline = example.ask_recording(address, write_edf(tmp_path / "night.edf"), step_seconds=30)
    assert timeline["start_seconds"].tolist() == [0, 30, 60, 90]
    with pytest.raises(ValueError, match="may be millivolts"):
        example.ask_windows(address, EEG * 1e-3)


def test_the_command_of_the_docs_is_answered(server):
    address, log = server
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    page = (PROJECT / "docs/serving.md").read_text()
    (command,) = re.findall(r"^curl .*$", page, re.MULTILINE)
    command = shlex.split(command.replace("http://127.0.0.1:5001", address))
    done = subprocess.run([curl, "-s", *command[1:]], cwd=log.parent, capture_output=True)
    assert sum(json.loads(done.stdout)["predictions"][0].values()) == pytest.approx(1, abs=1e-5)


def spoiled(value):
    window = windows_of(EEG[:1])
    window[0][4][5] = value
    return window


REFUSED = {
    "19 channels": (lambda: windows_of(EEG[:1, :19]), r"shape (19, 10000)"),
    "51 s": (lambda: windows_of(np.tile(EEG[:1], 2)[..., :10_200]), "shape (20, 10200)"),
    "transposed": (lambda: windows_of(EEG[0].T[None]), "shape (10000, 20)"),
    "no list of windows": (lambda: windows_of(EEG[0]), "shape (10000,)"),
    "a number": (lambda: 7, "shape ()"),
    "text": (lambda: [[["high"] * 10_000] * 20], "'high'"),
    "uneven": (lambda: [[[0] * 10_000] * 19 + [[0] * 7]], "20 lists of 7 to 10000 samples"),
    "volts": (lambda: windows_of(EEG[:1] * 1e-6), "may be volts: multiply by 1e+06"),
    "millivolts": (lambda: windows_of(EEG[:1] * 1e-3), "may be millivolts"),
    "NaN": (lambda: spoiled(float("nan")), "F7 holds nan at sample 5"),
    "infinity": (lambda: spoiled(float("inf")), "F7 holds inf at sample 5"),
    "empty": (list, "received neither"),
    "none": (lambda: None, "received neither"),
    "too many": (lambda: [[[0] * 10_000] * 20] * 17, "16 windows at most, received 17"),
}


@pytest.mark.parametrize(("make", "told"), REFUSED.values(), ids=REFUSED)
def test_windows_that_are_none_are_refused_with_what_is_wrong(ask, make, told):
    answer = ask({"inputs": {"eeg": make()}})
    assert answer.status_code == 400
    assert answer.json()["error_code"] == "INVALID_PARAMETER_VALUE"
    assert told in answer.json()["message"]
    assert len(answer.content) < 1000


@pytest.fixture(scope="module")
def edf(tmp_path_factory):
    return write_edf(tmp_path_factory.mktemp("edf") / "night.edf").read_bytes()


DAMAGED = {
    "short": (
        lambda whole, folder: write_edf(folder / "x.edf", 9).read_bytes(),
        "9 s are too short",
    ),
    "few electrodes": (
        lambda whole, folder: write_edf(folder / "x.edf", 60, CHANNELS[:3]).read_bytes(),
        "the recording: ",
    ),
    "a header alone": (lambda whole, folder: whole[: 256 * 20], "the recording: "),
    "half a header": (lambda whole, folder: whole[:300], "the recording"),
    "read as UTF-8": (
        lambda whole, folder: whole.decode("utf-8", "replace").encode(),
        "the recording",
    ),
    "no EDF": (lambda whole, folder: b"%PDF-1.7" * 1000, "the recording: "),
    "empty": (lambda whole, folder: b"", "the recording: it is empty"),
}


@pytest.mark.parametrize(("damage", "told"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_or_short_recording_is_refused(ask, edf, damage, told, tmp_path):
    text = base64.b64encode(damage(edf, tmp_path)).decode()
    answer = ask({"inputs": {"edf": text}})
    assert answer.status_code == 400
    assert told in answer.json()["message"]
    assert PATIENT not in answer.text
    assert "/tmp" not in answer.text


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"inputs": {"edf": "no base64!"}}, "no base64"),
        ({"inputs": {"edf": ["AAAA", "AAAA"]}}, "received 2: str, str"),
        ({"inputs": {"edf": "AAAA", "eeg": [[1]]}}, "received both"),
        ({"inputs": {}}, "received neither"),
        ({"inputs": "night.edf"}, "received neither"),
        ({"inputs": [[[0.0] * 10] * 20]}, 'send {"inputs": {"eeg": [window, ...]}}'),
        ({"inputs": {"edf": "AAAA"}, "params": {"step_seconds": 0}}, "must be 1 to 50, received 0"),
        ({"inputs": {"edf": "AAAA"}, "params": {"step_seconds": "ten"}}, "step_seconds"),
        ({"eeg": []}, "exactly one of the input fields"),
        ("not JSON", "valid JSON"),
        ("", "valid JSON"),
        (b"\xff\xfe\x00", "valid JSON"),
        ("[]", "Received a list"),
    ],
)
def test_what_is_no_request_is_refused(ask, body, told):
    answer = ask(body)
    assert answer.status_code == 400
    assert told in answer.json()["message"]


def test_what_is_no_json_by_its_type_is_refused(ask):
    assert ask("1,2,3", kind="text/plain").status_code == 415


LARGE = 100_000_000
EXACT = EEG[0].astype(float).tolist()
BODIES = {
    "not JSON": (lambda: "x" * LARGE, "valid JSON"),
    "a recording": (lambda: f'{{"inputs": {{"edf": "{"A" * LARGE}"}}}}', "received 75 MB"),
    "windows": (
        lambda: f'{{"inputs": {{"eeg": [{",".join([json.dumps(EXACT)] * 25)}]}}}}',
        "16 windows at most, received 25",
    ),
}


@pytest.mark.parametrize(("make", "told"), BODIES.values(), ids=BODIES)
def test_a_hundred_megabytes_are_refused(ask, make, told):
    answer = ask(make())
    assert answer.status_code == 400
    assert told in answer.text[:1000]


def test_the_server_lives_on_and_has_told_nobody_whose_eeg_it_was(server, ask):
    """The last test here: after all that was refused above."""
    address, log = server
    assert requests.get(f"{address}/ping", timeout=5).ok
    shares = shares_in(ask({"inputs": {"eeg": windows_of(EEG)}}))
    np.testing.assert_allclose(shares, inferred(EEG), atol=1e-5)
    assert PATIENT not in log.read_text()
