"""Laws of finding: the order of the places, and what is said when all are empty."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnpy.contract.errors import DataError, MissingDataError
from cnnpy.data import places
from cnnpy.data.find import find

FORMS = {"pair": [("a", "a.gz"), ("b",)], "archive": [("all.tar.gz",)]}


def put(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """Keep the machine's own data sets out of sight."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CNNPY_DATA", str(tmp_path / "named"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("cnnpy.data.find._SYSTEM", (tmp_path / "system",))


def test_the_places_come_in_order(tmp_path):
    assert places("set") == (
        tmp_path / "named" / "set",
        Path("data/set"),
        tmp_path / "cache" / "cnnpy" / "set",
        tmp_path / "system" / "set",
    )


def test_a_relative_cache_or_none_means_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CNNPY_DATA")
    for value in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert places("set")[1] == tmp_path / "home" / ".cache" / "cnnpy" / "set"


def test_the_first_folder_with_all_files_wins(tmp_path):
    put(tmp_path / "named" / "set", "a")
    put(tmp_path / "data" / "set", "a.gz", "b")
    put(tmp_path / "system" / "set", "a", "b")
    assert find("set", FORMS, get="") == ("pair", [Path("data/set/a.gz"), Path("data/set/b")])


def test_forms_are_tried_in_order_within_a_folder(tmp_path):
    put(tmp_path / "named" / "set", "all.tar.gz")
    assert find("set", FORMS, get="")[0] == "archive"
    put(tmp_path / "named" / "set", "a", "b")
    assert find("set", FORMS, get="")[0] == "pair"


def test_an_explicit_root_is_the_only_place(tmp_path):
    put(tmp_path / "named" / "set", "a", "b")
    with pytest.raises(MissingDataError):
        find("set", FORMS, root=tmp_path / "elsewhere", get="")
    for folder in (tmp_path / "direct", tmp_path / "above" / "set"):
        put(folder, "a", "b")
        root = tmp_path / folder.relative_to(tmp_path).parts[0]
        assert find("set", FORMS, root=root, get="")[1] == [folder / "a", folder / "b"]


def test_a_missing_set_says_where_it_looked_and_how_to_get_it(tmp_path):
    put(tmp_path / "system" / "set", "b")
    with pytest.raises(MissingDataError) as caught:
        find("set", FORMS, get="put them into {folder}")
    error = caught.value
    assert all(str(folder) in error.given for folder in places("set"))
    assert f"{tmp_path / 'system' / 'set'} has some of the files, but lacks a" in error.given
    assert error.expected == "the files a, b or the files all.tar.gz"
    assert error.mend == f"put them into {tmp_path / 'cache' / 'cnnpy' / 'set'}"
    assert isinstance(error, FileNotFoundError)
    assert isinstance(error, DataError)
    assert len(str(error).splitlines()) == 3


def test_folders_and_broken_links_are_no_files(tmp_path):
    folder = put(tmp_path / "named" / "set", "b")
    (folder / "a").mkdir()
    (folder / "a.gz").symlink_to(tmp_path / "nowhere")
    with pytest.raises(MissingDataError, match="lacks a"):
        find("set", FORMS, get="")


@pytest.mark.parametrize("root", ["x" * 5000, "a\0b", "line\nbreak"])
def test_odd_roots_are_missing_not_fatal(root):
    with pytest.raises(MissingDataError) as caught:
        find("set", FORMS, root=root, get="put them into {folder}")
    assert len(str(caught.value).splitlines()) == 3
