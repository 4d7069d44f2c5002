"""The number of a report on a line, with what stands at its ends."""

from nllcli.outputs.drawing.canvas import Canvas, Spot
from nllcli.outputs.drawing.letters import LINE, shortened, width_of, wrapped
from nllcli.outputs.drawing.palette import both, fill, stroke
from nllcli.outputs.drawing.tree import h, place
from nllcli.report import Strip

_BAR = 10.0
_SIDE = 6.0  # free at either end
_MIDDLE = 32.0
_BOLDER = 1.1  # times as wide as plain text, and a little more


def draw_strip(canvas: Canvas, strip: Strip) -> None:
    """Draw the line below what is there."""
    y = canvas.height + _MIDDLE
    span = strip.high - strip.low

    def x(value: float) -> float:
        share = (value - strip.low) / span if span > 0 else 0.5
        return _SIDE + min(max(share, 0.0), 1.0) * (canvas.width - 2 * _SIDE)

    start, end, at = x(strip.low), x(strip.high), x(strip.value)
    if strip.fills:
        canvas.add(h("rect", x=start, y=y - _BAR / 2, width=end - start, height=_BAR, **fill("grid")))
        canvas.add(h("rect", x=start, y=y - _BAR / 2, width=max(1.0, at - start), height=_BAR, **fill("loss")))
        canvas.add(h("path", d=f"M{place(end)} {place(y - 9)}V{place(y + 9)}", **stroke("ink", 1.5)))
    else:
        canvas.add(h("path", d=f"M{place(start)} {place(y)}H{place(end)}", **stroke("axis", 1.5)))
    colour = "ink" if strip.fills else "plain"
    if strip.interval is not None:
        low, high = map(x, strip.interval)
        canvas.add(h("path", d=f"M{place(low)} {place(y)}H{place(high)}", **stroke(colour, 2 if strip.fills else 5)))
    if strip.low < 0 < strip.high:
        canvas.add(h("path", d=f"M{place(x(0))} {place(y - 11)}V{place(y + 11)}", **stroke("ink", 1.5)))
        canvas.write("0", Spot(x(0), y + 26))
    if not strip.fills:
        canvas.add(h("circle", cx=at, cy=y, r=6, **both("plain", "paper", 1.5)))
    if strip.says:
        says = shortened(strip.says, canvas.width / _BOLDER)
        half = width_of(says, strong=True) / 2
        middle = min(max(at, half), canvas.width - half)
        canvas.write(says, Spot(middle, y - 16), colour="loss" if strip.fills else "ink", strong=True)
    ends = ((strip.low_label, Spot(0, 0, "start")), (strip.high_label, Spot(canvas.width, 0, "end")))
    lines = [(wrapped(label, canvas.width / 2 - 20), spot) for label, spot in ends]
    for texts, spot in lines:
        for i, text in enumerate(texts):
            canvas.write(shortened(text, canvas.width / 2 - 20), spot._replace(y=y + 26 + LINE * i))
    canvas.height = y + 15 + LINE * max(1, *(len(texts) for texts, _ in lines))
