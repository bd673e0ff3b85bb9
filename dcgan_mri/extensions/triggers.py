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
        """Length of the training for Chainer's progress bar."""
        return self.iteration, "iteration"


class EpochsAndEnd:
    """Trigger that fires every so many epochs, and at the last iteration.

    Args:
        epochs (int): Epochs between.
        last_iteration (int): Where the training ends.
    """

    def __init__(self, epochs, last_iteration):
        self.epochs = epochs
        self.last_iteration = last_iteration

    def __call__(self, trainer):
        updater = trainer.updater
        return updater.iteration == self.last_iteration or updater.is_new_epoch and updater.epoch % self.epochs == 0


def each_iteration(trainer):
    """Trigger that always fires."""
    return True
