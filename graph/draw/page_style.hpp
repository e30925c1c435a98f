// How the page looks.
#pragma once

#include <string_view>

namespace burin::graph::draw {

inline constexpr std::string_view kPageStyle = R"(:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: #eef1f5; color: #1f2933;
  font: 15px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 24px; margin: 0 0 2px; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 0 0 2px; }
h3 { font-size: 14px; margin: 22px 0 6px; }
.lead { color: #52606d; margin: 0 0 14px; }
.note { color: #52606d; font-size: 13px; margin: 8px 0; }
.warning { background: #fdeccc; border-left: 4px solid #a86a12; padding: 6px 12px; margin: 8px 0; }
.tiles { display: flex; flex-wrap: wrap; gap: 10px; margin: 16px 0 10px; }
.tile { background: #fff; border: 1px solid #dde3ea; border-radius: 10px; padding: 10px 16px; min-width: 140px; }
.tile b { display: block; font-size: 19px; }
.tile span { color: #7b8794; font-size: 12.5px; }
section { background: #fff; border: 1px solid #dde3ea; border-radius: 12px; padding: 22px 24px; margin-top: 22px; }
figure { margin: 14px 0 0; overflow-x: auto; }
figcaption { font-weight: 600; font-size: 13.5px; color: #3e4c59; margin-bottom: 4px; }
svg { display: block; max-width: 100%; height: auto; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 12.5px; width: 100%; }
th { text-align: left; color: #7b8794; font-weight: 500; border-bottom: 1px solid #cbd2d9; padding: 4px 10px 4px 0;
  white-space: nowrap; }
td { border-bottom: 1px solid #eef1f5; padding: 4px 10px 4px 0; vertical-align: top; }
td.number, th.number { text-align: right; white-space: nowrap; }
code { font: 11px/1.4 ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; color: #52606d;
  overflow-wrap: anywhere; }
.yes, .no { display: inline-block; border-radius: 9px; padding: 0 9px; font-size: 12px; white-space: nowrap; }
.yes { background: #dcf1e1; color: #22703d; }
.no { background: #fbdfe4; color: #9c2b45; }
)";

}  // namespace burin::graph::draw
