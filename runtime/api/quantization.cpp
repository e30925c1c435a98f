// WeightOnlyQuantConfig: names as Intel Extension for Transformers spells them, and as Burin does.
#include <optional>
#include <string_view>

#include "runtime/api/failures.hpp"
#include "runtime/api/load_options.hpp"

namespace burin::api {
namespace {

using kernels::ScaleType;
using kernels::TableName;
using kernels::WeightFormat;
using kernels::WeightKind;

constexpr int kIntegerGroup = 32;
constexpr int kTableGroup = 64;  // of bitsandbytes
constexpr int kFp8Group = 128;

[[noreturn]] void refuse_value(const char* field, std::string_view value, std::string_view wanted) {
  refuse(ErrorCode::invalid_argument, "{}: '{}' is not supported: use {}", field, printable(value), wanted);
}

std::string burin_name(std::string_view type) {
  if (type == "fp32") return "f32";
  if (type == "fp16") return "f16";
  if (type == "int4_clip") return "int4";
  if (type == "fp4_e2m1_bnb") return "fp4";
  if (type == "fp8_e4m3") return "e4m3";
  if (type == "fp8_e5m2") return "e5m2";
  return std::string(type);
}

std::optional<WeightKind> float_kind(std::string_view type) {
  if (type == "f32") return WeightKind::f32;
  if (type == "f16") return WeightKind::f16;
  if (type == "bf16") return WeightKind::bf16;
  return std::nullopt;
}

std::optional<TableName> table_of(std::string_view type) {
  if (type == "nf4") return TableName::nf4;
  if (type == "fp4") return TableName::fp4;
  if (type == "iq4nl") return TableName::iq4nl;
  return std::nullopt;
}

std::optional<WeightKind> fp8_kind(std::string_view type) {
  if (type == "e4m3") return WeightKind::e4m3;
  if (type == "e5m2") return WeightKind::e5m2;
  return std::nullopt;
}

bool is_integer(std::string_view type) {
  return type.size() == 4 && type.starts_with("int") && type[3] >= '1' && type[3] <= '8';
}

ScaleType scale_type(const WeightOnlyQuantConfig& config, ScaleType by_default) {
  const std::string type = burin_name(config.scale_dtype);
  if (type == "auto") return by_default;
  if (type == "f32") return ScaleType::f32;
  if (type == "f16") return ScaleType::f16;
  if (type == "bf16") return ScaleType::bf16;
  if (type == "two-level") return ScaleType::two_level;
  refuse_value("scale_dtype", config.scale_dtype, "auto, fp32, fp16, bf16 or two-level");
}

int group_size(const WeightOnlyQuantConfig& config, int by_default, ScaleType scale) {
  const int group = config.group_size == 0 ? by_default : config.group_size;
  const bool fits = scale == ScaleType::two_level ? group == 16 || group == 32
                                                  : group == kernels::kWholeRow || group == 16 ||
                                                        (group >= 32 && group <= 1024 && group % 32 == 0);
  if (!fits)
    refuse(ErrorCode::invalid_argument,
           "group_size: {} is not supported: use 16, a multiple of 32 up to 1024, or -1 for whole rows; 16 "
           "or 32 "
           "with scale_dtype two-level",
           config.group_size);
  return group;
}

bool is_symmetric(const WeightOnlyQuantConfig& config) {
  if (config.scheme == "sym") return true;
  if (config.scheme == "asym") return false;
  refuse_value("scheme", config.scheme, "sym or asym");
}

void require_symmetric(const WeightOnlyQuantConfig& config) {
  if (!is_symmetric(config))
    refuse(ErrorCode::invalid_argument, "scheme: asym is not supported with weight_dtype {}: use sym",
           config.weight_dtype);
}

void require_no_groups(const WeightOnlyQuantConfig& config, std::string_view own) {
  if (config.group_size != 0 || config.scale_dtype != "auto")
    refuse(ErrorCode::invalid_argument, "weight_dtype: {} {}: leave group_size 0 and scale_dtype auto",
           config.weight_dtype, own);
}

void refuse_two_level(const WeightOnlyQuantConfig& config, ScaleType scale) {
  if (scale == ScaleType::two_level)
    refuse(ErrorCode::invalid_argument,
           "scale_dtype: two-level is not supported with weight_dtype {}: use fp32, fp16 or bf16",
           config.weight_dtype);
}

WeightFormat table_format(const WeightOnlyQuantConfig& config, TableName table) {
  const bool of_bitsandbytes = table != TableName::iq4nl;
  const ScaleType scale = scale_type(config, of_bitsandbytes ? ScaleType::f32 : ScaleType::f16);
  if (of_bitsandbytes) refuse_two_level(config, scale);
  return WeightFormat::table_format(
      table, group_size(config, of_bitsandbytes ? kTableGroup : kIntegerGroup, scale), scale);
}

WeightFormat fp8_format(const WeightOnlyQuantConfig& config, WeightKind kind) {
  const ScaleType scale = scale_type(config, ScaleType::f32);
  refuse_two_level(config, scale);
  return WeightFormat::fp8_format(kind, group_size(config, kFp8Group, scale), scale);
}

}  // namespace

kernels::WeightFormat weight_format(const WeightOnlyQuantConfig& config) {
  const std::string type = burin_name(config.weight_dtype);
  if (is_integer(type)) {
    const ScaleType scale = scale_type(config, ScaleType::f16);
    return WeightFormat::integer_format(type[3] - '0', is_symmetric(config),
                                        group_size(config, kIntegerGroup, scale), scale);
  }
  const std::optional<TableName> table = table_of(type);
  const std::optional<WeightKind> kind = float_kind(type);
  const std::optional<WeightKind> fp8 = fp8_kind(type);
  if (!table && !kind && !fp8 && type != "mxfp4" && type != "nvfp4")
    refuse_value("weight_dtype", config.weight_dtype,
                 "int1 to int8, nf4, fp4, mxfp4, nvfp4, iq4nl, fp8_e4m3, fp8_e5m2, fp16, bf16 or fp32");
  require_symmetric(config);
  if (table) return table_format(config, *table);
  if (fp8) return fp8_format(config, *fp8);
  require_no_groups(config, kind ? "has no groups" : "has groups and scales of its own");
  if (kind) return WeightFormat::float_format(*kind);
  return kernels::parse_weight_format(type == "nvfp4" ? "e2m1.g16.e4m3" : "e2m1.g32.e8m0");
}

graph::ComputeType compute_type(const LoadOptions& options) {
  const std::string general = burin_name(options.compute);
  const std::string of_weights =
      options.quantization ? burin_name(options.quantization->compute_dtype) : std::string("auto");
  if (general != "auto" && of_weights != "auto" && general != of_weights)
    refuse(ErrorCode::invalid_argument, "compute_dtype: {} contradicts compute {}: leave one of them auto",
           printable(of_weights), printable(general));
  return with_code(ErrorCode::invalid_argument,
                   [&] { return graph::parse_compute_type(general == "auto" ? of_weights : general); });
}

LoadOptions pretrained_options(const PretrainedOptions& options) {
  LoadOptions load = options.load;
  if (load.quantization)
    refuse(ErrorCode::invalid_argument,
           "load.quantization: from_pretrained takes quantization_config: give it there");
  if (options.load_in_4bit && options.load_in_8bit)
    refuse(ErrorCode::invalid_argument, "load_in_4bit, load_in_8bit: both are set: choose one");
  load.quantization = options.quantization_config;
  if (!options.load_in_4bit && !options.load_in_8bit) return load;
  const int bits = options.load_in_4bit ? 4 : 8;
  if (!load.quantization) {
    load.quantization.emplace();
    load.quantization->weight_dtype = bits == 4 ? "int4" : "int8";
  } else if (const int given = weight_format(*load.quantization).bits; given != bits) {
    refuse(ErrorCode::invalid_argument,
           "load_in_{}bit: contradicts weight_dtype {}, of {} bits: leave one out", bits,
           load.quantization->weight_dtype, given);
  }
  return load;
}

}  // namespace burin::api
