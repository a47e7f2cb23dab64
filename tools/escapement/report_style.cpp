#include "report_page.hpp"

namespace escapement::report {

// Blue and orange are told apart by every eye, and by a black and white printer.
const char* style_rules() {
    return R"css(
:root { --page: #f4f5f7; --card: #ffffff; --ink: #1b1f24; --faint: #57606a; --line: #d5dae0; --grid: #e6e9ed;
  --idle: #2563c9; --loaded: #c2560a; --mark: #1b1f24; --good: #17693a; --partial: #8a5a00; --none: #a11f2a;
  --good-bed: #e5f4ea; --partial-bed: #fbf0d9; --none-bed: #fbe9ea; }
@media (prefers-color-scheme: dark) {
  :root { --page: #14171b; --card: #1d2127; --ink: #e8eaed; --faint: #a3acb7; --line: #3a414b; --grid: #2b3038;
    --idle: #74a9ff; --loaded: #ff9d57; --mark: #e8eaed; --good: #79d99b; --partial: #eec36a; --none: #ff9ba3;
    --good-bed: #1b3324; --partial-bed: #3a2f16; --none-bed: #402024; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); overflow-wrap: anywhere;
  font: 16px/1.5 system-ui, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif; }
main { max-width: 1100px; margin: 0 auto; padding: 24px 16px 48px; }
h1 { font-size: clamp(1.4rem, 1rem + 2.4vw, 2.1rem); line-height: 1.2; margin: 0 0 8px; }
h2 { font-size: 1.3rem; margin: 0 0 8px; }
h2.core { margin: 40px 0 0; padding-top: 12px; border-top: 2px solid var(--line); }
h3 { font-size: 1.08rem; margin: 20px 0 6px; }
h4 { font-size: 1rem; margin: 18px 0 2px; }
p { margin: 6px 0; max-width: 75ch; }
ul { margin: 4px 0; padding-left: 1.3em; max-width: 80ch; }
li { margin: 3px 0; }
code { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .92em; padding: 1px 5px;
  border: 1px solid var(--line); border-radius: 4px; }
.kicker { color: var(--faint); letter-spacing: .06em; text-transform: uppercase; font-size: .8rem; margin: 0; }
.host-line, .note { color: var(--faint); }
.note { font-size: .9rem; }
.note.good { color: var(--good); }
section { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 4px 20px 16px;
  margin: 16px 0; }
section.verdict { border-left: 6px solid var(--tone); padding-top: 16px; }
.good { --tone: var(--good); --bed: var(--good-bed); }
.partial { --tone: var(--partial); --bed: var(--partial-bed); }
.none { --tone: var(--none); --bed: var(--none-bed); }
.badge { display: inline-block; margin: 0 0 8px; padding: 2px 12px; border-radius: 14px; font-weight: 600;
  color: var(--tone); background: var(--bed); }
.sentence { font-size: 1.05rem; }
.remark { color: var(--none); }
.role { display: inline-block; font-size: .8rem; font-weight: 500; color: var(--faint); border: 1px solid var(--line);
  border-radius: 10px; padding: 0 9px; }
dl { margin: 12px 0; }
dd { margin: 0; }
.tiles { display: grid; gap: 12px; grid-template-columns: repeat(auto-fit, minmax(min(215px, 100%), 1fr)); }
.tile { border: 1px solid var(--line); border-radius: 6px; padding: 8px 12px; }
.tile dt { color: var(--faint); font-size: .85rem; }
.tile dd { font-weight: 600; font-size: .95rem; }
.tile dd.note { font-weight: 400; font-size: .85rem; }
.host > div, .words > div { display: grid; grid-template-columns: minmax(110px, 220px) 1fr; gap: 12px; padding: 4px 0;
  border-top: 1px solid var(--grid); }
.host dt, .words dt { color: var(--faint); }
.charts { display: grid; gap: 16px; grid-template-columns: repeat(auto-fit, minmax(min(300px, 100%), 1fr)); }
.chart { margin: 6px 0; max-width: 520px; }
figcaption { font-size: .85rem; }
svg { display: block; width: 100%; height: auto; }
svg text { font: 11px system-ui, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif; fill: var(--ink);
  font-variant-numeric: tabular-nums; }
svg .tick, svg .name { fill: var(--faint); font-size: 10.5px; }
svg .value, svg .what { paint-order: stroke; stroke: var(--card); stroke-width: 3px; stroke-linejoin: round; }
svg .value { font-weight: 600; }
svg .grid { stroke: var(--grid); }
svg .axis { stroke: var(--faint); }
svg .mark { stroke: var(--mark); stroke-width: 1.2; }
svg .margin { stroke-dasharray: 4 3; }
svg .spread { stroke: var(--ink); stroke-width: 1.5; }
.series0 { fill: var(--idle); background: var(--idle); }
.series1 { fill: var(--loaded); background: var(--loaded); }
svg .spread.series0 { stroke: var(--idle); stroke-width: 2; }
svg .spread.series1 { stroke: var(--loaded); stroke-width: 2; }
.legend { display: flex; gap: 6px; align-items: center; font-size: .85rem; flex-wrap: wrap; }
.legend .key { width: 12px; height: 12px; border-radius: 2px; print-color-adjust: exact;
  -webkit-print-color-adjust: exact; }
.legend .key:not(:first-child) { margin-left: 12px; }
.scroll { overflow-x: auto; margin: 16px 0 0; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; width: 100%;
  overflow-wrap: normal; }
caption { text-align: left; font-weight: 600; padding: 4px 0; }
th, td { text-align: right; padding: 5px 10px; border-bottom: 1px solid var(--grid); vertical-align: top; }
th:first-child { text-align: left; padding-left: 0; min-width: 11em; overflow-wrap: anywhere; font-weight: 500; }
thead th { color: var(--faint); font-weight: 500; border-bottom-color: var(--line); }
@media (min-width: 700px) { td { white-space: nowrap; } }
@media (max-width: 520px) { section { padding: 4px 12px 12px; } main { padding: 16px 8px 32px; }
  th, td { padding: 5px 6px; } .host > div, .words > div { grid-template-columns: 1fr; gap: 0; } }
@media print {
  :root { --page: #fff; --card: #fff; --ink: #000; --faint: #444; --line: #bbb; --grid: #ddd; --idle: #2563c9;
    --loaded: #c2560a; --mark: #000; --good: #17693a; --partial: #8a5a00; --none: #a11f2a; --good-bed: #fff;
    --partial-bed: #fff; --none-bed: #fff; }
  body { font-size: 10.5pt; } main { max-width: none; padding: 0; }
  section { break-inside: auto; border-radius: 0; } section.verdict, figure, .chart, tr, .tile { break-inside: avoid; }
  h2, h3, h4, caption { break-after: avoid; } .scroll { overflow: visible; } table { font-size: 8.5pt; }
  th, td { padding: 3px 5px; } td { white-space: normal; } th:first-child { min-width: 0; }
}
)css";
}

}  // namespace escapement::report
