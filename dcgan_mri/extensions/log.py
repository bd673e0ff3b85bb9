"""Chainer's log, written whole or not at all."""

import json
import pathlib

from dcgan_mri.chainer_compat import chainer
from dcgan_mri.files import whole_file


class Log(chainer.training.extensions.LogReport):
    """`chainer.training.extensions.LogReport`, whose own writing does not wait for the disk.

    Args:
        trigger: When an entry is made; it averages what was observed since the one before.
    """

    default_name = "LogReport"  # where PrintReport looks for it

    def __init__(self, trigger):
        super().__init__(trigger=trigger, filename=None)

    def __call__(self, trainer):
        """Note the observations of an iteration; when an entry is made, write ``log``."""
        entries = len(self.log)
        super().__call__(trainer)
        if len(self.log) > entries:
            with whole_file(pathlib.Path(trainer.out) / "log") as file:
                file.write(json.dumps(self.log, indent=4).encode())
