"""The style of a page, for light and dark, for a desk and a phone, and for paper."""

from __future__ import annotations

__all__ = ["STYLE"]

STYLE = """
:root { color-scheme: light dark;
  --back: #ffffff; --ink: #1c2024; --soft: #525b65; --line: #d5dae0; --panel: #f5f7f9;
  --right: #12662f; --tie: #7a4b00; --wrong: #ae1212; --right-back: #e2f4e7;
  --tie-back: #fdf0d5; --wrong-back: #fde4e4; }
@media (prefers-color-scheme: dark) { :root {
  --back: #14171b; --ink: #e6e9ed; --soft: #a2acb7; --line: #363d46; --panel: #1d2228;
  --right: #7edb98; --tie: #f0c36a; --wrong: #ff9c9c; --right-back: #16301e;
  --tie-back: #362a10; --wrong-back: #401a1c; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.25rem 1rem 3rem; max-width: 68rem; background: var(--back);
  color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; margin: 0 0 .4rem; line-height: 1.25; }
h2 { font-size: 1.3rem; margin: 2.2rem 0 .8rem; }
h3 { font-size: 1.05rem; margin: 0 0 .6rem; line-height: 1.4; }
h4 { font-size: 1rem; margin: 1rem 0 .4rem; }
p { margin: .4rem 0; }
code, pre { font: .9em/1.5 ui-monospace, Consolas, monospace; }
pre { margin: 0; padding: .7rem .9rem; overflow-x: auto; overflow-wrap: normal;
  background: var(--back); border: 1px solid var(--line); border-radius: .4rem; }
.verdict, .grade { display: inline-block; padding: 0 .5em; border-radius: .35rem;
  font-weight: 600; }
.verdict { font-size: .75em; vertical-align: .1em; }
.grade { font-size: .85em; }
.right { color: var(--right); background: var(--right-back); }
.tie { color: var(--tie); background: var(--tie-back); }
.wrong, .could-not-run { color: var(--wrong); background: var(--wrong-back); }
.notice { color: var(--soft); background: var(--line); }
.untried { color: var(--soft); }
.wide { overflow-x: auto; border: 1px solid var(--line); border-radius: .4rem; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; overflow-wrap: normal; }
th, td { padding: .35rem .7rem; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); }
tbody tr:last-child > * { border-bottom: 0; }
thead th { color: var(--soft); font-weight: 600; background: var(--panel); }
tbody th { font-weight: 400; min-width: 9rem; }
td.says { min-width: 17rem; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
td.mark { white-space: nowrap; }
details { margin: .6rem 0; }
summary { cursor: pointer; padding: .3rem 0; }
summary h3 { display: inline; font-weight: 500; }
article { margin: 1rem 0; padding: .9rem 1rem; background: var(--panel);
  border: 1px solid var(--line); border-radius: .5rem; }
article > :last-child { margin-bottom: 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: .4rem 0; }
dt { color: var(--soft); }
dd { margin: 0; }
ul { margin: .4rem 0; padding-left: 1.3rem; }
.pictures { margin-top: .9rem; }
.figures { display: flex; flex-wrap: wrap; gap: .9rem 2rem; }
figure { margin: 0; max-width: 100%; }
figcaption { font-weight: 600; font-size: .92rem; margin-bottom: .3rem; }
.shape { font-weight: 400; color: var(--soft); }
.panels { display: flex; flex-wrap: wrap; gap: .5rem; }
.instead { color: var(--soft); }
svg { max-width: 100%; height: auto; vertical-align: middle; }
svg text { font: 12px ui-monospace, Consolas, monospace; }
svg .cell { stroke: #8a94a0; stroke-width: .5; }
svg .n { text-anchor: middle; }
svg .at { fill: var(--soft); }
.legend { margin-top: .6rem; font-size: .85rem; color: var(--soft); display: flex;
  flex-wrap: wrap; gap: .3rem 1.5rem; }
.key { display: inline-block; max-width: 100%; margin-right: 1.2rem; }
footer { margin-top: 2.5rem; font-size: .85rem; color: var(--soft); }
@media (max-width: 36rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .4rem; }
  .aside { display: none; } tbody th { min-width: 0; } th, td { padding: .35rem .5rem; }
  article { padding: .8rem .75rem; } }
@media print { article, figure { break-inside: avoid; } }
"""
