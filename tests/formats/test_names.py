import pytest

from hbac.eeg import ELECTRODES
from hbac.formats.names import Label, clean, read_label


@pytest.mark.parametrize(
    "form",
    ["{}", "EEG {}", "POL {}", "EEG {}-REF", "{}-Ref", "{}-LE", "{}.", "{}..", "EEG_{}", " {} "],
)
@pytest.mark.parametrize("case", [str, str.upper, str.lower])
def test_electrodes_are_found_in_whatever_form(form, case):
    found = [read_label(case(form.format(name))) for name in ELECTRODES]
    assert [label.electrode for label in found] == list(ELECTRODES)
    assert {label.against for label in found} == {""}


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("T7", Label("T3")),
        ("EEG P8-REF", Label("T6", "", "REF")),
        ("Fp1-Avg", Label("Fp1", "AVG", "AVG")),
        ("EEG C3-A2", Label("C3", "A2", "A2")),
        ("C3-A1+A2", Label("C3", "A1+A2", "A1+A2")),
        ("Fp1-Cz", Label("Fp1", "Cz", "CZ")),
        ("FP1-F7", Label("Fp1", "F7", "F7")),
        ("F7 - T7", Label("F7", "T3", "T7")),
        ("F7\N{EN DASH}T7", Label("F7", "T3", "T7")),
        ("T8-P8-1", Label("T4", "T6", "P8-1")),
        ("O1:Ref", Label("O1", "", "REF")),
        ("EEG 01-REF", Label("O1", "", "REF")),
        ("Fz\0\0", Label("Fz")),
    ],
)
def test_what_it_was_measured_against_is_read(label, expected):
    assert read_label(label) == expected


@pytest.mark.parametrize(
    "label",
    [
        "EKG",
        "ECG",
        "ecg",
        "EKG1",
        "ECG 1",
        "EEG EKG1-REF",
        "ECG EKG",
        "POL ECG",
        "ECGL-ECGR",
        "ECG II",
        "EKG-REF",
        "ECG V1",
    ],
)
def test_the_heart_is_found_in_whatever_form(label):
    assert read_label(label) == Label("EKG")


@pytest.mark.parametrize(
    "label",
    [
        "",
        "A1",
        "EEG A1-REF",
        "Fpz",
        "EEG F1-Ref",
        "Photic",
        "O2 Sat",
        "EOG horizontal",
        "Resp oro-nasal",
        "EEG",
        "EEG(sec)",
        "sine 8 Hz",
        "T10",
        "P7X",
        "T3T5",
        "Fc5.",
        "SaO2",
        "-",
        "DC01",
        "é☃",
    ],
)
def test_what_is_no_channel_of_ours_is_none(label):
    assert read_label(label) is None


def test_labels_are_shown_without_what_fields_are_filled_with():
    assert clean(" EEG  Fp1-REF..\0\0\x07") == "EEG Fp1-REF"
    assert clean("Atmung (µV)") == "Atmung (µV)"
