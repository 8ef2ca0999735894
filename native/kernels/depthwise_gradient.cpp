// The gradient of depthwise filters: every channel has one filter of its own.
//
//   dw[u, v, c] = Σ_{n, i, j} dout[n, i, j, c] · x[n, i*s + u*d - p, j*s + v*d - p, c]
//   db[c]       = Σ_{n, i, j} dout[n, i, j, c]
//
// Plan. As in forward, rows are lines of numbers, and a register takes lanes of such a line. A
// sum has to stay with its channel, so a line is cut into segments of as many pixels as fill
// registers best (one of many channels, five of three), and register r of all segments has
// its own sums. What a last register takes of the next segment goes into lanes that nobody
// reads; only what is beyond a line is masked out.
//
//   U·V sums: U rows and V columns of the window, kept in registers while all segments of some
//             rows go by; each costs U·V loads of x and one of dout for U·V products and the
//             sum of the bias.
//
// x is read where it lies, or where it has a border, or several pixels of less than a register
// are apart by a stride, from lines that are copied once. Rows beyond the image are zeros.
#include "kernels/depthwise.hpp"

#include "kernels/lines.hpp"

namespace cnn::CNN_LEVEL {
namespace {

constexpr int most_sums = vector_registers - 4;
constexpr int most_columns = 7;  // of a window at a time
constexpr int most_window_rows = 5;

// Some rows of the result and the rows of x under them.
template <class T> struct Band {
    const T* const* x;  // HH rows of x for each row of the result
    int HH;
    const std::ptrdiff_t* taps;  // where the taps of a row of the window find x
    std::ptrdiff_t x_segment;
    const T* dout;
    std::ptrdiff_t out_row, segment;
    int rows;
    std::ptrdiff_t length;  // numbers of a row
    int x_lines, out_lines;  // of the caches, that are fetched ahead at each segment
};

// Where the rows begin that come next, past what other registers have fetched of them.
template <class T> struct Ahead {
    const T* x;
    const T* dout;
};

// Registers of a segment that go together, where their sums fit.
constexpr int registers_together(int U, int V) {  // not of every shape: it is much code
    const int n = U * V + 1;
    return U != V ? 1 : 4 * n <= most_sums ? 4 : 2 * n <= most_sums ? 2 : 1;
}

// M registers of every segment from `at` on, with rows u .. u+U-1 and columns v .. v+V-1 of the
// window.
template <class T, int U, int V, int M>
void add_products(const Band<T>& band, std::ptrdiff_t at, int u_begin, int v_begin, T* sums_at,
                  std::ptrdiff_t sums_row, std::ptrdiff_t sums_tap, T* bias_at, Ahead<T> ahead) {
    constexpr int cache_line = 64 / sizeof(T), L = lanes<T>;
    // few sums are kept for every other segment, so that no addition waits for the one before
    constexpr int n = U * V, apart = M * n <= 2 ? 4 : M * n <= 4 ? 2 : 1;
    const Band<T> s = band;
    std::ptrdiff_t taps[V];
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) taps[v] = s.taps[v_begin + v];
    Vector<T> sums[apart][M][n] = {}, bias[apart][M] = {};
    const std::ptrdiff_t left = s.length - at;
    if (left <= 0) return;
    const int segments = static_cast<int>((left - 1) / s.segment) + 1;
    const int whole = left < M * L ? 0 : static_cast<int>((left - M * L) / s.segment) + 1;
    for (int i = 0; i < s.rows; ++i) {
        const T* x[U];
#pragma GCC unroll 8
        for (int u = 0; u < U; ++u) x[u] = s.x[i * s.HH + u_begin + u] + at;
        const T* d = s.dout + i * s.out_row + at;
        int q = 0;
        for (; q + apart <= whole; q += apart) {
#pragma GCC unroll 4
            for (int p = 0; p < apart; ++p) {
                for (int k = 0; k < s.x_lines; ++k, ahead.x += cache_line)
                    __builtin_prefetch(ahead.x, 0, 2);
                for (int k = 0; k < s.out_lines; ++k, ahead.dout += cache_line)
                    __builtin_prefetch(ahead.dout, 0, 2);
                Vector<T> here[M];
#pragma GCC unroll 4
                for (int m = 0; m < M; ++m) {
                    here[m] = load(d + m * L);
                    bias[p][m] += here[m];
                }
#pragma GCC unroll 8
                for (int u = 0; u < U; ++u) {
#pragma GCC unroll 8
                    for (int v = 0; v < V; ++v)
#pragma GCC unroll 4
                        for (int m = 0; m < M; ++m)
                            sums[p][m][u * V + v] += here[m] * load(x[u] + taps[v] + m * L);
                    x[u] += s.x_segment;
                }
                d += s.segment;
            }
        }
        for (; q < segments; ++q) {
            const std::ptrdiff_t there = left - q * s.segment;
#pragma GCC unroll 4
            for (int m = 0; m < M; ++m) {
                const std::ptrdiff_t of_this = there - m * L;
                const auto mask = lane_mask<T>(
                    of_this >= L ? L : of_this > 0 ? static_cast<int>(of_this) : 0);
                const Vector<T> here = load_masked(d + m * L, mask);
                bias[0][m] += here;
#pragma GCC unroll 8
                for (int u = 0; u < U; ++u)
#pragma GCC unroll 8
                    for (int v = 0; v < V; ++v)
                        sums[0][m][u * V + v] += here * load_masked(x[u] + taps[v] + m * L, mask);
            }
#pragma GCC unroll 8
            for (int u = 0; u < U; ++u) x[u] += s.x_segment;
            d += s.segment;
        }
    }
    auto add = [](T* to, Vector<T> value) CNN_LAMBDA { store(to, load(to) + value); };
#pragma GCC unroll 4
    for (int m = 0; m < M; ++m) {
#pragma GCC unroll 4
        for (int p = 1; p < apart; ++p) {
            bias[0][m] += bias[p][m];
#pragma GCC unroll 32
            for (int k = 0; k < n; ++k) sums[0][m][k] += sums[p][m][k];
        }
#pragma GCC unroll 8
        for (int u = 0; u < U; ++u)
#pragma GCC unroll 8
            for (int v = 0; v < V; ++v)
                add(sums_at + u * sums_row + v * sums_tap + m * L, sums[0][m][u * V + v]);
        if (bias_at) add(bias_at + m * L, bias[0][m]);
    }
}

template <class T>
using AddProducts = void (*)(const Band<T>&, std::ptrdiff_t, int, int, T*, std::ptrdiff_t,
                             std::ptrdiff_t, T*, Ahead<T>);

// For one register, and for as many as go together.
template <class T> struct Adding {
    AddProducts<T> of[4];
    int together;
};

template <class T, int U, int V, int M> constexpr AddProducts<T> add_products_or_none() {
    if constexpr (U * V <= most_sums && M <= registers_together(U, V))
        return add_products<T, U, V, M>;
    else return nullptr;
}

template <class T, int U, int V> constexpr Adding<T> adding() {
    return {{add_products_or_none<T, U, V, 1>(), add_products_or_none<T, U, V, 2>(),
             add_products_or_none<T, U, V, 3>(), add_products_or_none<T, U, V, 4>()},
            registers_together(U, V)};
}

template <class T, int V> CNN_INLINE Adding<T> adding_of(int U) {
    static constexpr Adding<T> table[] = {adding<T, 1, V>(), adding<T, 2, V>(), adding<T, 3, V>(),
                                          adding<T, 4, V>(), adding<T, 5, V>()};
    return table[U - 1];
}

template <class T> CNN_INLINE Adding<T> adding_of(int U, int V) {
    return V == 1 ? adding_of<T, 1>(U) : V == 2 ? adding_of<T, 2>(U)
         : V == 3 ? adding_of<T, 3>(U) : V == 4 ? adding_of<T, 4>(U)
         : V == 5 ? adding_of<T, 5>(U) : V == 6 ? adding_of<T, 6>(U) : adding_of<T, 7>(U);
}

}  // namespace

template <class T>
void filter_gradient_depthwise(const Correlation& c, const DepthwiseGradient& g,
                               const DepthwiseGradientArrays<T>& a, std::ptrdiff_t begin,
                               std::ptrdiff_t end, T* workspace) {
    const std::ptrdiff_t image_row = std::ptrdiff_t(c.W) * c.C;
    const std::ptrdiff_t line = std::ptrdiff_t(g.columns) * c.C;
    const int s = c.stride_w;
    const bool lines = c.C < lanes<T>;  // every stride-th pixel of x together
    std::ptrdiff_t taps[depthwise_most_taps];
    for (int v = 0; v < c.WW; ++v)
        taps[v] = lines ? v * c.dilation_w % s * line + std::ptrdiff_t(v * c.dilation_w / s) * c.C
                        : std::ptrdiff_t(v) * c.dilation_w * c.C;
    EveryOther<T> every_other;
    if (lines) every_other.prepare(c);
    T* zeros = workspace + g.kept_rows * g.x_row;
    fill_zeros(zeros, g.x_row);
    T* bias = a.sums + c.HH * c.WW * g.pitch;
    const T* under[depthwise_most_taps * depthwise_most_rows];
    Band<T> band{under, c.HH, taps, lines ? g.segment : s * g.segment, nullptr, c.out_row,
                 g.segment, 0, 0, 0, 0};
    const Pieces columns(c.WW, most_columns);

    int copied_to = 0;  // rows of this image, border above included, whose lines are there
    for (std::ptrdiff_t row = begin; row < end; row += band.rows) {
        const int n = static_cast<int>(row / c.H_out), i = static_cast<int>(row % c.H_out);
        band.rows = smaller(g.rows, c.H_out - i);
        if (band.rows > end - row) band.rows = static_cast<int>(end - row);
        band.dout = a.dout + n * c.out_image + i * c.out_row;
        band.length = std::ptrdiff_t(c.W_of(n)) * c.C;
        const T* image = a.x + std::ptrdiff_t(n) * c.H * image_row;
        if (!g.in_place) {
            const int first = i * c.stride_h, behind = (band.rows - 1) * c.stride_h + first +
                                                       (c.HH - 1) * c.dilation_h + 1;
            if (i == 0 || row == begin || copied_to < first) copied_to = first;
            for (; copied_to < behind; ++copied_to) {
                const int h = copied_to - c.pad_top;
                if (h < 0 || h >= c.H) continue;
                T* to = workspace + copied_to % g.kept_rows * g.x_row;
                if (lines) {
                    copy_lines(to, image + h * image_row, c, g.columns, line, every_other);
                    continue;
                }
                const int left = smaller(c.pad_left, g.columns);
                const int inside = smaller(c.W, g.columns - left);
                fill_zeros(to, std::ptrdiff_t(left) * c.C);
                to += std::ptrdiff_t(left) * c.C;
                copy_numbers(to, image + h * image_row, std::ptrdiff_t(inside) * c.C);
                fill_zeros(to + std::ptrdiff_t(inside) * c.C,
                           std::ptrdiff_t(g.columns - left - inside) * c.C);
            }
        }
        for (int k = 0; k < band.rows; ++k)
            for (int u = 0; u < c.HH; ++u) {
                const int padded = (i + k) * c.stride_h + u * c.dilation_h;
                const int h = padded - c.pad_top;
                under[k * c.HH + u] = h < 0 || h >= c.H ? zeros
                                    : g.in_place ? image + h * image_row
                                                 : workspace + padded % g.kept_rows * g.x_row;
            }
        // what is left of a window after so many columns, rows and registers
        const int n_registers = static_cast<int>(g.pitch / lanes<T>);
        auto for_all = [&](auto run) CNN_LAMBDA {
            for (int vs = 0; vs < columns.count; ++vs) {
                const int v = columns.start(vs), V = columns.length(vs);
                const Pieces window_rows(c.HH, smaller(most_window_rows, most_sums / V));
                for (int us = 0; us < window_rows.count; ++us) {
                    const int u = window_rows.start(us);
                    const Adding<T> add = adding_of<T>(window_rows.length(us), V);
                    const Pieces pieces(n_registers, add.together);
                    for (int k = 0; k < pieces.count; ++k)
                        run(add.of[pieces.length(k) - 1], u, v, pieces.start(k));
                }
            }
        };
        // every call fetches as many lines of the next band
        int calls = 0;
        for_all([&](AddProducts<T>, int, int, int) CNN_LAMBDA { ++calls; });
        const std::ptrdiff_t next_x = std::ptrdiff_t(band.rows) * c.stride_h * image_row;
        const std::ptrdiff_t next_out = band.rows * c.out_row;
        const int turns = band.rows * static_cast<int>(band.length / g.segment);
        const std::ptrdiff_t numbers = 64 / sizeof(T) * calls * std::ptrdiff_t(turns ? turns : 1);
        if (g.fetch_ahead) {
            band.x_lines = static_cast<int>((next_x + numbers - 1) / numbers);
            band.out_lines = static_cast<int>((next_out + numbers - 1) / numbers);
        }
        const int behind = (i + band.rows - 1) * c.stride_h + (c.HH - 1) * c.dilation_h + 1;
        Ahead<T> ahead{image + (behind - c.pad_top) * image_row, band.dout + next_out};
        for_all([&](AddProducts<T> run, int u, int v, int k) CNN_LAMBDA {
            const std::ptrdiff_t at = std::ptrdiff_t(k) * lanes<T>;
            run(band, at, u, v, a.sums + (u * c.WW + v) * g.pitch + at, c.WW * g.pitch, g.pitch,
                u == 0 && v == 0 ? bias + at : nullptr, ahead);
            ahead.x += next_x / calls;
            ahead.dout += next_out / calls;
        });
    }
}

template void filter_gradient_depthwise<float>(const Correlation&, const DepthwiseGradient&,
                                               const DepthwiseGradientArrays<float>&,
                                               std::ptrdiff_t, std::ptrdiff_t, float*);
template void filter_gradient_depthwise<double>(const Correlation&, const DepthwiseGradient&,
                                                const DepthwiseGradientArrays<double>&,
                                                std::ptrdiff_t, std::ptrdiff_t, double*);

}  // namespace cnn::CNN_LEVEL
