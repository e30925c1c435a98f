#include "templates/attention/query_codes.hpp"

#include "templates/heads/magnitude_scale.hpp"
#include "templates/heads/pair_codes.hpp"

namespace burin::kernels {
namespace {

constexpr float kLargestByte = 127;
constexpr float kLargestWord = 127 * 128;
constexpr int kKeyOffset = 7;  // keys are 2^7 too large in the products

class QueryCodes {
 public:
  QueryCodes(const AttentionContext& context, const Xbyak::Reg64& query, const Xbyak::Reg64& panel,
             jit::Vector factor)
      : c_(context), a(context.a), query_(query), panel_(panel), factor_(factor) {}

  void emit() {
    const jit::RoleScope scope(a);
    find_scale();
    if (c_.int8_math()) a.zero(sum());
    for (int block = 0; block < c_.spec.heads.pair_blocks(); ++block)
      for (int lane = 0; lane < kPairsPerBlock; lane += a.lanes()) pairs(block, lane);
    if (c_.int8_math()) store_start();
  }

 private:
  jit::Vector code(int which) const { return a.vector(1 + which, {"code", which}); }
  jit::Vector inverse() const { return a.vector(3, "inverse"); }  // 1 / scale
  jit::Vector sum() const { return a.vector(6, "sum"); }          // of all codes
  jit::Vector scratch() const { return a.vector(7, "scratch"); }
  float largest_code() const { return c_.int8_math() ? kLargestByte : kLargestWord; }

  Xbyak::Address of_panel(int offset) const { return a.dword[panel_ + jit::offset(offset)]; }

  void find_scale() {
    const jit::RoleScope scope(a);
    const jit::Vector largest = a.name(inverse(), "largest");
    const jit::Vector value = a.name(code(1), "value");
    a.zero(largest);
    for (int byte = 0; byte < c_.spec.heads.query_head_columns() * 4; byte += a.vector_bytes()) {
      a.vmovups(value, a.ptr[query_ + jit::offset(byte)]);
      emit_raise_magnitude(a, largest, value);
    }
    emit_magnitude_scale(a, largest, code(0), value, largest_code(), [&](const Xbyak::Xmm& scale) {
      a.vmulss(scale, scale, Xbyak::Xmm(factor_.getIdx()));
      a.vmovss(of_panel(c_.scratch.query_scale()), scale);
    });
  }

  // As many pairs as there are lanes, of the block from `lane` on.
  void pairs(int block, int lane) {
    for (const int which : {0, 1}) {
      const int from = block * 128 + which * 64 + lane * 4;
      a.vmulps(code(which), inverse(), a.ptr[query_ + jit::offset(from)]);
      a.vcvtps2dq(code(which), code(which));
    }
    const int to = (block * kPairsPerBlock + lane) / 2 * 4;
    c_.int8_math() ? store_bytes(to) : store_words(to);
  }

  void store_bytes(int to) {
    for (const int which : {0, 1}) a.vpaddd(sum(), sum(), code(which));
    emit_join_pair_codes(a, code(0), code(1));
    store(to, code(0));
  }

  void store_words(int to) {
    for (const int which : {0, 1}) {
      emit_join_words(a, code(which), scratch());
      store(to + which * c_.scratch.second_queries(), code(which));
    }
  }

  void store(int to, jit::Vector dwords) {
    const Xbyak::Address place = a.ptr[panel_ + jit::offset(to)];
    if (a.lanes() == 16)
      a.vmovups(place, Xbyak::Ymm(dwords.getIdx()));
    else
      a.vmovups(place, Xbyak::Xmm(dwords.getIdx()));
  }

  void store_start() {
    const jit::RoleScope scope(a);
    const Xbyak::Reg32 start = a.eax;
    a.name(a.rax, "start");
    a.isa().reduce_add_int32(sum(), code(0));
    a.vmovd(start, Xbyak::Xmm(sum().getIdx()));
    a.shl(start, kKeyOffset);
    a.neg(start);
    a.mov(of_panel(c_.scratch.query_start()), start);
  }

  const AttentionContext& c_;
  jit::Assembler& a;
  Xbyak::Reg64 query_;
  Xbyak::Reg64 panel_;
  jit::Vector factor_;
};

}  // namespace

void emit_query_codes(const AttentionContext& context, const Xbyak::Reg64& query, const Xbyak::Reg64& panel,
                      jit::Vector factor) {
  QueryCodes(context, query, panel, factor).emit();
}

}  // namespace burin::kernels
