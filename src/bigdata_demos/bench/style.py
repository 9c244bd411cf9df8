"""The page's style sheet: one column on a telephone, plot beside table on a desk, light or dark as the reader's system is."""

from typing import Final

LIGHT: Final = ("#2f6fde", "#c2510a", "#0d8a6a", "#a33bb5", "#8a6d00", "#d02f5b", "#0b87a8", "#6b5bd6", "#5f7d18", "#8a5a3c")
DARK: Final = ("#7db0ff", "#ff9d5c", "#4fd1ad", "#e08bf0", "#e0bf3c", "#ff86a6", "#5fcdec", "#a99dff", "#b3d35a", "#d9a583")
"""Colours of contestants and phases, by number; all tell apart on their background, and none is a message by itself."""

BASE: Final = """
:root { color-scheme: light dark; --bg: #fbfbfa; --card: #ffffff; --fg: #1c1e21; --dim: #5b626b; --line: #e0e2e6;
  --bad: #b3261e; --warn: #fff4d6;
  --control: #6a7079; }
@media (prefers-color-scheme: dark) { :root { --bg: #14161a; --card: #1c1f25; --fg: #e8eaed; --dim: #a3abb5; --line: #343a43;
  --bad: #ff8a80;
  --warn: #3a3012; --control: #a7aeb8; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--fg); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 1320px; margin: 0 auto; padding: 24px 16px 64px; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 8px 0 4px; }
h2 { font-size: 1.2rem; margin: 0 0 4px; }
h3 { font-size: 1rem; margin: 18px 0 4px; }
p { margin: 4px 0 12px; max-width: 85ch; overflow-wrap: anywhere; }
.dim, .note { color: var(--dim); font-size: .9rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 18px; margin: 18px 0; }
.warn { background: var(--warn); border-radius: 8px; padding: 10px 14px; margin: 10px 0; overflow-wrap: anywhere; }
.warn ul { margin: 4px 0; padding-left: 20px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 16px 0; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 12px 14px; }
.tile b { display: block; font-size: 1.4rem; line-height: 1.25; font-variant-numeric: tabular-nums; }
.pair { display: grid; grid-template-columns: minmax(0, 1fr); gap: 20px; align-items: start; }
@media (min-width: 1000px) { .pair:not(.tall) { grid-template-columns: minmax(0, 11fr) minmax(0, 9fr); gap: 36px; } }
figure { margin: 8px 0; padding: 0 14px; min-width: 0; }
figure.lines { padding: 6px 14px 0 46px; }
figure.lines .legend { margin: 0 0 30px -46px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .86rem; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 5px 8px; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; position: sticky; left: 0;
  background: var(--card); }
td.words { text-align: left; white-space: normal; min-width: 14em; overflow-wrap: anywhere; }
thead th { color: var(--dim); font-weight: 600; vertical-align: bottom; }
details > summary { cursor: pointer; padding: 6px 0; font-weight: 600; }
pre { background: var(--bg); border: 1px solid var(--line); border-radius: 8px; padding: 10px; overflow-x: auto;
  font-size: .85rem; white-space: pre-wrap; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: minmax(7em, max-content) minmax(0, 1fr); gap: 2px 16px;
  font-size: .9rem; margin: 8px 0; }
dt { color: var(--dim); } dd { margin: 0; overflow-wrap: anywhere; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; font-size: .85rem; margin: 6px 0; padding: 0; list-style: none; }
.legend svg { vertical-align: -1px; margin-right: 6px; }
.plot { display: block; overflow: visible; }
.plot text { font-size: 12px; fill: var(--fg); paint-order: stroke; stroke: var(--card); stroke-width: 3px; }
 .plot .tick, .plot .unit { fill: var(--dim); }
  .plot .label { font-size: 13px; }
.plot .value { font-variant-numeric: tabular-nums; fill: var(--dim); }
.grid { stroke: var(--line); } .reference { stroke: var(--fg); stroke-dasharray: 4 3; }
.median { stroke: var(--fg); stroke-width: 2; } .interval { stroke-width: 7; stroke-opacity: .28; } .line { stroke-width: 2; }
.dashed { stroke-dasharray: 6 4; stroke-width: 1.5; }
.ring { fill: none; stroke: var(--fg); stroke-width: 2; }
circle.good { fill-opacity: .6; stroke-width: 1.2; } circle.cold { fill: none; stroke-dasharray: 2 1.5; stroke-width: 1.2; }
.plot .failed { fill: var(--bad); font-weight: 700; font-size: 14px; } .bad { color: var(--bad); font-weight: 600; }
@media print { section { break-inside: avoid; } }
"""


def style() -> str:
    """All of it."""

    def colours(values: tuple[str, ...]) -> str:
        return " ".join(f"--c{index + 1}: {value};" for index, value in enumerate(values))

    classes = "".join(
        f".c{index} {{ stroke: var(--c{index}); }} circle.good.c{index}, rect.c{index} {{ fill: var(--c{index}); }}\n"
        for index in range(len(LIGHT) + 1)
    )
    dark = f"@media (prefers-color-scheme: dark) {{ :root {{ --c0: var(--control); {colours(DARK)} }} }}"
    return f"{BASE}:root {{ --c0: var(--control); {colours(LIGHT)} }}\n{dark}\n{classes}rect.bar {{ stroke: var(--card); }}\n"
