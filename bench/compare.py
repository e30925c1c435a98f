#!/usr/bin/env python3
"""Burin next to other engines: the same file, alternating in one run, medians and ratios.

    bench/compare.py model.gguf --llama-bench llama.cpp=PATH/llama-bench --llama-bench ik=PATH/llama-bench

Runs what it is given and builds or fetches nothing. A peer is the llama-bench program of llama.cpp or of a fork. Every
round measures every engine once: prefill of -p tokens in an empty context, then decoding of -n tokens behind them.
Burin's share of the machine's limits is measured by its own probes; a peer's is Burin's share times the ratio of speeds.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Engine:
    """Tokens per second, one value per round."""

    name: str
    prefill: list[float] = field(default_factory=list)
    decode: list[float] = field(default_factory=list)


class Failure(Exception):
    """What went wrong, in one line."""


def run_json(command: list[str]) -> object:
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise Failure(f"{command[0]}: cannot be run: {error.strerror}") from error
    if result.returncode != 0:
        lines = result.stderr.strip().splitlines() or ["no message"]
        raise Failure(f"{command[0]}: ended with status {result.returncode}: {lines[-1]}")
    try:
        return json.loads(result.stdout)
    except json.JSONDecodeError as error:
        raise Failure(f"{command[0]}: did not print JSON: {error}") from error


def peer_rate(path: str, options: argparse.Namespace, arguments: list[str]) -> float:
    command = [path, "-m", options.model, "-t", str(options.threads), "-r", "1", "-o", "json"]
    tests = run_json(command + arguments)
    if not isinstance(tests, list) or len(tests) != 1 or "avg_ts" not in tests[0]:
        raise Failure(f"{path}: printed no avg_ts: is it llama-bench?")
    return float(tests[0]["avg_ts"])


def measure_peer(path: str, options: argparse.Namespace, engine: Engine) -> None:
    engine.prefill.append(peer_rate(path, options, ["-p", str(options.prompt), "-n", "0"]))
    behind = ["-p", "0", "-n", str(options.generate), "-d", str(options.prompt)]
    engine.decode.append(peer_rate(path, options, behind))


def measure_burin(options: argparse.Namespace, engine: Engine, limits: dict[str, list[float]]) -> None:
    result = run_json(
        [options.burin, "bench", options.model, "--threads", str(options.threads), "-r", "1", "--json"]
        + ["-p", str(options.prompt), "-n", str(options.generate)]
    )
    engine.prefill.append(result["prefill_tok_s"])
    engine.decode.append(result["decode_tok_s"])
    for name, values in limits.items():
        values.append(result[name])


def table(engines: list[Engine], limits: dict[str, list[float]], options: argparse.Namespace) -> str:
    burin = engines[0]
    share = {name: statistics.median(values) for name, values in limits.items()}
    lines = [
        f"| engine | prefill of {options.prompt}, tok/s | of the dot-product peak | Burin is faster by "
        f"| decode of {options.generate} behind it, tok/s | of the read limit | Burin is faster by |",
        "|---|---|---|---|---|---|---|",
    ]
    for engine in engines:
        cells = [engine.name]
        for kind, limit in (("prefill", "prefill_share_of_dot_peak"), ("decode", "decode_share_of_read_limit")):
            ours = statistics.median(getattr(burin, kind))
            rate = statistics.median(getattr(engine, kind))
            ratio = "" if engine is burin else f"{ours / rate:.2f} x"
            cells += [f"{rate:.1f}", f"{100 * share[limit] * rate / ours:.0f} %", ratio]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def spread(values: list[float]) -> float:
    return (max(values) - min(values)) / statistics.median(values)


def noise(engines: list[Engine]) -> str:
    worst = max(spread(values) for engine in engines for values in (engine.prefill, engine.decode))
    return f"rounds differ by up to {100 * worst:.0f} %" + (": the machine is busy" if worst > 0.1 else "")


def named_path(text: str) -> tuple[str, str]:
    name, separator, path = text.partition("=")
    return (name, path) if separator else (Path(text).parent.name or "peer", text)


def parse_arguments() -> argparse.Namespace:
    here = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0], epilog="A synthetic model: burin bench --synthetic llama-7b:8 --save FILE"
    )
    parser.add_argument("model", help="GGUF file that all engines read")
    parser.add_argument("--burin", default=str(here / "build/release/bin/burin"), help="default: %(default)s")
    parser.add_argument(
        "--llama-bench", metavar="[NAME=]PATH", type=named_path, action="append", required=True, help="may repeat"
    )
    parser.add_argument("-p", "--prompt", type=int, default=512, help="default: %(default)s")
    parser.add_argument("-n", "--generate", type=int, default=32, help="default: %(default)s")
    parser.add_argument("-r", "--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("-t", "--threads", type=int, default=len(os.sched_getaffinity(0)), help="default: %(default)s")
    parser.add_argument("--json", metavar="FILE", help="write all rounds there as well")
    options = parser.parse_args()
    for name in ("prompt", "generate", "rounds", "threads"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} {getattr(options, name)}: must be at least 1")
    return options


def main() -> None:
    options = parse_arguments()
    engines = [Engine("Burin")] + [Engine(name) for name, _ in options.llama_bench]
    limits: dict[str, list[float]] = {"prefill_share_of_dot_peak": [], "decode_share_of_read_limit": []}
    for number in range(options.rounds):
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
        measure_burin(options, engines[0], limits)
        for engine, (_, path) in zip(engines[1:], options.llama_bench):
            measure_peer(path, options, engine)
    print(table(engines, limits, options))
    print(f"\n{options.threads} threads, medians of {options.rounds}; {noise(engines)}")
    if options.json:
        rounds = {engine.name: {"prefill": engine.prefill, "decode": engine.decode} for engine in engines}
        Path(options.json).write_text(json.dumps({"engines": rounds, "limits": limits}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"compare.py: {failure}")
