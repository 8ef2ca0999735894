// Which results are written past the caches.
//
// A plain store fetches its line from memory before it changes it: a result larger than
// the caches then costs a read beside its write, and pushes out what is still wanted.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cnn {

constexpr std::ptrdiff_t larger_than_caches = std::ptrdiff_t(24) << 20;
// From where on a result is gathered, whose pixels are so many bytes: sooner where these are no
// whole lines, since stores that cross lines are slow where the lines have to come from far.
constexpr std::ptrdiff_t worth_gathering(std::ptrdiff_t pixel_bytes) {
    return pixel_bytes % 64 ? larger_than_caches / 3 : larger_than_caches;
}
// Where results are gathered on their way, all filters are read again for each tile: their bytes.
constexpr std::ptrdiff_t gathered_filters = 256 << 10;

// Only whole lines can be written so: rows of `row_bytes` that begin on one.
inline bool past_caches(const void* at, std::ptrdiff_t bytes, std::ptrdiff_t row_bytes) {
    constexpr int line = 64;
    return bytes >= larger_than_caches && row_bytes % line == 0 &&
           reinterpret_cast<std::uintptr_t>(at) % line == 0;
}

}  // namespace cnn
