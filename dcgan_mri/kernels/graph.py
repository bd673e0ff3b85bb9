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


def choose(asked, config, on_gpu, communicator):
    """Choose whether the step is captured; to be asked when the kernels have been chosen.

    Args:
        asked (str): One of `CHOICES`.
        config, on_gpu, communicator: As for `why_not`.

    Returns:
        tuple: bool, and a str with the reason, for the log.

    Raises:
        UsageError: If it is asked for and cannot be.
    """
    if asked == "off":
        return False, "off (asked for)"
    reason = why_not(config, on_gpu, communicator)
    if reason and asked == "on":
        raise UsageError(f"--graph on: {reason}; use --graph auto")
    return not reason, f"off, since {reason}" if reason else f"captured after {WARM_UP} iterations"


def why_not(config, on_gpu, communicator):
    """Whether the step of a run can be captured.

    Args:
        config (dcgan_mri.config.Config): The settings.
        on_gpu (bool): Whether this process computes on a GPU.
        communicator (str): Name of the communicator; ``alone`` sends nothing.

    Returns:
        str: The reason if it cannot; None if it can.
    """
    if not on_gpu:
        return "there is no GPU"
    if communicator != "alone":
        return "what a communicator sends is not captured"
    if not backends.cudnn_kernels():
        return "CuPy captures no cuBLAS: it takes --kernels fast with cuDNN"
    if config.critic_steps > 1:
        return "with critic_steps not every step is the same"
    if config.gradient_penalty or config.r1:
        return "a penalty on D's gradient differentiates twice, by functions that have not been tried in a graph"
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
        self._input = None

    def update_core(self):
        """Make the next iteration: by itself, with a capture, or by a replay."""
        import cupy

        images = self.get_iterator("main").next()
        if self._input is None:
            self._set_up(cupy, images)
        default = cupy.cuda.Stream.null  # which all else is done on
        self._stream.wait_event(default.record())
        with self._stream:
            self._feed(images)
            if self.is_captured:
                self._count()
            elif self._left == 0:
                self._capture()
            if self.is_captured:
                self._graph.launch(stream=self._stream)
            else:
                self._left -= 1
                self._observed = self.step(self._images, self._draws)
        default.wait_event(self._stream.record())
        self.report(self._observed)

    def _set_up(self, cupy, images):
        """Memory whose place stays the same, and the stream of the capture: what warms up on it is ready there."""
        # Work on the default stream would break the capture on one that waits for it.
        self._stream = cupy.cuda.Stream(non_blocking=True)
        self._images = cupy.empty(images.shape, np.uint8)
        self._iteration = cupy.empty((), np.uint32)
        self._draws = randomness.Draws(
            self.config.seed, self._iteration, self.get_iterator("main").samples, self.gen.xp)
        self._input = PinnedInput(images)
        for optimizer in self._adams:
            optimizer.is_replayed = True

    def _feed(self, images):
        """Write what changes from step to step to where the graph reads it."""
        self._input.send(images, self._images)
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
            self._graph, observed, self._kept = capture(
                lambda: self.step(self._images, self._draws), self._stream)
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


class PinnedInput:
    """Sends batches through page-locked memory, from which a GPU reads without waiting for the processor.

    Args:
        images (numpy.ndarray): Such a batch.
    """

    def __init__(self, images):
        import cupyx

        # Two, so that one is filled while the other is read.
        self._buffers = [cupyx.empty_pinned(images.shape, images.dtype) for _ in range(2)]
        self._read = [None, None]

    def send(self, images, target):
        """Copy a batch to the GPU, on the current stream.

        Args:
            images (numpy.ndarray): The batch.
            target (cupy.ndarray): Of its shape and type; overwritten.
        """
        import cupy

        if self._read[0] is not None:
            self._read[0].synchronize()
        self._buffers[0][...] = images
        target.set(self._buffers[0])
        self._read[0] = cupy.cuda.get_current_stream().record()
        self._buffers.reverse()
        self._read.reverse()


def capture(compute, stream):
    """Capture what a function does on the current GPU, without doing it.

    Arrays that it makes come from a memory pool that nothing else uses, since replays write to the same places; what
    the default pool keeps for others is given back first.

    Args:
        compute (callable): Takes nothing; must not wait for the GPU.
        stream (cupy.cuda.Stream): Not one that waits for the default stream; what is computed has run on it before.

    Returns:
        tuple: The graph (cupy.cuda.Graph; its `launch` is a replay), what the function returned, and what has to live
        as long as the graph.
    """
    import cupy

    stream.synchronize()
    cupy.get_default_memory_pool().free_all_blocks()
    pool = cupy.cuda.MemoryPool()
    with stream, cupy.cuda.using_allocator(pool.malloc):
        stream.begin_capture()
        try:
            result = compute()
        except BaseException:
            with contextlib.suppress(Exception):  # a capture that an error has broken cannot be ended otherwise
                stream.end_capture()
            raise
        graph = stream.end_capture()
    return graph, result, pool
