// Entries that only move: strips of matrices, rows of images.
#include "engine/shape.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "dispatch/dispatch.hpp"
#include "engine/items.hpp"

namespace cnn {
namespace {

// Where each place of a padded axis is copied from; -1: from nowhere.
std::vector<int> padded_axis(int size, int before, int after, Border border) {
    std::vector<int> from(before + size + after);
    for (int place = 0; place < static_cast<int>(from.size()); ++place) {
        const int k = place - before;
        int source = k;
        if (k < 0 || k >= size) switch (border) {
            case Border::constant: source = -1; break;
            case Border::reflect: source = k < 0 ? -k : 2 * (size - 1) - k; break;
            case Border::replicate: source = k < 0 ? 0 : size - 1; break;
            case Border::circular: source = (k + size) % size; break;
        }
        from[place] = source;
    }
    return from;
}

std::vector<int> repeated_axis(int size, int scale) {
    std::vector<int> from(Size(size) * scale);
    for (int place = 0; place < static_cast<int>(from.size()); ++place) from[place] = place / scale;
    return from;
}

// The places that belong to each source entry, in their order.
struct Inverse {
    std::vector<int> starts, places;
    Inverse(int size, const std::vector<int>& from) : starts(size + 1) {
        for (int source : from)
            if (source >= 0) ++starts[source + 1];
        for (int k = 0; k < size; ++k) starts[k + 1] += starts[k];
        places.resize(starts[size]);
        std::vector<int> next(starts.begin(), starts.end() - 1);
        for (int place = 0; place < static_cast<int>(from.size()); ++place)
            if (from[place] >= 0) places[next[from[place]]++] = place;
    }
    Places view() const { return {starts.data(), places.data()}; }
};

// work(n, row) over the rows of N images, those of an item one after the other.
template <class Work> void for_rows(int N, int rows, Size numbers, const Work& work) {
    if (N == 0 || rows == 0) return;
    const int most = static_cast<int>(
        std::clamp<Size>(item_numbers / std::max<Size>(numbers, 1), 1, rows));
    const int blocks = static_cast<int>(ceil_div(rows, most));
    for_items(Size(N) * blocks, N * rows * numbers, [&](int k, int) {
        const int n = k / blocks, begin = k % blocks * most;
        for (int i = begin; i < std::min(begin + most, rows); ++i) work(n, i);
    });
}

template <class T>
void remap(const Images& g, const std::vector<int>& rows, const std::vector<int>& columns,
           const T* x, T value, T* out) {
    const auto kernel = kernels<T>().shape.remap;
    const int H_out = static_cast<int>(rows.size()), W_out = static_cast<int>(columns.size());
    const Remap<T> map{g.C, g.W, W_out, rows.data(), columns.data(), value};
    const Size x_image = Size(g.H) * g.W * g.C, out_row = Size(W_out) * g.C;
    for_rows(g.N, H_out, out_row, [&](int n, int i) {
        kernel(map, x + n * x_image, out + n * H_out * out_row, i);
    });
}

template <class T>
void remap_backward(const Images& g, const std::vector<int>& rows,
                    const std::vector<int>& columns, const T* dout, T* dx) {
    const auto kernel = kernels<T>().shape.remap_backward;
    const Size out_row = Size(columns.size()) * g.C, x_row = Size(g.W) * g.C;
    const Size H_out = static_cast<Size>(rows.size());
    const Inverse of_rows(g.H, rows), of_columns(g.W, columns);
    const RemapBack map{g.C, g.W, static_cast<int>(columns.size()), of_rows.view(),
                        of_columns.view()};
    for_rows(g.N, g.H, x_row + H_out * out_row / std::max(g.H, 1), [&](int n, int h) {
        kernel(map, dout + n * H_out * out_row, dx + n * g.H * x_row, h);
    });
}

}  // namespace

template <class T> void transpose(Size N, Size rows, Size columns, const T* x, T* out) {
    const auto kernel = kernels<T>().shape.transpose;
    const Size size = rows * columns;
    if (N * size == 0) return;
    const Size step = std::max(item_numbers / columns / 64, Size(1)) * 64;
    const Size strips = ceil_div(rows, step);
    for_items(N * strips, N * size, [&](int k, int) {
        const Size n = k / strips, r = k % strips * step;
        kernel(x + n * size, rows, columns, r, std::min(r + step, rows), out + n * size);
    });
}

template <class T>
void pad2d_forward(const Images& g, const Padding& p, const T* x, T value, T* out) {
    remap<T>(g, padded_axis(g.H, p.top, p.bottom, p.border),
             padded_axis(g.W, p.left, p.right, p.border), x, value, out);
}

template <class T> void pad2d_backward(const Images& g, const Padding& p, const T* dout, T* dx) {
    remap_backward<T>(g, padded_axis(g.H, p.top, p.bottom, p.border),
                      padded_axis(g.W, p.left, p.right, p.border), dout, dx);
}

template <class T>
void upsample_forward(const Images& g, int scale_h, int scale_w, const T* x, T* out) {
    remap<T>(g, repeated_axis(g.H, scale_h), repeated_axis(g.W, scale_w), x, T(0), out);
}

template <class T>
void upsample_backward(const Images& g, int scale_h, int scale_w, const T* dout, T* dx) {
    remap_backward<T>(g, repeated_axis(g.H, scale_h), repeated_axis(g.W, scale_w), dout, dx);
}

template <class T>
void copy_rows(Size rows, Size length, const T* from, Size from_step, T* to, Size to_step) {
    const Size step = std::max(item_numbers / std::max(length, Size(1)), Size(1));
    for_items(ceil_div(rows, step), rows * length, [&](int k, int) {
        for (Size r = k * step; r < std::min((k + 1) * step, rows); ++r)
            std::memcpy(to + r * to_step, from + r * from_step, length * sizeof(T));
    });
}

#define CNN_INSTANTIATE(T)                                                          \
    template void transpose(Size, Size, Size, const T*, T*);                        \
    template void pad2d_forward(const Images&, const Padding&, const T*, T, T*);    \
    template void pad2d_backward(const Images&, const Padding&, const T*, T*);      \
    template void upsample_forward(const Images&, int, int, const T*, T*);          \
    template void upsample_backward(const Images&, int, int, const T*, T*);         \
    template void copy_rows(Size, Size, const T*, Size, T*, Size);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn
