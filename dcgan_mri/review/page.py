"""The page itself: everything in one HTML file."""

import base64
import json
import os
import pathlib
import urllib.parse

import jinja2
import markupsafe

from dcgan_mri.files import whole_file
from dcgan_mri.review import thumbnails
from dcgan_mri.review.content import PROGRAM, content
from dcgan_mri.review.epochs import Epochs
from dcgan_mri.run import reading

HERE = pathlib.Path(__file__).parent


class Page:
    """A page of one or more runs, which can be written again and again as they go on.

    Args:
        folders (list of Path): Their result folders.
        slices (list of dcgan_mri.slice_set.Slices): Their training slices; None where they are not found.
        path (Path): The file.
        public (bool): Leave out hosts, paths and command lines, and links to files beside the page.
    """

    def __init__(self, folders, slices, path, public=False):
        self.path = pathlib.Path(path)
        self.folders = [pathlib.Path(folder) for folder in folders]
        self.slices = slices
        self.public = public
        self._epochs = [Epochs(folder, mine, thumbnails.of_grid)
                        for folder, mine in zip(self.folders, slices, strict=True)]
        self._slice_pictures = [{} for _ in folders]
        self._real = None

    def write(self, progress=iter, newest=(None, None)):
        """Write the page, whole or not at all.

        Args:
            progress (callable): Wraps a list to show how far one is in it.
            newest (tuple): The epoch whose grid a training still has at hand, and this grid, as `grid.draw` gives it.

        Raises:
            DataError: If a file of a run cannot be read.
        """
        read = [reading.read(folder) for folder in self.folders]
        size = thumbnails.budget(sum(max(run.config.epoch, *run.grids, 0) for run in read))
        grids = [{} for _ in read]
        for i, epoch, path in progress([(i, epoch, path) for i, run in enumerate(read)
                                        for epoch, path in run.grids.items()]):
            picture = newest[1] if epoch == newest[0] else None
            grids[i][epoch] = {"link": self._link(path), **self._epochs[i].entry(path, size, picture)}
        names = self._names()
        html = render("review.html", content(read, self.slices, names, self.public), {
            "runs": [{"name": name, "grids": of_run, "slices": self._nearest_slices(i, of_run),
                      "between": self._epochs[i].between_subjects if self.slices[i] else None}
                     for i, (name, of_run) in enumerate(zip(names, grids, strict=True))]}, self._real_grid())
        with whole_file(self.path) as file:
            file.write(html.encode())

    def _names(self):
        """Names of the folders, or where two have the same, their paths."""
        names = [folder.resolve().name for folder in self.folders]
        if len(set(names)) == len(names):
            return names
        return [f"run {i + 1}" if self.public else str(folder) for i, folder in enumerate(self.folders)]

    def _real_grid(self):
        """A grid of the first run's slices, base64; None without them."""
        if self.slices[0] is None:
            return None
        if self._real is None:
            self._real = self._epochs[0].real_grid(thumbnails.LARGEST)
        return self._real

    def _nearest_slices(self, i, grids):
        """The slices that are nearest to some image: name, file, small picture."""
        slices, pictures = self.slices[i], self._slice_pictures[i]
        used = {index for grid in grids.values() for nearest in grid.get("nearest", []) for index in nearest}
        for index in used - set(pictures):
            pictures[index] = {
                "name": slices.files[index], "link": self._link(slices.folder / slices.files[index]),
                "thumbnail": base64.b64encode(thumbnails.of_slice(slices.image(index))).decode()}
        return {str(index): pictures[index] for index in sorted(pictures)}

    def _link(self, path):
        if self.public:
            return None
        return urllib.parse.quote(os.path.relpath(path, self.path.parent).replace(os.sep, "/"))


def render(template, content, pictures, real=None):
    """Fill in a template.

    Args:
        template (str): Its name.
        content (dict): For the template.
        pictures (dict): For the page's program, besides what `dcgan_mri.review.content.PROGRAM` names.
        real (str): A grid of real slices, base64 of a WebP file; None for none.

    Returns:
        str: HTML.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined)
    data = {key: content[key] for key in PROGRAM if key in content} | pictures
    # "<" could end the element that the data stand in; JSON has another way to write it.
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    style, program = ((HERE / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    return environment.get_template(template).render(
        **content, real=real, data=markupsafe.Markup(text), style=markupsafe.Markup(style),
        program=markupsafe.Markup(program))
