#include "jit/gdb_interface.hpp"

#include <cstring>
#include <mutex>
#include <utility>

#include "jit/elf_writer.hpp"
#include "jit/unwind.hpp"

namespace burin::jit {

// Weak and visible, since a host with a compiler of its own (LLVM, say) has the same ones, and there is to be one list.
extern "C" {

__attribute__((weak, visibility("default")))
DebuggerList __jit_debug_descriptor = {1, DebuggerAction::none, nullptr, nullptr};

// The debugger's breakpoint.
void __jit_debug_register_code();
__attribute__((weak, visibility("default"), noinline)) void __jit_debug_register_code() {
  __asm__ volatile("");
}

}  // extern "C"

namespace {

std::mutex list_mutex;  // guards the descriptor

class Registration {
 public:
  explicit Registration(std::vector<std::uint8_t> object) : object_(std::move(object)) {
    entry_.object = object_.data();
    entry_.object_bytes = object_.size();
    const std::scoped_lock lock(list_mutex);
    entry_.next = __jit_debug_descriptor.first;
    if (entry_.next != nullptr) entry_.next->previous = &entry_;
    __jit_debug_descriptor.first = &entry_;
    tell(DebuggerAction::entry_added);
  }
  ~Registration() {
    const std::scoped_lock lock(list_mutex);
    if (entry_.next != nullptr) entry_.next->previous = entry_.previous;
    (entry_.previous != nullptr ? entry_.previous->next : __jit_debug_descriptor.first) = entry_.next;
    tell(DebuggerAction::entry_removed);
  }
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;

 private:
  void tell(DebuggerAction action) {
    __jit_debug_descriptor.action = action;
    __jit_debug_descriptor.changed = &entry_;
    __jit_debug_register_code();
    __jit_debug_descriptor.action = DebuggerAction::none;
    __jit_debug_descriptor.changed = nullptr;
  }

  std::vector<std::uint8_t> object_;
  DebuggerEntry entry_ = {};
};

class GdbInterface final : public CodeTool {
 public:
  std::shared_ptr<const void> show(const CodeImage& image, const void* entry) override {
    return std::make_shared<const Registration>(debugger_object(image, entry));
  }
};

}  // namespace

std::vector<std::uint8_t> debugger_object(const CodeImage& image, const void* entry) {
  const auto address = reinterpret_cast<std::uint64_t>(entry);
  const UnwoundCode unwound = {image.code_size, image.unwind};
  EhFrame frame = eh_frame({&unwound, 1}, CodeAddresses::absolute);
  std::memcpy(frame.bytes.data() + frame.places[0], &address, sizeof address);
  ElfSection text = {".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, kCodeAlignment, image.bytes};
  text.address = address;
  ElfWriter elf({std::move(text), {".eh_frame", SHT_PROGBITS, 0, 8, std::move(frame.bytes)}});
  elf.add_symbol(image.name, STB_GLOBAL, STT_FUNC, 1, 0, image.code_size);
  return elf.file();
}

std::shared_ptr<CodeTool> make_gdb_interface() { return std::make_shared<GdbInterface>(); }

}  // namespace burin::jit
