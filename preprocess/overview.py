"""One labelled picture of a whole set: a wrong window or a flipped brain is seen at a glance."""

import io
import math

from PIL import Image, ImageDraw, ImageFont

_MARGIN = 6
_LABEL = 20
# Up to 5000 pixels wide whatever the number of subjects.
_TILES = ((25, 256), (100, 192), (400, 128), (math.inf, 96))


def _shorten(text, font, width):
    """The end of a text, which tells subjects apart, as far as it fits."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength("…" + text) > width:
        text = text[1:]
    return "…" + text


def make_overview(tiles):
    """Lay out one slice of each subject.

    Args:
        tiles (list of tuple): Label and PNG path of each subject.

    Returns:
        bytes: A PNG.
    """
    side = next(side for most, side in _TILES if len(tiles) <= most)
    columns = math.ceil(math.sqrt(len(tiles)))
    rows = math.ceil(len(tiles) / columns)
    sheet = Image.new("L", (columns * (side + _MARGIN) + _MARGIN, rows * (side + _LABEL + _MARGIN) + _MARGIN), 40)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=13)
    for place, (label, path) in enumerate(tiles):
        left = _MARGIN + place % columns * (side + _MARGIN)
        top = _MARGIN + place // columns * (side + _LABEL + _MARGIN)
        with Image.open(path) as image:
            sheet.paste(image.resize((side, side), Image.Resampling.BICUBIC), (left, top + _LABEL))
        draw.text((left + 2, top + 2), _shorten(label, font, side - 4), fill=230, font=font)
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()
