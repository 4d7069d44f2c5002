"""The style sheet of a page."""

from nllcli.outputs.drawing.palette import COLOURS, by_variables
from nllcli.outputs.drawing.shades import strength, text_colour
from nllcli.outputs.page.pictures import DEPTHS

_SHEET = """\
*{box-sizing:border-box}
html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",Arial,sans-serif;overflow-wrap:break-word}
header,main,footer{max-width:1120px;margin:auto;padding:0 40px}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.skip{position:absolute;left:-99rem}
.skip:focus{left:16px;top:8px;z-index:1;padding:4px 12px;background:var(--paper)}
:focus-visible{outline:2px solid var(--samples);outline-offset:2px}
a{color:var(--samples);text-underline-offset:3px}
p,ul,dl,dd,h1,h2,h3,pre,fieldset{margin:0;padding:0}
ul{list-style:none}
.top{display:flex;justify-content:space-between;align-items:center;gap:16px;padding:20px 0 36px}
.switch{border:0;gap:2px;font-size:14px}
.switch label{display:inline-flex;align-items:center;min-height:28px;padding:0 12px;border-radius:6px;cursor:pointer}
.switch input{position:absolute;opacity:0;pointer-events:none}
.switch label:has(:checked){background:var(--faint);font-weight:600}
.switch label:has(:focus-visible){outline:2px solid var(--samples)}
h1{font-size:30px;line-height:1.2;letter-spacing:-.01em}
h1 span{display:block;overflow-wrap:anywhere}
.kind{font-size:16px;font-weight:400;letter-spacing:0;color:var(--muted);margin-bottom:6px}
h2{font-size:22px;line-height:1.3;letter-spacing:-.005em}
h3{font-size:17px;margin-top:24px}
.muted,.note,.tiles dt,summary{color:var(--muted)}
.note{font-size:14px;max-width:84ch}
data{white-space:nowrap}
.headline{display:flex;flex-wrap:wrap;align-items:center;gap:12px 56px;margin-top:16px}
.value{font-size:64px;line-height:1.15;font-weight:700;letter-spacing:-.03em}
.lost{color:var(--loss)}
.words{font-size:32px;letter-spacing:0}
.unit{margin-left:4px;font-size:20px;font-weight:400;letter-spacing:0;color:var(--muted)}
.headline .note{max-width:36ch}
.strip{flex:1 1 420px;max-width:640px}
.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(132px,1fr));gap:20px 24px;
margin-top:28px;padding:20px 0;border:solid var(--grid);border-width:1px 0}
.tiles dt{font-size:14px}
.tiles dd:not(.note){font-size:20px;line-height:1.35;font-weight:600;overflow-wrap:anywhere}
.warnings{margin-top:24px;padding:14px 20px;border-left:4px solid var(--loss);background:var(--faint)}
.warnings h2{font-size:17px}
.warnings li{max-width:90ch;margin-top:4px}
.contents{margin-top:24px}
.contents ul{display:flex;flex-wrap:wrap;gap:6px 28px}
.contents a{text-decoration:none;display:inline-block;padding:2px 0}
.contents a:hover{text-decoration:underline}
.pictures{display:grid;grid-template-columns:minmax(0,1fr);margin-top:16px}
.picture{min-width:0;padding-top:52px}
.picture h2,.part h2{scroll-margin-top:16px}
.answer{margin-top:8px;max-width:62ch;font-size:17px;text-wrap:pretty}
.key{display:flex;flex-wrap:wrap;gap:2px 20px;margin-top:10px;font-size:14px;color:var(--muted)}
.key svg{vertical-align:-1px}
.drawing{margin-top:20px}
svg{display:block;max-width:100%;height:auto}
.key svg,td svg{display:inline-block;max-width:none}
td svg{vertical-align:middle;height:auto}
.drawing>svg,.strip>svg{width:100%}
.drawing>.s{max-width:520px}
.reading{margin-top:12px}
details{margin-top:12px}
summary{cursor:pointer;font-size:14px;padding:4px 0;width:fit-content}
.part{margin-top:56px}.part h2:not(:first-child){margin-top:40px}
.scroll{overflow-x:auto;margin-top:14px;max-width:100%;width:fit-content;min-width:min(100%,360px)}
details .scroll{max-height:60vh;overflow-y:auto}
.wide>.drawing>.scroll:not(.narrow){width:100%}
.scroll+.note,.note+.note{margin-top:10px}
table{border-collapse:collapse;width:100%;font-size:15px;font-variant-numeric:tabular-nums}
th,td{padding:5px 24px 5px 0;text-align:left;font-weight:400;border-bottom:1px solid var(--grid);vertical-align:middle}
th:last-child,td:last-child{padding-right:2px}
thead th,thead td{color:var(--muted);font-size:14px;vertical-align:bottom;line-height:1.3;border-color:var(--axis)}
details thead th,details thead td{position:sticky;top:0;background:var(--paper)}
tbody th{font-weight:600}
tbody bdi:not(.long){white-space:nowrap}
tbody .long{display:inline-block;min-width:18ch;max-width:60ch}
.long{overflow-wrap:anywhere}
.number{text-align:right}
.more{color:var(--muted);font-size:14px;padding-top:14px}
.steps{display:grid;grid-template-columns:minmax(0,max-content) minmax(0,1fr);gap:4px 28px;margin-top:12px}
.steps dt{color:var(--muted)}
.steps dt,.steps dd{overflow-wrap:anywhere}
code,.passage{font-family:ui-monospace,"Cascadia Mono",Menlo,Consolas,"Liberation Mono",monospace;font-size:14px}
pre{background:var(--faint);padding:12px 16px;margin:8px 0 20px;overflow:auto;border-radius:6px}
.wrapped{white-space:pre-wrap;overflow-wrap:anywhere}
.json{max-height:60vh}
.passage{white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.75;margin-top:6px;font-size:15px}
.drawing>div+div{margin-top:20px}
.passage span,.depths span{padding:2px 0}
.depths{font-size:14px;margin-top:8px}
.depths span{padding:2px 8px}
footer{margin-top:80px;padding-top:32px;padding-bottom:64px}
footer h2{font-size:18px;margin-bottom:12px}
footer details{margin:0 0 20px}
.m,.l{display:none}.s{display:block}
@media (max-width:719px){header,main,footer{padding-left:16px;padding-right:16px}
h1{font-size:24px}.value{font-size:52px;overflow-wrap:anywhere}.value data{white-space:normal}
.top{padding-bottom:20px}.picture{padding-top:40px}
th,td{padding-right:16px}.steps{grid-template-columns:minmax(0,1fr)}.steps dd{margin-bottom:8px}}
@media (min-width:720px){.pictures{grid-template-columns:repeat(2,minmax(0,1fr));column-gap:40px}
.wide{grid-column:1/-1}
.wide>.drawing>.s{display:none}.wide>.drawing>.m{display:block}
.strip .l{display:block}.strip .s{display:none}}
@media (min-width:1100px){.wide>.drawing>.m,.drawing>.s{display:none}.drawing>.l{display:block}}
@supports (grid-template-rows:subgrid){@media (min-width:720px){
.picture{grid-row:span 6;display:grid;grid-template:subgrid/minmax(0,1fr)}
.picture>h2{grid-row:1}.answer{grid-row:2}.key{grid-row:3}.drawing{grid-row:4}.reading{grid-row:5}details{grid-row:6}}}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
@media (forced-colors:active){.switch label:has(:checked){outline:1px solid}
svg{background:var(--paper)}svg,.passage span,.depths span{forced-color-adjust:none}
.value{color:CanvasText}}
@media print{:root{color-scheme:light!important}
header,main,footer{max-width:none;padding-left:0;padding-right:0}
.switch,.contents,.skip,details:not([open]){display:none!important}
.picture,tr,pre{break-inside:avoid}h2,h3,.answer{break-after:avoid}
.scroll,details .scroll,.json{overflow:visible;max-height:none}
.pictures{grid-template-columns:repeat(2,minmax(0,1fr));column-gap:28px}.wide{grid-column:1/-1}
.picture{display:block!important;grid-row:auto!important;padding-top:24px}.part,footer{margin-top:24px}
body{font-size:13px}h2{font-size:17px}.answer{font-size:14px}
.wide>.drawing>.s,.wide>.drawing>.l{display:none}.wide>.drawing>.m{display:block}
.passage span,.depths span{print-color-adjust:exact;-webkit-print-color-adjust:exact}
table{font-size:12px}@page{margin:15mm}}
"""


def sheet() -> str:
    """The rules, the colours of the light scheme first: a browser that knows no others has those."""
    light = "".join(f"--{name}:{pair[0]};" for name, pair in COLOURS.items())
    either = "".join(f"--{name}:light-dark({pair[0]},{pair[1]});" for name, pair in COLOURS.items())
    switched = f"""\
:root{{color-scheme:light;{light}}}.switch{{display:none}}
@supports (color:light-dark(#000,#fff)) and selector(:has(a)){{:root{{color-scheme:light dark;{either}}}
:root:has(#scheme-light:checked){{color-scheme:light}}:root:has(#scheme-dark:checked){{color-scheme:dark}}
.switch{{display:flex}}}}
"""
    depths = f"@supports (color:color-mix(in srgb,red,blue)){{{''.join(map(_depth, range(DEPTHS + 1)))}}}"
    return "\n".join(["", switched + _SHEET + by_variables(), depths, ""])


def _depth(level: int) -> str:
    """The colour of a piece of a passage."""
    depth = level / DEPTHS
    ground = f"color-mix(in srgb,var(--loss) {100 * strength(depth):.0f}%,var(--paper))" if level else "none"
    return f".d{level}{{background:{ground};color:var(--{text_colour(depth)})}}"
