// Raw images of bytes become the floats that a network takes, moved on the way.
//
//   out[i, j, c] = values[c, x[c, i' + row, j' + column]],  j' = j, or W - 1 - j if flipped,
//                                                           i' alike
//   out[i, j, c] = values[c, fill[c]]                       in the rectangle that is hidden
//
// Plan. A byte has 256 values, so what is to be computed of it stands in a table of C rows
// (1 KB each in float: level 1), and whatever the arithmetic is, its bits are the table's.
// A result's row is a run of columns that are inside the image, between two that are not;
// each channel is written at its place in the pixels, which stay in level 1 meanwhile. Loads
// bound it at a byte a cycle on every instruction-set level (measured: 0.3 ns). What is
// hidden is written over its row, few pixels as it is.
#include "kernels/image.hpp"

#include "simd/vector.hpp"

namespace cnn::CNN_LEVEL {
namespace {

using Size = std::ptrdiff_t;

CNN_INLINE int clamped(int k, int from, int to) { return k < from ? from : k > to ? to : k; }

// Which of `size` pixels stands at k, which may be beyond them.
CNN_INLINE int source(int k, int size, Surround surround) {
    if (surround == Surround::reflect) k = k < 0 ? -k : k >= size ? 2 * (size - 1) - k : k;
    return clamped(k, 0, size - 1);
}

// Column j of a result is from start + j·step; the columns j0 .. j1-1 are inside the image.
struct Columns {
    int j0, j1, start, step;
    CNN_INLINE Columns(int W, const Move& m) {
        step = m.flip_columns ? -1 : 1;
        start = m.flip_columns ? W - 1 + m.column : m.column;
        j0 = clamped(m.flip_columns ? start - (W - 1) : -start, 0, W);
        j1 = clamped(m.flip_columns ? start + 1 : W - start, j0, W);
    }
};

// A channel of the columns begin .. end-1, which are outside of the image.
template <class T>
CNN_INLINE void outside(const ByteImage& g, const Columns& k, int begin, int end, int C,
                        const std::uint8_t* x, const T* values, T* out) {
    for (int j = begin; j < end; ++j) {
        const int w = source(k.start + j * k.step, g.W, g.surround);
        out[Size(j) * C] = values[g.surround == Surround::zero ? 0 : x[w * g.w_step]];
    }
}

// C pixels' channels apart, known when compiled where it is not 0.
template <int known, class T>
CNN_INLINE void row_from_bytes(const ByteImage& g, const Columns& k, const std::uint8_t* x,
                               const T* values, T* out) {
    const int C = known ? known : g.C;
    const Size step = k.step * g.w_step;
    for (int c = 0; c < C; ++c, x += g.c_step, values += 256) {
        T* o = out + c;
        outside(g, k, 0, k.j0, C, x, values, o);
        const std::uint8_t* inside = x + (k.start + k.j0 * k.step) * g.w_step;
        for (int j = k.j0; j < k.j1; ++j, inside += step) o[Size(j) * C] = values[*inside];
        outside(g, k, k.j1, g.W, C, x, values, o);
    }
}

}  // namespace

template <class T>
void image_from_bytes(const ByteImage& g, const Move& m, const Hole& hole,
                      const std::uint8_t* x, const T* values, T* out) {
    const Columns columns(g.W, m);
    const int left = clamped(hole.left, 0, g.W), right = clamped(hole.right, left, g.W);
    const Size line = Size(g.W) * g.C;
    for (int i = 0; i < g.H; ++i, out += line) {
        const int h = (m.flip_rows ? g.H - 1 - i : i) + m.row;
        if (g.surround == Surround::zero && (h < 0 || h >= g.H)) {
            for (int j = 0; j < g.W; ++j)
                for (int c = 0; c < g.C; ++c) out[Size(j) * g.C + c] = values[Size(c) * 256];
        } else {
            const std::uint8_t* from = x + source(h, g.H, g.surround) * g.h_step;
            if (g.C == 1) row_from_bytes<1>(g, columns, from, values, out);
            else if (g.C == 3) row_from_bytes<3>(g, columns, from, values, out);
            else row_from_bytes<0>(g, columns, from, values, out);
        }
        if (i < hole.top || i >= hole.bottom) continue;
        for (int j = left; j < right; ++j)
            for (int c = 0; c < g.C; ++c)
                out[Size(j) * g.C + c] = values[Size(c) * 256 + hole.fill[c]];
    }
}

#define CNN_INSTANTIATE(T)                                                              \
    template void image_from_bytes(const ByteImage&, const Move&, const Hole&,          \
                                   const std::uint8_t*, const T*, T*);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn::CNN_LEVEL
