// Raw images of bytes become the floats that a network takes, moved on the way.
//
//   out[i, j, c] = values[c, x[c, i + row, j' + column]],  j' = j, or W - 1 - j if flipped
//
// Plan. A byte has 256 values, so what is to be computed of it stands in a table of C rows
// (1 KB each in float: level 1), and whatever the arithmetic is, its bits are the table's.
// A result's row is a run of columns that are inside the image, between two that are not;
// each channel is written at its place in the pixels, which stay in level 1 meanwhile. Loads
// bound it at a byte a cycle on every instruction-set level (measured: 0.3 ns).
#include "kernels/image.hpp"

#include "simd/vector.hpp"

namespace cnn::CNN_LEVEL {
namespace {

using Size = std::ptrdiff_t;

CNN_INLINE int clamped(int k, int from, int to) { return k < from ? from : k > to ? to : k; }

// The columns j0 .. j1-1 of a result come from inside the image, at first + (j - j0)·step;
// those before and after from beyond its outermost columns.
struct Columns {
    int j0, j1, first, step, before, after;
    CNN_INLINE Columns(int W, const Move& m) {
        step = m.flip ? -1 : 1;
        const int start = m.flip ? W - 1 + m.column : m.column;  // where j = 0 is from
        j0 = clamped(m.flip ? start - (W - 1) : -start, 0, W);
        j1 = clamped(m.flip ? start + 1 : W - start, j0, W);
        first = start + j0 * step;
        before = m.flip ? W - 1 : 0;
        after = W - 1 - before;
    }
};

// C pixels' channels apart, known when compiled where it is not 0.
template <int known, class T>
CNN_INLINE void row_from_bytes(const ByteImage& g, const Columns& k, const std::uint8_t* x,
                               const T* values, T* out) {
    const int C = known ? known : g.C;
    const Size step = k.step * g.w_step;
    for (int c = 0; c < C; ++c, x += g.c_step, values += 256) {
        T* o = out + c;
        if (k.j0 > 0) {
            const T value = values[g.edge ? x[k.before * g.w_step] : 0];
            for (int j = 0; j < k.j0; ++j) o[Size(j) * C] = value;
        }
        const std::uint8_t* inside = x + k.first * g.w_step;
        for (int j = k.j0; j < k.j1; ++j, inside += step) o[Size(j) * C] = values[*inside];
        if (k.j1 < g.W) {
            const T value = values[g.edge ? x[k.after * g.w_step] : 0];
            for (int j = k.j1; j < g.W; ++j) o[Size(j) * C] = value;
        }
    }
}

}  // namespace

template <class T>
void image_from_bytes(const ByteImage& g, const Move& m, const std::uint8_t* x, const T* values,
                      T* out) {
    const Columns columns(g.W, m);
    const Size pixels = g.W;
    for (int i = 0; i < g.H; ++i) {
        const int h = i + m.row;
        T* row = out + i * pixels * g.C;
        if (!g.edge && (h < 0 || h >= g.H)) {
            for (Size j = 0; j < pixels; ++j)
                for (int c = 0; c < g.C; ++c) *row++ = values[Size(c) * 256];
            continue;
        }
        const std::uint8_t* from = x + clamped(h, 0, g.H - 1) * g.h_step;
        if (g.C == 1) row_from_bytes<1>(g, columns, from, values, row);
        else if (g.C == 3) row_from_bytes<3>(g, columns, from, values, row);
        else row_from_bytes<0>(g, columns, from, values, row);
    }
}

#define CNN_INSTANTIATE(T)                                                              \
    template void image_from_bytes(const ByteImage&, const Move&, const std::uint8_t*,  \
                                   const T*, T*);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn::CNN_LEVEL
