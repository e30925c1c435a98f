// What registers are for: the names that emitters have for them, which disassemblies show.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace burin::jit {

// "sum[2,1]": as the emitter's source calls it, with the numbers of one of several.
struct Role {
  // `what` is a literal; without, a register has no role.
  constexpr Role(const char* what = nullptr, int i = -1, int j = -1) : name(what), first(i), second(j) {}
  bool operator==(const Role&) const = default;

  const char* name;
  int first;  // -1: no number
  int second;
};
std::string to_text(const Role& role);

// General registers, vectors, masks and tiles one behind the other; widths make no difference.
enum class RegisterFile : std::uint8_t { general = 0, vector = 16, mask = 48, tile = 56 };
constexpr std::size_t register_number(RegisterFile file, int index) {
  return static_cast<std::size_t>(file) + static_cast<std::size_t>(index);
}

// Of each register, by its number.
using Roles = std::array<Role, 64>;

// From `offset` in the code on, a register has another role.
struct RoleChange {
  std::uint32_t offset;
  std::uint8_t register_number;
  Role role;
};

// Writes changes down in the order of the code.
class RoleRecorder {
 public:
  void set(std::size_t offset, std::size_t number, const Role& role);
  void set_all(std::size_t offset, const Roles& roles);

  const Roles& roles() const { return roles_; }
  const std::vector<RoleChange>& changes() const { return changes_; }

 private:
  Roles roles_;
  std::vector<RoleChange> changes_;
};

}  // namespace burin::jit
