// Correlation with 1×1 windows of few channels, in groups or not.
//
//   out[p, f] = b[f] + Σ_c x[p, g(f)*C_group + c] · w[f, c],   p a pixel
//
// Plan. So few products stand behind a result that its way to memory sets the pace, and all
// else has to hide there: no call for each tile, no register half empty. Filters are packed as
// a register of results wants them, and stay in registers while a line of pixels goes by:
//
//   line:  a register of results is one load of x, and C_group permutations and products.
//   pixel: where a pixel's filters fill several registers, a few pixels meet all of them before
//          the next ones do: then the result is written as it lies in memory.
//
// A permutation brings every lane the channel that its filter reads, so that a register may
// hold filters of several groups, and of several pixels where one has less than half a
// register of them. Where C_group and the stride are larger, lanes are taken from two
// neighbouring registers of x. Lines larger than the caches are put together first, and
// written past them in whole.
#include "kernels/pointwise.hpp"

#include "kernels/kernels.hpp"
#include "kernels/results.hpp"
#include "simd/lanes.hpp"
#include "simd/vector.hpp"

namespace cnn::CNN_LEVEL {
namespace {

// Pixels of x under a register of results.
template <class T> struct Source {
    LaneMask<T> first, second;
    CNN_INLINE explicit Source(std::ptrdiff_t numbers)
        : first(lane_mask<T>(numbers < lanes<T> ? int(numbers) : lanes<T>)),
          second(lane_mask<T>(numbers > lanes<T> ? int(numbers) - lanes<T> : 0)) {}
};

template <class T> struct Line {
    const T* x;
    const T* packed;
    T* out;
    Vector<T> bias;
    Relu<T> relu;
    int length;
};

template <class T, int C, bool two>
void line_of_block(const Pointwise& p, const Line<T>& line) {
    Integers<T> index[C];
    Vector<T> filters[C];
    __builtin_memcpy(&index[0], line.packed + lanes<T>, sizeof index[0]);
#pragma GCC unroll 8
    for (int c = 1; c < C; ++c) index[c] = index[0] + c;
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) filters[c] = load(line.packed + (c + 2) * lanes<T>);

    const T* x = line.x;
    T* out = line.out;
    auto results = [&](const Source<T>& source) CNN_LAMBDA {
        const Vector<T> near = load_masked(x, source.first);
        Vector<T> far = {};
        if constexpr (two) far = load_masked(x + lanes<T>, source.second);
        Vector<T> sum = line.bias;
#pragma GCC unroll 8
        for (int c = 0; c < C; ++c) {
            if constexpr (two) sum += filters[c] * chosen_lanes<T>(near, far, index[c]);
            else sum += filters[c] * __builtin_shuffle(near, index[c]);
        }
        return cut_off<T>(sum, line.relu);
    };
    // what is stored too much is written again by the next pixels, while there are some
    const std::ptrdiff_t step = p.pixels * p.x_pixel, out_step = std::ptrdiff_t(p.pixels) * p.F;
    const int n = line.length / p.pixels;
    int whole = n;
    if (p.F < lanes<T>) {
        const std::ptrdiff_t room = std::ptrdiff_t(line.length) * p.F - lanes<T>;
        whole = room < 0 ? 0 : smaller(n, int(room / out_step) + 1);
    }
    const Source<T> all((p.pixels - 1) * p.x_pixel + p.C);
    int k = 0;
    for (; k < whole; ++k, x += step, out += out_step) store(out, results(all));
    for (int j = k * p.pixels; j < line.length; x += step, out += out_step) {
        const int pixels = smaller(line.length - j, p.pixels);
        const Source<T> some((pixels - 1) * p.x_pixel + p.C);
        store_first(out, results(some), pixels * p.F);
        j += pixels;
    }
}

// All blocks of filters of n neighbouring pixels. Without groups every block reads the same.
template <class T, int C, bool two, bool grouped, int n>
CNN_INLINE void pixels_of_blocks(const Pointwise& p, const T* packed, const T* bias,
                                 const Relu<T> relu, const T* x, T* out) {
    const std::ptrdiff_t x_pixel = p.x_pixel, F = p.F;
    const int blocks = p.blocks, last = p.first_filter(blocks - 1, lanes<T>);
    Vector<T> values[n][grouped ? 1 : C];
    if constexpr (!grouped) {
#pragma GCC unroll 4
        for (int k = 0; k < n; ++k)
#pragma GCC unroll 8
            for (int c = 0; c < C; ++c) values[k][c] = broadcast(x[k * x_pixel + c]);
    }
    for (int f = 0;; f = f + lanes<T> < last ? f + lanes<T> : last) {
        Vector<T> far[n] = {}, sums[n];
        Integers<T> index;
        if constexpr (grouped) {
            Channels channels;
            __builtin_memcpy(&channels, packed, sizeof channels);
            __builtin_memcpy(&index, packed + lanes<T>, sizeof index);
            const Source<T> source(channels.count);
#pragma GCC unroll 4
            for (int k = 0; k < n; ++k) {
                const T* at = x + k * x_pixel + channels.first;
                values[k][0] = load_masked(at, source.first);
                if constexpr (two) far[k] = load_masked(at + lanes<T>, source.second);
            }
        }
        const Vector<T> first = bias ? load(bias + f) : Vector<T>{};
#pragma GCC unroll 4
        for (int k = 0; k < n; ++k) sums[k] = first;
#pragma GCC unroll 8
        for (int c = 0; c < C; ++c) {
            const Vector<T> filters = load(packed + (c + 2) * lanes<T>);
#pragma GCC unroll 4
            for (int k = 0; k < n; ++k) {
                if constexpr (!grouped) sums[k] += filters * values[k][c];
                else if constexpr (two)
                    sums[k] += filters * chosen_lanes<T>(values[k][0], far[k], index);
                else sums[k] += filters * __builtin_shuffle(values[k][0], index);
            }
            if constexpr (grouped) index += 1;
        }
        cut_off<T, n>(sums, relu);
#pragma GCC unroll 4
        for (int k = 0; k < n; ++k) store(out + k * F + f, sums[k]);
        if (f == last) return;
        packed += (C + 2) * lanes<T>;
    }
}

template <class T, int C, bool two, bool grouped>
CNN_INLINE void line_of_blocks(const Pointwise& p, const Line<T>& line, const T* bias) {
    const T* x = line.x;
    T* out = line.out;
    // their values together in registers
    constexpr int n = !grouped && 4 * C > vector_registers - 8 ? 2 : 4;
    int j = 0;
    for (; j + n <= line.length; j += n, x += n * p.x_pixel, out += std::ptrdiff_t(n) * p.F)
        pixels_of_blocks<T, C, two, grouped, n>(p, line.packed, bias, line.relu, x, out);
    for (; j < line.length; ++j, x += p.x_pixel, out += p.F)
        pixels_of_blocks<T, C, two, grouped, 1>(p, line.packed, bias, line.relu, x, out);
}

template <class T>
using LineOfFilters = void (*)(const Pointwise&, const Line<T>&, const T* bias);

// One block of filters, or several.
template <class T, int C, bool two>
void line_of_filters(const Pointwise& p, const Line<T>& line, const T* bias) {
    if (p.blocks == 1) line_of_block<T, C, two>(p, line);
    else if (p.C > C) line_of_blocks<T, C, two, true>(p, line, bias);
    else line_of_blocks<T, C, false, false>(p, line, bias);
}

template <class T, bool two> CNN_INLINE LineOfFilters<T> line_of_channels(int C) {
    static constexpr LineOfFilters<T> table[most_pointwise_channels] = {
        line_of_filters<T, 1, two>, line_of_filters<T, 2, two>, line_of_filters<T, 3, two>,
        line_of_filters<T, 4, two>, line_of_filters<T, 5, two>, line_of_filters<T, 6, two>,
        line_of_filters<T, 7, two>, line_of_filters<T, 8, two>};
    return table[C - 1];
}

template <class T> CNN_INLINE LineOfFilters<T> line_of(int C, bool two) {
    if constexpr (permutes_two_registers)
        if (two) return line_of_channels<T, true>(C);
    return line_of_channels<T, false>(C);
}

}  // namespace

template <class T>
void pack_pointwise(const Pointwise& p, const T* w, const FilterSteps& steps, T* packed,
                    int block) {
    packed += block * p.block_size(lanes<T>);
    const int f0 = p.first_filter(block, lanes<T>);
    const int there = smaller(p.F - f0, lanes<T>);
    const Channels channels = p.channels_of(f0, there);
    __builtin_memcpy(packed, &channels, sizeof channels);
    Integers<T> index = {};
    for (int l = 0; l < p.pixels * there; ++l)
        index[l] = l / there * static_cast<int>(p.x_pixel) +
                   (f0 + l % there) / p.F_group * p.C_group - channels.first;
    __builtin_memcpy(packed + lanes<T>, &index, sizeof index);
    packed += 2 * lanes<T>;
    for (int c = 0; c < p.C_group; ++c)
        for (int l = 0; l < lanes<T>; ++l, ++packed) {
            const int f = f0 + l % there;
            *packed = l < p.pixels * there
                          ? w[f / p.F_group * steps.group + f % p.F_group * steps.f + c * steps.c]
                          : T(0);
        }
}

template <class T>
void correlate_pointwise(const Pointwise& p, const CorrelationArrays<T>& a, int begin, int end,
                         T* workspace) {
    Line<T> line{nullptr, a.w, nullptr, {}, a.epilogue.relu, 0};
    const T* const bias = a.epilogue.bias;
    if (bias && p.blocks == 1)
        for (int l = 0; l < p.pixels * p.F; ++l) line.bias[l] = bias[l % p.F];
    const auto correlate = line_of<T>(p.C_group, p.source > lanes<T>);
    for (int k = begin; k < end; ++k) {
        T* const out = a.out + std::ptrdiff_t(k) * p.length * p.F;
        line.x = a.x + k / p.rows * p.x_image + k % p.rows * p.x_row;
        line.out = p.staging ? workspace : out;
        line.length = k + 1 < p.lines ? p.length : p.last;
        correlate(p, line, bias);
        if (p.staging) write_line(out, workspace, std::ptrdiff_t(line.length) * p.F, true);
    }
    if (p.staging) finish_past_caches();
}

#define CNN_POINTWISE(T) {pack_pointwise<T>, correlate_pointwise<T>}
const PointwiseKernels<float> pointwise_f32 = CNN_POINTWISE(float);
const PointwiseKernels<double> pointwise_f64 = CNN_POINTWISE(double);

}  // namespace cnn::CNN_LEVEL
