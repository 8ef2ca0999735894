"""The style of a run's page, beside what all pages share."""

from __future__ import annotations

from cnnpy.page.style import BASE

__all__ = ["STYLE"]

STYLE = (
    BASE
    + """
.lead { font-size: 1.1rem; }
.charts { display: flex; flex-wrap: wrap; gap: .5rem 2rem; }
.tiles { display: flex; flex-wrap: wrap; gap: 1rem; margin: .8rem 0; }
.tiles.close { gap: .35rem; }
.tile img { border: 1px solid var(--line); }
.tile figcaption { font-weight: 400; font-size: .82rem; line-height: 1.35; margin: .25rem 0 0; }
.tile figcaption span { display: block; }
.group { display: flex; flex-wrap: wrap; gap: .35rem; align-items: start; }
.pixels { image-rendering: pixelated; }
section h3 { margin-top: 1.2rem; }
summary h3 { margin: 0; }
.matrix .wide { width: fit-content; max-width: 100%; }
.matrix table { width: auto; font-size: .85rem; }
.matrix td { text-align: center; padding: .3rem .3rem; min-width: 2.3rem;
  font-variant-numeric: tabular-nums; }
.matrix thead th { writing-mode: vertical-rl; transform: rotate(180deg); padding: .5rem .3rem;
  vertical-align: middle; }
.matrix thead th:first-child { writing-mode: horizontal-tb; transform: none; }
.matrix tbody th { position: sticky; left: 0; background: var(--back); min-width: 0;
  white-space: nowrap; }
.wide { margin-top: .7rem; }
.number { white-space: nowrap; }
.settings td { overflow-wrap: anywhere; }
.best { font-weight: 600; }
.note { color: var(--soft); font-size: .92rem; }
@media (max-width: 36rem) { .tiles { gap: .7rem; } }
"""
)
