"""What a study found, in words that say no more than it can tell."""

from statsmodels.stats.proportion import proportion_confint

from dcgan_mri.reader_study import scores

DIVERSITY = ("Realism says nothing of diversity: a generator that makes one convincing image again and again would\n"
             "do well here. `python -m dcgan_mri.evaluate` measures diversity, coverage and copies.")


def report(key, sheet, readers, left_out, rng):
    """The report.

    Args:
        key (dict): The study's key.
        sheet (dcgan_mri.reader_study.scores.Sheet): The counted answers.
        readers (list of int): Whose they are.
        left_out (list of tuple): Files that are not counted, with the reason.
        rng (numpy.random.Generator): For the bootstrap.

    Returns:
        str: Lines.
    """
    n_real, n = int(sheet.real.sum()), len(sheet.real)
    n_repeats = sheet.first.shape[1]
    lines = [
        f"Study {key['study']}: {n_real} real slices of held-out subjects and {n - n_real} generated images, "
        f"{n_repeats} of them shown twice.",
        f"Readers counted: {len(readers)} of {len(key['readers'])}. Files left out: {len(left_out)}.",
        *(f"  {path}: {reason}" for path, reason in left_out), "",
        f"{'reader':8} {'accuracy':22} {'sensitivity':22} {'specificity':22} {'AUC':22} kappa with oneself"]
    lines += [
        f"{reader:<8} {_estimate(mine['accuracy'])} {_estimate(mine['sensitivity'])} {_estimate(mine['specificity'])} "
        f"{mine['auc']:<22.2f} {_kappa(mine['kappa'])}"
        for reader, mine in zip(readers, scores.of_each_reader(sheet), strict=True)]
    everyone = scores.over_readers(sheet, rng)
    shown = ("accuracy", "sensitivity", "specificity", "auc")
    lines += [
        f"{'all':8} {' '.join(_estimate(everyone[name]) for name in shown)}", "",
        "Sensitivity: generated images that were found out. Specificity: real slices taken for real. In brackets",
        "95 % intervals: Wilson's for each reader, for all a bootstrap over readers and images. It gives none where no",
        "answer differs; Wilson's do.",
        f"Fleiss' kappa between readers: {_kappa(scores.fleiss(sheet))}. Kappa 1 is full agreement, 0 that of chance.",
        "", verdict(sheet, key["margin"], rng), "", what_it_can_tell(n, len(readers)), DIVERSITY]
    return "\n".join(lines)


def verdict(sheet, margin, rng):
    """Equivalence to guessing within the margin that was fixed beforehand, by two one-sided tests at 5 %.

    Args:
        sheet (dcgan_mri.reader_study.scores.Sheet): The answers.
        margin (float): Share that the mean of sensitivity and specificity may be away from a half.
        rng (numpy.random.Generator): For the bootstrap.

    Returns:
        str: Sentences.
    """
    found = scores.over_readers(sheet, rng, confidence=0.9)["balanced"]
    facts = (f"The mean of sensitivity and specificity is {100 * found.value:.1f} % (90 % interval "
             f"{100 * found.low:.1f} to {100 * found.high:.1f} %);\nguessing gives 50 %, and the margin fixed "
             f"beforehand is {100 * margin:g} points.")
    if 0.5 - margin < found.low and found.high < 0.5 + margin:
        said = "Equivalent to guessing within the margin: readers tell the images apart by no more than that."
    elif found.low > 0.5:
        said = "Readers tell generated images from real ones better than by guessing."
    elif found.high < 0.5:
        said = "Readers take generated images for real ones more often than guessing would."
    else:
        said = ("Undecided: neither equivalence within the margin is shown nor a difference from guessing. More\n"
                "readers or images could tell; this is no evidence that the images cannot be told apart.")
    return f"{facts}\n{said}"


def what_it_can_tell(n, n_readers):
    """How exact such a study is.

    Args:
        n (int): Number of images.
        n_readers (int): Number of readers.

    Returns:
        str: Sentences.
    """
    low, high = proportion_confint(n / 2, n, 1 - scores.CONFIDENCE, method="wilson")
    only = " With one reader it is about that reader alone." if n_readers == 1 else ""
    return (f"What {n} images can tell: the accuracy of one reader who guesses to ±{50 * (high - low):.1f} points."
            f"{only}")


def _estimate(estimate):
    if estimate.low == estimate.high:
        return f"{f'{estimate.value:.2f} (no interval)':22}"
    return f"{f'{estimate.value:.2f} ({estimate.low:.2f} to {estimate.high:.2f})':22}"


def _kappa(value):
    return "undefined" if value is None else f"{value:.2f}"
