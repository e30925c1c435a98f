// Which CPUs this process may use, how they share cores, and how much of them its CPU quota allows.
// The functions that take `root` read <root>/proc and <root>/sys; tests hand them a made-up tree.
#pragma once

#include <filesystem>
#include <limits>
#include <string_view>
#include <vector>

namespace burin::runtime {

constexpr double kNoQuota = std::numeric_limits<double>::infinity();

// "0-3,8" -> {0, 1, 2, 3, 8}, as the kernel writes CPU lists; empty where the text is not such a list.
std::vector<int> parse_cpu_list(std::string_view text);

// One CPU of every physical core, in the order given, then the second ones (their hyperthreads), and so on.
struct CoreOrder {
  std::vector<int> cpus;
  int cores = 0;
};
CoreOrder order_by_core(const std::vector<int>& cpus, const std::filesystem::path& root = "/");

// CPUs' worth of time this process may use: the least quota of its control groups (cgroup v1 and v2) and
// all groups above them; kNoQuota where there is none.
double cpu_quota(const std::filesystem::path& root = "/");

// How many threads can run at the same time: allowed CPUs, or fewer under a quota (rounded up). At least 1.
int usable_cpu_count();

}  // namespace burin::runtime
