from hbac.datasets import BytesDataset


def test_bytes_come_back_as_they_were(tmp_path):
    dataset = BytesDataset(filepath=str(tmp_path / "folder/night.edf"))
    assert not dataset.exists()
    dataset.save(b"0\r\n\x00\xff")
    assert dataset.load() == b"0\r\n\x00\xff"
