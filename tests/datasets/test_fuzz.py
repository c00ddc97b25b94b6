import itertools
import tempfile
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from unittest.mock import patch

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st
from kedro.io import DatasetError

from hbac.datasets import (
    EEGDataset,
    LabelsDataset,
    ParallelPartitionedDataset,
    RegionalSpectrogramDataset,
)
from hbac.datasets import parquet as parquet_file
from hbac.datasets.eeg_file import MIN_SAMPLES
from hbac.datasets.parquet import read_columns
from hbac.eeg import CHANNELS
from hbac.eeg.regional import COLUMNS, WINDOW_ROWS
from hbac.eeg.votes import VOTE_COLUMNS

MAGIC = b"PAR1"
TAIL = 8
"""Bytes behind the footer: its length and the magic."""

drawn = partial(settings, deadline=None, derandomize=True, database=None)


def parquet(columns, **options):
    file = BytesIO()
    pq.write_table(pa.table(columns), file, **options)
    return file.getvalue()


@cache
def small_files():
    rng = np.random.default_rng(0)
    columns = {
        "a": rng.normal(size=50).astype(np.float32),
        "b": pa.array([None if n % 7 == 0 else n for n in range(50)], pa.int64()),
        "c": rng.normal(size=50),
    }
    return [parquet(columns, compression=name) for name in ("none", "snappy", "gzip", "zstd")]


@cache
def eeg_file():
    return parquet(dict.fromkeys(CHANNELS, np.zeros(MIN_SAMPLES, np.float32)))


@cache
def spectrogram_file():
    return parquet(dict.fromkeys(("time", *COLUMNS), np.ones(WINDOW_ROWS, np.float32)))


@st.composite
def framed(draw):
    """Any bytes between the magics, with a length of the footer that may be right."""
    body = draw(st.binary(max_size=300))
    length = draw(st.integers(0, len(body)) | st.integers(0, 2**32 - 1))
    return MAGIC + body + length.to_bytes(4, "little") + MAGIC


@st.composite
def mutated(draw, contents):
    """A valid file with some bytes changed, put in or left out, above all in its footer."""
    content = bytearray(draw(contents))
    footer = len(content) - TAIL - int.from_bytes(content[-TAIL:-4], "little")
    for _ in range(draw(st.integers(1, 3))):
        last = max(len(content) - 1, 0)
        position = draw(st.integers(0, last) | st.integers(min(footer, last), last))
        how = draw(st.sampled_from(["change", "flip", "insert", "delete"]))
        if how == "insert":
            content[position:position] = draw(st.binary(min_size=1, max_size=4))
        elif how == "delete":
            del content[position : position + draw(st.integers(1, 4))]
        elif how == "change":
            content[position] = draw(st.integers(0, 255))
        else:
            content[position] ^= 1 << draw(st.integers(0, 7))
    return bytes(content)


def offered(contents):
    return st.binary(max_size=300) | framed() | mutated(contents)


def check_is_read_or_refused(read, content):
    """Offer bytes as a file named 7.parquet in the memory of this process."""
    fs = fsspec.filesystem("memory")
    fs.pipe_file("/fuzz/7.parquet", content)
    try:
        array = read(fs)
    except DatasetError as error:
        event("refused")
        message = str(error)
    else:
        event("read")
        assert array.dtype == np.float32
        assert not np.isinf(array).any()
        return
    assert "/fuzz/7.parquet" in message


def read_small(fs):
    array, _ = read_columns(
        fs, "/fuzz/7.parquet", ["a", "b", "c"], also=["a"], most_rows=99, order="C"
    )
    assert array.shape[1] == 3
    return array


def read_as_wide(fs):
    with patch.object(parquet_file, "_WIDE", 1):
        return read_columns(fs, "/fuzz/7.parquet", ["a", "b", "c"], most_rows=99, order="C")[0]


def read_eeg(fs):
    return EEGDataset(filepath="memory:///fuzz/7.parquet").load().data


def read_spectrogram(fs):
    return RegionalSpectrogramDataset(filepath="memory:///fuzz/7.parquet").load()


@pytest.mark.parametrize("content", small_files())
def test_the_small_files_are_valid(content):
    fs = fsspec.filesystem("memory")
    fs.pipe_file("/fuzz/7.parquet", content)
    assert read_small(fs).shape == (50, 3)


@drawn(max_examples=100)
@given(st.binary(max_size=500))
@example(b"")
@example(MAGIC)
@example(MAGIC * 2)
@example(MAGIC * 3)
def test_any_bytes_are_refused(content):
    check_is_read_or_refused(read_small, content)


@drawn(max_examples=200)
@given(framed())
def test_any_bytes_in_a_frame_of_parquet_are_refused(content):
    check_is_read_or_refused(read_small, content)


@drawn(max_examples=200)
@given(mutated(st.sampled_from(small_files())))
def test_a_damaged_file_is_read_or_refused(content):
    check_is_read_or_refused(read_small, content)
    check_is_read_or_refused(read_as_wide, content)


@pytest.mark.parametrize(
    ("read", "valid"), [(read_eeg, eeg_file), (read_spectrogram, spectrogram_file)]
)
@drawn(max_examples=100)
@given(data=st.data())
def test_a_damaged_recording_is_read_or_refused(read, valid, data):
    check_is_read_or_refused(read, data.draw(mutated(st.just(valid()))))


def samples(load):
    return load().data


@drawn(max_examples=50)
@given(st.lists(offered(st.builds(eeg_file)), min_size=1, max_size=4))
def test_every_file_ends_as_output_or_as_a_failure(contents):
    contents = [*contents, eeg_file()]
    with tempfile.TemporaryDirectory() as parent:
        raw, out, table = (Path(parent, name) for name in ("raw", "out", "failures.csv"))
        raw.mkdir()
        for n, content in enumerate(contents):
            (raw / f"{n}.parquet").write_bytes(content)
        source = ParallelPartitionedDataset(
            path=str(raw), dataset="hbac.datasets.EEGDataset", filename_suffix=".parquet"
        )
        dataset = ParallelPartitionedDataset(
            path=str(out),
            dataset="hbac.datasets.NpyDataset",
            filename_suffix=".npy",
            n_jobs=1,
            max_failure_rate=1,
            failures={"type": "pandas.CSVDataset", "filepath": str(table)},
        )
        dataset.save({name: partial(samples, load) for name, load in source.load().items()})
        made = [name for name, load in dataset.load().items() if np.isfinite(load()).any()]
        failures = pd.read_csv(table, dtype=str)
        assert failures["reason"].str.contains(str(raw), regex=False).all()
        assert sorted([*made, *failures["partition"]]) == [str(n) for n in range(len(contents))]
        assert made[-1] == str(len(contents) - 1)


FLOATS = (pa.float16(), pa.float32(), pa.float64(), pa.decimal128(9, 2), pa.decimal256(50, 3))
INTEGERS = (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint64())
COMPRESSIONS = ("none", "snappy", "gzip", "zstd", "brotli", "lz4")


@st.composite
def columns_of_any_type(draw, names):
    """The same small whole numbers, some missing, in a type drawn for each column."""
    expected = np.arange(60) % 50 + np.arange(len(names))[:, None].astype(np.float32)
    if draw(st.booleans()):
        expected[:, draw(st.integers(0, 59)) :: 7] = np.nan
    columns = {}
    for name, values in zip(names, expected, strict=True):
        whole = pa.array([None if np.isnan(value) else int(value) for value in values], pa.int16())
        kind = draw(st.sampled_from((*FLOATS, *INTEGERS)))
        array = whole.cast(kind)
        dictionary = kind in (*FLOATS[1:3], *INTEGERS) and draw(st.booleans())
        columns[name] = array.dictionary_encode() if dictionary else array
    return columns, expected.T


@drawn(max_examples=150)
@given(st.data())
def test_any_numeric_file_is_read_whatever_wrote_it(data):
    columns, expected = data.draw(columns_of_any_type("abcde"))
    others = {
        "__index_level_0__": pa.array(range(60)),
        "site": pa.array(["a"] * 60),
        "artefact": pa.array([True] * 60),
        "at": pa.array(range(60), pa.timestamp("us")),
    }
    order = data.draw(st.permutations([*columns, *others]))
    content = parquet(
        {name: (columns | others)[name] for name in order},
        row_group_size=data.draw(st.sampled_from([1, 7, 60, 1000])),
        compression=data.draw(st.sampled_from(COMPRESSIONS)),
        data_page_version=data.draw(st.sampled_from(["1.0", "2.0"])),
        use_dictionary=data.draw(st.booleans()),
        store_schema=data.draw(st.booleans()),
    )
    fs = fsspec.filesystem("memory")
    fs.pipe_file("/fuzz/7.parquet", content)
    for memory, wide in itertools.product(("C", "F"), (1, 64)):
        with patch.object(parquet_file, "_WIDE", wide):
            array, peaks = read_columns(
                fs, "/fuzz/7.parquet", [*columns], most_rows=99, order=memory
            )
        assert array.dtype == np.float32
        assert array.flags[f"{memory}_CONTIGUOUS"]
        np.testing.assert_array_equal(array, expected)
        np.testing.assert_array_equal(peaks, np.nanmax(expected, axis=0))


TRAIN_CSV = (
    "eeg_id,eeg_sub_id,eeg_label_offset_seconds,spectrogram_id,spectrogram_sub_id,"
    "spectrogram_label_offset_seconds,label_id,patient_id,expert_consensus,"
    f"{','.join(VOTE_COLUMNS)}\n"
    "1628180742,0,0.0,353733,0,0.0,127492639,42516,Seizure,3,0,0,0,0,0\n"
    "1628180742,1,6.0,353733,1,6.0,3887563113,42516,GPD,1,0,3,0,0,0\n"
).encode()
PIECES = (
    b",",
    b'"',
    b"\n",
    b"\r",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b".5",
    b"e9",
    b"-",
    b"nan",
    b"",
)


@drawn(max_examples=300)
@given(
    st.lists(st.tuples(st.integers(0, len(TRAIN_CSV)), st.sampled_from(PIECES)), max_size=3),
    st.integers(0, 9),
)
@example([], 0)
def test_a_damaged_table_of_labels_is_read_or_refused_by_name(changes, n_dropped):
    content = TRAIN_CSV
    for place, piece in changes:
        content = content[:place] + piece + content[place + n_dropped :]
    fs = fsspec.filesystem("memory")
    fs.pipe_file("/fuzz/train.csv", content)
    try:
        table = LabelsDataset(votes=True, filepath="memory:///fuzz/train.csv").load()
    except DatasetError as error:
        event("refused")
        message = str(error)
    else:
        event("read")
        votes = table[list(VOTE_COLUMNS)].to_numpy()
        assert votes.dtype == np.int64
        assert (votes.max(axis=1) > 0).all()
        assert np.isfinite(table["eeg_label_offset_seconds"]).all()
        assert table["label_id"].is_unique
        return
    assert "/fuzz/train.csv" in message
    assert "Failed while loading" not in message
