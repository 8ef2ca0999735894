// Depthwise correlation: every channel has one filter of its own.
//
//   out[n, i, j, c] = b[c] + Σ_{u, v} x[n, i*s + u*d - p, j*s + v*d - p, c] · w[c, u, v]
//
// Plan. A row of the result is one line of numbers, e = j*C + c, and so is a row of x; where
// the stride is 1, tap v of number e is number e + (v*d - p)*C. A register takes lanes of
// that line and does not care where one pixel ends and the next begins, so no lane is empty,
// with 3 channels or with 214. The filters lie as lines too, [u][v][C and the first again],
// and are read from channel e mod C on.
//
//   strip: R rows of the result x one register, moved along the line. For each v the K
//          filters of its column stay in registers, and each of the (R-1)*s + K rows of x
//          is loaded once for up to K products.
//
// x is read where it lies: rows beyond the image are a line of zeros, and pixels near the
// border have fewer taps v.
// Where pixels are apart, in x by a stride or in the result, a register stays in its pixel,
// the last of a pixel over the one before. Where a pixel is less than a register, the rows
// are copied with their border, every stride-th pixel together, so that they are lines again.
//
// Sums run over v, then u, however the rows are cut.
#include "kernels/depthwise.hpp"

#include "kernels/kernels.hpp"
#include "kernels/lines.hpp"
#include "simd/vector.hpp"

namespace cnn::CNN_LEVEL {
namespace {

template <class T> struct Strip {
    const std::ptrdiff_t* taps;  // where the taps of a row of the window find x
    int n_taps, HH;
    std::ptrdiff_t w_row, w_tap;
    std::ptrdiff_t x_pixel, out_pixel, out_row;
    int C, ahead;  // numbers that are fetched before they are met
    std::ptrdiff_t skipped;  // of pixels between two that no tap finds
    const T* bias;
    Relu<T> relu;
    bool past_caches;
    int next[depthwise_registers + 1] = {};  // channels that so many registers go on

    CNN_INLINE void set_next() {
        for (int q = 1; q <= depthwise_registers; q *= 2)
            next[q] = C <= q * lanes<T> ? q * lanes<T> % C : q * lanes<T>;
    }
};

constexpr int most_rows = 6;  // of a strip

// Registers of a row that go together: a few sums would wait for the multiplications before,
// and their rows' addresses and filters' loads are for few products.
constexpr int registers_together(int K, int S, int R) {
    return S > 1 ? 1 : K == 1 && R == 1 ? 4 : 2 * (K + R) < vector_registers ? 2 : 1;
}
static_assert(registers_together(1, 1, 1) <= depthwise_registers, "the lines are long enough");

// Q registers of R rows; see strip.
template <class T, int K, int S, int R, int Q>
CNN_INLINE void some_registers(const T* const* rows, const T* w, const Strip<T>& s,
                               std::ptrdiff_t at_x, std::ptrdiff_t ahead, int channel, T* to,
                               int length) {
    constexpr int L = lanes<T>;
    if constexpr (K > 0) {  // more rows than a CPU sees coming by itself
        const std::ptrdiff_t last_tap = s.taps[s.n_taps ? s.n_taps - 1 : 0];
        const std::ptrdiff_t soon = at_x + last_tap + ahead;
#pragma GCC unroll 32
        for (int r = 0; r < (R - 1) * S + K; ++r)
#pragma GCC unroll 4
            for (int q = 0; q < Q; ++q) {
                __builtin_prefetch(rows[r] + soon + q * L);
                if (S == 2) __builtin_prefetch(rows[r] + soon + q * L + s.C);  // the pixel between
            }
    }
    Vector<T> sums[Q][R] = {};
    for (int v = 0; v < s.n_taps; ++v) {
        const std::ptrdiff_t at = at_x + s.taps[v];
        const T* filter = w + channel + v * s.w_tap;
        if constexpr (K > 0) {
            Vector<T> filters[Q][K];
#pragma GCC unroll 8
            for (int u = 0; u < K; ++u)
#pragma GCC unroll 4
                for (int q = 0; q < Q; ++q) filters[q][u] = load(filter + u * s.w_row + q * L);
#pragma GCC unroll 32
            for (int r = 0; r < (R - 1) * S + K; ++r)
#pragma GCC unroll 4
                for (int q = 0; q < Q; ++q) {
                    Vector<T> value = load(rows[r] + at + q * L);
                    keep_in_register<T>(value);  // and do not load it for each product
#pragma GCC unroll 16
                    for (int m = 0; m < R; ++m)
                        if (r - m * S >= 0 && r - m * S < K)
                            sums[q][m] += value * filters[q][r - m * S];
                }
        } else {
            const T* const* of_tap = rows;
            for (int u = 0; u < s.HH; ++u, filter += s.w_row, of_tap += R)
#pragma GCC unroll 4
                for (int q = 0; q < Q; ++q) {
                    const Vector<T> here = load(filter + q * L);
#pragma GCC unroll 16
                    for (int m = 0; m < R; ++m) sums[q][m] += load(of_tap[m] + at + q * L) * here;
                }
        }
    }
#pragma GCC unroll 4
    for (int q = 0; q < Q; ++q) {
        if (s.bias) {
            const Vector<T> bias = load(s.bias + channel + q * L);
#pragma GCC unroll 16
            for (int m = 0; m < R; ++m) sums[q][m] += bias;
        }
        cut_off<T, R>(sums[q], s.relu);
    }
    if (length < L) {
#pragma GCC unroll 16
        for (int m = 0; m < R; ++m) store_first(to + m * s.out_row, sums[0][m], length);
    } else if (s.past_caches) {
#pragma GCC unroll 16
        for (int m = 0; m < R; ++m)
#pragma GCC unroll 4
            for (int q = 0; q < Q; ++q) store_past_caches(to + m * s.out_row + q * L, sums[q][m]);
    } else {
#pragma GCC unroll 16
        for (int m = 0; m < R; ++m)
#pragma GCC unroll 4
            for (int q = 0; q < Q; ++q) store(to + m * s.out_row + q * L, sums[q][m]);
    }
}

// R rows of `length` numbers, which begin with channel `first`; the same at several pixels.
// K taps u next to each other, and rows of x that lie S apart: rows[m*S + u] is what row m
// meets with tap u. K = 0: as many taps as the strip says, and rows[u*R + m].
template <class T, int K, int S, int R>
void strip(const T* const* rows, const T* w, int first, std::ptrdiff_t length, int pixels, T* out,
           const Strip<T>& of) {
    constexpr int Q = registers_together(K, S, R);
    const Strip<T> s = of;  // a copy that no store can change
    const bool whole = length >= lanes<T>;
    std::ptrdiff_t pixel = 0;
    for (int p = 0; p < pixels; ++p, pixel += s.x_pixel, out += s.out_pixel) {
        int channel = first;
        std::ptrdiff_t e = 0;
        auto ahead = [&]() CNN_LAMBDA {
            return e + s.ahead < length ? s.ahead : s.ahead + s.skipped;
        };
        auto go = [&](int registers) CNN_LAMBDA {
            e += registers * lanes<T>;
            channel += s.next[registers];
            if (channel >= s.C) channel -= s.C;
        };
        if constexpr (Q > 1)
            for (; e + Q * lanes<T> <= length; go(Q))
                some_registers<T, K, S, R, Q>(rows, w, s, pixel + e, ahead(), channel, out + e,
                                              lanes<T>);
        for (; e < length; go(1)) {
            if (e + lanes<T> > length && whole) {  // the last one: over the one before
                const int back = static_cast<int>(e + lanes<T> - length);
                e -= back;
                channel -= back % s.C;
                if (channel < 0) channel += s.C;
            }
            some_registers<T, K, S, R, 1>(rows, w, s, pixel + e, ahead(), channel, out + e,
                                          whole ? lanes<T> : static_cast<int>(length));
        }
    }
}

template <class T>
using StripOf = void (*)(const T* const*, const T*, int, std::ptrdiff_t, int, T*, const Strip<T>&);

// How many of the rows that are left go together, out of 6, 4, 3, 2 and 1.
CNN_INLINE int rows_together(int left) {
    constexpr int of[] = {0, 1, 2, 3, 4, 3, 6, 4, 4, 6, 6, 4};
    return left < 12 ? of[left] : 6;
}

constexpr int most_near = 7;  // taps u whose filters stay in registers

template <class T, int S, int R> CNN_INLINE StripOf<T> strip_of(int K) {
    static constexpr StripOf<T> table[] = {strip<T, 1, S, R>, strip<T, 2, S, R>, strip<T, 3, S, R>,
                                           strip<T, 4, S, R>, strip<T, 5, S, R>, strip<T, 6, S, R>,
                                           strip<T, 7, S, R>};
    return table[K - 1];
}

// Whether there is a strip for rows so far apart: not every one is worth its code.
template <class T> CNN_INLINE bool has_strip(int stride, int R) {
    return stride == 1 || R == 1 || (stride == 2 && R >= 4 && sizeof(T) == 4);
}

template <class T> CNN_INLINE StripOf<T> strip_of(int K, int stride, int R) {
    if constexpr (sizeof(T) == 4)
        if (stride == 2 && R > 1) return R == 6 ? strip_of<T, 2, 6>(K) : strip_of<T, 2, 4>(K);
    return R == 6 ? strip_of<T, 1, 6>(K) : R == 4 ? strip_of<T, 1, 4>(K)
         : R == 3 ? strip_of<T, 1, 3>(K) : R == 2 ? strip_of<T, 1, 2>(K) : strip_of<T, 1, 1>(K);
}

template <class T> CNN_INLINE StripOf<T> strip_of_any(int R) {
    return R == 6 ? strip<T, 0, 1, 6> : R == 4 ? strip<T, 0, 1, 4>
         : R == 3 ? strip<T, 0, 1, 3> : R == 2 ? strip<T, 0, 1, 2> : strip<T, 0, 1, 1>;
}

struct Taps {
    int begin, end;
    CNN_INLINE int count() const { return end - begin; }
};

// The taps of one axis that find the source when the window stands at `start`.
CNN_INLINE Taps taps_inside(int start, int taps, int dilation, int size) {
    int begin = 0, end = taps;
    while (begin < end && start + begin * dilation < 0) ++begin;
    while (end > begin && start + (end - 1) * dilation >= size) --end;
    return {begin, end};
}

// Rows of x between those of two neighbouring rows of the result; of a single tap nobody
// meets the others.
CNN_INLINE int rows_apart(const Correlation& c) { return c.HH == 1 ? 1 : c.stride_h; }

// Rows i_begin .. i_end-1 by those that go together: run(strip, i, R).
template <class T, class Run>
CNN_INLINE void for_strips(const Correlation& c, int i_begin, int i_end, const Run& run) {
    const bool few_taps = c.dilation_h == 1 && c.HH >= 1 && c.HH <= most_near;
    const int apart = rows_apart(c);
    for (int i = i_begin; i < i_end;) {
        int R = rows_together(i_end - i);
        if (few_taps && R > 1 && !has_strip<T>(apart, R) && has_strip<T>(apart, 4) &&
            i_end - i_begin >= 4) {
            if (i_end - i < 4) i = i_end - 4;  // a row again, for the sake of a strip
            R = 4;
        }
        const bool near = few_taps && has_strip<T>(apart, R);
        run(near ? strip_of<T>(c.HH, apart, R) : strip_of_any<T>(R), near, i, R);
        i += R;
    }
}

// The rows of x that R rows of the result meet, as strip wants them: row_at(r) is row r of x
// below the first.
template <class T, class RowAt>
CNN_INLINE void find_rows(const T** rows, const Correlation& c, bool near, int R,
                          const RowAt& row_at) {
    if (near) {
        const int apart = rows_apart(c), step = c.HH == 1 ? c.stride_h : 1;
        for (int r = 0; r < (R - 1) * apart + c.HH; ++r) rows[r] = row_at(r * step);
    } else {
        for (int u = 0; u < c.HH; ++u)
            for (int m = 0; m < R; ++m) *rows++ = row_at(m * c.stride_h + u * c.dilation_h);
    }
}

// A pixel is a register or more: x where it lies. Rows beyond the image are a line of zeros,
// of columns beyond it there is no tap.
template <class T>
void correlate_wide(const Correlation& c, const CorrelationArrays<T>& a,
                    const CorrelationItem& item,
                    T* zeros) {
    const std::ptrdiff_t row = std::ptrdiff_t(c.W) * c.C, pitch = depthwise_pitch(c.C, lanes<T>);
    std::ptrdiff_t taps[depthwise_most_taps] = {};
    for (int v = 0; v < c.WW; ++v) taps[v] = std::ptrdiff_t(v) * c.dilation_w * c.C;
    const bool flat = depthwise_flat(c) && c.stride_w == 1;
    auto columns_at = [&](int j) CNN_LAMBDA {
        return taps_inside(j * c.stride_w - c.pad_left, c.WW, c.dilation_w, c.W);
    };
    int left = 0, right = c.W_out;  // the pixels between have all taps
    while (left < c.W_out && columns_at(left).count() < c.WW) ++left;
    while (right > left && columns_at(right - 1).count() < c.WW) --right;
    const std::ptrdiff_t piece = depthwise_piece(c.C);
    fill_zeros(zeros, depthwise_zeros(c, lanes<T>));

    Strip<T> s{taps, 0, c.HH, c.WW * pitch, pitch, std::ptrdiff_t(c.stride_w) * c.C, c.out_pixel,
               c.out_row, c.C, row >= 2048 ? 192 : 64,
               c.WW == 1 ? std::ptrdiff_t(c.stride_w - 1) * c.C : 0, a.epilogue.bias,
               a.epilogue.relu, a.epilogue.past_caches};
    s.set_next();
    const int pixels_a_piece = static_cast<int>(1 + (piece - c.C) / s.x_pixel);
    for (int n = item.n_begin; n < item.n_end; ++n) {
        const T* image = a.x + std::ptrdiff_t(n) * c.H * row;
        for_strips<T>(c, item.i_begin, item.i_end, [&](StripOf<T> run, bool near, int i, int R) {
            T* out = a.out + n * c.out_image + i * c.out_row;
            const T* rows[depthwise_most_taps * most_rows];
            // `length` numbers from number e of pixel j on, at some pixels
            auto numbers = [&](int j, std::ptrdiff_t e, std::ptrdiff_t length, int pixels,
                               Taps columns) {
                const int first = j * c.stride_w - c.pad_left + columns.begin * c.dilation_w;
                find_rows(rows, c, near, R, [&](int r) CNN_LAMBDA {
                    const int h = i * c.stride_h - c.pad_top + r;
                    const T* const line = image + h * row + std::ptrdiff_t(first) * c.C + e;
                    return h >= 0 && h < c.H ? line : zeros;
                });
                s.n_taps = columns.count();
                run(rows, a.w + columns.begin * pitch, static_cast<int>(e % c.C), length, pixels,
                    out + j * c.out_pixel + e, s);
            };
            for (int j = 0; j < left; ++j) numbers(j, 0, c.C, 1, columns_at(j));
            const Taps all{0, c.WW};
            if (flat) {
                const std::ptrdiff_t length = std::ptrdiff_t(right - left) * c.C;
                for (std::ptrdiff_t e = 0; e < length;) {
                    // what is left after a piece is a register or more
                    const std::ptrdiff_t n = length - e < piece + lanes<T> ? length - e : piece;
                    numbers(left, e, n, 1, all);
                    e += n;
                }
            } else {
                for (int j = left; j < right; j += pixels_a_piece)
                    numbers(j, 0, c.C, smaller(right - j, pixels_a_piece), all);
            }
            for (int j = right; j < c.W_out; ++j) numbers(j, 0, c.C, 1, columns_at(j));
        });
    }
    if (a.epilogue.past_caches) finish_past_caches();
}

// A pixel is less than a register: lines with their border, in place or copied.
template <class T>
void correlate_narrow(const Correlation& c, const CorrelationArrays<T>& a,
                      const CorrelationItem& item,
                      T* workspace) {
    const std::ptrdiff_t row = std::ptrdiff_t(c.W) * c.C, pitch = depthwise_pitch(c.C, lanes<T>);
    const std::ptrdiff_t length = std::ptrdiff_t(c.W_out) * c.C;
    const int reach_h = (c.HH - 1) * c.dilation_h + 1, reach_w = (c.WW - 1) * c.dilation_w + 1;
    const int rows_out = item.i_end - item.i_begin;
    const int first = item.i_begin * c.stride_h, rows = (rows_out - 1) * c.stride_h + reach_h;
    const int s = c.stride_w, columns = c.W_out - 1 + (reach_w + s - 1) / s;
    const bool flat = depthwise_flat(c);
    const bool in_place = s == 1 && first >= c.pad_top && first + rows - c.pad_top <= c.H &&
                          c.pad_left <= 0 && columns - c.pad_left <= c.W && length >= lanes<T>;
    const std::ptrdiff_t line = std::ptrdiff_t(columns) * c.C, x_row = in_place ? row : s * line;
    std::ptrdiff_t taps[depthwise_most_taps] = {};
    for (int v = 0; v < c.WW; ++v)
        taps[v] = v * c.dilation_w % s * line + std::ptrdiff_t(v * c.dilation_w / s) * c.C;
    EveryOther<T> every_other;
    every_other.prepare(c);
    T* lines = workspace;
    T* results = workspace + (in_place ? 0 : rows * x_row + lanes<T>);
    Strip<T> of{taps, c.WW, c.HH, c.WW * pitch, pitch, 0, 0, flat ? c.out_row : length, c.C,
                      64, 0, a.epilogue.bias, a.epilogue.relu, false};
    of.set_next();

    for (int n = item.n_begin; n < item.n_end; ++n) {
        const T* image = a.x + std::ptrdiff_t(n) * c.H * row;
        const T* source = lines;
        if (in_place) source = image + (first - c.pad_top) * row - std::ptrdiff_t(c.pad_left) * c.C;
        else
            for (int r = 0; r < rows; ++r) {
                const int h = first + r - c.pad_top;
                copy_lines(lines + r * x_row, h >= 0 && h < c.H ? image + h * row : nullptr, c,
                           columns, line, every_other);
            }
        T* out = a.out + n * c.out_image + item.i_begin * c.out_row;
        for_strips<T>(c, item.i_begin, item.i_end, [&](StripOf<T> run, bool near, int i, int R) {
            const int k = i - item.i_begin;
            const T* under[depthwise_most_taps * most_rows];
            find_rows(under, c, near, R, [&](int r) CNN_LAMBDA {
                return source + (k * c.stride_h + r) * x_row;
            });
            run(under, a.w, 0, length, 1, (flat ? out : results) + k * of.out_row, of);
        });
        if (!flat)
            for (int k = 0; k < rows_out; ++k)
                for (int j = 0; j < c.W_out; ++j) {
                    const T* from = results + k * length + std::ptrdiff_t(j) * c.C;
                    T* to = out + k * c.out_row + j * c.out_pixel;
                    for (int q = 0; q < c.C; ++q) to[q] = from[q];
                }
    }
}

// At a stride, copying lines costs more than lanes that stay empty, where these are half of them,
// or more of few products, and a store of some lanes is one instruction. A register then ends in
// another pixel, which has to be there.
template <class T> bool in_part_of_a_register(const Correlation& c, const CorrelationItem& item) {
    if (CNN_VECTOR_BYTES < 64 || c.stride_w != 2) return false;
    if ((c.HH * c.WW > 9 ? 2 : 3) * c.C < lanes<T> || (c.W + 1) * c.C < lanes<T>) return false;
    return item.n_end < c.N || (item.i_end - 1) * c.stride_h - c.pad_top +
                                       (c.HH - 1) * c.dilation_h + 1 < c.H;
}

template <class T>
void correlate_depthwise(const Correlation& c, const CorrelationArrays<T>& a,
                         const CorrelationItem& item, T* workspace) {
    if (c.C >= lanes<T> || in_part_of_a_register<T>(c, item)) correlate_wide(c, a, item, workspace);
    else correlate_narrow(c, a, item, workspace);
}

template <class T>
void pack_depthwise(const Correlation& c, const T* w, const FilterSteps& steps, T* packed) {
    const std::ptrdiff_t pitch = depthwise_pitch(c.C, lanes<T>);
    T not_finite = 0;  // 0 * inf and 0 * nan are not 0
    for (int u = 0; u < c.HH; ++u)
        for (int v = 0; v < c.WW; ++v, packed += pitch) {
            const T* tap = w + u * steps.u + v * steps.v;
            for (int k = 0; k < c.C; ++k) {
                packed[k] = tap[k * steps.group];
                not_finite += packed[k] * 0;
            }
            for (std::ptrdiff_t k = c.C; k < pitch; ++k) packed[k] = packed[k - c.C];
        }
    *packed = not_finite == 0;
}

}  // namespace

#define CNN_DEPTHWISE(T) {pack_depthwise<T>, correlate_depthwise<T>, filter_gradient_depthwise<T>}
const DepthwiseKernels<float> depthwise_f32 = CNN_DEPTHWISE(float);
const DepthwiseKernels<double> depthwise_f64 = CNN_DEPTHWISE(double);

}  // namespace cnn::CNN_LEVEL
