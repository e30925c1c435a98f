#include "jit/assembler.hpp"
#include "jit/spec_text.hpp"
#include "templates/probe/probe_spec.hpp"
#include "templates/tile_configuration.hpp"

namespace burin::kernels {
namespace {

constexpr int kReadAhead = 4096;
constexpr int kReadStep = 4096 / 16;
constexpr int kReadSums = 4;
constexpr int kTileSums = 4;

// As many independent sums as hide the latency, beside the two factors and a scratch register.
int sums(const jit::Assembler& a) { return a.vector_registers() == 32 ? 24 : 12; }

// Four products of full tiles, whose sums do not wait for each other.
void emit_tile_dot(jit::Assembler& a) {
  const Xbyak::Reg64 rows = a.name(a.rdx, "rows");
  a.mov(rows, kTileRows);
  emit_tile_configuration(a, {}, 0, rows);
  const auto product = [&](int i) { return a.name(Xbyak::Tmm(i), {"sum", i}); };
  const auto codes = [&](int i) { return a.name(Xbyak::Tmm(kTileSums + i), {"codes", i}); };
  const auto activations = [&](int i) { return a.name(Xbyak::Tmm(kTileSums + 2 + i), {"activations", i}); };
  for (int tile = 0; tile < 8; ++tile) a.tilezero(Xbyak::Tmm(tile));
  Xbyak::Label loop;
  a.align(64);
  a.L(loop);
  for (int sum = 0; sum < kTileSums; ++sum) a.tdpbusd(product(sum), codes(sum / 2), activations(sum % 2));
  a.dec(a.rcx);
  a.jnz(loop, Xbyak::CodeGenerator::T_NEAR);
  a.tilerelease();
}

void emit_dot(jit::Assembler& a) {
  if (a.target().has(jit::Feature::amx_int8)) return emit_tile_dot(a);
  const auto sum = [&](int i) { return a.vector(i, {"sum", i}); };
  const jit::Vector codes = a.vector(sums(a), "codes");
  const jit::Vector activations = a.vector(sums(a) + 1, "activations");
  for (int i = 0; i < sums(a); ++i) a.zero(sum(i));
  for (const jit::Vector& factor : {codes, activations}) a.zero(factor);
  Xbyak::Label loop;
  a.align(64);
  a.L(loop);
  for (int i = 0; i < sums(a); ++i)
    a.isa().dot_bytes(sum(i), codes, activations, a.vector(sums(a) + 2 + i % 2, "scratch"));
  a.dec(a.rcx);
  a.jnz(loop, Xbyak::CodeGenerator::T_NEAR);
}

void emit_read(jit::Assembler& a) {
  const auto sum = [&](int i) { return a.vector(i, {"sum", i}); };
  for (int i = 0; i < kReadSums; ++i) a.zero(sum(i));
  Xbyak::Label loop;
  a.add(a.name(a.rcx, "end"), a.rsi);
  a.align(64);
  a.L(loop);
  for (int at = 0; at < kReadStep; at += a.vector_bytes()) {
    if (at % 64 == 0) a.prefetch_once(a.ptr[a.rsi + jit::offset(at + kReadAhead)]);
    const jit::Vector of_vector = sum(at / a.vector_bytes() % kReadSums);
    a.isa().bit_xor(of_vector, of_vector, a.ptr[a.rsi + jit::offset(at)]);
  }
  a.add(a.rsi, kReadStep);
  a.cmp(a.rsi, a.rcx);
  a.jl(loop, Xbyak::CodeGenerator::T_NEAR);
}

}  // namespace

std::int64_t dot_probe_macs_per_round(const jit::Target& target) {
  const jit::Assembler a(target);
  if (target.has(jit::Feature::amx_int8)) return std::int64_t{kTileSums} * kTileRows * 16 * kTileRowBytes;
  return std::int64_t{sums(a)} * a.vector_bytes();
}

jit::CodeImage emit_probe(const ProbeSpec& spec, const jit::Target& target) {
  jit::Assembler a(target);
  a.begin_frame(kTileConfigurationBytes);
  const Xbyak::Reg64 arguments = a.name(a.rdi, "arguments");
  a.mov(a.name(a.rsi, "data"), a.ptr[arguments + offsetof(ProbeArguments, data)]);
  a.mov(a.name(a.rcx, "count"), a.ptr[arguments + offsetof(ProbeArguments, count)]);
  spec.probe == Probe::dot_int8 ? emit_dot(a) : emit_read(a);
  a.end_frame();
  return a.finish(jit::spec_text(spec));
}

}  // namespace burin::kernels
