"""Triggers without a state of their own, so that a run that goes on needs none of them saved."""


class StopAt:
    """Trigger that ends the training at an iteration, or when a signal asks for it.

    Args:
        iteration (int): The last one.
        interruption (dcgan_mri.distributed.interruption.Interruption): Ends it before.
    """

    def __init__(self, iteration, interruption):
        self.iteration = iteration
        self.interruption = interruption

    def __call__(self, trainer):
        return trainer.updater.iteration >= self.iteration or self.interruption.agreed

    def get_training_length(self):
        """Length of the training, as Chainer's triggers tell it."""
        return self.iteration, "iteration"


def last_iteration(trainer):
    """Where a training ends.

    Args:
        trainer (chainer.training.Trainer): Stops at an iteration.

    Returns:
        int: The last iteration.
    """
    return trainer.stop_trigger.get_training_length()[0]


class EpochsAndEnd:
    """Trigger that fires every so many epochs, and at the last iteration.

    Args:
        epochs (int): Epochs between.
    """

    def __init__(self, epochs):
        self.epochs = epochs

    def __call__(self, trainer):
        updater = trainer.updater
        return updater.iteration == last_iteration(trainer) or updater.is_new_epoch and updater.epoch % self.epochs == 0


class EachIteration:
    """Trigger that always fires."""

    def __call__(self, trainer):
        return True


EACH_EPOCH = EpochsAndEnd(1)
EACH_ITERATION = EachIteration()
