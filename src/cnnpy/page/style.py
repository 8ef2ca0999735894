"""The style that pages share, for light and dark, for a desk and a phone, and for paper."""

from __future__ import annotations

__all__ = ["BASE"]

BASE = """
:root { color-scheme: light dark;
  --back: #ffffff; --ink: #1c2024; --soft: #525b65; --line: #d5dae0; --panel: #f5f7f9; }
@media (prefers-color-scheme: dark) { :root {
  --back: #14171b; --ink: #e6e9ed; --soft: #a2acb7; --line: #363d46; --panel: #1d2228; } }
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
.wide { overflow-x: auto; border: 1px solid var(--line); border-radius: .4rem; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; overflow-wrap: normal; }
th, td { padding: .35rem .7rem; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); }
tbody tr:last-child > * { border-bottom: 0; }
th.number { text-align: right; }
thead th { color: var(--soft); font-weight: 600; background: var(--panel); }
tbody th { font-weight: 400; min-width: 9rem; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
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
.figures { display: flex; flex-wrap: wrap; gap: .9rem 2rem; }
figure { margin: 0; max-width: 100%; }
figcaption { font-weight: 600; font-size: .92rem; margin-bottom: .3rem; }
svg, img { max-width: 100%; height: auto; vertical-align: middle; }
footer { margin-top: 2.5rem; font-size: .85rem; color: var(--soft); }
@media (max-width: 36rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .4rem; }
  .aside { display: none; } tbody th { min-width: 0; } th, td { padding: .35rem .5rem; }
  article { padding: .8rem .75rem; } }
@media print { article, figure { break-inside: avoid; } }
"""
