#include "jit/register_roles.hpp"

#include <fmt/format.h>

namespace burin::jit {

std::string to_text(const Role& role) {
  if (role.name == nullptr) return {};
  if (role.first < 0) return role.name;
  if (role.second < 0) return fmt::format("{}[{}]", role.name, role.first);
  return fmt::format("{}[{},{}]", role.name, role.first, role.second);
}

void RoleRecorder::set(std::size_t offset, std::size_t number, const Role& role) {
  if (roles_[number] == role) return;
  roles_[number] = role;
  changes_.push_back({static_cast<std::uint32_t>(offset), static_cast<std::uint8_t>(number), role});
}

void RoleRecorder::set_all(std::size_t offset, const Roles& roles) {
  for (std::size_t number = 0; number < roles.size(); ++number) set(offset, number, roles[number]);
}

}  // namespace burin::jit
