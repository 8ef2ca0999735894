"""A report on the disk is whole: what was there, or all of what is new."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cnnpy.contract.errors import DataError
from cnnpy.page.writing import check_place, write


def test_a_file_keeps_what_it_held_where_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write(path, "half of it \ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_keeps_its_rights_and_a_new_one_has_the_usual_ones(tmp_path: Path) -> None:
    old, new, other = tmp_path / "old", tmp_path / "new", tmp_path / "other"
    write(old, "1")
    old.chmod(0o640)
    write(old, "2")
    assert old.stat().st_mode & 0o777 == 0o640
    other.touch()
    write(new, "")
    assert new.stat().st_mode == other.stat().st_mode


def test_a_link_stays_one_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    link = tmp_path / "link"
    link.symlink_to("real")
    write(link, "new")
    assert link.is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_a_pipe_is_written_into(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write(pipe, "text")
    assert os.read(reader, 10) == b"text"
    os.close(reader)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_an_error_in_three_lines() -> None:
    with pytest.raises(DataError) as caught:
        write(Path("/dev/full"), "text")
    assert len(str(caught.value).splitlines()) == 3


def test_a_place_that_cannot_hold_a_file_is_refused_before_anything_is_tried(
    tmp_path: Path,
) -> None:
    check_place(tmp_path / "new.json", "cnnpy check")
    check_place(Path("-"), "cnnpy check")
    for place in (tmp_path, tmp_path / "no" / "new.json"):
        with pytest.raises(DataError):
            check_place(place, "cnnpy check")
