// The gradient of a correlation's filters, directly.
//
//   dw[f, c, u, v] = Σ_{n, i, j} dout[n, i, j, f] · x[n, i*s + u*d - p, j*s + v*d - p, c]
//
// Plan. The same outer product as in correlation.cpp with pixels as the reduction:
//
//   tile: MR of the WW*C contiguous inputs of a window's row x NV registers of filters,
//         all sums in registers; each pixel costs NV loads of dout and MR broadcasts of x.
//   item: a slice of the images and some panels. Some rows at a time, so that the
//         padded rows of x and the panel of dout stay close; their sums are added to
//         the slice's, which lie like packed filters. Adding block by block also keeps
//         the rounding error of long sums small.
//
// Slices are a matter of the shape alone, and unpack_filters() adds them in their order: the
// bits do not depend on the number of threads.
#include "kernels/kernels.hpp"
#include "kernels/padded.hpp"
#include "kernels/tile.hpp"
#include "simd/vector.hpp"

namespace cnn::CNN_LEVEL {
namespace {

// Some rows of dout for one panel, pixel by pixel; adds them up for the bias as well.
template <class T>
void pack_dout(T* to, const T* dout, const Correlation& c, int rows, int columns, int width,
               int filters, T* bias_sums) {
    for (int v = 0; v < width; v += lanes<T>) {
        int left = filters - v;
        if (left > lanes<T>) left = lanes<T>;
        Vector<T> sum = {};
        for (int i = 0; i < rows; ++i) {
            Vector<T> of_row = {};
            T* p = to + std::ptrdiff_t(i) * columns * width + v;
            const T* from = dout + i * c.out_row + v;
            for (int j = 0; j < columns; ++j, p += width, from += c.out_pixel) {
                const Vector<T> d = left == lanes<T> ? load(from)
                                    : left > 0       ? load_first(from, left)
                                                     : Vector<T>{};
                __builtin_prefetch(from + width);  // the next panel's
                store(p, d);
                of_row += d;
            }
            sum += of_row;
        }
        if (bias_sums && left > 0)
            store_first(bias_sums + v, load_first(bias_sums + v, left) + sum, left);
    }
}

}  // namespace

template <class T>
void filter_gradient(const Correlation& c, const Panels& panels, const FilterGradientArrays<T>& a,
                     const FilterGradientItem& item, T* workspace) {
    const int C_group = c.C_group(), F_group = c.F_group();
    const int reach_h = (c.HH - 1) * c.dilation_h + 1, reach_w = (c.WW - 1) * c.dilation_w + 1;
    const int width = (c.W_out - 1) * c.stride_w + reach_w;
    const bool contiguous = c.groups == 1 && c.dilation_w == 1;
    const int segments = contiguous ? 1 : c.WW, length = contiguous ? c.WW * C_group : C_group;
    const Pieces pieces(length, tile_rows);
    const std::ptrdiff_t image_size = std::ptrdiff_t(c.H) * c.W * c.C;
    T* sums = a.sums + item.slice * c.groups * panels.group_size();
    T* bias_sums = a.bias_sums ? a.bias_sums + std::ptrdiff_t(item.slice) * c.F : nullptr;
    T* packed = workspace;
    T* padded = workspace + std::ptrdiff_t(item.rows) * c.W_out * panels.wide;

    for (int n = item.n_begin; n < item.n_end; ++n) {
        for (int i = 0; i < c.H_out; i += item.rows) {
            const int rows_out = c.H_out - i < item.rows ? c.H_out - i : item.rows;
            const int first = i * c.stride_h, rows = (rows_out - 1) * c.stride_h + reach_h;
            const bool in_place = first >= c.pad_top && first + rows - c.pad_top <= c.H &&
                                  c.pad_left <= 0 && width - c.pad_left <= c.W;
            const std::ptrdiff_t row = std::ptrdiff_t(in_place ? c.W : width) * c.C;
            const T* x = a.x + n * image_size;
            if (in_place) {
                x += (first - c.pad_top) * row - std::ptrdiff_t(c.pad_left) * c.C;
            } else {
                copy_padded(padded, x, c, first, rows, width);
                x = padded;
            }
            Field field{std::ptrdiff_t(c.stride_w) * c.C, c.stride_h * row, rows_out, c.W_of(n),
                        true};
            // in memory a tile's numbers lie a pixel apart, which no CPU sees coming
            const std::ptrdiff_t next_rows = i + rows_out < c.H_out
                                                 ? rows_out * c.stride_h * row
                                                 : image_size - i * c.stride_h * row;
            const T* dout = a.dout + n * c.out_image + i * c.out_row;
            for (int p = item.panel_begin; p < item.panel_end; ++p) {
                const int group = p / panels.count, panel = p % panels.count;
                const int w = panels.width(panel), f = group * F_group + panel * panels.wide;
                const int left = F_group - panel * panels.wide;
                pack_dout(packed, dout + f, c, rows_out, c.W_of(n), w, left < w ? left : w,
                          bias_sums ? bias_sums + f : nullptr);
                T* at = sums + panels.offset(group, panel);
                field.ahead = in_place && p == item.panel_begin ? next_rows : 0;
                for (int u = 0; u < c.HH; ++u)
                    for (int s = 0; s < segments; ++s) {
                        const T* source = x + u * c.dilation_h * row + group * C_group +
                                          std::ptrdiff_t(s) * c.dilation_w * c.C;
                        for (int k = 0; k < pieces.count; ++k) {
                            const int MR = pieces.length(k);
                            outer_tile_of<T>(MR, w == panels.wide)(source, packed, field, at);
                            source += MR;
                            at += MR * w;
                        }
                    }
            }
        }
    }
}

// Adds the slices of one panel in their order and writes dw[f][c][u][v] at the steps.
template <class T>
void unpack_filters(const Correlation& c, const Panels& panels, const T* sums, int slices,
                    const FilterSteps& steps, T* dw, int p) {
    const int group = p / panels.count, panel = p % panels.count;
    const int C_group = c.C_group(), width = panels.width(panel), f0 = panel * panels.wide;
    const int filters = smaller(c.F_group() - f0, width);
    const std::ptrdiff_t slice_size = c.groups * panels.group_size();
    const T* from = sums + panels.offset(group, panel);
    T* to = dw + group * steps.group + f0 * steps.f;

    // the totals of some inputs, and where a filter has them: each filter's lie side by side
    // in dw and are written so, and far from those of the next filter
    constexpr int most = 64;
    T totals[most * tile_vectors * lanes<T>];
    std::ptrdiff_t places[most];
    int count = 0;
    auto write = [&] {
        for (int f = 0; f < filters; ++f)
            for (int k = 0; k < count; ++k) to[f * steps.f + places[k]] = totals[k * width + f];
        count = 0;
    };
    for (int k = 0; k < C_group; ++k)
        for (int u = 0; u < c.HH; ++u)
            for (int v = 0; v < c.WW; ++v) {
                const T* at = from + ((std::ptrdiff_t(u) * c.WW + v) * C_group + k) * width;
                const std::ptrdiff_t place = u * steps.u + v * steps.v + k * steps.c;
                for (int f = 0; f < filters; f += lanes<T>) {
                    Vector<T> total = load(at + f);
                    for (int s = 1; s < slices; ++s) total += load(at + s * slice_size + f);
                    if (steps.f == 1)
                        store_first(to + place + f, total, smaller(filters - f, lanes<T>));
                    else store(totals + count * width + f, total);
                }
                if (steps.f == 1) continue;
                places[count] = place;
                if (++count == most) write();
            }
    write();
}

#define CNN_INSTANTIATE(T)                                                                        \
    template void filter_gradient(const Correlation&, const Panels&,                              \
                                  const FilterGradientArrays<T>&, const FilterGradientItem&, T*); \
    template void unpack_filters(const Correlation&, const Panels&, const T*, int,                \
                                 const FilterSteps&, T*, int);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn::CNN_LEVEL
