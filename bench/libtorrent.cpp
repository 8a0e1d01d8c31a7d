/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * libtorrent.cpp - L7: how long libtorrent takes for the same records: bdecode,
 * then bencode of the same value into a buffer that is kept.
 *
 *   brrr-bench-libtorrent FILE
 *
 * decodes what is in FILE, and prints nanoseconds as brrr-bench codec does. As
 * there, a string is read without a copy where the library can do that.
 */
#include <libtorrent/bdecode.hpp>
#include <libtorrent/bencode.hpp>
#include <libtorrent/entry.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <vector>

namespace {

constexpr double slice_ns = 4e6;
constexpr std::size_t samples = 11;

std::size_t kept = 0; // so that nothing is optimised away

lt::bdecode_node decode(const std::vector<char> &in) {
  lt::error_code wrong;
  lt::bdecode_node node = lt::bdecode(in, wrong, nullptr, 100, 10'000'000);
  if (wrong)
    throw std::runtime_error(wrong.message());
  return node;
}

template <typename F> double span_ns(std::size_t turns, F turn) {
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < turns; i++)
    turn();
  const std::chrono::duration<double, std::nano> took =
      std::chrono::steady_clock::now() - start;
  return took.count();
}

template <typename F> double measure(F turn) {
  std::size_t turns = 1;
  while (span_ns(turns, turn) < slice_ns)
    turns *= 2;
  std::vector<double> took(samples);
  for (double &each : took)
    each = span_ns(turns, turn) / static_cast<double>(turns);
  std::sort(took.begin(), took.end());
  return took[samples / 2];
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 2)
    return 2;
  std::ifstream file(argv[1], std::ios::binary);
  const std::vector<char> in{std::istreambuf_iterator<char>(file), {}};
  std::vector<char> out;
  const double decode_ns =
      measure([&] { kept += static_cast<std::size_t>(decode(in).type()); });
  const double turn_ns = measure([&] {
    const lt::entry value = decode(in);
    out.clear();
    lt::bencode(std::back_inserter(out), value);
    kept += out.size();
  });
  if (out != in)
    return 1;
  std::printf("{\"decode_ns\": %.3f, \"turn_ns\": %.3f, \"kept\": %zu}\n",
              decode_ns, turn_ns, kept % 10);
  return 0;
}
