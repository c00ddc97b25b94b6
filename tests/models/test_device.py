import pytest

from hbac.models import device


@pytest.mark.parametrize(
    ("gpu", "capability", "expected"),
    [
        (False, None, "float32"),
        (True, None, "float32"),
        (True, (6, 0), "float32"),  # P100
        (True, (7, 5), "mixed_float16"),  # T4
        (True, (8, 0), "mixed_bfloat16"),  # A100
        (True, (12, 0), "mixed_bfloat16"),
    ],
)
def test_auto_is_the_16_bits_that_a_card_has_units_for(monkeypatch, gpu, capability, expected):
    monkeypatch.setattr(device, "has_gpu", lambda: gpu)
    monkeypatch.setattr(device, "compute_capability", lambda: capability)
    assert device.resolve_precision("auto") == expected
    assert device.resolve_precision("mixed_float16") == "mixed_float16"


def test_a_machine_without_a_gpu_has_neither_capability_nor_memory():
    assert not device.has_gpu()
    assert device.compute_capability() is None
    assert device.free_bytes() is None
