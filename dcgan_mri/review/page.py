"""The page itself: everything in one HTML file."""

import base64
import json
import os
import pathlib
import urllib.parse

from dcgan_mri.files import whole_file
from dcgan_mri.review import run as runs
from dcgan_mri.review import thumbnails
from dcgan_mri.review.epochs import Epochs
from dcgan_mri.run import reading

HERE = pathlib.Path(__file__).parent


class Page:
    """A page of one or more runs, which can be written again and again as they go on.

    Args:
        folders (list of Path): Their result folders.
        slices (list of dcgan_mri.slice_set.Slices): Their training slices; None where they are not found.
        path (Path): The file.
    """

    def __init__(self, folders, slices, path):
        self.path = pathlib.Path(path)
        self.folders = [pathlib.Path(folder) for folder in folders]
        self.slices = slices
        self._epochs = [Epochs(folder, mine, thumbnails.of_grid)
                        for folder, mine in zip(self.folders, slices, strict=True)]
        self._slice_pictures = [{} for _ in folders]

    def write(self, progress=iter, newest=(None, None)):
        """Write the page, whole or not at all.

        Args:
            progress (callable): Wraps a list to show how far one is in it.
            newest (tuple): The epoch whose images a training still has, and these: uint8 of shape (100, H, H, 3).

        Raises:
            DataError: If a file of a run cannot be read.
        """
        read = [reading.read(folder) for folder in self.folders]
        size = thumbnails.budget(sum(max(run.config.epoch, *run.grids, 0) for run in read))
        entries = [{} for _ in read]
        for i, epoch, path in progress([(i, epoch, path) for i, run in enumerate(read)
                                        for epoch, path in run.grids.items()]):
            images = newest[1] if epoch == newest[0] else None
            entries[i][epoch] = {"image": self._link(path), **self._epochs[i].entry(path, size, images)}
        data = {"runs": [
            {"name": name, "log": run.entries, "scale": run.scale, "grids": grids,
             "settings": runs.differences(run.config), "facts": runs.facts(run, self.slices[i]),
             "slices": self._nearest_slices(i, grids)}
            for i, (name, run, grids) in enumerate(zip(self._names(), read, entries, strict=True))]}
        with whole_file(self.path) as file:
            file.write(assemble(data).encode())

    def _names(self):
        """Names of the folders, or where two have the same, their paths."""
        names = [folder.resolve().name for folder in self.folders]
        return names if len(set(names)) == len(names) else [str(folder) for folder in self.folders]

    def _nearest_slices(self, i, grids):
        """The slices that are nearest to some image: name, file, small picture."""
        slices, pictures = self.slices[i], self._slice_pictures[i]
        for index in {index for grid in grids.values() for index in grid.get("nearest", [])} - set(pictures):
            pictures[index] = {
                "name": slices.files[index], "image": self._link(slices.folder / slices.files[index]),
                "thumbnail": base64.b64encode(thumbnails.of_slice(slices.image(index))).decode()}
        return {str(index): pictures[index] for index in sorted(pictures)}

    def _link(self, path):
        return urllib.parse.quote(os.path.relpath(path, self.path.parent).replace(os.sep, "/"))


def assemble(data):
    """Put data, style and program into the template.

    Args:
        data (dict): What the page shows.

    Returns:
        str: HTML.
    """
    # "<" could end the element that the data stand in; JSON has another way to write it.
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    html = (HERE / "template.html").read_text(encoding="utf-8")
    for mark, content in (("/* page.css */", (HERE / "page.css").read_text(encoding="utf-8")),
                          ("/* page.js */", (HERE / "page.js").read_text(encoding="utf-8")), ("/* data */", text)):
        before, after = html.split(mark)
        html = before + content + after
    return html
