#include "graph/draw/svg.hpp"

#include <fmt/format.h>

#include <cmath>

namespace burin::graph::draw {
namespace {

constexpr double kLetterWidth = 0.6;  // of the font's size

std::string_view name_of(Anchor anchor) {
  return anchor == Anchor::start ? "start" : anchor == Anchor::middle ? "middle" : "end";
}

std::string attributes(const Paint& paint) {
  std::string text = fmt::format(R"( fill="{}")", paint.fill);
  if (paint.stroke != "none")
    text += fmt::format(R"( stroke="{}" stroke-width="{:.4g}")", paint.stroke, paint.stroke_width);
  if (paint.dashed) text += R"( stroke-dasharray="4 4")";
  if (paint.opacity < 1) text += fmt::format(R"( opacity="{:.4g}")", paint.opacity);
  return text;
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      case '\'': result += "&#39;"; break;
      default: result += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    }
  }
  return result;
}

std::string fitted(std::string_view text, double width, double size) {
  const auto room = static_cast<std::size_t>(std::max(0.0, std::floor(width / (size * kLetterWidth))));
  if (text.size() <= room) return std::string(text);
  if (room < 2) return "";
  std::size_t cut = room - 1;
  // Not within a character of several bytes.
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;
  return std::string(text.substr(0, cut)) + "\u2026";
}

Svg::Svg(double width, double height, std::string_view title) {
  body_ = fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{0:.5g}" height="{1:.5g}" viewBox="0 0 {0:.5g} {1:.5g}" font-family="system-ui, 'Segoe UI', Helvetica, Arial, sans-serif">
<title>{2}</title>
)",
      width, height, escaped(title));
}

void Svg::shape(std::string_view element, const Paint& paint, std::string_view tip) {
  body_ += fmt::format("<{}{}", element, attributes(paint));
  if (tip.empty())
    body_ += "/>\n";
  else
    body_ += fmt::format("><title>{}</title></{}>\n", escaped(tip), element.substr(0, element.find(' ')));
}

void Svg::rectangle(const Rectangle& place, const Paint& paint, std::string_view tip) {
  shape(fmt::format(R"(rect x="{:.5g}" y="{:.5g}" width="{:.5g}" height="{:.5g}" rx="{:.3g}")", place.x,
                    place.y, place.width, place.height, place.corner),
        paint, tip);
}

void Svg::text(double x, double y, std::string_view text, const Font& font) {
  body_ += fmt::format(R"(<text x="{:.5g}" y="{:.5g}" font-size="{:.3g}" fill="{}" text-anchor="{}")", x, y,
                       font.size, font.colour, name_of(font.anchor));
  if (font.bold) body_ += R"( font-weight="600")";
  if (font.mono) body_ += R"( font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace")";
  if (font.turn != 0) body_ += fmt::format(" transform=\"rotate({:.4g} {:.5g} {:.5g})\"", font.turn, x, y);
  body_ += fmt::format(">{}</text>\n", escaped(text));
}

void Svg::line(double x0, double y0, double x1, double y1, const Paint& paint) {
  shape(fmt::format(R"(line x1="{:.5g}" y1="{:.5g}" x2="{:.5g}" y2="{:.5g}")", x0, y0, x1, y1), paint, "");
}

void Svg::path(std::string_view path, const Paint& paint, std::string_view tip) {
  shape(fmt::format(R"(path d="{}")", path), paint, tip);
}

std::string Svg::finish() && { return std::move(body_) + "</svg>\n"; }

}  // namespace burin::graph::draw
