// Depthwise convolutions: an item is some rows of an image.
#include <algorithm>
#include <vector>

#include "dispatch/dispatch.hpp"
#include "engine/depthwise.hpp"
#include "engine/stores.hpp"
#include "memory/blocks.hpp"
#include "parallel/pool.hpp"

namespace cnn {
namespace {

constexpr Size close_bytes = 192 << 10;  // what the copied rows of an item may take of L2
constexpr int rows_at_a_time = 6;        // of a tile: fewer are less work for each load

// 1×1 filters at every pixel: an image is one row.
void flatten_rows(Correlation& c) {
    if (c.N < 8 || c.HH != 1 || c.WW != 1 || c.stride_h != 1 || c.stride_w != 1 || c.pad_top ||
        c.pad_left || c.H != c.H_out || c.W != c.W_out || c.out_pixel != c.C ||
        c.out_row != Size(c.W) * c.C)
        return;
    c.out_row *= c.H;
    c.W = c.W_out = c.H * c.W;
    c.H = c.H_out = 1;
}

// Rows of the result that an item takes, no more than `rows`.
int rows_of_item(const Correlation& c, int rows, int lanes, int number_bytes) {
    const int threads = n_threads();
    auto items = [&] { return Size(c.N) * ceil_div(c.H_out, rows); };
    auto halve = [&] {  // to whole strips, while there are several
        rows = (rows + 1) / 2;
        if (rows > rows_at_a_time) rows = ceil_div(rows, rows_at_a_time) * rows_at_a_time;
    };
    while (rows > rows_at_a_time && items() < 8 * threads) halve();
    while (rows > 2 && items() < 2 * threads) halve();
    while (rows > 1 && depthwise_workspace(c, rows, lanes) * Size(number_bytes) > close_bytes)
        halve();
    return rows;
}

// The pixels of a segment: those that leave fewest lanes empty, of few registers where it is equal.
int pixels_of_segment(const Correlation& c, int lanes) {
    if (c.stride_w > 1 && c.C >= lanes) return 1;  // its pixels are apart in x
    int best = 1;
    Size least = 0;
    for (int pixels = 1; pixels <= std::min(c.W_out, lanes); ++pixels) {
        const Size registers = ceil_div(Size(pixels) * c.C, lanes);
        const Size last = ceil_div(Size(c.W_out % pixels) * c.C, lanes);
        // registers that are met in a row, and what each of them costs by itself
        const Size cost = c.W_out / pixels * registers + last + 2 * registers;
        if (pixels == 1 || cost < least) least = cost, best = pixels;
    }
    return best;
}

DepthwiseGradient gradient_of(const Correlation& c, int lanes, int number_bytes) {
    constexpr Size near_bytes = 32 << 10;  // of rows that are met again by each register
    constexpr Size near_memory_bytes = 2 << 20;  // what a core may find in its own caches
    constexpr int segments_wanted = 24;    // for each time that sums go to memory
    DepthwiseGradient g{};
    g.pixels = pixels_of_segment(c, lanes);
    g.segment = Size(g.pixels) * c.C;
    g.pitch = Size(ceil_div(g.segment, lanes)) * lanes;
    const bool lines = c.C < lanes;
    const int reach_h = (c.HH - 1) * c.dilation_h + 1, reach_w = (c.WW - 1) * c.dilation_w + 1;
    g.columns = lines ? c.W_out - 1 + ceil_div(reach_w, c.stride_w)
                      : (c.W_out - 1) * c.stride_w + reach_w;
    g.in_place = c.pad_left == 0 && (!lines || c.stride_w == 1);
    const Size row = (Size(c.W_out) + Size(c.stride_h) * c.W) * c.C * number_bytes;
    g.rows = static_cast<int>(std::clamp<Size>(
        std::max(near_bytes / row, Size(ceil_div(segments_wanted * g.pixels, c.W_out))), 1,
        std::clamp(c.H_out, 1, depthwise_most_rows)));
    g.fetch_ahead = Size(c.N) * (Size(c.H) * c.W + Size(c.H_out) * c.W_out) * c.C * number_bytes >
                    near_memory_bytes;
    g.x_row = Size(g.columns) * (lines ? c.stride_w : 1) * c.C + lanes;
    g.kept_rows = g.in_place ? 0 : (g.rows - 1) * c.stride_h + reach_h;
    return g;
}

}  // namespace

template <class T> bool depthwise_fits(const Correlation& c) {
    return c.groups == c.C && c.C == c.F && c.HH <= depthwise_most_taps &&
           c.WW <= depthwise_most_taps;
}

namespace {

template <class T> Size packed_numbers(const Correlation& c) {
    return Size(c.HH) * c.WW * depthwise_pitch(c.C, kernels<T>().lanes);
}

template <class T>
FiltersOfCall<T> packed_filters(const Correlation& c, const T* w, const FilterSteps& steps,
                                PackedFilters<T>* kept) {
    return FiltersOfCall<T>(kept, Packing::depthwise, packed_numbers<T>(c) + 1,
                            [&](T* to) { kernels<T>().depthwise->pack(c, w, steps, to); });
}

template <class T> bool are_finite(const FiltersOfCall<T>& packed, const Correlation& c) {
    return packed[packed_numbers<T>(c)] != 0;
}

// The bias as a line like those of the packed filters.
template <class T> class BiasLine {
  public:
    BiasLine(const T* bias, int C)
        : pitch_(depthwise_pitch(C, kernels<T>().lanes)), line_((pitch_ + 64) * sizeof(T)),
          there_(bias != nullptr) {
        T* line = line_.as<T>();
        for (Size k = 0; bias && k < pitch_; ++k) line[k] = k < C ? bias[k] : line[k - C];
    }
    const T* get() { return there_ ? line_.template as<T>() : nullptr; }

  private:
    Size pitch_;
    Workspace line_;
    bool there_;
};

}  // namespace

template <class T>
bool depthwise_correlation(Correlation c, const T* x, const T* w, const FilterSteps& steps,
                           const Epilogue<T>& epilogue, T* out, PackedFilters<T>* kept) {
    const auto& kernel = *kernels<T>().depthwise;
    const int lanes = kernels<T>().lanes;
    const FiltersOfCall<T> packed = packed_filters(c, w, steps, kept);
    if (!are_finite(packed, c)) return false;

    BiasLine<T> bias(epilogue.bias, c.C);
    CorrelationArrays<T> arrays{x, packed, out, epilogue};
    arrays.epilogue.bias = bias.get();
    const Size row = Size(c.C) * Size(sizeof(T));
    arrays.epilogue.past_caches = depthwise_flat(c) && c.C >= lanes && c.C % lanes == 0 &&
                                  past_caches(out, Size(c.N) * c.H_out * c.W_out * row, row);
    flatten_rows(c);
    const int threads = n_threads();
    const int rows = rows_of_item(c, c.H_out, lanes, sizeof(T));
    const Size per_worker = aligned(depthwise_workspace(c, rows, lanes) + 64);
    Workspace workspace(per_worker * threads * sizeof(T));
    const int blocks = ceil_div(c.H_out, rows);
    parallel_for(c.N * blocks, [&](int k, int worker) {
        const int n = k / blocks, i = k % blocks * rows;
        const CorrelationItem item{n, n + 1, i, std::min(i + rows, c.H_out), 0, 0};
        kernel.correlate(c, arrays, item, workspace.as<T>() + worker * per_worker);
    }, threads);
    return true;
}

template <class T>
bool depthwise_input_gradient(const Conv2d& g, const PartOfConvolution* phases, int n_phases,
                              const T* dout, const T* w, const T* b, T* dx,
                              PackedFilters<T>* kept) {
    constexpr Size near_bytes = 256 << 10;  // of dx, between one phase and the next
    const auto& kernel = *kernels<T>().depthwise;
    const int lanes = kernels<T>().lanes;
    std::vector<FiltersOfCall<T>> packed;
    packed.reserve(n_phases);
    for (const auto* p = phases; p < phases + n_phases; ++p) {
        packed.push_back(
            packed_filters(p->c, w + p->w, p->steps, kept ? kept + p->slot : nullptr));
        if (!are_finite(packed.back(), p->c)) return false;
    }
    BiasLine<T> bias(b, g.C);
    const int threads = n_threads(), most_rows = ceil_div(g.H, g.stride_h);
    const Size row = Size(g.W) * g.C, image = g.H * row;
    int rows = most_rows;  // of a phase
    while (rows > rows_at_a_time && rows * g.stride_h * row * Size(sizeof(T)) > near_bytes)
        rows = ceil_div(rows, 2 * rows_at_a_time) * rows_at_a_time;
    Size numbers = 0;
    bool gaps = false;  // pixels that no tap reaches
    // lines that come from memory come faster one after the other than pixel by pixel
    const bool far = g.N * image * Size(sizeof(T)) >= larger_than_caches && n_phases > 1;
    for (const auto* p = phases; p < phases + n_phases; ++p) {
        rows = rows_of_item(p->c, rows, lanes, sizeof(T));
        gaps = gaps || p->c.HH == 0;
    }
    for (const auto* p = phases; p < phases + n_phases; ++p)
        numbers = std::max(numbers, depthwise_workspace(p->c, rows, lanes));
    const Size per_worker = aligned(numbers + 64);
    Workspace workspace(per_worker * threads * sizeof(T));
    const int blocks = ceil_div(most_rows, rows);
    parallel_for(g.N * blocks, [&](int k, int worker) {
        const int n = k / blocks, begin = k % blocks * rows;
        if (far || (gaps && !b)) {
            T* to = dx + n * image;
            std::fill(to + begin * g.stride_h * row,
                      to + std::min(g.H, (begin + rows) * g.stride_h) * row, T(0));
        }
        for (int at = 0; at < n_phases; ++at) {
            const auto& p = phases[at];
            const CorrelationItem item{n, n + 1, begin, std::min(begin + rows, p.c.H_out), 0, 0};
            if (item.i_end <= begin || p.c.W_out <= 0 || (p.c.HH == 0 && !b)) continue;
            kernel.correlate(p.c, {dout, packed[at], dx + p.out, {bias.get(), false, false}}, item,
                             workspace.as<T>() + worker * per_worker);
        }
    }, threads);
    return true;
}

template <class T>
void depthwise_filter_gradient(const Correlation& c, const T* x, const T* dout,
                               const FilterSteps& steps, T* dw, T* db) {
    constexpr Size most_slices = 16, sums_bytes = 8 << 20;
    const auto& kernel = *kernels<T>().depthwise;
    const DepthwiseGradient g = gradient_of(c, kernels<T>().lanes, sizeof(T));
    const int taps = c.HH * c.WW;
    const Size rows = Size(c.N) * c.H_out, slice_size = (taps + 1) * g.pitch;
    const Size slices = std::clamp<Size>(sums_bytes / (slice_size * Size(sizeof(T))), 1,
                                         std::clamp<Size>(rows, 1, most_slices));
    Workspace sums((slices * slice_size + 64) * sizeof(T));
    const Size per_worker = aligned(g.workspace() + 64);
    const int threads = n_threads();
    Workspace workspace(per_worker * threads * sizeof(T));
    parallel_for(static_cast<int>(slices), [&](int k, int worker) {
        T* own = sums.as<T>() + k * slice_size;
        std::fill(own, own + slice_size, T(0));
        kernel.filter_gradient(c, g, {x, dout, own}, rows * k / slices, rows * (k + 1) / slices,
                               workspace.as<T>() + worker * per_worker);
    }, threads);

    auto total = [&](int tap, int channel) {
        const T* from = sums.as<T>() + tap * g.pitch + channel;
        T t = 0;
        for (Size k = 0; k < slices; ++k, from += slice_size)
            for (int p = 0; p < g.pixels; ++p) t += from[Size(p) * c.C];
        return t;
    };
    if (dw)
        for (int tap = 0; tap < taps; ++tap)
            for (int k = 0; k < c.C; ++k)
                dw[k * steps.group + tap / c.WW * steps.u + tap % c.WW * steps.v] = total(tap, k);
    if (db)
        for (int k = 0; k < c.C; ++k) db[k] = total(taps, k);
}

#define CNN_INSTANTIATE(T)                                                                     \
    template bool depthwise_fits<T>(const Correlation&);                                       \
    template bool depthwise_correlation(Correlation, const T*, const T*, const FilterSteps&,   \
                                        const Epilogue<T>&, T*, PackedFilters<T>*);            \
    template bool depthwise_input_gradient(const Conv2d&, const PartOfConvolution*, int,       \
                                           const T*, const T*, const T*, T*,                   \
                                           PackedFilters<T>*);                                 \
    template void depthwise_filter_gradient(const Correlation&, const T*, const T*,            \
                                            const FilterSteps&, T*, T*);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn
