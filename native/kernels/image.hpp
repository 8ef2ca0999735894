// Raw images of bytes become the floats that a network takes, moved on the way.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cnn {

// What moves in at an image's border: the byte 0, its own outermost pixels, or the image
// mirrored at them (once; beyond the mirror image its outermost pixels).
enum class Surround { zero, edge, reflect };

// How the bytes of an image lie, and what stands beyond them.
struct ByteImage {
    int C, H, W;
    std::ptrdiff_t c_step, h_step, w_step;
    Surround surround;
};

// Where the pixel (i, j) of a result is from: row i' + row and column j' + column, where
// i' is H - 1 - i if the rows are flipped, j' is W - 1 - j if the columns are.
struct Move {
    int row, column;
    bool flip_columns, flip_rows;
};

// The rows and columns of a result that are hidden, the ends not included, and by what
// bytes, one a channel.
struct Hole {
    int top, bottom, left, right;
    const std::uint8_t* fill;
};

template <class T> struct ImageKernels {
    // an image (H, W, C); values (C, 256) holds what each byte becomes
    void (*from_bytes)(const ByteImage&, const Move&, const Hole&, const std::uint8_t* x,
                       const T* values, T* out);
};

}  // namespace cnn

#ifdef CNN_LEVEL
namespace cnn::CNN_LEVEL {

template <class T>
void image_from_bytes(const ByteImage&, const Move&, const Hole&, const std::uint8_t* x,
                      const T* values, T* out);

template <class T> constexpr ImageKernels<T> image_kernels() { return {image_from_bytes<T>}; }

}  // namespace cnn::CNN_LEVEL
#endif
