// CPU lists, cores and quotas, read from made-up /proc and /sys trees.
#include "runtime/cpu_topology.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace burin::runtime {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

class MadeUpMachine : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / ("burin-machine-" + std::to_string(getpid()));
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  void TearDown() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  void siblings(int cpu, const std::string& list) const {
    write("sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list", list + "\n");
  }

  fs::path root_;
};

TEST(CpuList, ReadsWhatTheKernelWrites) {
  EXPECT_THAT(parse_cpu_list("0\n"), ElementsAre(0));
  EXPECT_THAT(parse_cpu_list("0-3,8,10-11"), ElementsAre(0, 1, 2, 3, 8, 10, 11));
}

TEST(CpuList, IsEmptyForAnythingElse) {
  for (const char* text :
       {"", "\n", "a", "1,", ",1", "3-1", "5,3-1", "-1", "1-", "1;2", "0-4000000000", "1 2"}) {
    EXPECT_THAT(parse_cpu_list(text), IsEmpty()) << text;
  }
}

TEST_F(MadeUpMachine, DistinctCoresComeFirst) {
  for (int cpu = 0; cpu < 4; ++cpu) siblings(cpu, cpu % 2 == 0 ? "0,2" : "1,3");
  const CoreOrder order = order_by_core({0, 1, 2, 3}, root_);
  EXPECT_THAT(order.cpus, ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(order.cores, 2);
}

TEST_F(MadeUpMachine, DistinctCoresComeFirstWhereNeighboursShareOne) {
  for (int cpu = 0; cpu < 6; ++cpu) {
    const int first = cpu / 2 * 2;
    siblings(cpu, std::to_string(first) + "-" + std::to_string(first + 1));
  }
  EXPECT_THAT(order_by_core({0, 1, 2, 3, 4, 5}, root_).cpus, ElementsAre(0, 2, 4, 1, 3, 5));
  // The order given decides which CPU of a core is the first.
  EXPECT_THAT(order_by_core({3, 0, 1, 2}, root_).cpus, ElementsAre(3, 0, 1, 2));
  // Siblings that are not allowed do not count.
  EXPECT_EQ(order_by_core({1, 3, 4, 5}, root_).cores, 3);
}

TEST_F(MadeUpMachine, UnknownCpusAreCoresOfTheirOwn) {
  siblings(0, "nonsense");
  EXPECT_EQ(order_by_core({0, 1, 2}, root_).cores, 3);
}

TEST_F(MadeUpMachine, NoControlGroupsMeanNoQuota) { EXPECT_EQ(cpu_quota(root_), kNoQuota); }

TEST_F(MadeUpMachine, Version2TakesTheLeastQuotaOnTheWayUp) {
  write("proc/self/cgroup", "0::/slice/app\n");
  write("proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n");
  write("sys/fs/cgroup/slice/app/cpu.max", "max 100000\n");
  EXPECT_EQ(cpu_quota(root_), kNoQuota);
  write("sys/fs/cgroup/slice/cpu.max", "250000 100000\n");
  EXPECT_EQ(cpu_quota(root_), 2.5);
  write("sys/fs/cgroup/slice/app/cpu.max", "50000 100000\n");
  EXPECT_EQ(cpu_quota(root_), 0.5);
  write("sys/fs/cgroup/other/cpu.max", "1000 100000\n");  // somebody else's
  EXPECT_EQ(cpu_quota(root_), 0.5);
}

TEST_F(MadeUpMachine, Version1ReadsTheGroupOfTheCpuController) {
  write("proc/self/cgroup", "5:memory:/m\n4:cpuset:/s\n3:cpuacct,cpu:/app\n");
  write("proc/self/mountinfo",
        "30 23 0:26 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
        "31 23 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n");
  write("sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_period_us", "100000\n");
  write("sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_quota_us", "-1\n");
  write("sys/fs/cgroup/cpuset/s/cpu.cfs_quota_us", "1000\n");  // not the cpu controller
  EXPECT_EQ(cpu_quota(root_), kNoQuota);
  write("sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_quota_us", "300000\n");
  EXPECT_EQ(cpu_quota(root_), 3);
}

// Docker without a cgroup namespace: the path is the host's, the mount shows the container's group only.
TEST_F(MadeUpMachine, ContainerMountsShowTheContainersGroup) {
  write("proc/self/cgroup", "2:cpu:/docker/abc\n");
  write("proc/self/mountinfo", "31 23 0:27 /docker/abc /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n");
  write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "150000\n");
  EXPECT_EQ(cpu_quota(root_), 1.5);
  write("proc/self/cgroup", "2:cpu:/elsewhere\n");  // not below what is mounted: only the mount point is read
  write("sys/fs/elsewhere/cpu.cfs_period_us", "100000\n");
  write("sys/fs/elsewhere/cpu.cfs_quota_us", "1000\n");
  EXPECT_EQ(cpu_quota(root_), 1.5);
}

TEST_F(MadeUpMachine, DamagedFilesMeanNoQuota) {
  write("proc/self/cgroup", "nonsense\n:\n0::/app\n");
  write("proc/self/mountinfo", "\n - \n1 2 - cgroup2\n30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  for (const char* text : {"", "0 0", "-5 100000", "100000", "x y", "100000 0"}) {
    write("sys/fs/cgroup/app/cpu.max", text);
    EXPECT_EQ(cpu_quota(root_), kNoQuota) << text;
  }
}

TEST(ThisMachine, HasAtLeastOneUsableCpu) { EXPECT_GE(usable_cpu_count(), 1); }

}  // namespace
}  // namespace burin::runtime
