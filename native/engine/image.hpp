// Batches of floats from raw images of bytes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/image.hpp"

namespace cnn {

// out (N, H, W, C): image n is that of number chosen[n], moved by moves[n], which is a row,
// a column and whether it is flipped. Numbers are whole images apart by n_step bytes.
template <class T>
void images_from_bytes(const ByteImage&, std::ptrdiff_t N, std::ptrdiff_t n_step,
                       const std::uint8_t* images, const std::int64_t* chosen,
                       const std::int32_t (*moves)[3], const T* values, T* out);

}  // namespace cnn
