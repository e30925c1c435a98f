// Layouts of quantised Hugging Face checkpoints, one made-up layer each: what packing makes of it is the weight that
// the layout's definition gives, to the last bit.
#include "tests/files/quantised_fixture.hpp"

namespace burin::tests {
namespace {

using kernels::StoredType;
using nlohmann::json;
using runtime::ModelFile;

json gptq(int bits, std::int64_t group, const char* format = "gptq") {
  return {{"quant_method", "gptq"}, {"bits", bits}, {"group_size", group}, {"checkpoint_format", format}};
}

TEST_F(Quantised, GptqOfAllBits) {
  for (const int bits : {2, 3, 4, 8})
    for (const GptqZeros zeros : {GptqZeros::as_they_are, GptqZeros::minus_one}) {
      file_ = {};
      IntegerLayer layer = random_layer(bits, 32, 96, 32, 1);
      layer.zeros[5] = 0;  // borrows, or wraps
      write_gptq(file_, kLayer, layer, zeros);
      SCOPED_TRACE(bits);
      expect_weights(gptq(bits, 32, zeros == GptqZeros::minus_one ? "gptq" : "gptq_v2"), layer,
                     fmt::format("int{}a.g32.f32", bits).c_str());
    }
}

TEST_F(Quantised, GptqSymmetricKeepsItsScales) {
  IntegerLayer layer = random_layer(4, 64, 128, 64, 2);
  layer.make_symmetric();
  write_gptq(file_, kLayer, layer, GptqZeros::minus_one);
  expect_weights(gptq(4, 64), layer, "int4s.g64.f16");
  file_ = {};
  write_gptq(file_, kLayer, layer, GptqZeros::minus_one, StoredType::bf16);
  expect_weights(gptq(4, 64), layer, "int4s.g64.bf16");
}

TEST_F(Quantised, GptqSettingsInAFileOfTheirOwn) {
  const IntegerLayer layer = random_layer(4, 32, 64, 32, 2);
  write_gptq(file_, kLayer, layer, GptqZeros::minus_one);
  folder_.write("config.json", json({{"architectures", {"LlamaForCausalLM"}}}).dump());
  folder_.write("model.safetensors", file_.bytes());
  folder_.write("quantize_config.json", json({{"bits", 4}, {"group_size", 32}, {"desc_act", false}}).dump());
  EXPECT_EQ(packed_weights(*ModelFile::open(folder_.path()), kLayer + ".weight"), layer.weights());
}

// A group for all inputs is one for kernels, too.
TEST_F(Quantised, GptqOfOneGroup) {
  IntegerLayer layer = random_layer(8, 32, 2112, 2112, 3);
  layer.make_symmetric();
  write_gptq(file_, kLayer, layer, GptqZeros::minus_one, StoredType::f16, false);
  expect_weights(gptq(8, -1), layer, "int8s.row.f16");
  file_ = {};
  layer = random_layer(4, 32, 72, 72, 3);
  write_gptq(file_, kLayer, layer, GptqZeros::minus_one, StoredType::f16, false);
  expect_weights(gptq(4, 128), layer, "int4a.row.f32");
}

TEST_F(Quantised, GptqGroupsOf16) {
  for (const int bits : {2, 3, 4, 8}) {
    file_ = {};
    const IntegerLayer layer = random_layer(bits, 32, 96, 16, 10);
    write_gptq(file_, kLayer, layer, GptqZeros::minus_one);
    expect_weights(gptq(bits, 16), layer, fmt::format("int{}a.g16.f32", bits).c_str());
  }
}

TEST_F(Quantised, GptqInputsSortedByGroup) {
  for (const int bits : {2, 3, 4, 8}) {
    file_ = {};
    IntegerLayer layer = random_layer(bits, 32, 160, 64, 4);  // the last group has 32 inputs
    layer.shuffle_groups(5);
    write_gptq(file_, kLayer, layer, GptqZeros::minus_one);
    expect_weights(gptq(bits, 64), layer, fmt::format("int{}a.g64.f32", bits).c_str());
  }
}

TEST_F(Quantised, GptqSettingsOfSingleLayers) {
  const IntegerLayer layer = random_layer(8, 32, 128, 64, 6);
  write_gptq(file_, kLayer, layer, GptqZeros::minus_one);
  json settings = gptq(4, 32);
  settings["dynamic"] = {{"+:.*\\.up_proj", {{"bits", 8}, {"group_size", 64}}},
                         {"-:lm_head", json::object()}};
  expect_weights(settings, layer, "int8a.g64.f32");
  settings["dynamic"]["model"] = {{"bits", 4}};
  EXPECT_THAT(refusal(settings), says(folder_.path(), {"dynamic", "two patterns", kLayer}));
  settings["dynamic"] = {{"+:(", {{"bits", 8}}}};
  EXPECT_THAT(refusal(settings), says(folder_.path(), {"dynamic", "pattern '('"}));
  settings["dynamic"] = {{"(a*)*(m*o*d*e*l*.*)*x$", {{"bits", 8}}}};
  refusal(settings);  // in a while
}

TEST_F(Quantised, AwqGemm) {
  IntegerLayer layer = random_layer(4, 64, 128, 64, 7);
  write_awq(file_, kLayer, layer);
  const json settings = {{"quant_method", "awq"}, {"bits", 4}, {"group_size", 64}, {"version", "GEMM"}};
  expect_weights(settings, layer, "int4a.g64.f32");
  json other = settings;
  other["version"] = "gemv";
  EXPECT_THAT(refusal(other), says(folder_.path(), {"version", "gemv", "gemm is"}));
  other["version"] = "gemm";
  other["bits"] = 8;
  EXPECT_THAT(refusal(other), says(folder_.path(), {"bits is 8"}));
}

// Some tools store zero points although there are none, others leave them out.
TEST_F(Quantised, AwqWithoutZeroPoints) {
  const json settings = {{"quant_method", "awq"}, {"w_bit", 4}, {"q_group_size", 32}, {"zero_point", false}};
  IntegerLayer layer = random_layer(4, 32, 64, 32, 8);
  layer.make_symmetric();
  for (const bool stored : {true, false}) {
    file_ = {};
    write_awq(file_, kLayer, layer, stored);
    expect_weights(settings, layer, "int4s.g32.f16");
  }
}

TEST_F(Quantised, AutoRoundPackings) {
  const IntegerLayer layer = random_layer(4, 32, 64, 32, 9);
  json settings = {{"quant_method", "auto-round"}, {"bits", 2}, {"group_size", 128}};
  settings["extra_config"] = {{kLayer, {{"bits", 4}, {"group_size", 32}}}};
  settings["packing_format"] = "auto_round";
  write_gptq(file_, kLayer, layer, GptqZeros::as_they_are, StoredType::f16, false);
  expect_weights(settings, layer, "int4a.g32.f32");
  file_ = {};
  settings["packing_format"] = "auto_round:auto_gptq";
  settings["extra_config"] = {{".*mlp.*", {{"bits", 4}, {"group_size", 32}}}};
  write_gptq(file_, kLayer, layer, GptqZeros::minus_one, StoredType::f16, false);
  expect_weights(settings, layer, "int4a.g32.f32");
  file_ = {};
  settings["packing_format"] = "auto_round:auto_awq";
  write_awq(file_, kLayer, layer);
  expect_weights(settings, layer, "int4a.g32.f32");
  settings["packing_format"] = "auto_round:llm_compressor";
  EXPECT_THAT(refusal(settings), says(folder_.path(), {"packing_format", "llm_compressor", "auto_round"}));
  settings.erase("packing_format");
  EXPECT_THAT(refusal(settings), says(folder_.path(), {"packing_format is missing"}));
}

TEST_F(Quantised, CompressedTensors) {
  for (const int bits : {3, 4, 8}) {
    file_ = {};
    const IntegerLayer layer = random_layer(bits, 48, 128, 64, 10);
    write_compressed(file_, kLayer, layer, false);
    expect_weights(compressed("pack-quantized", integer_weights(bits, false, 64)), layer,
                   fmt::format("int{}a.g64.f32", bits).c_str());
  }
  file_ = {};
  IntegerLayer channels = random_layer(8, 32, 96, 96, 11);
  channels.make_symmetric();
  write_compressed(file_, kLayer, channels, true);
  expect_weights(compressed("pack-quantized", integer_weights(8, true, 0)), channels, "int8s.row.bf16");
}

TEST_F(Quantised, CompressedTensorsOfTenNumbersAWord) {
  const IntegerLayer layer = random_layer(3, 40, 96, 32, 12);
  write_compressed(file_, kLayer, layer, false, 10);
  expect_weights(compressed("pack-quantized", integer_weights(3, false, 32)), layer, "int3a.g32.f32");
}

TEST_F(Quantised, CompressedTensorsSortedByGroup) {
  IntegerLayer layer = random_layer(4, 32, 128, 32, 13);
  layer.make_symmetric();
  layer.shuffle_groups(14);
  write_compressed(file_, kLayer, layer, true, 0, true);
  expect_weights(compressed("pack-quantized", integer_weights(4, true, 32)), layer, "int4s.g32.bf16");
}

// Names go before what is said of all "Linear".
TEST_F(Quantised, CompressedTensorsTargets) {
  const IntegerLayer layer = random_layer(4, 32, 64, 32, 15);
  write_compressed(file_, kLayer, layer, false);
  json settings = compressed("pack-quantized", integer_weights(8, true, 64));
  settings["config_groups"]["group_1"] = {{"targets", {"re:.*up_proj"}},
                                          {"weights", integer_weights(4, false, 32)}};
  expect_weights(settings, layer, "int4a.g32.f32");
  settings["config_groups"].erase("group_1");
  settings["config_groups"]["group_0"]["targets"] = {"lm_head"};
  EXPECT_THAT(refusal(settings), says(folder_.path(), {"no group has " + kLayer}));
}

TEST_F(Quantised, CompressedTensorsOfPlainBytes) {
  IntegerLayer layer = random_layer(8, 32, 96, 96, 16);
  layer.make_symmetric();
  std::string codes;
  for (const unsigned code : layer.codes)
    append_value(codes, static_cast<std::int8_t>(static_cast<int>(code) - 128));
  file_.add(kLayer + ".weight", "I8", {32, 96}, codes);
  file_.add_floats(kLayer + ".weight_scale", StoredType::f32, {32, 1}, layer.scales);
  expect_weights(compressed("int-quantized", integer_weights(8, true, 0)), layer, "int8s.row.f32");
  EXPECT_THAT(refusal(compressed("marlin-24", integer_weights(8, true, 0))),
              says(folder_.path(), {"marlin-24", "pack-quantized"}));
}

// --- floats

// value of an E4M3 or E5M2 code, by their definition
float float8(unsigned code, int mantissa_bits, int bias) {
  const auto exponent = static_cast<int>((code & 0x7f) >> mantissa_bits);
  const auto mantissa = static_cast<double>(code & ((1u << mantissa_bits) - 1)) / (1 << mantissa_bits);
  const double size =
      exponent == 0 ? std::ldexp(mantissa, 1 - bias) : std::ldexp(1 + mantissa, exponent - bias);
  return static_cast<float>(code & 0x80 ? -size : size);
}

struct Float8Layer {
  std::int64_t outputs = 48;
  std::int64_t inputs = 40;
  std::string codes;
  std::vector<float> values;

  Float8Layer(int mantissa_bits, int bias, std::int64_t input_count = 40) : inputs(input_count) {
    for (std::int64_t i = 0; i < outputs * inputs; ++i) {
      auto code = static_cast<unsigned>(i * 7 % 256);
      if ((code & 0x7f) >= (mantissa_bits == 3 ? 0x7fu : 0x7cu)) code = 0;  // no numbers
      codes += static_cast<char>(code);
      values.push_back(float8(code, mantissa_bits, bias));
    }
  }
  template <typename Scale>
  std::vector<float> scaled(const Scale& scale) const {
    std::vector<float> all = values;
    for (std::int64_t i = 0; i < outputs * inputs; ++i)
      all[static_cast<std::size_t>(i)] *= scale(i / inputs, i % inputs);
    return all;
  }
};

// Held as the file has it: what packing makes of it are the file's products, whatever scales its numbers have.
class QuantisedFloat8 : public Quantised {
 protected:
  static std::string format_in(const ModelFile& file) {
    return to_text(*file.description().tensors.at(0).coded);
  }
  template <typename Scale>
  void expect(const json& settings, const char* format, const Float8Layer& layer, const Scale& scale) {
    const std::unique_ptr<ModelFile> file = open(settings);
    EXPECT_EQ(format_in(*file), format);
    EXPECT_EQ(packed_weights(*file, kLayer + ".weight"), layer.scaled(scale));
  }
  void add_weight(const Float8Layer& layer, const char* type = "F8_E4M3") {
    file_ = {};
    file_.add(kLayer + ".weight", type, {48, layer.inputs}, layer.codes);
  }
};

TEST_F(QuantisedFloat8, WithEveryKindOfScale) {
  const Float8Layer layer(3, 7);
  const json settings = {{"quant_method", "fp8"}, {"weight_block_size", {32, 16}}};
  add_weight(layer);
  file_.add_floats(kLayer + ".weight_scale_inv", StoredType::f32, {2, 3}, {1, 2, 3, 4, 5, 6});
  expect(settings, "e4m3.g16.f32", layer, [](std::int64_t output, std::int64_t input) {
    return static_cast<float>(1 + output / 32 * 3 + input / 16);
  });
  add_weight(layer);
  file_.add_floats(kLayer + ".weight_scale", StoredType::bf16, {}, {0.75f});
  expect(settings, "e4m3.row.bf16", layer, [](std::int64_t, std::int64_t) { return 0.75f; });
  std::vector<float> scales(48);
  std::iota(scales.begin(), scales.end(), 1.0f);
  for (const std::vector<std::int64_t>& shape : {std::vector<std::int64_t>{48}, {48, 1}}) {
    add_weight(layer);
    file_.add_floats(kLayer + ".weight_scale", StoredType::f32, shape, scales);
    expect({{"quant_method", "fbgemm_fp8"}}, "e4m3.row.f32", layer,
           [](std::int64_t output, std::int64_t) { return static_cast<float>(output + 1); });
  }
}

// As DeepSeek-V3 has them; the last block of inputs is a part of one.
TEST_F(QuantisedFloat8, BlocksOf128) {
  const Float8Layer layer(3, 7, 320);
  add_weight(layer);
  file_.add_floats(kLayer + ".weight_scale_inv", StoredType::f32, {1, 3}, {0.3f, 0.7f, 1.1f});
  expect({{"quant_method", "fp8"}, {"weight_block_size", {128, 128}}}, "e4m3.g128.f32", layer,
         [](std::int64_t, std::int64_t input) { return input < 128   ? 0.3f
                                                       : input < 256 ? 0.7f
                                                                     : 1.1f; });
}

TEST_F(QuantisedFloat8, ScalesThatCannotBeUsedAreRefused) {
  const Float8Layer layer(3, 7);
  const std::string scale = kLayer + ".weight_scale";
  const json settings = {{"quant_method", "fp8"}, {"weight_block_size", {32, 16}}};
  add_weight(layer);
  file_.add_floats(scale, StoredType::f32, {3, 3}, std::vector<float>(9, 1.0f));
  EXPECT_THAT(refusal(settings), says(folder_.path(), {scale, "[3, 3]", "[2, 3]"}));
  add_weight(layer);
  file_.add_floats(scale, StoredType::f32, {2, 4}, std::vector<float>(8, 1.0f));
  EXPECT_THAT(refusal({{"quant_method", "fp8"}, {"weight_block_size", {32, 12}}}),
              says(folder_.path(), {kLayer, "groups of 12", "multiple of 16"}));
  for (const float number : {std::numeric_limits<float>::infinity(), 1e37f}) {
    add_weight(layer);
    file_.add_floats(scale, StoredType::f32, {1}, {number});
    EXPECT_THAT(refusal(settings), testing::AllOf(testing::HasSubstr(scale + ": scale of output 0"),
                                                  testing::HasSubstr("must be finite")));
  }
}

TEST_F(QuantisedFloat8, OfFiveExponentBits) {
  const Float8Layer layer(2, 15);
  add_weight(layer, "F8_E5M2");
  file_.add_floats(kLayer + ".weight_scale", StoredType::f32, {1}, {1.0f});
  expect({{"quant_method", "fp8"}}, "e5m2.row.f32", layer, [](std::int64_t, std::int64_t) { return 1.0f; });
}

TEST_F(QuantisedFloat8, CodesThatAreNoNumbersAreRefused) {
  const struct {
    const char* type;
    int mantissa_bits, bias;
    char code;
    const char* value;
  } cases[] = {
      {"F8_E5M2", 2, 15, 0x7c, "inf"}, {"F8_E5M2", 2, 15, 0x7d, "nan"}, {"F8_E4M3", 3, 7, 0x7f, "nan"}};
  for (const auto& [type, mantissa_bits, bias, code, value] : cases) {
    Float8Layer layer(mantissa_bits, bias);
    layer.codes[41] = code;
    add_weight(layer, type);
    file_.add_floats(kLayer + ".weight_scale", StoredType::f32, {1}, {1.0f});
    EXPECT_THAT(refusal({{"quant_method", "fp8"}}),
                testing::HasSubstr(fmt::format("tensor {}.weight: output 1, input 1 is {}", kLayer, value)));
  }
}

// Quantising to another format goes by the numbers, of any part of a row.
TEST_F(QuantisedFloat8, PartsOfRowsAsFloats) {
  const Float8Layer layer(3, 7, 320);
  add_weight(layer);
  file_.add_floats(kLayer + ".weight_scale", StoredType::f32, {}, {0.7f});
  const std::unique_ptr<ModelFile> file = open({{"quant_method", "fp8"}});
  const std::vector<float> all = layer.scaled([](std::int64_t, std::int64_t) { return 0.7f; });
  for (const std::int64_t first : {0, 64, 288}) {
    std::vector<float> values(32);
    file->coded_matrix(0, 0).read_values(3, first, values);
    const auto at = all.begin() + 3 * 320 + first;
    EXPECT_EQ(values, std::vector<float>(at, at + 32));
  }
}

TEST_F(Quantised, CompressedTensorsOfFloats) {
  const Float8Layer layer(3, 7);
  file_.add(kLayer + ".weight", "F8_E4M3", {48, 40}, layer.codes);
  file_.add_floats(kLayer + ".weight_scale", StoredType::bf16, {48, 1}, std::vector<float>(48, 0.5f));
  const json settings =
      compressed("float-quantized", {{"num_bits", 8}, {"type", "float"}, {"strategy", "channel"}});
  EXPECT_EQ(packed_weights(*open(settings), kLayer + ".weight"),
            layer.scaled([](std::int64_t, std::int64_t) { return 0.5f; }));
  EXPECT_THAT(refusal(compressed("float-quantized", {{"num_bits", 6}, {"type", "float"}})),
              says(folder_.path(), {"num_bits is 6", "4 and 8 are"}));
}

// --- tables

struct FourBitLayer {
  std::int64_t outputs = 32;
  std::int64_t inputs = 96;
  std::int64_t block = 64;  // runs on from row to row
  std::string type = "fp4";
  kernels::TableName table = kernels::TableName::fp4;
  std::vector<float> scales;  // of blocks

  std::int64_t count() const { return outputs * inputs; }
  static unsigned code(std::int64_t at) { return static_cast<unsigned>(at * 11 % 16); }
  std::vector<float> weights() const {
    std::vector<float> all;
    for (std::int64_t i = 0; i < count(); ++i)
      all.push_back(kernels::value_table(table).values[code(i)] *
                    scales[static_cast<std::size_t>(i / block)]);
    return all;
  }
  json state() const { return {{"quant_type", type}, {"blocksize", block}, {"shape", {outputs, inputs}}}; }
  void write(SafetensorsWriter& file, const json& state) const {
    const std::string name = kLayer + ".weight";
    std::string codes;
    for (std::int64_t i = 0; i < count(); i += 2) codes += static_cast<char>(code(i) << 4 | code(i + 1));
    file.add(name, "U8", {count() / 2, 1}, codes);
    const auto& values = kernels::value_table(table).values;
    file.add_floats(name + ".quant_map", StoredType::f32, {16}, {values.begin(), values.end()});
    const std::string text = state.dump();
    file.add(name + ".quant_state.bitsandbytes__" + type, "U8", {static_cast<std::int64_t>(text.size())},
             text);
  }
};

const json kBitsandbytes = {{"quant_method", "bitsandbytes"}, {"load_in_4bit", true}};

TEST_F(Quantised, BitsandbytesFp4) {
  FourBitLayer layer;
  for (std::int64_t i = 0; i < layer.count() / layer.block; ++i)
    layer.scales.push_back(0.5f + static_cast<float>(i));
  layer.write(file_, layer.state());
  file_.add_floats(kLayer + ".weight.absmax", StoredType::f32, {48}, layer.scales);
  const std::unique_ptr<ModelFile> file = open(kBitsandbytes);
  EXPECT_EQ(to_text(*file->description().tensors[0].coded), "fp4.g32.f32");
  EXPECT_EQ(packed_weights(*file, kLayer + ".weight"), layer.weights());
}

TEST_F(Quantised, BitsandbytesDoubleQuantised) {
  FourBitLayer layer;
  layer.type = "nf4";
  layer.table = kernels::TableName::nf4;
  json state = layer.state();
  state["nested_blocksize"] = 32;
  state["nested_offset"] = 0.25;
  std::vector<float> map(256);
  std::iota(map.begin(), map.end(), 0.0f);
  std::string absmax;
  for (std::int64_t i = 0; i < 48; ++i) {
    absmax += static_cast<char>(i * 5);
    layer.scales.push_back(static_cast<float>(i * 5) * (i < 32 ? 0.5f : 0.125f) + 0.25f);
  }
  layer.write(file_, state);
  file_.add(kLayer + ".weight.absmax", "U8", {48}, absmax);
  file_.add_floats(kLayer + ".weight.nested_absmax", StoredType::f32, {2}, {0.5f, 0.125f});
  file_.add_floats(kLayer + ".weight.nested_quant_map", StoredType::f32, {256}, map);
  EXPECT_EQ(packed_weights(*open(kBitsandbytes), kLayer + ".weight"), layer.weights());
}

TEST_F(Quantised, Mxfp4OfSeveralExperts) {
  std::string blocks;
  std::string scales;
  std::vector<float> weights;
  const auto& values = kernels::value_table(kernels::TableName::e2m1).values;
  for (unsigned block = 0; block < 2 * 32 * 3; ++block) {
    scales += static_cast<char>(100 + block % 50);
    for (unsigned i = 0; i < 16; ++i) {
      blocks += static_cast<char>((block * 3 + i) % 256);
      for (const unsigned code : {(block * 3 + i) % 16, (block * 3 + i) % 256 / 16})
        weights.push_back(std::ldexp(values[code], static_cast<int>(100 + block % 50) - 127));
    }
  }
  file_.add("experts.down_proj_blocks", "U8", {2, 32, 3, 16}, blocks);
  const SafetensorsWriter without_scales = file_;
  file_.add("experts.down_proj_scales", "U8", {2, 32, 3}, scales);
  const json settings = {{"quant_method", "mxfp4"}};
  const std::unique_ptr<ModelFile> file = open(settings);
  EXPECT_EQ(file->description().tensors[0].shape, (std::vector<std::int64_t>{2, 32, 96}));
  for (std::int64_t slice = 0; slice < 2; ++slice)
    EXPECT_EQ(packed_weights(*file, "experts.down_proj", slice),
              std::vector<float>(weights.begin() + slice * 32 * 96, weights.begin() + (slice + 1) * 32 * 96));
  file_ = without_scales;
  EXPECT_THAT(refusal(settings), says(folder_.path(), {"experts.down_proj_scales is missing"}));
  scales[3] = static_cast<char>(255);
  file_.add("experts.down_proj_scales", "U8", {2, 32, 3}, scales);
  EXPECT_THAT(refusal(settings), testing::HasSubstr("scale is 255"));
}

}  // namespace
}  // namespace burin::tests
