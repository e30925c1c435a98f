#include "graph/draw/partition.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "graph/draw/palette.hpp"
#include "graph/draw/svg.hpp"
#include "graph/layer_groups.hpp"

namespace burin::graph::draw {
namespace {

constexpr double kNameWidth = 190, kBarWidth = 500, kRow = 34, kBarHeight = 20, kWidth = 1040;

std::vector<std::int64_t> even_shares(std::int64_t items, int threads) {
  std::vector<std::int64_t> shares;
  for (int thread = 0; thread < threads; ++thread)
    shares.push_back(items * (thread + 1) / threads - items * thread / threads);
  return shares;
}

std::string share_text(const Partition& partition) {
  const auto [least, most] = std::minmax_element(partition.shares.begin(), partition.shares.end());
  std::string text = fmt::format("{} {}", partition.items, partition.unit);
  if (partition.as_free) return text + ", as threads come free";
  text += *least == *most ? fmt::format(", {} each", *most) : fmt::format(", {} to {} each", *least, *most);
  return text + fmt::format(", {:.0f} % idle", 100 * partition.idle());
}

void draw_bar(Svg& svg, const Partition& partition, double y) {
  double x = kNameWidth;
  for (std::size_t thread = 0; thread < partition.shares.size(); ++thread) {
    const std::int64_t share = partition.shares[thread];
    if (share == 0 || partition.items == 0) continue;
    const double width = kBarWidth * static_cast<double>(share) / static_cast<double>(partition.items);
    const Tone tone = KindTones::tone(thread);
    svg.rectangle(
        {x, y, std::max(width - 1.5, 0.5), kBarHeight, 3},
        {.fill = tone.fill,
         .stroke = tone.ink,
         .opacity = partition.as_free ? 0.55 : 1,
         .dashed = partition.as_free},
        partition.as_free ? "any thread" : fmt::format("thread {}: {} {}", thread, share, partition.unit));
    const std::string label = partition.as_free ? "" : fmt::format("{}", share);
    if (width > 24) svg.text(x + width / 2, y + 14, label, {10.5, tone.ink, Anchor::middle});
    x += width;
  }
}

}  // namespace

double Partition::idle() const {
  if (shares.empty() || items == 0 || as_free) return 0;
  const std::int64_t most = *std::max_element(shares.begin(), shares.end());
  return 1 - static_cast<double>(items) / static_cast<double>(most * std::ssize(shares));
}

Partition partition_of(const Step& step, std::int64_t rows, int threads) {
  Partition partition;
  if (const auto* attention = std::get_if<kernels::AttentionSpec>(&step.spec)) {
    const std::int64_t per_call = kernels::attention_rows_per_call(*attention);
    const std::int64_t row_blocks = (rows + per_call - 1) / per_call;
    partition.items = attention->heads.kv_heads * row_blocks;
    partition.unit = row_blocks > 1                   ? fmt::format("items ({} KV heads x {} row blocks)",
                                                                    attention->heads.kv_heads, row_blocks)
                     : attention->heads.kv_heads == 1 ? "KV head"
                                                      : "KV heads";
    partition.as_free = true;
  } else if (step.last_block > step.first_block && step.output >= 0) {
    partition.items = step.last_block - step.first_block;
    partition.unit = "column blocks";
  } else {
    partition.items = rows;
    partition.unit = rows == 1 ? "row" : "rows";
  }
  partition.shares = even_shares(partition.items, threads);
  return partition;
}

std::string draw_partitions(const std::vector<const Step*>& steps, std::int64_t rows, int threads) {
  Svg svg(kWidth, kRow * static_cast<double>(steps.size()) + 8, "Threads' parts of each step");
  double y = 6;
  for (const Step* step : steps) {
    const Partition partition = partition_of(*step, rows, threads);
    svg.text(kNameWidth - 12, y + 14, fitted(name_in_layer(step->name).name, kNameWidth - 20, 12),
             {12, kInk, Anchor::end});
    draw_bar(svg, partition, y);
    svg.text(kNameWidth + kBarWidth + 14, y + 14, share_text(partition), {11, kFaint});
    y += kRow;
  }
  return std::move(svg).finish();
}

}  // namespace burin::graph::draw
