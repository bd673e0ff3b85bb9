"""What the page says of a run: its settings beside the paper's, and the facts."""

from dcgan_mri import config as settings
from dcgan_mri.review.words import duration

# Plain names: of settings that make a run fail most easily, which stand first, and of its size, which stands last.
CAUSES = {"alpha": "step size (alpha)", "learning_rate": "step size (learning_rate)"}
SIZES = {"image_size": "image size", "width": "width of the layers", "epoch": "number of epochs"}


def differences(config):
    """The settings, each with what the paper has.

    Args:
        config (Config): The settings of a run.

    Returns:
        list of dict: ``name``, ``plain`` (a name), ``value``, ``paper``, ``differs`` and ``help``.
    """
    paper = settings.Config()
    return [{
        "name": name, "plain": (CAUSES | SIZES).get(name, name), "value": getattr(config, name),
        "paper": getattr(paper, name), "differs": getattr(config, name) != getattr(paper, name),
        "help": settings.SETTINGS[name].description}
        for name in sorted(settings.SETTINGS, key=lambda name: (name in SIZES) - (name in CAUSES))]


def facts(run, slices, public=False):
    """What one asks of a run, in words.

    Args:
        run (Run): The run.
        slices (dcgan_mri.slice_set.Slices): Its training slices; None if they are not found.
        public (bool): Leave out hosts, paths and the command line.

    Returns:
        list of list: Pairs of a name and a text.
    """
    start = run.starts[-1] if run.starts else {}
    private = ("hosts", "command") if public else ()
    found = [] if public else [["Result folder", str(run.folder)]]
    if "dataset" in start and not public:
        found.append(["Slice set", f"{start['dataset']}" + ("" if slices else "; not found from here")])
    if run.entries:
        last = run.entries[-1]
        found.append(["Trained", f"{last['iteration']} iterations, to epoch {last['epoch']} of {run.config.epoch}"])
        if last["elapsed_time"] is not None and last["elapsed_time"] > 0:
            pace = last["elapsed_time"] / last["iteration"]
            found.append(["Speed", f"{pace:.3g} s an iteration, {run.config.batchsize / pace:.3g} images a second, "
                                   f"{duration(last['elapsed_time'])} in all"])
    for name, key in [("Processes", "ranks"), ("Hosts", "hosts"), ("Device", "device"),
                      ("Communicator", "communicator"), ("Threads of each process", "threads_per_rank"),
                      ("Python", "python"), ("Platform", "platform"), ("Source revision", "git_revision"),
                      ("Started", "time"), ("Command", "command")]:
        value = start.get(key)
        if value is not None and key not in private:
            found.append([name, " ".join(map(str, value)) if isinstance(value, list) else str(value)])
    if len(run.starts) > 1:
        found.append(["Starts", f"{len(run.starts)}, the last one shown here"])
    packages = start.get("packages")
    if isinstance(packages, dict):
        found.append(["Packages", ", ".join(f"{name} {version}" for name, version in packages.items() if version)])
    return found
