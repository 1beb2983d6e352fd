/**
 * The look of a report. Colours are variables with a light and a dark value; text has a contrast of at least 4.5 to 1 on every
 * background it stands on, marks at least 3 to 1. Fonts are those of the reader's system.
 */
export const STYLE = `
:root { color-scheme: light dark;
  --paper: #fcfcfa; --card: #f3f4ef; --ink: #1b211d; --soft: #56605a; --line: #d5d9d1; --accent: #1d6b45; --good: #1d6b45; --bad: #ad2318;
  --s1: #1f63b5; --s2: #b4530a; --s3: #1d7a4c; --s4: #7a46b8; --s5: #b02a6f; --s6: #5f6b14; --track: #e9ece5; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #131715; --card: #1c211e; --ink: #e8ece9; --soft: #a3aea7; --line: #353d38; --accent: #79d0a4; --good: #79d0a4; --bad: #ff9a8c;
  --s1: #86bdf7; --s2: #f2ab6b; --s3: #7bd3a3; --s4: #c9abf5; --s5: #f598c4; --s6: #cbd37a; --track: #262d29; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
body > * { max-width: 70rem; margin-inline: auto; padding-inline: 1rem; }
h1, h2, h3 { font-family: ui-serif, "Iowan Old Style", Charter, Georgia, serif; font-weight: 600; line-height: 1.2; text-wrap: balance; overflow-wrap: anywhere; }
h1 { font-size: clamp(1.7rem, 5vw, 2.6rem); margin: .2rem 0 .8rem; letter-spacing: -.015em; }
h2 { font-size: 1.45rem; margin: 0 0 .4rem; }
h3 { font-size: 1.05rem; margin: 0 0 .2rem; }
p { margin: 0 0 .8rem; max-width: 42rem; }
a { color: var(--accent); text-underline-offset: .18em; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; border-radius: 2px; }
code, pre { font: .875em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
code, td, th, dd, li, p { overflow-wrap: anywhere; }
.skip { position: absolute; left: -100vw; } .skip:focus { left: 1rem; top: 1rem; background: var(--paper); padding: .5rem; z-index: 1; }
body > header { padding-top: 2.5rem; }
.eyebrow { color: var(--soft); font-size: .8rem; letter-spacing: .09em; text-transform: uppercase; margin: 0; }
.note, figcaption, caption { color: var(--soft); }
.verdict { display: inline-flex; gap: .5rem; font-weight: 650; padding: .25rem .8rem .25rem .65rem; border: 2px solid currentColor; border-radius: 1.2rem; }
.outcome { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem .8rem; max-width: none; }
.passed { color: var(--good); } .failed { color: var(--bad); } .skipped { color: var(--soft); }
.status { white-space: nowrap; font-weight: 600; }
.note { font-size: .88rem; line-height: 1.45; margin-top: .6rem; }
.findings { padding-left: 1.2rem; max-width: 46rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 9rem), 1fr)); gap: 0 1.4rem; margin: 1rem 0 0; padding: 1.1rem 0 .2rem; border-block: 1px solid var(--line); }
.figures div { display: grid; grid-template-rows: subgrid; grid-row: span 3; gap: 0; padding-bottom: .9rem; }
.figures dt { color: var(--soft); font-size: .85rem; line-height: 1.35; align-self: end; }
.figures dd { margin: 0; font-size: 1.55rem; line-height: 1.25; font-variant-numeric: tabular-nums; letter-spacing: -.01em; }
.figures dd + dd { font-size: .85rem; color: var(--soft); letter-spacing: 0; line-height: 1.4; }
.figures + .figures { border-top: 0; margin-top: 0; }
section > h3 { margin-top: 1.4rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; list-style: none; margin: 0; padding: .7rem 0; font-size: .92rem; }
section { padding-block: 2.2rem 1rem; border-top: 1px solid var(--line); }
main > section:first-child { border-top: 0; padding-top: 1.4rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr)); gap: 0 2.5rem; align-items: start; margin-top: 1rem; } .pair > figure { padding-bottom: 1.4rem; }
.trio { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 19.5rem), 1fr)); gap: 1.6rem 1.6rem; align-items: start; margin-top: 1rem; }
figure { margin: 0; min-width: 0; }
.pair > figure { display: grid; grid-template-rows: subgrid; grid-row: span 2; gap: 0; }
figcaption { font-size: .88rem; line-height: 1.45; margin-bottom: .5rem; max-width: 40rem; }
figcaption b { display: block; color: var(--ink); font-size: .98rem; }
svg { display: block; max-width: 100%; height: auto; color: var(--ink); font-family: system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; overflow: visible; }
svg text { white-space: pre; } svg .plot-note { fill: var(--soft); }
.wide { display: none; }
@media (min-width: 48rem) { .wide { display: block; } .narrow { display: none; } body > * { padding-inline: 2rem; } }
.legend { display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; list-style: none; padding: 0; margin: .6rem 0; font-size: .88rem; }
.legend li { display: inline-flex; align-items: center; gap: .4rem; }
.scroll { overflow-x: auto; margin: .8rem 0 1.2rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; line-height: 1.45; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .5rem; }
caption span { display: inline-block; position: sticky; left: 0; max-width: min(42rem, 100vw - 2rem); }
th, td { text-align: left; vertical-align: top; padding: .42rem .9rem .42rem 0; border-bottom: 1px solid var(--line); font-weight: 400; }
thead th { color: var(--soft); font-size: .82rem; border-bottom-color: var(--soft); vertical-align: bottom; }
tbody th { font-weight: 550; } tbody tr:last-child > * { border-bottom: 0; } .number { text-align: right; white-space: nowrap; } tr > :last-child { padding-right: 0; }
.range { display: block; color: var(--soft); font-size: .92em; }
.scroll th, .scroll td { overflow-wrap: normal; } .scroll thead .number { white-space: normal; } .scroll tbody th { min-width: 9rem; max-width: 17rem; overflow-wrap: anywhere; }
.scroll th:first-child { position: sticky; left: 0; background: var(--paper); }
@media (max-width: 40rem) { .scroll tbody th { min-width: 7rem; max-width: 10rem; } }
details { margin: .6rem 0 1rem; } summary { cursor: pointer; color: var(--accent); padding-block: .35rem; width: fit-content; }
pre { background: var(--card); border-radius: 6px; padding: .9rem 1rem; overflow-x: auto; margin: .5rem 0 1.2rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.layer { background: var(--card); border-radius: 8px; padding: .9rem 1rem 1rem; min-width: 0; }
.layer h3 { font: 600 .86rem/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.layer p { color: var(--soft); font-size: .85rem; line-height: 1.45; margin-bottom: .6rem; font-variant-numeric: tabular-nums; }
.masks { display: grid; grid-template-columns: 1fr 1fr; gap: .8rem; margin-bottom: .7rem; }
.masks img { display: block; width: 100%; height: auto; aspect-ratio: 1; background: var(--paper); border: 1px solid var(--line); }
.masks .corner { image-rendering: pixelated; }
.layer figcaption { font-size: .78rem; margin: .3rem 0 0; }
@media (prefers-color-scheme: dark) { .masks img { filter: invert(1); background: #ece8ea; border-color: #cac2c7; } }
.checks tbody th { width: 9.5rem; } .checks th .status { display: block; font-size: .85rem; }
@media (max-width: 40rem) { .checks thead { position: absolute; left: -200vw; } .checks, .checks tbody, .checks caption { display: block; }
  .checks tr { display: grid; grid-template-columns: 1fr 1fr; padding: .7rem 0; border-bottom: 1px solid var(--line); }
  .checks tbody tr:last-child { border-bottom: 0; }
  .checks th, .checks td { border: 0; padding: .1rem 0; text-align: left; } .checks tbody th, .checks .message { grid-column: 1 / -1; width: auto; }
  .checks th .status { display: inline; margin-left: .5rem; } .checks .number::before { content: attr(data-label) " "; color: var(--soft); } }
footer { color: var(--soft); font-size: .85rem; padding-block: 1.5rem 3rem; }
footer p { border-top: 1px solid var(--line); padding-top: 1rem; max-width: none; }
@media print { .wide { display: block; } .narrow, nav, .skip { display: none; } section, figure, .layer, tr { break-inside: avoid; } }
`;
