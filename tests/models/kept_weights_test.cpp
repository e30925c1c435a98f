// Packed weights that are kept and mapped by the next load: the same logits, never those of other files or damaged ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "runtime/packed_weights/weight_cache.hpp"
#include "runtime/session.hpp"
#include "tests/support/gguf_writer.hpp"
#include "tests/support/refusal.hpp"
#include "tests/support/safetensors_writer.hpp"
#include "tests/support/temporary_folder.hpp"

namespace burin::runtime {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const auto kGoOn = [](double) { return true; };

class KeptWeights : public testing::Test {
 protected:
  std::string model_path() const { return folder_ / "model.gguf"; }
  fs::path cache() const { return folder_ / "cache"; }
  void write_model(const tests::TinyLlama& shape = {}) const { tests::write_tiny_gguf(folder_, shape); }
  LoadOptions options() const {
    LoadOptions options;
    options.threads = 2;
    options.cache_folder = cache();
    options.kept_weights = true;
    options.least_kept_bytes = 0;
    return options;
  }
  std::shared_ptr<const Model> load() const { return Model::load(model_path(), options()); }
  // Loads, keeps the weights, and returns what the model computes.
  std::vector<float> keep() const {
    const auto model = load();
    EXPECT_FALSE(model->statistics().weights_from_disk);
    EXPECT_EQ(model->weights_to_keep(), model->statistics().weight_bytes);
    EXPECT_TRUE(model->keep_weights(kGoOn));
    return logits(model);
  }
  static std::vector<float> logits(const std::shared_ptr<const Model>& model) {
    Session session(model);
    const std::vector<TokenId> tokens = {1, 2, 3, 4, 5};
    session.evaluate(tokens);
    return {session.logits().begin(), session.logits().end()};
  }
  std::vector<fs::path> files() const {
    std::vector<fs::path> files;
    if (fs::exists(cache() / "weights"))
      for (const fs::directory_entry& entry : fs::directory_iterator(cache() / "weights"))
        files.push_back(entry.path());
    return files;
  }
  static std::string content_of(const fs::path& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  static void write_content(const fs::path& path, const std::string& content) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
  }
  void expect_packed_anew(const std::vector<float>& expected, const std::string& reason) const {
    const auto model = load();
    EXPECT_FALSE(model->statistics().weights_from_disk);
    EXPECT_THAT(model->statistics().notes, ElementsAre(AllOf(HasSubstr((cache() / "weights").string()),
                                                             HasSubstr(reason), HasSubstr("packed anew"))));
    EXPECT_EQ(logits(model), expected);
  }

  const tests::TemporaryFolder folder_;
};

TEST_F(KeptWeights, AreMappedByTheNextLoad) {
  write_model();
  const std::vector<float> expected = keep();
  const auto model = load();
  EXPECT_TRUE(model->statistics().weights_from_disk);
  EXPECT_THAT(model->statistics().notes, IsEmpty());
  EXPECT_EQ(model->weights_to_keep(), 0);
  EXPECT_FALSE(model->keep_weights(kGoOn));
  EXPECT_EQ(logits(model), expected);
}

TEST_F(KeptWeights, OfAFolder) {
  tests::write_tiny_folder(folder_, tests::TinyLlama());
  const std::string path = folder_.path().string();
  const auto first = Model::load(path, options());
  EXPECT_TRUE(first->keep_weights(kGoOn));
  const auto second = Model::load(path, options());
  EXPECT_TRUE(second->statistics().weights_from_disk);
  EXPECT_EQ(logits(second), logits(first));
}

TEST_F(KeptWeights, AreNotUsedWhereTheyAreNotWanted) {
  write_model();
  const std::vector<float> expected = keep();
  LoadOptions off = options();
  off.kept_weights = false;
  LoadOptions larger = options();
  larger.least_kept_bytes = kLeastKeptBytes;
  LoadOptions nowhere = options();
  nowhere.cache_folder = "";
  for (const LoadOptions& other : {off, larger, nowhere}) {
    const auto model = Model::load(model_path(), other);
    EXPECT_FALSE(model->statistics().weights_from_disk);
    EXPECT_EQ(model->weights_to_keep(), 0);
    EXPECT_FALSE(model->keep_weights(kGoOn));
    EXPECT_EQ(logits(model), expected);
  }
  EXPECT_EQ(files().size(), 1);
}

// The same size, and as fast as one can: times are in nanoseconds.
TEST_F(KeptWeights, OfAFileThatChangedAreNotUsed) {
  write_model();
  keep();
  std::string content = content_of(model_path());
  content.back() = static_cast<char>(content.back() ^ 1);
  write_content(model_path(), content);
  EXPECT_FALSE(load()->statistics().weights_from_disk);
  // Another file under the name, with the old one's times.
  const fs::path other = folder_.write("other.gguf", content);
  fs::last_write_time(other, fs::last_write_time(model_path()));
  keep();
  fs::rename(other, model_path());
  EXPECT_FALSE(load()->statistics().weights_from_disk);
}

TEST_F(KeptWeights, AreThoseOfTheOptions) {
  write_model();
  keep();
  LoadOptions other = options();
  other.plan.weights = kernels::parse_weight_format("int4s.g32.f16");
  const auto model = Model::load(model_path(), other);
  EXPECT_FALSE(model->statistics().weights_from_disk);
  EXPECT_TRUE(model->keep_weights(kGoOn));
  EXPECT_EQ(files().size(), 2);
  EXPECT_TRUE(load()->statistics().weights_from_disk);
  EXPECT_TRUE(Model::load(model_path(), other)->statistics().weights_from_disk);
}

// Every byte of the header, and one of everything else.
TEST_F(KeptWeights, DamagedOnesArePackedAnew) {
  write_model();
  const std::vector<float> expected = keep();
  const fs::path file = files()[0];
  const std::string sound = content_of(file);
  std::vector<std::size_t> places = {70, 300, sound.size() / 2, sound.size() - 1};
  for (std::size_t at = 0; at < 64; ++at) places.push_back(at);
  for (const std::size_t at : places) {
    SCOPED_TRACE(at);
    std::string damaged = sound;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    write_content(file, damaged);
    // Between the hashes and the weights there are zeros that nobody reads.
    if (at == sound.size() / 2 && load()->statistics().weights_from_disk) continue;
    expect_packed_anew(expected, "");
  }
  for (const std::size_t size : {std::size_t{0}, std::size_t{63}, sound.size() - 1}) {
    write_content(file, sound.substr(0, size));
    expect_packed_anew(expected, size == 0 ? "is empty" : size < 64 ? "too short" : "the file has");
  }
  write_content(file, sound + "x");
  expect_packed_anew(expected, "the file has");
  // Kept once more, they are sound again.
  EXPECT_TRUE(load()->keep_weights(kGoOn));
  EXPECT_TRUE(load()->statistics().weights_from_disk);
}

TEST_F(KeptWeights, OfAnotherModelUnderTheirNameAreNotUsed) {
  write_model();
  keep();
  const fs::path first = files()[0];
  const std::string content = content_of(first);
  fs::remove(first);
  tests::TinyLlama other;
  other.layers = 3;
  write_model(other);
  const std::vector<float> expected = keep();
  write_content(files()[0], content);
  expect_packed_anew(expected, "is of another model or build");
}

TEST_F(KeptWeights, EndedOnesLeaveNothing) {
  write_model();
  EXPECT_FALSE(load()->keep_weights([](double) { return false; }));
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(KeptWeights, FoldersThatOthersMayWriteToAreNotUsed) {
  write_model();
  const std::vector<float> expected = keep();
  fs::permissions(cache() / "weights", fs::perms::others_write, fs::perm_options::add);
  expect_packed_anew(expected, "others may write to it");
  EXPECT_THAT(tests::refusal_of([&] { static_cast<void>(load()->keep_weights(kGoOn)); }),
              HasSubstr("others may write to it"));
}

TEST_F(KeptWeights, TheLeastRecentlyUsedGo) {
  const WeightCacheOptions small = {cache(), 3 << 20};
  const std::vector<std::byte> weights(1000);
  const auto keep_as = [&](const std::string& key) {
    EXPECT_TRUE(runtime::keep_weights(small, {key, "model"}, weights, kGoOn));
  };
  const auto is_there = [&](const std::string& key) { return fs::exists(weight_file_path(cache(), key)); };
  keep_as("first\n");   // each takes a little more than 2 MiB
  keep_as("second\n");  // though it may seem to be the older one, by a clock that goes in steps
  EXPECT_FALSE(is_there("first\n"));
  EXPECT_TRUE(is_there("second\n"));
  ThreadPool pool(1);
  std::string note;
  const auto loaded = load_kept_weights(small, "second\n", weights.size(), pool, note);
  ASSERT_NE(loaded, nullptr) << note;
  EXPECT_EQ(loaded->text().model, "model");
  EXPECT_EQ(loaded->weights().size(), weights.size());
  EXPECT_EQ(load_kept_weights(small, "first\n", weights.size(), pool, note), nullptr);
  EXPECT_EQ(note, "");
}

}  // namespace
}  // namespace burin::runtime
