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

// Rows that a call of the step's kernel takes, where it says so.
std::int64_t row_blocks(const Step& step, std::int64_t rows) {
  const auto* attention = std::get_if<kernels::AttentionSpec>(&step.spec);
  if (attention == nullptr) return rows;
  const std::int64_t per_call = kernels::attention_rows_per_call(*attention);
  return (rows + per_call - 1) / per_call;
}

// Steps that are shared out by heads have some.
kernels::HeadLayout heads_of(const Step& step) {
  if (const auto* attention = std::get_if<kernels::AttentionSpec>(&step.spec)) return attention->heads;
  if (const auto* heads = std::get_if<kernels::HeadsSpec>(&step.spec)) return heads->heads;
  return {};
}

int kv_heads(const Step& step) { return heads_of(step).kv_heads; }

// Heads that go to a thread together.
std::int64_t head_units(const Step& step) {
  const int unit = heads_of(step).heads_of_whole_blocks();
  return (kv_heads(step) + unit - 1) / unit;
}

std::int64_t items_of(const Step& step, std::int64_t rows) {
  switch (step.split) {
    case Split::rows: return rows * std::max<std::int64_t>(step.used, 1);  // prepared once per expert
    case Split::everything: return rows;
    case Split::experts: return (step.last_block - step.first_block) * step.used * rows;
    case Split::blocks: return step.last_block - step.first_block;
    case Split::heads: return head_units(step);
    case Split::query_heads: return step.query_heads;
    case Split::on_demand: return kv_heads(step) * row_blocks(step, rows);
  }
  return rows;
}

std::string unit_of(const Step& step, std::int64_t rows) {
  switch (step.split) {
    case Split::rows:
    case Split::everything: return rows == 1 ? "row" : "rows";
    case Split::blocks: return "column blocks";
    case Split::experts:
      return rows == 1 ? fmt::format("column blocks of {} experts", step.used) : "column blocks of rows";
    case Split::heads:
      if (head_units(step) < kv_heads(step)) return "pairs of KV heads";
      break;
    case Split::query_heads: return "query heads";
    case Split::on_demand:
      if (row_blocks(step, rows) > 1)
        return fmt::format("items ({} KV heads x {} row blocks)", kv_heads(step), row_blocks(step, rows));
  }
  return kv_heads(step) == 1 ? "KV head" : "KV heads";
}

std::string share_text(const Partition& partition) {
  const auto [least, most] = std::minmax_element(partition.shares.begin(), partition.shares.end());
  std::string text = fmt::format("{} {}", partition.items, partition.unit);
  if (partition.split == Split::on_demand) return text + ", on demand";
  if (partition.split == Split::everything) return text + ", by each thread for itself";
  text += *least == *most ? fmt::format(", {} each", *most) : fmt::format(", {} to {} each", *least, *most);
  return text + fmt::format(", {:.0f} % idle", 100 * partition.idle());
}

void draw_bar(Svg& svg, const Partition& partition, double y) {
  const std::int64_t whole =
      std::accumulate(partition.shares.begin(), partition.shares.end(), std::int64_t{0});
  const bool on_demand = partition.split == Split::on_demand;
  double x = kNameWidth;
  for (std::size_t thread = 0; thread < partition.shares.size(); ++thread) {
    const std::int64_t share = partition.shares[thread];
    if (share == 0) continue;
    const double width = kBarWidth * static_cast<double>(share) / static_cast<double>(whole);
    const Tone tone = KindTones::tone(thread);
    svg.rectangle(
        {x, y, std::max(width - 1.5, 0.5), kBarHeight, 3},
        {.fill = tone.fill, .stroke = tone.ink, .opacity = on_demand ? 0.55 : 1, .dashed = on_demand},
        on_demand ? "any thread" : fmt::format("thread {}: {} {}", thread, share, partition.unit));
    const std::string label = on_demand ? "" : fmt::format("{}", share);
    if (width > 24) svg.text(x + width / 2, y + 14, label, {10.5, tone.ink, Anchor::middle});
    x += width;
  }
}

}  // namespace

double Partition::idle() const {
  if (shares.empty() || items == 0 || split == Split::on_demand || split == Split::everything) return 0;
  const std::int64_t most = *std::max_element(shares.begin(), shares.end());
  return 1 - static_cast<double>(items) / static_cast<double>(most * std::ssize(shares));
}

Partition partition_of(const Step& step, std::int64_t rows, int threads) {
  Partition partition = {unit_of(step, rows), items_of(step, rows), step.split, {}};
  if (step.split == Split::everything)
    partition.shares.assign(static_cast<std::size_t>(threads), partition.items);
  else
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
