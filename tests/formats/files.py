"""Writes EDF and BDF files byte by byte, odd ones as well as right ones."""

from dataclasses import dataclass, field

import numpy as np

from hbac.eeg import CHANNELS

PATIENT = "X123 F 01-JAN-0000 Jane_Doe"
RECORDING = "Startdate 02-MAR-2020 EMG561 Technician_Smith Natus_123"


@dataclass
class Written:
    """One signal: values in ``unit``, and how they are stored."""

    label: str
    values: np.ndarray
    rate: int = 200
    unit: str = "uV"
    physical: tuple = (-3276.8, 3276.7)
    digital: tuple = (-32768, 32767)

    def stored(self):
        low, high = self.digital
        if high == low or self.physical[0] == self.physical[1]:
            return np.full(len(self.values), low)
        gain = (self.physical[1] - self.physical[0]) / (high - low)
        return np.round((self.values - self.physical[0]) / gain + low).astype(int)


@dataclass
class EDF:
    """A file; every field of the header can be set to what a test wants."""

    signals: list
    record_seconds: float = 1
    kind: str = ""
    onsets: list | None = None
    annotations: list = field(default_factory=list)
    patient: str = PATIENT
    recording: str = RECORDING
    date: str = "02.03.20"
    time: str = "21.30.05"
    n_records: int | str | None = None
    bdf: bool = False

    def _annotation_blocks(self, n_records, signal):
        width = 3 if self.bdf else 2
        blocks = []
        for record in range(n_records):
            stamp = b""
            if signal == 0:
                onset = self.onsets[record] if self.onsets else record * self.record_seconds
                stamp = onset if isinstance(onset, bytes) else f"{onset:+.6g}\x14\x14\0".encode()
            here = self.annotations[signal].get(record, []) if self.annotations else []
            texts = b"".join(
                text if isinstance(text, bytes) else f"{text}\0".encode() for text in here
            )
            blocks.append(stamp + texts)
        size = max(map(len, blocks)) // width + 1
        return size, [block.ljust(size * width, b"\0") for block in blocks]

    def _samples(self, signal, n_records):
        length = round(signal.rate * self.record_seconds)
        stored = signal.stored().reshape(n_records, length)
        if self.bdf:
            wide = stored.astype("<i4").view(np.uint8).reshape(n_records, length, 4)
            return length, [part.tobytes() for part in wide[:, :, :3]]
        return length, [part.astype("<i2").tobytes() for part in stored]

    def content(self):
        first = self.signals[0]
        n_records = len(first.values) // round(first.rate * self.record_seconds)
        columns = [self._samples(signal, n_records) for signal in self.signals]
        listed = list(self.signals)
        for number in range(max(len(self.annotations), 1) if self.kind else 0):
            columns.append(self._annotation_blocks(n_records, number))
            name = f"{'BDF' if self.bdf else 'EDF'} Annotations"
            listed.append(Written(name, np.empty(0), unit="", physical=(-1, 1)))
        body = b"".join(b"".join(parts) for parts in zip(*(c[1] for c in columns), strict=True))
        return self.header(listed, [size for size, _ in columns], n_records) + body

    def header(self, listed, sizes, n_records):
        n = len(listed)
        stated = n_records if self.n_records is None else self.n_records
        format_ = f"{'BDF' if self.bdf else 'EDF'}{self.kind}" if self.kind else ""
        fields = [(self.patient, 80), (self.recording, 80), (self.date, 8), (self.time, 8)]
        fields += [(256 * (n + 1), 8), (format_, 44), (stated, 8), (self.record_seconds, 8), (n, 4)]
        names = (
            *((each.label, 16) for each in listed),
            *(("AgAgCl", 80) for _ in listed),
            *((each.unit, 8) for each in listed),
            *((f"{each.physical[0]:g}"[:8], 8) for each in listed),
            *((f"{each.physical[1]:g}"[:8], 8) for each in listed),
            *((each.digital[0], 8) for each in listed),
            *((each.digital[1], 8) for each in listed),
            *(("HP:0.1Hz", 80) for _ in listed),
            *((size, 8) for size in sizes),
            *(("", 32) for _ in listed),
        )
        begin = b"\xffBIOSEMI" if self.bdf else b"0       "
        return begin + b"".join(_field(value, width) for value, width in (*fields, *names))

    def write(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.content())
        return path


def _field(value, width):
    text = value if isinstance(value, bytes) else str(value).encode("latin-1")
    assert len(text) <= width, (value, width)
    return text.ljust(width)


def eeg(seconds=10, rate=200, *, channels=CHANNELS, scale=1.0):
    """A sine a channel in microvolts, of 1 Hz and 20 µV, of 2 Hz and 21 µV ..."""
    time = np.arange(round(seconds * rate)) / rate
    return {
        name: scale * (20 + k) * np.sin(2 * np.pi * (k + 1) * time)
        for k, name in enumerate(channels)
    }


def signals(values, rate=200, *, label="{}".format, **options):
    """Signals of a file from arrays by name."""
    return [Written(label(name), each, rate, **options) for name, each in values.items()]
