#include "runtime/cpu_topology.hpp"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <sstream>
#include <string>

#include "runtime/thread_pool.hpp"

namespace burin::runtime {
namespace {

namespace fs = std::filesystem;

constexpr int kMostCpus = 1 << 16;  // bounds a damaged list such as "0-4000000000"

std::string read_text(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Takes a CPU number off the front of `text`; -1 where there is none.
int take_cpu(std::string_view& text) {
  int cpu = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cpu);
  if (error != std::errc{} || cpu < 0 || cpu >= kMostCpus) return -1;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return cpu;
}

// The lowest CPU of the physical core that `cpu` belongs to; `cpu` itself where the kernel does not tell.
int core_of(int cpu, const fs::path& root) {
  const std::string list = read_text(root / "sys/devices/system/cpu" / ("cpu" + std::to_string(cpu)) /
                                     "topology/thread_siblings_list");
  const std::vector<int> siblings = parse_cpu_list(list);
  return siblings.empty() ? cpu : *std::min_element(siblings.begin(), siblings.end());
}

bool list_contains(const std::string& comma_list, std::string_view item) {
  std::istringstream stream(comma_list);
  for (std::string entry; std::getline(stream, entry, ',');) {
    if (entry == item) return true;
  }
  return false;
}

// Where a control group hierarchy is mounted, and which group its mount point shows.
struct Mount {
  fs::path group;
  fs::path point;
};

// /proc/self/mountinfo: "31 23 0:28 GROUP POINT options [tag...] - TYPE source super-options".
std::vector<Mount> cgroup_mounts(const fs::path& root, std::string_view type, std::string_view controller) {
  std::vector<Mount> mounts;
  std::istringstream lines(read_text(root / "proc/self/mountinfo"));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    std::string id, parent, device, group, point, found_type, source, options;
    std::istringstream(line.substr(0, dash)) >> id >> parent >> device >> group >> point;
    std::istringstream(line.substr(dash + 3)) >> found_type >> source >> options;
    if (found_type != type) continue;
    if (controller.empty() || list_contains(options, controller)) mounts.push_back({group, point});
  }
  return mounts;
}

// /proc/self/cgroup: "0::/path" for v2, "4:cpu,cpuacct:/path" for v1; "" where there is no such line.
fs::path own_group(const fs::path& root, std::string_view controller) {
  std::istringstream lines(read_text(root / "proc/self/cgroup"));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool wanted = controller.empty() ? controllers.empty() : list_contains(controllers, controller);
    if (wanted) return line.substr(second + 1);
  }
  return {};
}

double quota_v2(const fs::path& folder) {
  std::istringstream text(read_text(folder / "cpu.max"));  // "max 100000" or "150000 100000", microseconds
  double quota = 0;
  double period = 0;
  return text >> quota >> period && quota > 0 && period > 0 ? quota / period : kNoQuota;
}

double quota_v1(const fs::path& folder) {
  double quota = 0;  // -1: none
  double period = 0;
  std::istringstream(read_text(folder / "cpu.cfs_quota_us")) >> quota;
  std::istringstream(read_text(folder / "cpu.cfs_period_us")) >> period;
  return quota > 0 && period > 0 ? quota / period : kNoQuota;
}

// The least quota from the process's own group up to the mount point. Inside a container the mount point
// often shows the container's group, while /proc/self/cgroup tells the path on the host: what both have
// in common is skipped, and a group that is not below the mount point is looked up at the mount point.
double least_quota(const fs::path& root, const Mount& mount, const fs::path& group,
                   double (*quota_of)(const fs::path&)) {
  const fs::path below = group.lexically_relative(mount.group);
  const bool inside = !below.empty() && *below.begin() != "..";
  fs::path folder = root / mount.point.relative_path();
  double least = quota_of(folder);
  if (!inside) return least;
  for (const fs::path& part : below) {
    folder /= part;
    least = std::min(least, quota_of(folder));
  }
  return least;
}

double quota_of_hierarchy(const fs::path& root, std::string_view type, std::string_view controller,
                          double (*quota_of)(const fs::path&)) {
  const fs::path group = own_group(root, controller);
  double least = kNoQuota;
  if (group.empty()) return least;
  for (const Mount& mount : cgroup_mounts(root, type, controller)) {
    least = std::min(least, least_quota(root, mount, group, quota_of));
  }
  return least;
}

int within_quota(int threads) {
  const double quota = std::ceil(cpu_quota());
  return std::max(1, quota < threads ? static_cast<int>(quota) : threads);
}

}  // namespace

std::vector<int> parse_cpu_list(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  std::vector<int> cpus;
  while (!text.empty()) {
    const int first = take_cpu(text);
    int last = first;
    if (!text.empty() && text.front() == '-') {
      text.remove_prefix(1);
      last = take_cpu(text);
    }
    if (first < 0 || last < first) return {};
    for (int cpu = first; cpu <= last; ++cpu) cpus.push_back(cpu);
    if (text.empty()) break;
    if (text.front() != ',' || text.size() == 1) return {};
    text.remove_prefix(1);
  }
  return cpus;
}

CoreOrder order_by_core(const std::vector<int>& cpus, const fs::path& root) {
  struct Place {
    int round;  // how many CPUs of the same core come before it
    int cpu;
  };
  std::vector<Place> places;
  std::map<int, int> taken;
  for (const int cpu : cpus) places.push_back({taken[core_of(cpu, root)]++, cpu});
  std::stable_sort(places.begin(), places.end(),
                   [](const Place& a, const Place& b) { return a.round < b.round; });
  CoreOrder order;
  order.cores = static_cast<int>(taken.size());
  for (const Place& place : places) order.cpus.push_back(place.cpu);
  return order;
}

double cpu_quota(const fs::path& root) {
  return std::min(quota_of_hierarchy(root, "cgroup2", "", quota_v2),
                  quota_of_hierarchy(root, "cgroup", "cpu", quota_v1));
}

std::vector<int> allowed_cpus() {
  std::vector<int> cpus;
  // The kernel refuses masks shorter than its own, whose length it does not tell: hence the growing.
  for (int most = CPU_SETSIZE; most <= kMostCpus; most *= 2) {
    const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> set(CPU_ALLOC(static_cast<std::size_t>(most)),
                                                               [](cpu_set_t* mask) { CPU_FREE(mask); });
    const std::size_t bytes = CPU_ALLOC_SIZE(static_cast<std::size_t>(most));
    CPU_ZERO_S(bytes, set.get());
    if (sched_getaffinity(0, bytes, set.get()) != 0) continue;
    for (int cpu = 0; cpu < most; ++cpu) {
      if (CPU_ISSET_S(static_cast<std::size_t>(cpu), bytes, set.get())) cpus.push_back(cpu);
    }
    break;
  }
  return cpus;
}

int usable_cpu_count() { return within_quota(static_cast<int>(allowed_cpus().size())); }

int default_thread_count() { return within_quota(order_by_core(allowed_cpus()).cores); }

}  // namespace burin::runtime
