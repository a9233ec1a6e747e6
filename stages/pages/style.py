"""How pages look: one style sheet inside the page, in light and in dark."""

STYLE = """
:root { --ink: #1c2430; --soft: #5d6b7c; --line: #e3e8ee; --paper: #fff; --ground: #f5f7fa; --code: #eef1f5;
  --train: #3566c9; --validation: #1f9483; --test: #c2641c; --grave: #b3261e; --grave-ground: #fdeeec;
  --mild: #8a5a00; --mild-ground: #fff6e0; --good: #1d7a46; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e9f0; --soft: #98a5b5; --line: #2c3644;
  --paper: #182029;
  --ground: #10161d; --code: #26303c; --train: #7aa2f2; --validation: #52c4b2; --test: #ee9b5b;
  --grave: #ff8a80;
  --grave-ground: #3a1d1c; --mild: #f2c462; --mild-ground: #352a12; --good: #62c98d; } }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", "Noto Sans",
  "Helvetica Neue", Arial, sans-serif; font-variant-numeric: tabular-nums; }
main { max-width: 1180px; margin: 0 auto; padding: 28px 24px 80px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 4px; letter-spacing: -.02em; }
h2 { font-size: 20px; margin: 0; letter-spacing: -.01em; }
h3 { font-size: 15px; margin: 26px 0 8px; }
h3:first-of-type { margin-top: 18px; }
a { color: inherit; }
nav { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 18px 0 0; font-size: 14px; }
nav a { color: var(--soft); text-decoration: none; border-bottom: 1px solid transparent; }
nav a:hover { color: var(--ink); border-color: currentColor; }
section { background: var(--paper); border: 1px solid var(--line); border-radius: 12px;
  padding: 22px 24px 24px;
  margin-top: 20px; scroll-margin-top: 12px; }
.lead { color: var(--soft); margin: 2px 0 16px; max-width: 78ch; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px;
  margin-top: 20px; }
.tile { background: var(--paper); border: 1px solid var(--line); border-radius: 12px; padding: 14px 16px; }
.tile b { display: block; font-size: 26px; line-height: 1.2; font-weight: 650; letter-spacing: -.02em; }
.tile span { color: var(--soft); font-size: 13px; }
.advice { list-style: none; margin: 0; padding: 0; display: grid; gap: 8px; }
.advice li { border-left: 4px solid var(--mild); background: var(--mild-ground); border-radius: 0 8px 8px 0;
  padding: 8px 14px; overflow-wrap: anywhere; }
.advice li.grave { border-color: var(--grave); background: var(--grave-ground); }
.advice a { color: var(--soft); font-size: 13px; margin-left: 6px; white-space: nowrap; }
.fine { color: var(--good); font-weight: 600; margin: 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th { text-align: left; color: var(--soft); font-weight: 500; font-size: 13px; white-space: nowrap; }
th, td { padding: 6px 14px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
tbody tr:last-child td { border-bottom: 0; }
td { overflow-wrap: anywhere; min-width: 4ch; }
td.number, th.number { text-align: right; white-space: nowrap; }
.count, .note, small { color: var(--soft); font-weight: 400; font-size: 13px; }
.none { color: var(--soft); margin: 0; }
.pill { display: inline-block; border-radius: 99px; padding: 0 9px; font-size: 12.5px; line-height: 20px;
  border: 1px solid currentColor; color: var(--soft); white-space: nowrap; margin-right: 4px; }
.pill.train { color: var(--train); } .pill.validation { color: var(--validation);
  } .pill.test { color: var(--test); }
.code { font: 600 11px/1.3 ui-monospace, "DejaVu Sans Mono", monospace; background: var(--code);
  border-radius: 4px;
  padding: 1px 4px; white-space: nowrap; }
.shares { display: flex; height: 12px; border-radius: 6px; overflow: hidden; gap: 2px; margin: 0 0 16px; }
.shares i { display: block; min-width: 3px; background: var(--soft); }
.shares .train, .bar .train { background: var(--train); }
.shares .validation, .bar .validation { background: var(--validation); }
.shares .test, .bar .test { background: var(--test); }
.bar { display: block; min-width: 160px; } .bar i { display: block; height: 9px; border-radius: 5px;
  margin-top: 7px;
  background: var(--soft); min-width: 2px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(330px, 1fr)); gap: 22px 34px; }
figure { margin: 0; } figcaption { font-weight: 600; font-size: 15px; margin-bottom: 2px; }
svg { width: 100%; height: auto; display: block; overflow: visible; }
svg text { font-size: 12px; fill: var(--soft); }
svg .said { text-anchor: end; } svg .value, svg .unit { text-anchor: middle; }
svg .base, svg .tick { stroke: var(--line); stroke-width: 1; }
svg .median { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 3 3; }
svg rect { fill: var(--soft); } svg .name { font-weight: 600; }
svg .train rect, svg .train .name { fill: var(--train); }
svg .validation rect, svg .validation .name { fill: var(--validation); }
svg .test rect, svg .test .name { fill: var(--test); }
.glyphs { display: flex; flex-wrap: wrap; gap: 6px; }
.glyphs span { border: 1px solid var(--line); border-radius: 8px; padding: 3px 9px; text-align: center;
  min-width: 46px; }
.glyphs b { font-size: 17px; font-weight: 500; display: block; line-height: 1.35; }
.glyphs b.code { font-size: 11px; } .glyphs b b.code { display: inline-block; }
.glyphs small { display: block; font-size: 11px; }
.glyphs .rare { background: var(--mild-ground); border-color: var(--mild); }
.glyphs .unseen { background: var(--grave-ground); border-color: var(--grave); }
footer { color: var(--soft); font-size: 13px; margin-top: 28px; }
@media print { section, .tile { break-inside: avoid; } nav { display: none; } }
"""
