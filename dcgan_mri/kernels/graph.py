"""The training step as a CUDA graph: captured once, then replayed by one call in place of some thousand.

A step on a batch of 8 is hundreds of kernels of a few microseconds each, which a GPU ends sooner than Python starts
them. Replayed, they follow each other without Python. What changes from step to step is read from memory whose place
stays the same: the images, the iteration that random numbers are drawn for, and Adam's step sizes. CuPy (14) refuses
cuBLAS while a graph is captured, so that convolutions and linear layers have to be cuDNN's.
"""

import contextlib

import numpy as np

from dcgan_mri import randomness
from dcgan_mri.chainer_compat import chainer
from dcgan_mri.errors import UsageError
from dcgan_mri.kernels import backends
from dcgan_mri.updater import Updater

CHOICES = ("auto", "on", "off")
# Iterations before the capture: kernels are compiled and plans are made in them, which a capture does not allow.
WARM_UP = 3


def choose(wish, config, on_gpu, n_ranks):
    """Choose whether the step is captured; to be asked when the kernels have been chosen.

    Args:
        wish (str): One of `CHOICES`.
        config, on_gpu, n_ranks: As for `why_not`.

    Returns:
        tuple: bool, and a str with the reason, for the log.

    Raises:
        UsageError: If it is asked for and cannot be.
    """
    if wish == "off":
        return False, "off (asked for)"
    reason = why_not(config, on_gpu, n_ranks)
    if reason and wish == "on":
        raise UsageError(f"--graph on: {reason}; use --graph auto")
    return not reason, f"off, since {reason}" if reason else f"captured after {WARM_UP} iterations"


def why_not(config, on_gpu, n_ranks):
    """Whether the step of a run can be captured.

    Args:
        config (dcgan_mri.config.Config): The settings.
        on_gpu (bool): Whether this process computes on a GPU.
        n_ranks (int): Number of processes.

    Returns:
        str: The reason if it cannot; None if it can.
    """
    if not on_gpu:
        return "there is no GPU"
    if n_ranks > 1:
        return "what ranks send each other is not captured"
    if not backends.is_fast() or not backends.has_cudnn():
        return "CuPy captures no cuBLAS: it takes --kernels fast with cuDNN"
    if config.critic_steps > 1:
        return "with critic_steps not every step is the same"
    if config.gradient_penalty:
        return "the gradient penalty differentiates twice, by functions that have not been tried in a graph"
    return None


class GraphUpdater(Updater):
    """An `Updater` on one GPU that captures its step in the fourth iteration and replays it from then on.

    Each iteration is computed once, those before the capture too. If the capture fails, the reason is said once, and
    the run goes on without.

    Args:
        batches, gen_optimizer, dis_optimizer, config: As for `Updater`.
        say (callable): Takes a line for the log.
    """

    def __init__(self, batches, gen_optimizer, dis_optimizer, config, say):
        super().__init__(batches, gen_optimizer, dis_optimizer, config)
        self.optimizers = [gen_optimizer, dis_optimizer]
        # Adam's step size depends on the number of the step; SGD's and RMSprop's do not.
        self._adams = [optimizer for optimizer in self.optimizers if hasattr(optimizer, "write_step_size")]
        self.is_captured = False
        self._say = say
        self._left = WARM_UP
        self._fed = False

    def update_core(self):
        """Make the next iteration: by itself, with a capture, or by a replay."""
        self._feed()
        if self.is_captured:
            self._count()
        elif self._left == 0:
            self._capture()
        if self.is_captured:
            self._graph.launch()
        else:
            self._left -= 1
            self._observed = self.step(self._images, self._draws)
        self.report(self._observed)

    def _feed(self):
        """Write what changes from step to step to where the graph reads it."""
        xp, batches = self.gen.xp, self.get_iterator("main")
        images = batches.next()
        if not self._fed:
            self._images = xp.empty(images.shape, np.uint8)
            self._iteration = xp.empty((), np.uint32)
            self._draws = randomness.Draws(self.config.seed, self._iteration, batches.samples, xp)
            for optimizer in self._adams:
                optimizer.is_replayed = True
            self._fed = True
        self._images.set(images)
        self._iteration.fill(self.iteration)
        for optimizer in self._adams:
            optimizer.write_step_size()

    def _count(self):
        """What optimizers count in Python, which a replay does not run."""
        for optimizer in self.optimizers:
            optimizer.t += 1
            for param in optimizer.target.params():
                param.update_rule.t += 1

    def _capture(self):
        counts = [(one, one.t) for optimizer in self.optimizers
                  for one in (optimizer, *(param.update_rule for param in optimizer.target.params()))]
        try:
            self._graph, observed, self._kept = capture(lambda: self.step(self._images, self._draws))
        except Exception as error:  # of CuPy, cuDNN and Chainer; the step can still be made without a graph
            for one, t in counts:
                one.t = t
            for optimizer in self.optimizers:
                optimizer.target.cleargrads()
            self._say(f"CUDA graph: the capture failed ({' '.join(str(error).split())[:300]}); going on without")
            return
        # Without the computational graph behind it, whose arrays the replays overwrite.
        self._observed = {network: {name: chainer.Variable(value.array) for name, value in values.items()}
                          for network, values in observed.items()}
        self.is_captured = True


def capture(compute):
    """Capture what a function does on the current GPU, without doing it.

    Arrays that it makes come from a memory pool that nothing else uses, since replays write to the same places.

    Args:
        compute (callable): Takes nothing; must not wait for the GPU.

    Returns:
        tuple: The graph (cupy.cuda.Graph; its `launch` is a replay), what the function returned, and what has to live
        as long as the graph.
    """
    import cupy

    pool = cupy.cuda.MemoryPool()
    # Work on the default stream would break the capture on one that waits for it.
    stream = cupy.cuda.Stream(non_blocking=True)
    with stream, cupy.cuda.using_allocator(pool.malloc):
        stream.begin_capture()
        try:
            result = compute()
        except BaseException:
            with contextlib.suppress(Exception):  # a capture that an error has broken cannot be ended otherwise
                stream.end_capture()
            raise
        graph = stream.end_capture()
    return graph, result, (pool, stream)
