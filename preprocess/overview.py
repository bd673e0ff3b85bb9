"""One labelled picture of a whole set: a wrong window or a flipped brain is seen at a glance."""

import io
import math

from PIL import Image, ImageDraw, ImageFont

_MARGIN = 6
_LINE = 20
_GREY, _WHITE = 40, 255
# Up to 5000 pixels wide whatever the number of subjects.
_TILES = ((25, 256), (100, 192), (400, 128), (math.inf, 96))


def _shorten(text, font, width):
    """The end of a text, which tells subjects apart, as far as it fits."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength("…" + text) > width:
        text = text[1:]
    return "…" + text


def make_overview(heading, tiles, sides_known):
    """Lay out one slice of each subject.

    Args:
        heading (list of str): Lines above them.
        tiles (list of tuple): Label and PNG path of each subject, and whether it is held out.
        sides_known (bool): Whether the patient's right is on the left of each slice, to be marked so.

    Returns:
        bytes: A PNG.
    """
    heading = [*heading]
    if sides_known:
        heading.append("R, L: the patient's right and left")
    if any(held_out for *_, held_out in tiles):
        heading.append("in a white frame: held out")
    side = next(side for most, side in _TILES if len(tiles) <= most)
    columns = math.ceil(math.sqrt(len(tiles)))
    rows = math.ceil(len(tiles) / columns)
    top = _MARGIN + len(heading) * _LINE
    sheet = Image.new(
        "L", (columns * (side + _MARGIN) + _MARGIN, top + rows * (side + _LINE + _MARGIN) + _MARGIN), _GREY)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=13)
    for number, line in enumerate(heading):
        draw.text((_MARGIN, _MARGIN + number * _LINE), _shorten(line, font, sheet.width - 2 * _MARGIN), _WHITE, font)
    for place, (label, path, held_out) in enumerate(tiles):
        x = _MARGIN + place % columns * (side + _MARGIN)
        y = top + _MARGIN + place // columns * (side + _LINE + _MARGIN) + _LINE
        if held_out:
            draw.rectangle((x - 3, y - 3, x + side + 2, y + side + 2), _WHITE)
        with Image.open(path, formats=["PNG"]) as image:
            sheet.paste(image.resize((side, side), Image.Resampling.BICUBIC), (x, y))
        if sides_known:
            draw.text((x + 4, y + side / 2), "R", 170, font, "lm")
            draw.text((x + side - 4, y + side / 2), "L", 170, font, "rm")
        draw.text((x + 2, y - 18), _shorten(label, font, side - 4), 230, font)
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()
