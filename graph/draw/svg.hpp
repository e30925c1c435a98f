// Scalable vector graphics (SVG 1.1), as text. Coordinates are pixels from the upper left corner.
#pragma once

#include <string>
#include <string_view>

namespace burin::graph::draw {

// Markup characters as entities, control characters as '?': any text may stand in HTML and SVG afterwards.
std::string escaped(std::string_view text);

// Cut with an ellipsis to what fits into `width` pixels at a font size; widths of letters are averages.
std::string fitted(std::string_view text, double width, double size);

struct Rectangle {
  double x = 0, y = 0, width = 0, height = 0;
  double corner = 0;
};

struct Paint {
  std::string_view fill = "none";
  std::string_view stroke = "none";
  double stroke_width = 1;
  double opacity = 1;
  bool dashed = false;
};

enum class Anchor { start, middle, end };

struct Font {
  double size = 12;
  std::string_view colour = "#1f2933";
  Anchor anchor = Anchor::start;
  bool bold = false;
  bool mono = false;
  double turn = 0;  // degrees, clockwise about the point
};

class Svg {
 public:
  Svg(double width, double height, std::string_view title);

  // `tip` is shown where the pointer rests on the shape; empty: none. All texts are escaped here.
  void rectangle(const Rectangle& place, const Paint& paint, std::string_view tip = "");
  void text(double x, double y, std::string_view text, const Font& font = {});
  void line(double x0, double y0, double x1, double y1, const Paint& paint);
  // `path` is SVG path data made by the caller.
  void path(std::string_view path, const Paint& paint, std::string_view tip = "");

  std::string finish() &&;

 private:
  void shape(std::string_view element, const Paint& paint, std::string_view tip);

  std::string body_;
};

}  // namespace burin::graph::draw
