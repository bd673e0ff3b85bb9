"""Two machines in one: network namespaces joined by a virtual cable, with a job across them over TCP."""

import os
import shutil
import subprocess
import time

import pytest

from dcgan_mri.run import snapshots
from tests.faults.jobs import SIZE, job, processes, running, wait_for, wait_for_iteration
from tests.helpers import mpiexec, run_job

pytestmark = pytest.mark.faults

HOSTS = {"dcgan_a": "10.213.77.1", "dcgan_b": "10.213.77.2"}
FIRST, SECOND = HOSTS
CABLE = "cable"


def ip(*arguments):
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


@pytest.fixture
def cable(tmp_path):
    """The launcher's options for a job across both hosts."""
    if shutil.which("ip") is None or os.geteuid() != 0:
        pytest.skip("needs root and iproute2 to make network namespaces")
    try:
        for host in HOSTS:
            ip("netns", "add", host)
            ip("-n", host, "link", "set", "lo", "up")
        ip("link", "add", CABLE, "netns", FIRST, "type", "veth", "peer", "name", CABLE, "netns", SECOND)
        for host, address in HOSTS.items():
            ip("-n", host, "addr", "add", f"{address}/24", "dev", CABLE)
            ip("-n", host, "link", "set", CABLE, "up")
        wait_for(lambda: all(plugged_in(host) for host in HOSTS))
        time.sleep(2)  # a cable just plugged in has no usable addresses yet
    except OSError as error:
        remove_hosts()
        pytest.skip(f"cannot make two hosts here: {error}")
    # Stands in for ssh: what mpiexec wants to start on a host is started in its namespace.
    shell = tmp_path / "shell"
    shell.write_text("#!/bin/sh\nwhile [ \"${1#-}\" != \"$1\" ]; do shift; done\nhost=$1; shift\n" + "".join(
        f'[ "$host" = {address} ] && exec ip netns exec {host} sh -c "$*"\n' for host, address in HOSTS.items()))
    shell.chmod(0o755)
    # UCX sees through the namespaces to the one machine, and would take the way through its memory.
    yield ["ip", "netns", "exec", FIRST, mpiexec(), "-genv", "UCX_TLS", "tcp",
           "-genv", "UCX_NET_DEVICES", CABLE, "-hosts", ",".join(HOSTS.values()), "-n", 2, "-ppn", 1,
           "-launcher", "ssh", "-launcher-exec", shell]
    remove_hosts()


def plugged_in(host):
    """Whether the host's end of the cable is up."""
    state = ["ip", "netns", "exec", host, "cat", f"/sys/class/net/{CABLE}/operstate"]
    return subprocess.run(state, capture_output=True, text=True).stdout.strip() == "up"


def remove_hosts():
    for host in HOSTS:
        listed = subprocess.run(["ip", "netns", "pids", host], capture_output=True, text=True).stdout.split()
        subprocess.run(["kill", "-9", *listed], capture_output=True)
        subprocess.run(["ip", "netns", "del", host], capture_output=True)


def bytes_over_the_cable():
    """Bytes that the second host has received so far."""
    path = f"/sys/class/net/{CABLE}/statistics/rx_bytes"
    return int(subprocess.run(["ip", "netns", "exec", SECOND, "cat", path], capture_output=True, text=True).stdout)


def train_across(cable, slices, out, log, *options):
    """Train across both hosts; the seconds it took."""
    begin = time.monotonic()
    with job("-i", slices, "-o", out, *SIZE, *options, launcher=cable, log=log) as process:
        assert process.wait(timeout=100) == 0, log.read_text()
    return time.monotonic() - begin


def test_a_job_across_two_hosts_computes_what_one_host_computes(cable, slices16, tmp_path):
    train_across(cable, slices16, tmp_path / "two", tmp_path / "said", "-e", 2)
    assert bytes_over_the_cable() > 4 * 41_678 * 4  # four iterations, the parameters of both networks, four bytes each
    assert run_job("-m", "dcgan_mri.train", "-i", slices16, "-o", tmp_path / "one", *SIZE, "-e", 2,
                   ranks=2).returncode == 0
    (_, _, two), (_, _, one) = (snapshots.read_newest(tmp_path / run)[:3] for run in ("two", "one"))
    for name in one:
        if name.endswith("/W"):
            assert abs(two[name] - one[name]).max() <= 1e-6, name
    assert "threads for each rank" in (tmp_path / "said").read_text()


def test_a_job_across_a_slow_network(cable, slices16, tmp_path):
    if shutil.which("tc") is None:
        pytest.skip("needs tc")
    delay = ["ip", "netns", "exec", FIRST, "tc", "qdisc", "add", "dev", CABLE, "root", "netem", "delay", "5ms"]
    done = subprocess.run(delay, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"this kernel adds no delay: {done.stderr.strip()}")
    train_across(cable, slices16, tmp_path / "out", tmp_path / "said", "-e", 2)
    assert (tmp_path / "out" / "log").read_text().count('"gen/loss"') == 2


def test_a_host_that_is_cut_off(cable, slices16, tmp_path):
    out = tmp_path / "out"
    options = ["-i", slices16, "-o", out, *SIZE, "-e", 5000, "--timeout", 6]
    with job(*options, launcher=cable, log=tmp_path / "said") as process:
        wait_for_iteration(out, 2)
        wait_for(lambda: snapshots.newest_first(out))
        victims = processes(out, 2)
        ip("-n", SECOND, "link", "set", CABLE, "down")
        wait_for(lambda: not any(running(pid) for pid in victims), 30)
        status = process.wait(timeout=60)
    said = (tmp_path / "said").read_text()
    assert status != 0
    assert "no progress for" in said
    assert "the network is down" in said
    snapshots.read_newest(out)
