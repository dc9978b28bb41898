"""The supervisor, on real processes."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from billing.platform import processes
from billing.platform.processes import KeepsDying, Program, Supervisor, answers, free_port, port_is_free

pytestmark = pytest.mark.processes

SLEEPER = (sys.executable, "-c", "import time; print('awake', flush=True); time.sleep(60)")
STUBBORN = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)",
)


@pytest.fixture
def supervisor(tmp_path: Path):
    made = Supervisor(folder=tmp_path, run_dir=tmp_path / "run", log_dir=tmp_path / "log")
    yield made
    made.stop_all()


def test_a_program_leaves_its_pid_and_its_words(supervisor: Supervisor, tmp_path: Path):
    supervisor.start(Program(name="web", command=SLEEPER))
    assert _alive(_pid(tmp_path, "web"))
    _until(lambda: (tmp_path / "log" / "web.log").read_text() == "awake\n")


def test_what_was_killed_is_started_again(supervisor: Supervisor, tmp_path: Path):
    supervisor.start(Program(name="worker", command=SLEEPER))
    killed = _pid(tmp_path, "worker")
    os.kill(killed, signal.SIGKILL)
    (sentence,) = _until(supervisor.revive)
    assert sentence == "worker ended with status -9 and was started again."
    assert _pid(tmp_path, "worker") != killed
    assert supervisor.revive() == []


def test_what_keeps_dying_is_given_up_with_the_place_of_its_log(supervisor: Supervisor):
    supervisor.start(Program(name="web", command=(sys.executable, "-c", "raise SystemExit(3)")))
    with pytest.raises(KeepsDying, match=r"status 3.*web\.log"):
        _until(lambda: supervisor.revive() and False)


def test_stopping_ends_all_and_takes_the_pid_files_away(supervisor: Supervisor, tmp_path: Path):
    for name in ("web", "worker"):
        supervisor.start(Program(name=name, command=SLEEPER))
    pids = [_pid(tmp_path, name) for name in ("web", "worker")]
    supervisor.stop_all()
    assert [pid for pid in pids if _alive(pid)] == []
    assert list((tmp_path / "run").iterdir()) == []


def test_who_does_not_listen_is_ended_by_force(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.3)
    supervisor.start(Program(name="web", command=STUBBORN))
    pid = _pid(tmp_path, "web")
    _until(lambda: (tmp_path / "log" / "web.log").read_text() == "deaf\n")
    supervisor.stop("web")
    assert not _alive(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_children_end_with_a_killed_supervisor(tmp_path: Path):
    script = textwrap.dedent(f"""
        import time
        from pathlib import Path
        from billing.platform.processes import Program, Supervisor
        made = Supervisor(folder=Path("."), run_dir=Path({str(tmp_path)!r}) / "run")
        made.start(Program(name="web", command={SLEEPER!r}))
        print("started", flush=True)
        time.sleep(60)
    """)
    parent = subprocess.Popen((sys.executable, "-c", script), stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    parent.stdout.readline()
    child = _pid(tmp_path, "web")
    parent.kill()
    parent.wait()
    parent.stdout.close()
    _until(lambda: not _alive(child))


def test_a_port_that_somebody_listens_on_is_not_free():
    port = free_port()
    assert port_is_free(port)
    with socket.create_server(("127.0.0.1", port)):
        assert not port_is_free(port)


def test_nobody_answers_where_nobody_listens():
    assert not answers(f"http://127.0.0.1:{free_port()}/readyz")


def _pid(folder: Path, name: str) -> int:
    return int((folder / "run" / f"{name}.pid").read_text())


def _alive(pid: int) -> bool:
    """Whether the process runs; one that ended and that nobody has asked after does not count."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _until(look):
    deadline = time.monotonic() + 10
    while not (seen := look()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return seen
