"""Label tables as spreadsheets, notebooks and editors leave them."""

import codecs

import pytest
from kedro.io import DatasetError

from hbac.datasets import LabelsDataset

HEADER = "spectrogram_id,eeg_id,patient_id,note"
ROW = "-1,5,9,a"


def load(tmp_path, content):
    path = tmp_path / "test.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return LabelsDataset(votes=False, filepath=str(path)).load()


@pytest.mark.parametrize(
    "content",
    [
        f"{HEADER}\n{ROW}\n",
        f"{HEADER}\n{ROW}",
        f"{HEADER}\r\n{ROW}\r\n",
        f"{HEADER}\r{ROW}\r",
        codecs.BOM_UTF8 + f"{HEADER}\n{ROW}\n".encode(),
        f"\n{HEADER}\n\n{ROW}\n\n",
        f"{HEADER}\n{ROW}\n,,,\n",
        HEADER.replace(",", ", ") + "\n" + ROW.replace(",", ", "),
        '"' + HEADER.replace(",", '","') + '"\n"' + ROW.replace(",", '","') + '"\n',
        f",{HEADER}\n0,{ROW}\n",
    ],
    ids=[
        *("plain", "no_end", "crlf", "cr", "bom"),
        *("blank_lines", "only_commas", "spaces", "quotes", "index"),
    ],
)
def test_the_same_table_is_read_however_it_was_saved(tmp_path, content):
    table = load(tmp_path, content).drop(columns="Unnamed: 0", errors="ignore")
    row = {"spectrogram_id": -1, "eeg_id": 5, "patient_id": 9, "note": "a"}
    assert table.to_dict("records") == [row]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"{HEADER}\n{ROW}\n{ROW},b\n", r"line 3: the row has 5 fields, the header 4"),
        (f"{HEADER}\n\n{ROW}\n-1,5,9\n", r"line 4: the row has 3 fields, the header 4"),
        (f"{HEADER}\n{ROW}\n-1,1,234,9,a\n", r"line 3: .* holds a comma must be quoted"),
        (f'{HEADER}\n-1,5,9,"a\nb"\n-1,x,9,a\n', r"eeg_id must be a number; line 4 .*: x"),
        (f'{HEADER}\n\n{ROW}\n"-1,5,9,a\n{ROW}\n', r"line 4: unexpected end of data; .*quotation"),
        (f'{HEADER}\n{ROW}\n-1,5,9,"a"b\n', r"line 3: .*quotation mark"),
        (f'{HEADER}\n-1,5",9,a\n', r"eeg_id must be a number; line 2"),
        (f"{HEADER}\n{ROW}\n-1,5,9,Z\xfcrich\n".encode("latin-1"), r"line 3: the byte b.\\xfc"),
        (f"{HEADER}\n{ROW}\n".encode("utf-16"), r"line 1: .*UTF-16.*save it as UTF-8"),
        (f"{HEADER}\n{ROW}\n".encode("utf-16-le"), r"line 1: .*UTF-16.*save it as UTF-8"),
        (f"{HEADER}\n{ROW}\n".replace(",", ";"), r"line 1: .*separated by commas, not ';'"),
        (f"{HEADER}\n{ROW}\n".replace(",", "\t"), r"line 1: .*separated by commas, not '\\t'"),
        (f"{HEADER},eeg_id\n{ROW},5\n", r"line 1: the columns \['eeg_id'\] are there more than"),
        (f"{ROW}\n{ROW}\n", r"lacks the columns \['eeg_id', .*; it has \['-1', '5'"),
        (f"{HEADER}\n", "holds a header and no row"),
        ("", "is not a comma-separated table; it holds 0 bytes"),
        ("\n\n", "is not a comma-separated table; it holds 2 bytes"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git lfs pull"),
        ("<!DOCTYPE html>\n<html>\n", "web page"),
        ('{"eeg_id": 5}\n', r"is not a comma-separated table; it .*eeg_id"),
    ],
)
def test_a_malformed_table_is_named_by_file_and_line(tmp_path, content, message):
    with pytest.raises(DatasetError, match=message) as error:
        load(tmp_path, content)
    assert str(tmp_path / "test.csv") in str(error.value)
