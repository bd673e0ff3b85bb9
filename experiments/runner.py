"""Carrying a plan out: each run is a training of its own, several at a time; what is complete is not run again."""

import concurrent.futures
import contextlib
import dataclasses
import datetime
import functools
import os
import pathlib
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

from dcgan_mri import config as settings
from dcgan_mri.errors import DataError, UserError
from dcgan_mri.files import lock, write_text
from dcgan_mri.run import result_folder, snapshots
from experiments import measuring, records
from experiments.data import keep_out_of_git
from experiments.plan import RUNS

ROOT = pathlib.Path(__file__).parent.parent
SNAPSHOTS = 5
DIVERGED = re.compile(r"(the loss of the \w+ is \S+ at iteration \d+|since \S+ is no longer finite)")


class PlanInterruptedError(UserError):
    """A signal ended the plan; what was begun goes on from its snapshots."""

    # As a training that stopped at a signal with a snapshot.
    status = os.EX_TEMPFAIL


class Runner:
    """Runs trainings and measures them.

    Args:
        scale (experiments.scales.Scale): The scale.
        data (experiments.data.Data): The slices.
        out (str or Path): Results folder.
        workers (int): Runs at a time.
        gpus (list of str): What CUDA_VISIBLE_DEVICES may be set to, dealt to the workers in turn; empty on a CPU.
        say (callable): Takes a line of progress.
    """

    def __init__(self, scale, data, out, workers, gpus=(), say=print):
        self.scale, self.data, self.out = scale, data, pathlib.Path(out)
        self.workers, self.gpus, self.say = workers, list(gpus), say
        self._slots = queue.Queue()
        for slot in range(workers):
            self._slots.put(slot)
        self._stopping = threading.Event()
        self._children = set()

    @functools.cached_property
    def reference(self):
        """experiments.measuring.Reference: The real slices that all runs are measured against."""
        return measuring.Reference(self.data.reference_set())

    def measure_real(self):
        """Measure real slices too, unless that has been done."""
        found, name = records.read_real(self.out), records.place(self.scale.name, self.data.facts())
        if name not in found:
            values = measuring.measure_real(self.data.training_set(), self.reference)
            records.write_real(self.out, {**found, name: values})

    def carry_out(self, runs):
        """Do what is not done yet.

        Args:
            runs (list of experiments.plan.Run): The plan.

        Returns:
            list of str: A message for each run that failed; the others are complete.

        Raises:
            PlanInterruptedError: If a signal asked for an end.
            DataError: If an earlier result cannot be read or is of another definition.
        """
        waiting = self.waiting(runs)
        if not waiting:
            return []
        keep_out_of_git(self.out / RUNS)
        self.reference  # noqa: B018 - described once, before several threads ask for it
        before = {number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)}
        progress = Progress(waiting, len(runs), self.data, self.workers)
        failures = []
        try:
            with concurrent.futures.ThreadPoolExecutor(self.workers) as pool:
                futures = {pool.submit(self._one, run): run for run in waiting}
                for future in concurrent.futures.as_completed(futures):
                    run = futures[future]
                    try:
                        record = future.result()
                    except UserError as error:
                        failures.append(f"{run.name}, seed {run.config.seed}: {error}")
                        self.say(progress.failed(run, failures[-1]))
                        continue
                    if record is not None:
                        self.say(progress.line(run, record))
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        if self._stopping.is_set():
            raise PlanInterruptedError("interrupted; the same command goes on where this one stopped")
        return failures

    def waiting(self, runs):
        """What of a plan is to be done.

        Args:
            runs (list of experiments.plan.Run): The plan.

        Returns:
            list of experiments.plan.Run: Those that are not complete.

        Raises:
            DataError: As `done`.
        """
        return [run for run in runs if self.done(run) is None]

    def done(self, run):
        """The record of a run, if it is complete.

        Args:
            run (experiments.plan.Run): The run.

        Returns:
            dict: The record; None if there is something left to do.

        Raises:
            DataError: If the folder holds a run with other settings or of other slices.
        """
        folder = run.folder(self.out, self.scale.name, self.data)
        record = records.read(folder)
        if record is None:
            return None
        planned_only = not self.data.fingerprint
        if not records.fits(record, run.config) or not (planned_only or record["data"] == self.data.facts()):
            raise DataError(
                f"{folder}: was run with other settings or slices than the experiment has now; delete the folder, or "
                f"give another one by -o")
        lacking = run.along and not record["diverged"] and "kid.swing" not in record["values"]
        return None if lacking else record

    def _one(self, run):
        """Train and measure; None if a signal came first."""
        slot = self._slots.get()
        try:
            if self._stopping.is_set():
                return None
            folder = run.folder(self.out, self.scale.name, self.data)
            with result_folder.making(folder.parent):
                folder.parent.mkdir(parents=True, exist_ok=True)
            with self._alone(folder):
                return None if self._stopping.is_set() else self._complete(run, folder, slot)
        finally:
            self._slots.put(slot)

    def _complete(self, run, folder, slot):
        """Do what a run lacks; None if a signal came first."""
        record = self.done(run)
        if record is None:
            record = records.read(folder) or self._train(run, folder, slot)
            if self._stopping.is_set():
                return None
            self._measure(run, folder, record)
        return record

    @contextlib.contextmanager
    def _alone(self, folder):
        """Wait until nobody else is at a run: another plan that has it too, or a training that a killed plan left."""
        try:
            ours = folder.with_name(f"{folder.name}.lock").open("w")
        except OSError as error:
            raise DataError(f"{folder}: cannot write there ({error.strerror}); give another folder by -o") from None
        with ours:
            self._lock(ours, folder)
            # No such folder yet, or no right to write there, which the training will tell.
            with contextlib.suppress(OSError), (folder / result_folder.LOCK).open("w") as trainings:
                self._lock(trainings, folder)
            yield

    def _lock(self, file, folder):
        said = False
        while not self._stopping.is_set():
            if lock(file):
                return
            if not said:
                self.say(f"{folder}: another process is at this run; waiting for it")
            said = True
            time.sleep(0.5)

    def _measure(self, run, folder, record):
        """Add to a record what was measured, write it, and remove what only going on would need."""
        start = time.monotonic()
        if not record["diverged"]:
            record.update(measuring.measure_run(folder, self.reference, run.along))
        record["seconds"] += time.monotonic() - start
        records.write(folder, record)
        for snapshot in snapshots.newest_first(folder):
            snapshot.unlink()

    def _train(self, run, folder, slot):
        """Train, or go on with a training; returns its record, with nothing measured yet."""
        begun = bool(result_folder.last_start(folder))
        if begun:
            check_settings(folder, run.config)
        elif folder.exists():
            shutil.rmtree(folder)  # killed before it wrote what it is; there is nothing to go on from
        file = folder.with_name(f"{folder.name}.yaml")
        write_text(file, run.config.to_yaml())
        before = elapsed(folder) if begun else 0.0
        start = time.monotonic()
        log = folder.with_name(f"{folder.name}.txt")
        status = self._call(train_command(run, folder, file, self.data, begun), log, slot)
        text = log.read_text(encoding="utf-8", errors="replace")
        found = DIVERGED.search(text)
        if self._stopping.is_set():
            return None
        if status and not found:
            last = (text.strip().splitlines() or ["no message"])[-1]
            raise DataError(f"{last} (status {status}; all it said is in {log})")
        start_of_run = result_folder.last_start(folder)
        return {
            "run": run.name, "seed": run.config.seed, "scale": self.scale.name, "data": self.data.facts(),
            "settings": dataclasses.asdict(run.config), "device": start_of_run["device"].partition(", since")[0],
            "date": datetime.date.today().isoformat(), "revision": start_of_run["git_revision"],
            "iterations": run.iterations(self.data), "seconds": before + time.monotonic() - start,
            "diverged": found[1] if found and status else None,
            "values": {}, "scores": [], "along": {}, "successes": [], "failures": []}

    def _call(self, command, log, slot):
        """Run a program to its end; a signal to us is passed on to it, so that it writes a snapshot.

        It writes into a file and not to us, so that it can go on if we are killed.
        """
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(
            filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}
        # One thread: results are then the same bit for bit on any number of cores.
        environment["OMP_NUM_THREADS"] = "1"
        if self.gpus:
            environment["CUDA_VISIBLE_DEVICES"] = self.gpus[slot % len(self.gpus)]
        with log.open("wb") as file:
            # A session of its own: Ctrl-C reaches it through us alone, once.
            child = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                     env=environment, start_new_session=True)
        self._children.add(child)
        if self._stopping.is_set():  # the signal may have come before the child was known
            child.send_signal(signal.SIGTERM)
        status = child.wait()
        self._children.remove(child)
        return status

    def _stop(self, number, frame):
        if not self._stopping.is_set():
            self._stopping.set()
            self.say("stopping: every run writes a snapshot first")
        for child in list(self._children):
            child.send_signal(signal.SIGTERM)


class Progress:
    """How far a plan is, and how long it will take.

    Args:
        waiting (list of experiments.plan.Run): What is to be done.
        total (int): Number of runs in the plan, those done before included.
        data (experiments.data.Data): The slices.
        workers (int): Runs at a time.
    """

    def __init__(self, waiting, total, data, workers):
        self.done, self.total, self.data, self.workers = total - len(waiting), total, data, workers
        self.left = sum(run.images(data) for run in waiting)
        self.seconds = self.images = 0.0

    def line(self, run, record):
        """Note that a run is complete.

        Args:
            run (experiments.plan.Run): The run.
            record (dict): What was measured.

        Returns:
            str: A line for the user.
        """
        self.done += 1
        self.left -= run.images(self.data)
        self.seconds += record["seconds"]
        self.images += run.images(self.data)
        to_go = datetime.timedelta(seconds=round(self.left * self.seconds / self.images / self.workers))
        outcome = f", diverged: {record['diverged']}" if record["diverged"] else ""
        return (f"[{self.done}/{self.total}] {run.name}, seed {run.config.seed}: {record['seconds']:.0f} s{outcome}; "
                f"{to_go} to go")

    def failed(self, run, message):
        """Note that a run failed.

        Args:
            run (experiments.plan.Run): The run.
            message (str): What and why.

        Returns:
            str: A line for the user.
        """
        self.left -= run.images(self.data)
        return f"failed: {message}"


def train_command(run, folder, file, data, begun):
    """The command line of a training.

    Args:
        run (experiments.plan.Run): The run.
        folder (Path): Result folder.
        file (Path): YAML file with its settings.
        data (experiments.data.Data): The slices.
        begun (bool): Whether it goes on.

    Returns:
        list of str: The command.
    """
    interval = max(1, run.config.epoch // SNAPSHOTS)
    return [sys.executable, "-m", "dcgan_mri.train", "-i", data.folder, "-o", str(folder), "--config", str(file),
            "--snapshot-interval", str(interval), "--keep-snapshots", "1", "--measures", "off", "--page", "off",
            "--progress", "lines", *(["-r"] if begun else [])]


def check_settings(folder, config):
    """Make sure that a run that is gone on with has the settings of the plan.

    Args:
        folder (Path): Its result folder.
        config (dcgan_mri.config.Config): The plan's.

    Raises:
        DataError: If they differ, or cannot be read.
    """
    if settings.build(file=folder / result_folder.CONFIG) != config:
        raise DataError(f"{folder}: was begun with other settings than the experiment has now; delete the folder")


def elapsed(folder):
    """Seconds that a run has taken so far.

    Args:
        folder (Path): Its result folder.

    Returns:
        float: By its log; 0 if there is none yet.
    """
    try:
        return measuring.read_log(folder)[-1]["elapsed_time"]
    except (DataError, KeyError):
        return 0.0
