#include "runtime/synthetic/kernel_call.hpp"

#include <memory>
#include <numeric>
#include <vector>

#include "jit/error.hpp"
#include "jit/overload.hpp"
#include "templates/formats/packing.hpp"

namespace burin::runtime {
namespace {

using namespace kernels;

constexpr std::int64_t kManyRows = 256;
constexpr std::int64_t kDepth = 2048;  // positions that attention sees
constexpr float kEpsilon = 1e-5f;

// Operands other than those that are read once; floats by default.
class Operands {
 public:
  explicit Operands(std::int64_t floats) : memory_(made_up_bytes(static_cast<std::size_t>(floats) * 4)) {}
  float* floats() const { return reinterpret_cast<float*>(memory_.data()); }
  std::byte* bytes() const { return memory_.data(); }

 private:
  HugeBuffer memory_;
};

// 0, 1, 2, ... below `limit`.
std::vector<std::int32_t> numbers_up_to(std::int64_t count, std::int64_t limit) {
  std::vector<std::int32_t> numbers;
  for (std::int64_t i = 0; i < count; ++i) numbers.push_back(static_cast<std::int32_t>(i % limit));
  return numbers;
}

// A cache of one layer, and where its blocks lie.
class Cache {
 public:
  Cache(const HeadLayout& heads, std::int64_t slots, ColdMemory& memory)
      : block_bytes_(heads.layer_block_bytes()),
        blocks_((slots + kKvBlock - 1) / kKvBlock),
        memory_(static_cast<std::size_t>(block_bytes_ * blocks_), memory),
        table_(static_cast<std::size_t>(blocks_)) {}

  std::byte* const* blocks(std::size_t pass) {
    for (std::size_t block = 0; block < table_.size(); ++block)
      table_[block] = memory_[pass] + static_cast<std::size_t>(block_bytes_) * block;
    return table_.data();
  }

 private:
  std::int64_t block_bytes_;
  std::int64_t blocks_;
  ColdOperands memory_;
  std::vector<std::byte*> table_;
};

// Where a call's heads are stored: rotations, and a cache of `rows` slots.
class StoredRows {
 public:
  StoredRows(const HeadLayout& heads, std::int64_t rows)
      : rotation_(heads.rotation_row() * rows), memory_(0), cache_(heads, rows, memory_) {
    std::byte* const* blocks = cache_.blocks(0);
    for (std::int64_t row = 0; row < rows; ++row) places_.push_back({blocks[row / kKvBlock], row % kKvBlock});
  }
  KvArguments arguments() { return {rotation_.floats(), places_.data(), 0}; }

 private:
  Operands rotation_;
  ColdMemory memory_;  // of its own: it is written
  Cache cache_;
  std::vector<KvPlace> places_;
};

// The arguments of a call and what they point to; `next(arguments, pass)` makes those of a pass.
template <typename Arguments, typename Kept, typename Next>
KernelCall call_of(std::int64_t rows, const KernelWork& work, std::shared_ptr<Kept> kept,
                   const Arguments& first, Next next) {
  return {rows, work, [kept, arguments = first, next](std::size_t pass) mutable -> const void* {
            next(*kept, arguments, pass);
            return &arguments;
          }};
}

// What calls of rows with a norm have in common.
template <typename Arguments, typename Kept>
void fill_rows(Arguments& arguments, const Kept& kept, std::int64_t rows) {
  arguments.output = kept.output.floats();
  arguments.norm_weight = arguments.norm_bias = kept.norm.floats();
  arguments.rows = rows;
  arguments.epsilon = kEpsilon;
}

double row_bytes(std::int64_t rows, std::int64_t floats) { return static_cast<double>(rows * floats * 4); }

KernelWork work_of(const GemmSpec& spec, const PackedShape& shape, std::int64_t rows) {
  KernelWork work;
  work.bytes = static_cast<double>(shape.total_bytes);
  work.macs = static_cast<double>(spec.inputs * spec.columns) * static_cast<double>(rows);
  work.multiplied = spec.activation;
  return work;
}

KernelCall call(const GemmSpec& spec, std::int64_t rows, ColdMemory& memory) {
  const PackedShape shape = packed_shape(spec.weights, spec.inputs, spec.columns);
  const ActivationRows layout = activation_rows(spec.activation, spec.inputs, spec.weights);
  struct Kept {
    ColdOperands weights;
    Operands activations, input, norm, output, bias, factors, scratch;
    std::vector<std::int32_t> numbers;
    StoredRows stored;
  };
  const std::shared_ptr<Kept> kept(
      new Kept{ColdOperands(shape.total_bytes, memory), Operands(layout.row_bytes * rows / 4),
               Operands(layout.padded * rows), Operands(layout.padded), Operands(spec.output_stride * rows),
               Operands(spec.columns), Operands(rows),
               Operands(static_cast<std::int64_t>(most_gemm_scratch_bytes(spec)) / 4),
               numbers_up_to(rows, rows), StoredRows(spec.heads, rows)});
  GemmArguments arguments;
  fill_rows(arguments, *kept, rows);
  arguments.activations = kept->activations.bytes();
  arguments.residual = kept->output.floats();
  arguments.bias = kept->bias.floats();
  arguments.last_block = spec.columns / kBlockColumns;
  arguments.input = kept->input.floats();
  arguments.kv = kept->stored.arguments();
  arguments.limit = arguments.slope = 1;
  arguments.factors = kept->factors.floats();
  arguments.scratch = kept->scratch.bytes();
  if (spec.regime == GemmRegime::tiles) arguments.output_rows = kept->numbers.data();
  return call_of(rows, work_of(spec, shape, rows), kept, arguments,
                 [](Kept& of, GemmArguments& to, std::size_t pass) { to.weights = of.weights[pass]; });
}

KernelCall call(const PrepareSpec& spec, std::int64_t rows, ColdMemory& memory) {
  const ActivationRows layout = activation_rows(spec.activation, spec.inputs, spec.weights);
  struct Kept {
    ColdOperands input;
    Operands output, norm;
    std::vector<std::int32_t> numbers;
  };
  const auto input_bytes = static_cast<std::size_t>(spec.input_stride * rows) * 4;
  const std::shared_ptr<Kept> kept(new Kept{ColdOperands(input_bytes, memory),
                                            Operands(layout.row_bytes * rows / 4), Operands(layout.padded),
                                            numbers_up_to(rows, rows)});
  const PrepareArguments arguments = {
      nullptr,  kept->output.bytes(), kept->norm.floats(), kept->norm.floats(), rows,
      kEpsilon, kept->numbers.data()};
  KernelWork work;
  work.bytes = row_bytes(rows, spec.inputs) + static_cast<double>(rows * layout.row_bytes);
  return call_of(rows, work, kept, arguments, [](Kept& of, PrepareArguments& to, std::size_t pass) {
    to.input = reinterpret_cast<const float*>(of.input[pass]);
  });
}

KernelCall call(const EmbedSpec& spec, std::int64_t rows, ColdMemory& memory) {
  const PackedShape shape = packed_shape(spec.weights, spec.width, spec.vocabulary);
  struct Kept {
    ColdOperands table;
    Operands output;
    std::vector<std::int32_t> tokens;
  };
  const std::shared_ptr<Kept> kept(new Kept{ColdOperands(shape.total_bytes, memory),
                                            Operands(spec.output_stride * rows),
                                            numbers_up_to(rows, spec.vocabulary)});
  const EmbedArguments arguments = {nullptr, kept->tokens.data(), kept->output.floats(), rows, 1};
  KernelWork work;  // of the columns alone, though blocks pass by
  work.bytes = static_cast<double>(rows) * static_cast<double>(shape.block_bytes) / kBlockColumns +
               row_bytes(rows, spec.width);
  return call_of(rows, work, kept, arguments,
                 [](Kept& of, EmbedArguments& to, std::size_t pass) { to.weights = of.table[pass]; });
}

KernelCall call(const AttentionSpec& spec, std::int64_t rows, ColdMemory& memory) {
  if (rows > attention_rows_per_call(spec))
    fail("{} rows: a call of this kernel takes {} at most: use --rows {}", rows,
         attention_rows_per_call(spec), attention_rows_per_call(spec));
  HeadLayout one = spec.heads;  // the call's KV head alone
  one.kv_heads = 1;
  const std::int64_t heads = attention_heads_per_call(spec);
  struct Kept {
    Cache cache;
    Operands query, output, scratch, rules;
    KeySpan span;
  };
  const std::shared_ptr<Kept> kept(
      new Kept{Cache(one, kDepth, memory),
               Operands(heads * one.query_head_columns() * rows),
               Operands(heads * one.value_width() * rows),
               Operands(static_cast<std::int64_t>(attention_scratch_bytes(spec)) / 4 + 16),
               Operands(heads + rows),
               {0, kDepth, 0}});
  AttentionArguments arguments;
  arguments.query = kept->query.floats();
  arguments.output = kept->output.floats();
  arguments.spans = &kept->span;
  arguments.span_count = 1;
  arguments.scratch = kept->scratch.bytes();
  arguments.query_stride = heads * one.query_head_columns();
  arguments.output_stride = heads * one.value_width();
  arguments.position = kDepth - rows;
  arguments.rows = rows;
  arguments.heads = heads;
  arguments.cap = 1;
  arguments.slopes = arguments.sinks = arguments.factors = kept->rules.floats();
  arguments.end_slot = kDepth;
  const double seen = static_cast<double>(spec.window > 0 ? std::min(spec.window, kDepth) : kDepth);
  KernelWork work;
  work.bytes = static_cast<double>(one.kv_block_bytes()) * seen / kKvBlock;
  const AttentionProducts products = attention_products(spec);
  work.macs = products.macs * static_cast<double>(heads * rows) * seen;
  work.multiplied = products.type;
  return call_of(rows, work, kept, arguments, [](Kept& of, AttentionArguments& to, std::size_t pass) {
    to.blocks = of.cache.blocks(pass);
  });
}

// Kinds that store heads: rows of blocks of 32 columns become query rows and cache.
template <typename Arguments, typename Spec>
KernelCall store_call(const Spec& spec, std::int64_t input_blocks, std::int64_t blocks, std::int64_t rows) {
  struct Kept {
    Operands input, output, norm;
    StoredRows stored;
  };
  const std::shared_ptr<Kept> kept(new Kept{Operands(spec.input_stride * rows),
                                            Operands(spec.output_stride * rows), Operands(input_blocks * 32),
                                            StoredRows(spec.heads, rows)});
  Arguments arguments;
  fill_rows(arguments, *kept, rows);
  arguments.input = kept->input.floats();
  arguments.last_block = blocks;
  arguments.kv = kept->stored.arguments();
  if constexpr (requires { arguments.limit; }) arguments.limit = 1;
  KernelWork work;
  work.bytes = row_bytes(rows, input_blocks * 32 + spec.heads.query_blocks() * 32) +
               static_cast<double>(rows * spec.heads.layer_block_bytes()) / kKvBlock;
  return call_of(rows, work, kept, arguments, [](Kept&, Arguments&, std::size_t) {});
}

KernelCall call(const HeadsSpec& spec, std::int64_t rows, ColdMemory&) {
  return store_call<HeadsArguments>(spec, spec.heads.blocks(), spec.heads.blocks(), rows);
}

KernelCall call(const LatentSpec& spec, std::int64_t rows, ColdMemory&) {
  return store_call<LatentArguments>(spec, spec.first_value_block(), spec.blocks(), rows);
}

KernelCall call(const RowwiseSpec& spec, std::int64_t rows, ColdMemory& memory) {
  struct Kept {
    ColdOperands input;
    Operands other, output, norm;
  };
  const auto input_bytes = static_cast<std::size_t>(spec.input_stride * rows) * 4;
  const std::shared_ptr<Kept> kept(new Kept{ColdOperands(input_bytes, memory),
                                            Operands(spec.other_stride * rows),
                                            Operands(spec.output_stride * rows), Operands(spec.width + 32)});
  RowwiseArguments arguments;
  fill_rows(arguments, *kept, rows);
  arguments.other = kept->other.floats();
  arguments.constant = 1;
  const bool two = spec.operation == RowOperation::add || spec.operation == RowOperation::multiply;
  KernelWork work;
  work.bytes = row_bytes(rows, spec.width * (two ? 3 : 2));
  return call_of(rows, work, kept, arguments, [](Kept& of, RowwiseArguments& to, std::size_t pass) {
    to.input = reinterpret_cast<const float*>(of.input[pass]);
  });
}

KernelCall call(const RouteSpec& spec, std::int64_t rows, ColdMemory&) {
  struct Kept {
    Operands logits, routes;
  };
  const std::shared_ptr<Kept> kept(
      new Kept{Operands(spec.input_stride * rows), Operands(spec.output_stride * rows)});
  const RouteArguments arguments = {kept->logits.floats(), kept->routes.floats(), rows, 1};
  KernelWork work;
  work.bytes = row_bytes(rows, spec.experts + 2 * spec.used);
  return call_of(rows, work, kept, arguments, [](Kept&, RouteArguments&, std::size_t) {});
}

std::int64_t usual_rows(const KernelSpec& spec) {
  const auto* gemm = std::get_if<GemmSpec>(&spec);
  const bool decodes =
      std::holds_alternative<AttentionSpec>(spec) || (gemm != nullptr && gemm->regime == GemmRegime::stream);
  return decodes ? 1 : kManyRows;
}

}  // namespace

KernelCall make_kernel_call(const KernelSpec& spec, std::int64_t rows, ColdMemory& memory) {
  const auto* gemm = std::get_if<GemmSpec>(&spec);
  if (gemm != nullptr && gemm->regime == GemmRegime::stream && rows > 1)
    fail("{} rows: stream kernels take one: use --rows 1, or a kernel of m.tiles", rows);
  return std::visit([&](const auto& s) { return call(s, rows > 0 ? rows : usual_rows(spec), memory); }, spec);
}

}  // namespace burin::runtime
