// Raw images of bytes become the floats that a network takes, moved on the way.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cnn {

// How the bytes of an image lie, and what moves in at its border: its own outermost
// pixels, or else the byte 0.
struct ByteImage {
    int C, H, W;
    std::ptrdiff_t c_step, h_step, w_step;
    bool edge;
};

// Where the pixel (i, j) of a result is from: row i + row, and column j + column, or
// W - 1 - j + column where the image is flipped.
struct Move {
    int row, column;
    bool flip;
};

template <class T> struct ImageKernels {
    // an image (H, W, C); values (C, 256) holds what each byte becomes
    void (*from_bytes)(const ByteImage&, const Move&, const std::uint8_t* x, const T* values,
                       T* out);
};

}  // namespace cnn

#ifdef CNN_LEVEL
namespace cnn::CNN_LEVEL {

template <class T>
void image_from_bytes(const ByteImage&, const Move&, const std::uint8_t* x, const T* values,
                      T* out);

template <class T> constexpr ImageKernels<T> image_kernels() { return {image_from_bytes<T>}; }

}  // namespace cnn::CNN_LEVEL
#endif
