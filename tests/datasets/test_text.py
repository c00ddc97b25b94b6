from hbac.datasets import TextDataset


def test_text_comes_back_as_it_was(tmp_path):
    dataset = TextDataset(filepath=str(tmp_path / "folder/page.html"))
    assert not dataset.exists()
    dataset.save("5 µV\n≥ 1 s")
    assert dataset.load() == "5 µV\n≥ 1 s"
    assert (tmp_path / "folder/page.html").read_bytes().decode("utf-8") == "5 µV\n≥ 1 s"
    assert [file.name for file in (tmp_path / "folder").iterdir()] == ["page.html"]
