// Convolutions of few filters with pixels or images as lanes: which they are, how many
// channels and rows an item turns at a time, and where this is quicker than lanes of filters.
#include <algorithm>
#include <atomic>
#include <cstdlib>

#include "dispatch/dispatch.hpp"
#include "engine/elementwise.hpp"
#include "engine/planes.hpp"
#include "engine/stores.hpp"
#include "memory/blocks.hpp"
#include "parallel/pool.hpp"

namespace cnn {
namespace {

constexpr Size planes_bytes = 192 << 10;  // of the source, at a time
constexpr Size sums_bytes = 192 << 10;
constexpr Size near_bytes = 24 << 10;
constexpr int places_wanted = 224;    // as many as a tile has, or some

struct Reach {
    int begin, end;
};

// What the phases read of an axis, by the windows of their first `most` results.
template <class Axis> Reach reach(const Planes& p, int most, Axis axis) {
    Reach all{0, 0};
    bool none = true;
    for (int k = 0; k < p.n_phases; ++k) {
        const auto [taps, stride, pad, dilation, size] = axis(p.phases[k].c);
        if (taps == 0 || size == 0) continue;
        const Reach own{-pad, (std::min(size, most) - 1) * stride - pad + (taps - 1) * dilation + 1};
        all = none ? own : Reach{std::min(all.begin, own.begin), std::max(all.end, own.end)};
        none = false;
    }
    return all;
}

struct Axis {
    int taps, stride, pad, dilation, size;
};
Axis vertical(const Correlation& c) {
    return {c.HH, c.stride_h, c.pad_top, c.dilation_h, c.H_out};
}
Axis horizontal(const Correlation& c) {
    return {c.WW, c.stride_w, c.pad_left, c.dilation_w, c.W_out};
}

// Products of one axis: taps that find the source, of all results.
Size products(const Axis& a, int source) {
    Size n = 0;
    for (int i = 0; i < a.size; ++i)
        for (int u = 0; u < a.taps; ++u) {
            const int at = i * a.stride - a.pad + u * a.dilation;
            n += at >= 0 && at < source;
        }
    return n;
}

// Numbers that do not fall into few sets of the caches, plane after plane.
Size spaced(Size numbers, int lanes) {
    numbers = (numbers + lanes - 1) / lanes * lanes;
    return numbers % (4 * lanes) ? numbers : numbers + lanes;
}

template <class T> struct Sizes {
    int lanes, rows_out, W_out;
    Size source;  // numbers of all channels' planes

    explicit Sizes(const Planes& p) : lanes(kernels<T>().lanes), rows_out(0), W_out(0), source(0) {
        for (int k = 0; k < p.n_phases; ++k) {
            rows_out = std::max(rows_out, p.phases[k].c.H_out);
            W_out = std::max(W_out, p.phases[k].c.W_out);
        }
    }
};

template <class T> void set_rows(Planes& p, const Sizes<T>& s, int rows) {
    const Correlation& c = p.c();
    p.rows = rows;
    const Reach h = reach(p, rows, vertical);
    const int source_rows = h.end - h.begin;
    if (p.images == 1) {
        p.part = Size(ceil_div(source_rows, c.stride_h)) * p.pitch +
                 ceil_div(p.columns, c.stride_w) - p.pitch + s.lanes;
        p.part = (p.part + s.lanes - 1) / s.lanes * s.lanes;
        p.plane = spaced(p.part * c.stride_h * c.stride_w, s.lanes);
        p.sums_plane = spaced(Size(rows) * p.pitch + s.lanes, s.lanes);
        p.line = c.F > 1 ? aligned(Size(s.W_out) * c.F + s.lanes) : 0;
    } else {
        p.plane = spaced(Size(std::min(source_rows, c.H)) * c.W * p.images, s.lanes);
        p.sums_plane = spaced(Size(rows) * s.W_out * p.images, s.lanes);
    }
    p.sums_size = p.n_phases * p.fold * c.F * p.sums_plane;
    for (int k = 0; k < p.n_phases; ++k) p.phases[k].sums = k * p.fold * c.F * p.sums_plane;
    const Size most = planes_bytes / Size(sizeof(T)) / p.plane;
    if (most >= c.C) p.channels = c.C;
    else if (most >= 16) p.channels = int(std::min<Size>(c.C_group(), most / 16 * 16));
    else p.channels = std::min(c.C_group(), int(std::max<Size>(4, most / 4 * 4)));
    p.workspace = aligned(p.sums_size + p.line + p.channels * p.plane + 16 * s.lanes + 64);
}

template <class T> void choose_rows(Planes& p, const Sizes<T>& s, int blocks) {
    const int width = p.images == 1 ? p.pitch : s.W_out * p.images;
    const Size sums_row = Size(p.n_phases) * p.fold * p.c().F * width * Size(sizeof(T));
    const Reach h = reach(p, 1, vertical);
    // in L1 where so few rows are no more than what they read beside
    const Size near = near_bytes / std::max<Size>(sums_row, 1);
    const Size far = std::max<Size>(3 * (h.end - h.begin - 1) / p.c().stride_h,
                                    ceil_div(places_wanted, width));
    int rows = int(std::clamp<Size>(std::max(near, far), 1, s.rows_out));
    rows = int(std::clamp<Size>(sums_bytes / std::max<Size>(sums_row, 1), 1, rows));
    rows = ceil_div(s.rows_out, ceil_div(s.rows_out, rows));
    while (rows > 2 && ceil_div(s.rows_out, rows) * Size(blocks) < 4 * n_threads())
        rows = (rows + 1) / 2;
    set_rows<T>(p, s, rows);
}

template <class T> void lanes_are_pixels(Planes& p, Sizes<T>& s) {
    const Correlation& c = p.c();
    p.images = 1, p.fold = 1, p.filters = 4;
    bool folds = c.F_group() == 1 && c.stride_h == 1 && s.rows_out > 2;
    for (int k = 0; k < p.n_phases; ++k)
        folds = folds && p.phases[k].c.dilation_h == 1 && p.phases[k].c.HH != 1;
    if (folds) {
        p.fold = 2;
        for (int k = 0; k < p.n_phases; ++k) {
            Correlation& own = p.phases[k].c;
            own.stride_h = 2, own.H_out = (own.H_out + 1) / 2;
            if (own.HH) ++own.HH;
        }
        s.rows_out = (s.rows_out + 1) / 2;
    }
    const Reach w = reach(p, s.W_out, horizontal);
    p.left = w.begin, p.columns = std::max(w.end - w.begin, 1);
    p.pitch = ceil_div(p.columns, c.stride_w);
    if (c.stride_w == 1) p.pitch -= std::clamp(std::min(-w.begin, w.end - c.W), 0, p.pitch - 1);
    p.pitch = std::max(p.pitch, s.W_out);
    p.columns = std::max(p.columns, 1);
    choose_rows<T>(p, s, c.N);
}

template <class T> void lanes_are_images(Planes& p, const Sizes<T>& s) {
    const Correlation& c = p.c();
    const int registers = ceil_div(c.N, s.lanes);
    p.fold = 1;
    // steps of the multipliers, which want eight sums that do not wait for each other
    double least = 0;
    for (int most : {4, 8})
        for (int m : {1, 2, 4}) {
            const int blocks = ceil_div(c.F_group(), most), filters = ceil_div(c.F_group(), blocks);
            if (m > kernels<T>().planes->registers(filters)) continue;
            const double steps = ceil_div(registers, m) * m * std::max(1.0, 8.0 / (filters * m)) *
                                 (1 + 0.3 / m + 0.1 / filters);
            if (least == 0 || steps < least)
                least = steps, p.filters = most, p.images = m * s.lanes;
        }
    p.left = p.columns = p.pitch = 0, p.part = p.line = 0;
    choose_rows<T>(p, s, ceil_div(c.N, p.images));
}

}  // namespace

template <class T>
bool correlate_by_planes(const PartOfConvolution* parts, int n_parts, const T* x, const T* w,
                         const Epilogue<T>& epilogue, Beyond beyond, T* out,
                         PackedFilters<T>* kept) {
    const int mode = getenv("CNN_PLANES") ? atoi(getenv("CNN_PLANES")) : 1;
    if (!mode) return false;
    if (n_parts < 1 || n_parts > most_phases) return false;
    if (epilogue.addend && epilogue.relu.capped) return false;
    const Correlation& c = parts[0].c;
    if (c.N <= 0 || c.C_group() < 1 || c.F_group() < 1 || c.H < 1 || c.W < 1) return false;

    Planes p{};
    p.n_phases = n_parts;
    Size w_size = 0;
    bool empty = true;
    for (int k = 0; k < n_parts; ++k) {
        const Correlation& part = parts[k].c;
        if (part.HH * part.WW > most_plane_taps) return false;
        if (part.H_out > 0 && part.W_out > 0) empty = false;
        p.phases[k] = {part, part.H_out, parts[k].out, w_size, 0};
        w_size += Size(part.F) * part.C_group() * part.HH * part.WW;
    }
    if (empty) return false;
    Sizes<T> s(p);
    if (mode == 3) lanes_are_images<T>(p, s);
    else lanes_are_pixels<T>(p, s);

    const auto& kernel = *kernels<T>().planes;
    const FiltersOfCall<T> packed(kept, Packing::planes, w_size + 1, [&](T* to) {
        std::atomic<bool> finite{true};
        parallel_for(n_parts * c.groups, [&](int k, int) {
            const PartOfConvolution& part = parts[k / c.groups];
            if (!kernel.pack(part.c, p.filters, w + part.w, part.steps, to + p.phases[k / c.groups].w,
                             k % c.groups))
                finite = false;
        });
        to[w_size] = finite;
    });
    // pixels meet zeros beyond the source, images do not
    if ((beyond == Beyond::nothing) == (p.images == 1) && packed[w_size] == 0) return false;

    const Epilogue<T> own{epilogue.bias, epilogue.addend ? Relu<T>(false) : epilogue.relu,
                          p.images == 1 && p.line > 0 && n_parts == 1 &&
                              Size(c.N) * c.out_image * Size(sizeof(T)) >= larger_than_caches};
    const int row_blocks = ceil_div(s.rows_out, p.rows), blocks = ceil_div(c.N, p.images);
    const int threads = n_threads();
    Workspace space((p.workspace * threads + 64) * sizeof(T));
    const CorrelationArrays<T> arrays{x, packed, out, own};
    parallel_for(row_blocks * blocks, [&](int k, int worker) {
        const int n = k / row_blocks * p.images, i = k % row_blocks * p.rows;
        kernel.correlate(p, arrays, {n, std::min(n + p.images, c.N), i, i + p.rows, 0, 0},
                         space.as<T>() + worker * p.workspace);
    }, threads);
    if (epilogue.addend) {
        const auto join = epilogue.relu ? add_relu<T> : add<T>;
        join(out, epilogue.addend, out, Size(c.N) * c.H_out * c.W_out * c.F);
    }
    return true;
}

#define CNN_INSTANTIATE(T)                                                                     \
    template bool correlate_by_planes(const PartOfConvolution*, int, const T*, const T*,       \
                                      const Epilogue<T>&, Beyond, T*, PackedFilters<T>*);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn
