"""Chainer's log, written whole or not at all."""

import json
import pathlib

from dcgan_mri.chainer_compat import chainer
from dcgan_mri.extensions.triggers import EACH_EPOCH, EACH_ITERATION
from dcgan_mri.files import write_text
from dcgan_mri.run import result_folder


class Log(chainer.training.extensions.LogReport):
    """`chainer.training.extensions.LogReport`, whose own writing does not wait for the disk.

    It looks at every iteration, and makes an entry of the means since the one before after every epoch.
    """

    trigger = EACH_ITERATION
    default_name = "LogReport"  # where others look for it, and its name in snapshots

    def __init__(self):
        super().__init__(trigger=EACH_EPOCH, log_name=None)

    def __call__(self, trainer):
        """Note the observations of an iteration; when an entry is made, write ``log``."""
        entries = len(self.log)
        super().__call__(trainer)
        if len(self.log) > entries:
            write_text(pathlib.Path(trainer.out) / result_folder.LOG, json.dumps(self.log, indent=4))
