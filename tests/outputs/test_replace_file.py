import errno
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from nllcli.errors import FaultError, UsageError
from nllcli.outputs import files
from nllcli.outputs.files import check_output, check_outputs, faults, is_replaceable, replace_file


def write(path, data=b"new"):
    with replace_file(path) as file:
        file.write(data)


def alone(path):
    return list(path.parent.iterdir()) == [path]


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "old.bin"
    path.write_bytes(b"old")
    return path


def test_a_new_file(tmp_path):
    write(tmp_path / "new.bin")
    assert (tmp_path / "new.bin").read_bytes() == b"new"
    assert alone(tmp_path / "new.bin")


def test_nothing_is_seen_before_the_end(old):
    with replace_file(old) as file:
        file.write(b"new")
        file.flush()
        assert old.read_bytes() == b"old"
        hidden = [path.name for path in old.parent.iterdir() if path != old]
        assert all(name.startswith(".") for name in hidden)
        assert len(hidden) == 1
    assert old.read_bytes() == b"new"
    assert alone(old)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ValueError, OSError, UsageError])
def test_an_interruption_keeps_the_old_file_whole(old, error):
    def half():
        yield b"half"
        raise error("no")

    with pytest.raises(error, match="no"), replace_file(old) as file:
        file.writelines(half())
    assert old.read_bytes() == b"old"
    assert alone(old)


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_keeps_the_old_file_whole(old, monkeypatch, step):
    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(*((os, "fsync", fail) if step == "fsync" else (Path, "replace", fail)))
    with pytest.raises(FaultError, match=r"old\.bin: No space left on device"):
        write(old)
    assert old.read_bytes() == b"old"
    assert alone(old)


def test_a_folder_that_cannot_be_synced_is_no_fault(tmp_path, monkeypatch):
    real = os.fsync

    def fail_for_folders(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "invalid")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fail_for_folders)
    write(tmp_path / "new.bin")


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
@pytest.mark.parametrize("exists", [True, False])
def test_the_mode_follows_the_umask(tmp_path, umask, mode, exists):
    path = tmp_path / "new.bin"
    if exists:
        path.touch(mode=0o777)
    before = os.umask(umask)
    try:
        write(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_symbolic_link_is_written_through(old, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(old.name)
    write(link)
    assert link.is_symlink()
    assert old.read_bytes() == b"new"


def test_a_dangling_link_makes_its_target(tmp_path):
    (tmp_path / "link").symlink_to("target")
    write(tmp_path / "link")
    assert (tmp_path / "target").read_bytes() == b"new"


def test_other_hard_links_keep_the_old_content(old, tmp_path):
    os.link(old, tmp_path / "other")
    write(old)
    assert (tmp_path / "other").read_bytes() == b"old"


@pytest.mark.parametrize(
    "kind",
    [
        "path",
        "symbolic link",
        "hard link",
        "other spelling",
        "member",
        "member with a colon",
        "file with a colon",
        "standard input",
    ],
)
def test_an_output_that_is_an_input_is_refused(old, tmp_path, kind, monkeypatch):
    name = tmp_path / "name"
    match kind:
        case "path":
            name = old
        case "symbolic link":
            name.symlink_to(old)
        case "hard link":
            os.link(old, name)
        case "other spelling":
            name = tmp_path / ".." / tmp_path.name / old.name
        case "member":
            name = f"{old}:logits"
        case "member with a colon":
            name = f"{old}:enc:0"
        case "file with a colon":
            name = f"{old.rename(tmp_path / 'a:b')}:enc:0"
            old = tmp_path / "a:b"
        case "standard input":
            name = "-"
            real = os.stat
            monkeypatch.setattr(os, "stat", lambda path, **keywords: real(old if path == 0 else path, **keywords))
    with pytest.raises(UsageError, match="the output is also an input") as caught:
        check_outputs({"-o": old}, ["missing", name])
    assert caught.value.where == str(old)
    assert old.read_bytes() == b"old"


def test_another_input_is_no_obstacle(old, tmp_path):
    check_outputs({"-o": tmp_path / "new.bin", "--save-probs": None}, [old, "10,50,100", None])


def test_two_outputs_in_one_file_are_refused(old, tmp_path):
    (tmp_path / "link").symlink_to(old)
    with pytest.raises(UsageError, match="-o and --save-probs go to the same file"):
        check_outputs({"-o": old, "--save-losses": tmp_path / "other", "--save-probs": tmp_path / "link"}, [])
    with pytest.raises(UsageError, match="/dev/fd/1: the report and --save-probs go to the same file"):
        check_outputs({"the report": "-", "--save-probs": "/dev/fd/1"}, [])
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="go to the same file"):
        check_outputs({"-o": tmp_path / "pipe", "--save-probs": tmp_path / "pipe"}, [])


def test_a_device_takes_several_outputs():
    check_outputs({"-o": os.devnull, "--save-probs": os.devnull}, [os.devnull])


def test_a_descriptor_redirected_to_an_input_is_refused(old):
    with old.open("ab") as file, pytest.raises(UsageError, match="the output is also an input"):
        check_outputs({"-o": f"/dev/fd/{file.fileno()}"}, [old])
    with old.open("rb") as file, pytest.raises(FaultError, match=f"/dev/fd/{file.fileno()}: is closed"):
        check_outputs({"-o": f"/dev/fd/{file.fileno()}"}, [])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (".", "is a directory"),
        ("new/", "is a directory"),
        ("missing/new.bin", "the folder does not exist"),
        ("old.bin/new.bin", "the folder does not exist"),
        ("x" * 300, "File name too long"),
    ],
)
def test_what_cannot_be_written_is_told_before_the_work(old, name, message):
    path = f"{old.parent}/{name}"
    with pytest.raises(FaultError, match=message) as caught:
        check_output(path)
    assert caught.value.where == path


@pytest.mark.parametrize("protected", ["file", "folder"])
def test_permission_denied(old, monkeypatch, protected):
    refused = old if protected == "file" else old.parent
    monkeypatch.setattr(os, "access", lambda path, _: path != refused)
    with pytest.raises(FaultError, match="permission denied"):
        write(old)
    assert old.read_bytes() == b"old"


def test_faults_name_the_path_and_let_a_broken_pipe_pass():
    with pytest.raises(FaultError, match="a path: No space left"), faults("a path"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(BrokenPipeError), faults("a path"):
        raise BrokenPipeError
    with pytest.raises(FaultError, match="a path: odd"), faults("a path"):
        raise OSError("odd")


# --- what is not a regular file ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["-", "/dev/stdout", "/dev/stderr", "/dev/fd/7", "/proc/self/fd/7", "/dev/null"])
def test_devices_are_not_replaced(path):
    assert not is_replaceable(path)


def test_the_null_device_stays_one():
    write(os.devnull)
    assert Path(os.devnull).is_char_device()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_device():
    with pytest.raises(FaultError, match="/dev/full: No space left on device"):
        write("/dev/full")


def test_a_named_pipe_is_written_into(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    found = []
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
    reader.start()
    write(pipe)
    reader.join()
    assert found == [b"new"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize("path", ["-", "/dev/stdout", "/dev/fd/1"])
def test_standard_output_goes_on_where_it_was(path, tmp_path):
    code = f"""
import os
from nllcli.outputs.files import replace_file
os.write(1, b"first ")
with replace_file({path!r}) as file:
    file.write(b"second ")
os.write(1, b"third")
"""
    with (tmp_path / "out").open("wb") as out:
        subprocess.run([sys.executable, "-c", code], stdout=out, check=True)
    assert (tmp_path / "out").read_bytes() == b"first second third"


def test_a_failure_on_a_device_is_the_callers_own():
    with pytest.raises(ValueError, match="mine"), replace_file(os.devnull):
        raise ValueError("mine")


def test_temporary_names_differ(tmp_path):
    with replace_file(tmp_path / "a") as first, replace_file(tmp_path / "a") as second:
        assert first.name != second.name
    assert files.is_replaceable(tmp_path / "a")


def test_a_file_that_no_clean_up_removed_is_removed_at_the_end(old, monkeypatch):
    def fail(*_, **__):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", fail)
        with pytest.raises(ValueError, match="mine"), replace_file(old):
            raise ValueError("mine")
        files.remove_unfinished()
        assert not alone(old)
    files.remove_unfinished()
    assert alone(old)
    assert old.read_bytes() == b"old"
