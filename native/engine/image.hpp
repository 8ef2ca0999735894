// Batches of floats from raw images of bytes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/image.hpp"

namespace cnn {

// out (N, H, W, C): image n is that of number chosen[n], moved by moves[n], which is a row,
// a column, and flips: 1 of the columns, 2 of the rows, 3 of both; holes[n] is the top,
// bottom, left and right of what `fill` hides. Numbers are whole images apart by n_step bytes.
template <class T>
void images_from_bytes(const ByteImage&, std::ptrdiff_t N, std::ptrdiff_t n_step,
                       const std::uint8_t* images, const std::int64_t* chosen,
                       const std::int32_t (*moves)[3], const std::int32_t (*holes)[4],
                       const std::uint8_t* fill, const T* values, T* out);

}  // namespace cnn
