"""Cast: how far an image is from grey. The network makes three channels, and nothing but the loss keeps them equal."""

from dcgan_mri.metrics.base import Measure, Quantity


class Cast(Measure):
    """Difference between the means of an image's brightest and darkest channel, over the whole image, air included."""

    name = "cast"
    quantities = (
        Quantity("cast", "grey levels", "0 to 255", "0 in real slices, which are grey; above: a colour cast"),)
    every_epoch = True

    def describe(self, stack, reference):
        """``cast``, shape (N,)."""
        return {"cast": stack.channels.max(axis=1) - stack.channels.min(axis=1)}

    def compare(self, samples, baseline, rng):
        """Mean of the samples: casts of different colours do not make up for one another."""
        return {"cast": float(samples["cast"].mean())}
