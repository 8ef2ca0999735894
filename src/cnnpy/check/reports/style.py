"""The style of a check's page, beside what all pages share."""

from __future__ import annotations

from cnnpy.page.style import BASE

__all__ = ["STYLE"]

STYLE = (
    BASE
    + """
:root { --right: #12662f; --tie: #7a4b00; --wrong: #ae1212; --right-back: #e2f4e7;
  --tie-back: #fdf0d5; --wrong-back: #fde4e4; }
@media (prefers-color-scheme: dark) { :root {
  --right: #7edb98; --tie: #f0c36a; --wrong: #ff9c9c; --right-back: #16301e;
  --tie-back: #362a10; --wrong-back: #401a1c; } }
.verdict, .grade { display: inline-block; padding: 0 .5em; border-radius: .35rem;
  font-weight: 600; }
.verdict { font-size: .75em; vertical-align: .1em; }
.grade { font-size: .85em; }
.right { color: var(--right); background: var(--right-back); }
.tie { color: var(--tie); background: var(--tie-back); }
.wrong, .could-not-run { color: var(--wrong); background: var(--wrong-back); }
.notice { color: var(--soft); background: var(--line); }
.untried { color: var(--soft); }
td.says { min-width: 17rem; }
td.mark { white-space: nowrap; }
.pictures { margin-top: .9rem; }
.shape { font-weight: 400; color: var(--soft); }
.panels { display: flex; flex-wrap: wrap; gap: .5rem; }
.instead { color: var(--soft); }
svg text { font: 12px ui-monospace, Consolas, monospace; }
svg .cell { stroke: #8a94a0; stroke-width: .5; }
svg .n { text-anchor: middle; }
svg .at { fill: var(--soft); }
.legend { margin-top: .6rem; font-size: .85rem; color: var(--soft); display: flex;
  flex-wrap: wrap; gap: .3rem 1.5rem; }
.key { display: inline-block; max-width: 100%; margin-right: 1.2rem; }
"""
)
