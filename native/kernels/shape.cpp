// Entries that only move: transposition, and images made of an image's rows and columns.
//
//   transpose   out[c, r] = x[r, c]
//   remap       out[i, j] = x[row_of[i], column_of[j]], each a pixel of C channels
//
// Plan. A transposition goes tile by tile, as many rows and columns as a register has
// lanes: the tile's rows are loaded, exchanged in log2(lanes) rounds, and stored as
// columns. In a strip of rows the tiles of one column come first, so that what is written
// goes on where it stopped.
#include "kernels/shape.hpp"

#include "kernels/padded.hpp"
#include "simd/lanes.hpp"
#include "simd/vector.hpp"

namespace cnn::CNN_LEVEL {
namespace {

using Size = std::ptrdiff_t;

template <class T>
CNN_INLINE void transpose_tile(const T* x, Size x_step, T* out, Size out_step) {
    Vector<T> row[lanes<T>];
#pragma GCC unroll 16
    for (int r = 0; r < lanes<T>; ++r) row[r] = load(x + r * x_step);
    transpose<T>(row);
#pragma GCC unroll 16
    for (int r = 0; r < lanes<T>; ++r) store(out + r * out_step, row[r]);
}

template <class T>
CNN_INLINE void transpose_few(const T* x, Size x_step, Size rows, Size columns, T* out,
                              Size out_step) {
    for (Size c = 0; c < columns; ++c)
        for (Size r = 0; r < rows; ++r) out[c * out_step + r] = x[r * x_step + c];
}

}  // namespace

template <class T>
void transpose(const T* x, Size rows, Size columns, Size r0, Size r1, T* out) {
    constexpr int L = lanes<T>;
    x += r0 * columns;
    out += r0;
    const Size height = r1 - r0;
    Size c = 0;
    for (; c + L <= columns; c += L) {
        Size r = 0;
        // main loop
        for (; r + L <= height; r += L)
            transpose_tile(x + r * columns + c, columns, out + c * rows + r, rows);
        // tail
        transpose_few(x + r * columns + c, columns, height - r, Size(L), out + c * rows + r, rows);
    }
    transpose_few(x + c, columns, height, columns - c, out + c * rows, rows);
}

template <class T> void remap(const Remap<T>& m, const T* x, T* out, int i) {
    const Size C = m.C, row = m.row_of[i];
    out += i * m.W_out * C;
    const T* source = x + row * m.W * C;
    for (int j = 0; j < m.W_out;) {
        const int column = row < 0 ? -1 : m.column_of[j];
        int run = 1;
        if (column < 0) {
            while (j + run < m.W_out && (row < 0 || m.column_of[j + run] < 0)) ++run;
            for (Size k = 0; k < run * C; ++k) out[k] = m.value;
        } else {
            while (j + run < m.W_out && m.column_of[j + run] == column + run) ++run;
            copy_numbers(out, source + column * C, run * C);
        }
        out += run * C;
        j += run;
    }
}

template <class T> void remap_backward(const RemapBack& m, const T* dout, T* dx, int h) {
    const Size C = m.C;
    dx += h * m.W * C;
    for (int w = 0; w < m.W; ++w, dx += C) {
        fill_zeros(dx, C);
        for (int a = m.rows.starts[h]; a < m.rows.starts[h + 1]; ++a)
            for (int b = m.columns.starts[w]; b < m.columns.starts[w + 1]; ++b) {
                const T* d =
                    dout + (Size(m.rows.places[a]) * m.W_out + m.columns.places[b]) * C;
                Size c = 0;
                // main loop
                for (; c + lanes<T> <= C; c += lanes<T>) store(dx + c, load(dx + c) + load(d + c));
                // tail
                for (; c < C; ++c) dx[c] += d[c];
            }
    }
}

#define CNN_INSTANTIATE(T)                                            \
    template void transpose(const T*, Size, Size, Size, Size, T*);    \
    template void remap(const Remap<T>&, const T*, T*, int);          \
    template void remap_backward(const RemapBack&, const T*, T*, int);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn::CNN_LEVEL
