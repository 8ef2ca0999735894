// Which results are written past the caches.
//
// A plain store fetches its line from memory before it changes it: a result larger than
// the caches then costs a read beside its write, and pushes out what is still wanted.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cnn {

constexpr std::ptrdiff_t larger_than_caches = std::ptrdiff_t(24) << 20;
// Where results are gathered on their way, all filters are read again for each tile: their bytes.
constexpr std::ptrdiff_t gathered_filters = 256 << 10;

// Only whole lines can be written so: rows of `row_bytes` that begin on one.
inline bool past_caches(const void* at, std::ptrdiff_t bytes, std::ptrdiff_t row_bytes) {
    constexpr int line = 64;
    return bytes >= larger_than_caches && row_bytes % line == 0 &&
           reinterpret_cast<std::uintptr_t>(at) % line == 0;
}

}  // namespace cnn
