"""The picture of a hundred images in rows of ten: drawn, and cut into images again."""

import dataclasses

import numpy as np
from PIL import Image, ImageDraw, ImageFont

COLUMNS = 10
IMAGES = COLUMNS * COLUMNS
# Grey levels between the means of two channels from which on the margin says that the images are tinted.
STRONG_TINT = 3
_GAP_GREY, _TEXT_GREY = 90, 230


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where the images stand, in pixels.

    Args:
        side (int): Side of an image.
        gap (int): Between two images.
        left (int): Margin with the row's first seed.
        top (int): Margin with the title and the columns' numbers.
    """

    side: int
    gap: int = 0
    left: int = 0
    top: int = 0

    def corner(self, index):
        """Left and upper edge of an image."""
        row, column = divmod(index, COLUMNS)
        return self.left + column * (self.side + self.gap), self.top + row * (self.side + self.gap)

    def size(self, rows=COLUMNS):
        """Width and height of the picture."""
        left, top = self.corner(rows * COLUMNS - 1)
        return left + self.side, top + self.side


def with_margin(side):
    """The usual layout. Its full grid is never square, which tells it from a bare one.

    Args:
        side (int): Side of an image in pixels.

    Returns:
        Layout: For images of 256 pixels: a gap of 4, margins of 126 and 105, 2722×2701 in all.
    """
    text = _text_size(side)
    return Layout(side, gap=max(1, side // 64), left=3 * text, top=5 * text // 2)


def draw(pictures, title, seeds=(), bare=False):
    """Lay images out in rows of ten, the first at the top left.

    Args:
        pictures (numpy.ndarray): uint8 of shape (N, H, H, 3), or grey (N, H, H).
        title (str): What the upper margin says.
        seeds (sequence of int): The images' seeds, for the edges; none for images without.
        bare (bool): The images alone, without gaps and margins: 2560×2560 for the paper's.

    Returns:
        numpy.ndarray: uint8 of shape (height, width, 3), or (height, width).
    """
    side = pictures.shape[1]
    layout = Layout(side) if bare else with_margin(side)
    rows = -(-len(pictures) // COLUMNS)
    picture = Image.new("L" if pictures.ndim == 3 else "RGB", layout.size(rows))
    if not bare:
        _label(picture, layout, rows, title + tint(pictures), list(seeds))
    for index, image in enumerate(pictures):
        picture.paste(Image.fromarray(image), layout.corner(index))
    return np.array(picture)


def layout_of(width, height):
    """The layout of a full grid, with margins or bare.

    Args:
        width (int): In pixels.
        height (int): In pixels.

    Returns:
        Layout: It; None if no grid of 10×10 images has this size.
    """
    sides = range(width // COLUMNS, 0, -1)
    return next((layout for side in sides for layout in (Layout(side), with_margin(side))
                 if layout.size() == (width, height)), None)


def cut(picture):
    """The images of a full grid.

    Args:
        picture (numpy.ndarray): uint8 of shape (height, width, 3), as `draw` gives it.

    Returns:
        numpy.ndarray: uint8 of shape (100, H, H, 3), row by row.

    Raises:
        ValueError: If it is no grid of 10×10 images.
    """
    height, width = picture.shape[:2]
    layout = layout_of(width, height)
    if layout is None:
        raise ValueError(f"is {width}×{height}, no grid of {COLUMNS}×{COLUMNS} images")
    corners = (layout.corner(index) for index in range(IMAGES))
    return np.stack([picture[top:top + layout.side, left:left + layout.side] for left, top in corners])


def _label(picture, layout, rows, title, seeds):
    """Gaps, title, and seeds at the edges: the row's first, and what a column adds to it."""
    pen = ImageDraw.Draw(picture)
    text = _text_size(layout.side)
    font = ImageFont.load_default(text)
    white, grey = ("white", (_GAP_GREY,) * 3) if picture.mode == "RGB" else (_TEXT_GREY, _GAP_GREY)
    for column in range(1, COLUMNS):
        left, _ = layout.corner(column)
        pen.rectangle((left - layout.gap, layout.top, left - 1, picture.height), fill=grey)
    for row in range(1, rows):
        _, top = layout.corner(row * COLUMNS)
        pen.rectangle((layout.left, top - layout.gap, picture.width, top - 1), fill=grey)
    room = (picture.width - layout.left - text // 2) / max(font.getlength(title), 1)
    pen.text((layout.left, 0.7 * text), title, white, font.font_variant(size=max(1, text * min(1, room))), anchor="lm")
    in_a_row = seeds == list(range(seeds[0], seeds[0] + len(seeds))) if seeds else False
    for row in range(rows if seeds else 0):
        _, top = layout.corner(row * COLUMNS)
        label = str(seeds[row * COLUMNS])
        if font.getlength(label) < layout.left - text // 2:
            pen.text((layout.left - text // 2, top + layout.side / 2), label, white, font, anchor="rm")
    for column in range(COLUMNS if in_a_row else 0):
        left, top = layout.corner(column)
        pen.text((left + layout.side / 2, top - 0.6 * text), f"+{column}", white, font, anchor="mm")


def tint(pictures):
    """What the title adds if the three channels differ much: the networks do not know that MRI is grey.

    Args:
        pictures (numpy.ndarray): uint8 of shape (N, H, H, 3), or grey (N, H, H).

    Returns:
        str: Such as ``; tinted red (13 grey levels)``, or empty.
    """
    if pictures.ndim == 3:
        return ""
    means = pictures.mean(axis=(0, 1, 2))
    if np.ptp(means) < STRONG_TINT:
        return ""
    apart = means - means.mean()
    channel = np.argmax(np.abs(apart))
    colour = (("cyan", "red"), ("magenta", "green"), ("yellow", "blue"))[channel][int(apart[channel] > 0)]
    return f"; tinted {colour} ({np.ptp(means):.0f} grey levels)"


def _text_size(side):
    return max(11, side // 6)
