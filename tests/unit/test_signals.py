"""Signals: the first asks, the second insists."""

import os
import signal
import subprocess
import sys

import pytest

from digitd.signals import INSISTED, StopSignals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_asks_by_its_name(number: signal.Signals) -> None:
    """And afterwards signals do what they did before."""
    before = signal.getsignal(number)
    asked: list[str] = []
    with StopSignals(asked.append):
        os.kill(os.getpid(), number)
        assert asked == [number.name]
    assert signal.getsignal(number) is before


@pytest.mark.parametrize(("first", "second"), [("SIGTERM", "SIGTERM"), ("SIGINT", "SIGINT"), ("SIGINT", "SIGTERM")])
def test_the_second_signal_insists(first: str, second: str) -> None:
    """It ends the process at once, with the exit status of that signal, whatever is going on."""
    script = (
        "import sys, time; from digitd.signals import StopSignals\n"
        "with StopSignals(lambda why: print(why, flush=True)):\n"
        "    print('ready', flush=True)\n"
        "    while True: time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.Signals[first])
        assert process.stdout.readline() == f"{first}\n"
        assert process.poll() is None
        process.send_signal(signal.Signals[second])
        assert process.wait(20) == INSISTED + signal.Signals[second]


def test_a_hangup_asks_to_reload_each_time() -> None:
    """And is no stop, however often it comes."""
    asked: list[str] = []
    reloads: list[bool] = []
    with StopSignals(asked.append, lambda: reloads.append(True)):
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGHUP)
    assert (asked, reloads) == ([], [True, True])


def test_a_hangup_of_nothing_to_reload_asks_to_stop() -> None:
    """It is a terminal that closes; one that is ignored from the start (nohup) stays so."""
    asked: list[str] = []
    with StopSignals(asked.append):
        os.kill(os.getpid(), signal.SIGHUP)
    assert asked == ["SIGHUP"]
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopSignals(asked.append):
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert asked == ["SIGHUP"]
