#include "runtime/kv/kv_block.hpp"

#include <cstring>

namespace burin::runtime {

KvBlock::KvBlock(std::size_t bytes) : shared_(new Shared(bytes)) {}

KvBlock KvBlock::copy() const {
  KvBlock block(shared_->memory.size());
  std::memcpy(block.data(), data(), shared_->memory.size());
  return block;
}

}  // namespace burin::runtime
