"""What a package says of its generator: the model card for people, the metadata for medigan."""

from dcgan_mri.review.run import differences

CARD = """\
# Synthetic axial T2-FLAIR brain slices

A DCGAN's generator: {config.n_z} numbers from U(-1, 1) to a slice of {config.image_size}×{config.image_size} pixels.
Trained with dcgan_mri, a reproduction of "Generative Adversarial Networks in Healthcare: A Case Study on MRI Image
Generation" (Cepa, Brito, Sousa).

## Intended use

Research and teaching. **Not for diagnosis**, nor for any other decision about a patient: no image shows a patient, and
what an image shows need not occur in any. If you pass images on, say that they are synthetic.

## Use it

    pip install numpy onnxruntime pillow
    python generate.py -o samples -n 100

`generator.onnx` takes `z`, float32 of shape (N, {config.n_z}), and gives `pictures`, uint8 of shape
(N, {config.image_size}, {config.image_size}, 3). With medigan: `metadata.json` is this model's entry for
`config/global.json`.

## What it learned from

- Data and licence: {data}
- Slices: {slices}
- Subjects: {subjects}

Weights can hold traces of what they learned from: check the terms of the data before you pass this model on.

## Training

{trained}. `config.yaml` has every setting. {settings}

## What was measured

- KID (how far from real slices, 0 is the same distribution): {kid}
- Copies of training slices: {copies}

No measure here says whether an image is anatomically right, and the search for copies is no guarantee of privacy.
"""
MODEL_ID = "00000_DCGAN_MRI_BRAIN_FULL"


def model_card(run, entry, slices, evaluation, data):
    """The model card.

    Args:
        run (dcgan_mri.run.reading.Run): The run.
        entry (dict): The one of its log that belongs to the generator; None if that is not known.
        slices (dcgan_mri.slice_set.Slices): Its training slices; None if they are not found.
        evaluation (dict): From ``evaluation.json``; None without one.
        data (str): What data the slices are from, and under which licence.

    Returns:
        str: Markdown.
    """
    measured = {quantity["name"]: quantity for quantity in evaluation["quantities"]} if evaluation else {}
    start = run.starts[-1] if run.starts else {}
    subjects = sorted(set(slices.subjects)) if slices else []
    return CARD.format(
        config=run.config, data=data, slices=start.get("slices", "not recorded"),
        subjects=f"{len(subjects)} ({', '.join(subjects)})" if subjects else "not recorded",
        trained=_trained(run, entry, start), settings=_settings(run.config),
        kid=_kid(run, entry, measured), copies=_copies(measured, evaluation))


def metadata(name, run, entry, data):
    """The entry for medigan's ``global.json``.

    Args:
        name (str): Name of the package.
        run (dcgan_mri.run.reading.Run): The run.
        entry (dict): As `model_card` takes it.
        data (str): What data the slices are from, and under which licence.

    Returns:
        dict: Model id to ``execution``, ``selection`` and ``description``, in medigan's keys.
    """
    side = run.config.image_size
    start = run.starts[-1] if run.starts else {}
    return {MODEL_ID: {
        "execution": {
            "package_name": name, "package_link": f"{name}.zip", "model_name": "generator", "extension": ".onnx",
            "image_size": [side, side], "dependencies": ["numpy", "onnxruntime", "pillow"],
            "generate_method": {"name": "generate", "args": {
                "base": ["model_file", "num_samples", "output_path", "save_images"], "custom": {}}}},
        "selection": {
            "performance": {"turing_test": None}, "use_cases": ["research", "teaching"], "organ": ["brain"],
            "modality": ["MRI", "T2-FLAIR"], "vendors": [], "centres": [], "function": ["noise to image"],
            "condition": ["brain tumour"], "dataset": [data], "augmentations": [], "generates": ["axial slices"],
            "height": side, "width": side, "depth": 1, "type": "DCGAN", "license": "see README.md of the package",
            "dataset_type": data, "privacy_preservation": False, "tags": ["brain", "MRI", "T2-FLAIR", "tumour"],
            "year": start.get("time", "")[:4]},
        "description": {
            "title": "DCGAN of axial T2-FLAIR brain slices", "provided_date": None,
            "trained_date": start.get("time", "")[:10],
            "provided_after_epoch": entry and entry["epoch"], "version": "1",
            "published": None, "doi": [], "comment": "Synthetic. Research and teaching, not diagnosis."}}}


def _trained(run, entry, start):
    revision = f", source revision {start['git_revision']}" if start.get("git_revision") else ""
    if not entry:
        return f"For how many epochs is not recorded{revision}"
    return f"{entry['iteration']} iterations, to epoch {entry['epoch']} of {run.config.epoch}{revision}"


def _settings(config):
    """What differs from the paper."""
    lines = [f"| {entry['name']} | {entry['value']} | {entry['paper']} |"
             for entry in differences(config) if entry["differs"]]
    if not lines:
        return "All are the paper's."
    return "\n".join(["These differ from the paper's:\n", "| setting | here | paper |", "|---|---|---|", *lines])


def _kid(run, entry, measured):
    if "kid" in measured:
        return _beside_real(measured["kid"])
    if not entry or "measure/kid" not in entry["values"]:
        return "not measured"
    value = {"value": entry["values"]["measure/kid"], **run.scale.get("kid", {})}
    return f"{_beside_real(value)}, on the 100 images of the sample grid of epoch {entry['epoch']}"


def _copies(measured, evaluation):
    quantity = measured.get("memorisation.copies", {})
    if quantity.get("value") is None:
        return "not measured"
    return (f"of {evaluation['n_images']} images the share that lies nearer to a training slice than 99 % of the "
            f"slices of held-out subjects do is {_beside_real(quantity)}")


def _beside_real(quantity):
    text = f"{quantity['value']:.4g}"
    if quantity.get("low") is not None:
        text += f" (95 % interval {quantity['low']:.4g} to {quantity['high']:.4g})"
    if quantity.get("real") is not None:
        text += (f", real slices against real ones {quantity['real']:.4g} "
                 f"({quantity['real_low']:.4g} to {quantity['real_high']:.4g})")
    return text
