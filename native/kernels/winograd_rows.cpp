// Correlation by Winograd's minimal filtering along one axis.
//
//   out[j .. j+m-1] = Aᵀ Σ_{u, c} (G w[u, c]) ⊙ (Bᵀ x[u, c])        of a row, for each filter
//
// m results of r taps take m+r-1 products in place of m*r: half as many for m = 4, r = 3,
// 1.75 times fewer for m = 2, r = 7. Tiles of both axes would save more, but their
// transforms pay only where they are shared by many channels and filters; along one axis
// the rows of the window stand beside the channels in the sum, and both transforms are
// cheap for 1 or 3 channels too. With stride s, s neighbouring pixels are one pixel of s*C
// channels, and the window has r = ceil(WW/s) such taps, the last one filled up with zeros.
//
// Points of interpolation are 0, pairs ±p, and ∞. With P(x) = Π (x² - p²) over the pairs
// and Q_p(x) = P(x) / (x² - p²), both even, the matrices are
//   Bᵀ: row 0 is P; row ±p is x (x ± p) Q_p; row ∞ is x P       (coefficients by power)
//   G:  row 0 is (1, 0, ..) / P(0); row ±p is (±p)^v / (2p² Q_p(p)); row ∞ is (.., 0, 1)
//   Aᵀ: row i is (±p)^i, and 1 at 0 in the first row, at ∞ in the last.
// So the two points of a pair share their even and their odd half.
//
// Plan. An item is some rows of an image, or of several where a row has few tiles, all
// filters; it goes from tile block to tile block:
//   columns: the source transposed to [column][row][c]: for each tap of a row, the numbers
//            of all rows of the window then lie side by side, sum and transform run over
//            whole registers, and rows of results share what was transformed;
//   V:       Bᵀ of the columns, a register of (row, c) at a time;
//   M:       for one row of results, the products with U = G w, tile by tile as in product.hpp;
//   result:  Aᵀ M, bias, ReLU.
// Rows of the window outside of the image are left out of the sum.
//
// Rounding: as for Winograd's tiles of both axes, with one transform in place of two; what
// is not finite spreads in its tile.
//
// Sources: S. Winograd, "Arithmetic complexity of computations", SIAM 1980; A. Lavin,
// S. Gray, "Fast algorithms for convolutional neural networks", CVPR 2016.
#include "kernels/winograd_rows.hpp"

#include "kernels/kernels.hpp"
#include "kernels/padded.hpp"
#include "simd/vector.hpp"

namespace cnn::CNN_LEVEL {
namespace {

// --- the matrices -------------------------------------------------------------------------

constexpr double point_of_pair[] = {1, 2, 0.5, 1.5};
constexpr int most_pairs = 4, most_points = 2 * most_pairs + 2;

// The coefficients of the matrices for some points.
struct Coefficients {
    double all[most_pairs + 1];                 // of P, by powers of x²
    double others[most_pairs][most_pairs + 1];  // of Q_p
    double powers[most_pairs][most_points];     // of p
    double scales[most_pairs];                  // 1 / (2p² Q_p(p))
};

// Π (x² - p²) over the pairs, but one perhaps
constexpr void multiply_out(int pairs, int but, double* at) {
    at[0] = 1;
    for (int k = 0, degree = 0; k < pairs; ++k) {
        if (k == but) continue;
        const double square = point_of_pair[k] * point_of_pair[k];
        ++degree;
        for (int j = degree; j > 0; --j) at[j] = at[j - 1] - square * at[j];
        at[0] *= -square;
    }
}

constexpr Coefficients coefficients_of(int points) {
    Coefficients c{};
    const int pairs = points / 2 - 1;
    multiply_out(pairs, -1, c.all);
    for (int k = 0; k < pairs; ++k) {
        const double p = point_of_pair[k];
        multiply_out(pairs, k, c.others[k]);
        double at_p = 0;
        for (int j = most_pairs; j >= 0; --j) at_p = at_p * p * p + c.others[k][j];
        c.scales[k] = 1 / (2 * p * p * at_p);
        c.powers[k][0] = 1;
        for (int i = 1; i < most_points; ++i) c.powers[k][i] = c.powers[k][i - 1] * p;
    }
    return c;
}

template <int points> constexpr Coefficients coefficients = coefficients_of(points);

// Bᵀ d
template <class T, int points, class V> CNN_INLINE void source_of(const V* d, V* t) {
    constexpr int pairs = points / 2 - 1;
    constexpr const Coefficients& c = coefficients<points>;
    V zero = d[2 * pairs], infinity = d[2 * pairs + 1];
#pragma GCC unroll 8
    for (int j = 0; j < pairs; ++j) {
        zero += d[2 * j] * T(c.all[j]);
        infinity += d[2 * j + 1] * T(c.all[j]);
    }
    t[0] = zero;
    t[points - 1] = infinity;
#pragma GCC unroll 8
    for (int k = 0; k < pairs; ++k) {
        V even = d[2 * pairs], odd = d[2 * pairs - 1];
#pragma GCC unroll 8
        for (int j = 0; j < pairs - 1; ++j) {
            even += d[2 * j + 2] * T(c.others[k][j]);
            odd += d[2 * j + 1] * T(c.others[k][j]);
        }
        t[1 + 2 * k] = even + odd * T(c.powers[k][1]);
        t[2 + 2 * k] = even - odd * T(c.powers[k][1]);
    }
}

// Aᵀ t
template <class T, int points, int m, class V> CNN_INLINE void result_of(const V* t, V* y) {
    constexpr int pairs = points / 2 - 1;
    constexpr const Coefficients& c = coefficients<points>;
    V plus[pairs], minus[pairs];
#pragma GCC unroll 8
    for (int k = 0; k < pairs; ++k) {
        plus[k] = t[1 + 2 * k] + t[2 + 2 * k];
        minus[k] = t[1 + 2 * k] - t[2 + 2 * k];
    }
#pragma GCC unroll 8
    for (int i = 0; i < m; ++i) {
        const V* half = i % 2 ? minus : plus;
        V sum = half[0];
        if (i == 0) sum += t[0];
        if (i == m - 1) sum += t[points - 1];
#pragma GCC unroll 8
        for (int k = 1; k < pairs; ++k) sum += half[k] * T(c.powers[k][i]);
        y[i] = sum;
    }
}

// G g
template <class T, int points, int m, class V> CNN_INLINE void filter_of(const V* g, V* u) {
    constexpr int pairs = points / 2 - 1, r = points - m + 1;
    constexpr const Coefficients& c = coefficients<points>;
    u[0] = g[0] * T(1 / c.all[0]);
    u[points - 1] = g[r - 1];
#pragma GCC unroll 8
    for (int k = 0; k < pairs; ++k) {
        V even = g[0] * T(c.scales[k]), odd = g[1] * T(c.scales[k] * c.powers[k][1]);
#pragma GCC unroll 8
        for (int v = 2; v < r; ++v) {
            if (v % 2) odd += g[v] * T(c.scales[k] * c.powers[k][v]);
            else even += g[v] * T(c.scales[k] * c.powers[k][v]);
        }
        u[1 + 2 * k] = even + odd;
        u[2 + 2 * k] = even - odd;
    }
}

template <int points_, int m_> struct Form {
    static constexpr int points = points_, m = m_;
};

template <class F> CNN_INLINE void by_form(const WinogradRows& p, const F& f) {
    switch (p.r) {
        case 3: return f(Form<6, 4>{});
        case 4: return f(Form<8, 5>{});
        case 5: return f(Form<8, 4>{});
        case 6: return f(Form<8, 3>{});
        case 7: return f(Form<10, 4>{});
    }
}

// --- filters -------------------------------------------------------------------------------

template <class T, class F>
void filters_of(const WinogradRows& p, const T* packed, T* U, int panel) {
    constexpr int r = F::points - F::m + 1;
    const Correlation& c = p.c;
    const int width = p.panels.width(panel);
    const std::ptrdiff_t point = p.panels.depth * width;
    T* to = U + p.filters_offset(panel);
    for (int u = 0; u < c.HH; ++u)
        for (int e = 0; e < p.C_tap; ++e)
            for (int f = 0; f < width; f += lanes<T>) {
                Vector<T> g[r], points[F::points];
                for (int v = 0; v < r; ++v) {
                    const int k = v * p.C_tap + e;  // of the window's row
                    g[v] = k < c.WW * c.C
                        ? load(packed + (std::ptrdiff_t(u) * c.WW * c.C + k) * width + f)
                        : Vector<T>{};
                }
                filter_of<T, F::points, F::m>(g, points);
                T* at = to + (std::ptrdiff_t(u) * p.C_tap + e) * width + f;
                for (int k = 0; k < F::points; ++k) store(at + k * point, points[k]);
            }
}

template <class T> void filters(const WinogradRows& p, const T* packed, T* U, int panel) {
    by_form(p, [&](auto form) { filters_of<T, decltype(form)>(p, packed, U, panel); });
}

// --- source --------------------------------------------------------------------------------

// n numbers of each column of a row. `move` >= n are moved, where the columns have as many
// left: what is too much of one row is overwritten by the next row's.
template <class T, int move>
CNN_INLINE void gather_taps(T* to, const T* from, std::ptrdiff_t line, int columns, int n) {
    int q = 0;
    for (; (columns - q) * n >= move; ++q, to += line, from += n) {
        T run[move];
        __builtin_memcpy(run, from, sizeof run);
        __builtin_memcpy(to, run, sizeof run);
    }
    for (; q < columns; ++q, to += line, from += n) copy_numbers(to, from, n);
}

// One group of several: each pixel's channels by themselves.
template <class T>
void gather_group(const WinogradRows& p, T* to, const T* rows_at, int rows, int first,
                  int columns) {
    const Correlation& c = p.c;
    const std::ptrdiff_t row = std::ptrdiff_t(c.W) * p.source_pixel;
    const int begin = first * c.stride_w - c.pad_left;
    for (int e = 0; e < c.stride_w; ++e)
        for (int q = 0; q < columns; ++q) {
            const int j = begin + q * c.stride_w + e;
            T* at = to + q * p.line + e * c.C;
            if (j < 0 || j >= c.W) {
                for (int h = 0; h < rows; ++h, at += p.C_tap) fill_zeros(at, c.C);
                continue;
            }
            const T* from = rows_at + std::ptrdiff_t(j) * p.source_pixel;
            if (c.C == 1)
                for (int h = 0; h < rows; ++h) at[h * p.C_tap] = from[h * row];
            else
                for (int h = 0; h < rows; ++h) copy_numbers(at + h * p.C_tap, from + h * row, c.C);
        }
}

// The source under some tiles as [column][row][C_tap], zeros beyond the ends of its rows.
template <class T>
void gather(const WinogradRows& p, T* to, const T* rows_at, int rows, int first, int columns) {
    const Correlation& c = p.c;
    if (p.source_pixel != c.C) return gather_group(p, to, rows_at, rows, first, columns);
    const int n = p.C_tap, size = c.W * c.C;
    const std::ptrdiff_t line = p.line;
    const int begin = (first * c.stride_w - c.pad_left) * c.C;  // of the first column's numbers
    // columns that lie inside
    int inside = begin < 0 ? (-begin + n - 1) / n : 0;
    if (inside > columns) inside = columns;
    int end = size - begin >= 0 ? (size - begin) / n : 0;
    if (end > columns) end = columns;
    if (end < inside) end = inside;
    for (int q = inside ? 0 : end; q < columns; q = q + 1 == inside ? end : q + 1) {
        const int at = begin + q * n;
        T* column = to + q * line;
        if (at + n <= 0 || at >= size) {
            fill_zeros(column, std::ptrdiff_t(rows) * n);
            continue;
        }
        for (int h = 0; h < rows; ++h, column += n)
            for (int k = 0; k < n; ++k)
                column[k] = at + k >= 0 && at + k < size
                    ? rows_at[std::ptrdiff_t(h) * size + at + k] : T(0);
    }
    to += inside * line;
    const T* from = rows_at + begin + inside * n;
    for (int h = 0; h < rows; ++h, to += n, from += size) {
        if (n <= 4) gather_taps<T, 4>(to, from, line, end - inside, n);
        else if (n <= 8) gather_taps<T, 8>(to, from, line, end - inside, n);
        else
            for (int q = 0; q < end - inside; ++q) copy_numbers(to + q * line, from + q * n, n);
    }
}

// --- products and results --------------------------------------------------------------------

// M of MR tiles and NV registers of filters: one small matrix product a point.
struct Factors {
    std::ptrdiff_t line;            // from a tile to the next in V
    std::ptrdiff_t V_point, U_point;  // from a point to the next
    int points, length;             // of the sums
};

// M[point][tile][filter] has room for the most tiles at each point.
template <class T, int NV> constexpr int M_point = tile_rows * NV * lanes<T>;

template <class T, int MR, int NV>
void products(const T* V, const T* U, const Factors& factors, T* M) {
    const Factors f = factors;
    constexpr int n_bases = (MR + 2) / 3;  // an address reaches 0, 1 and 2 tiles on
    for (int k = 0; k < f.points; ++k, V += f.V_point, U += f.U_point) {
        Vector<T> sums[MR][NV] = {};
        const T* base[n_bases];
#pragma GCC unroll 8
        for (int i = 0; i < n_bases; ++i) base[i] = V + 3 * i * f.line;
        const T* filter = U;
        for (int e = 0; e < f.length; ++e) {
            Vector<T> filters[NV];
#pragma GCC unroll 8
            for (int v = 0; v < NV; ++v) filters[v] = load(filter + v * lanes<T>);
#pragma GCC unroll 16
            for (int t = 0; t < MR; ++t) {
                const T value = *(base[t / 3] + (t % 3) * f.line);
#pragma GCC unroll 8
                for (int v = 0; v < NV; ++v) sums[t][v] += filters[v] * value;
            }
#pragma GCC unroll 8
            for (int i = 0; i < n_bases; ++i) ++base[i];
            filter += NV * lanes<T>;
        }
#pragma GCC unroll 16
        for (int t = 0; t < MR; ++t)
#pragma GCC unroll 8
            for (int v = 0; v < NV; ++v) store(M + (t * NV + v) * lanes<T>, sums[t][v]);
        M += M_point<T, NV>;
    }
}

template <class T> using Products = void (*)(const T*, const T*, const Factors&, T*);

template <class T, int NV, int... tiles> CNN_INLINE Products<T> products_of(int n) {
    static constexpr Products<T> table[] = {products<T, tiles, NV>...};
    return table[n - 1];
}

template <class T> CNN_INLINE Products<T> products_of(int tiles, bool wide) {
#if defined(__AVX512F__)
    return wide ? products_of<T, tile_vectors, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14>(tiles)
                : products_of<T, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14>(tiles);
#else
    return wide ? products_of<T, tile_vectors, 1, 2, 3, 4, 5, 6>(tiles)
                : products_of<T, 1, 1, 2, 3, 4, 5, 6>(tiles);
#endif
}

struct Block {
    int tile, tiles;  // the first, and how many, of all images of the item
};

// Where the results of a panel go.
template <class T> struct Target {
    T* out;
    std::ptrdiff_t pixel;
    const T* bias;  // of this panel, or null
    int filters;    // of this panel that exist
    Relu<T> relu;
    bool past_caches;
};

// The end of one pixel's sums, whose last register may be part-filled.
template <class T, int NV> CNN_INLINE void finish(T* p, Vector<T>* sums, const Target<T>& to) {
#pragma GCC unroll 8
    for (int v = 0; v < NV; ++v) {
        const int left = to.filters - v * lanes<T>;
        if (left >= lanes<T>) {
            if (to.bias) sums[v] += load(to.bias + v * lanes<T>);
            sums[v] = cut_off<T>(sums[v], to.relu);
            if (to.past_caches) store_past_caches(p + v * lanes<T>, sums[v]);
            else store(p + v * lanes<T>, sums[v]);
        } else if (left > 0) {
            if (to.bias) sums[v] += load_first(to.bias + v * lanes<T>, left);
            store_first(p + v * lanes<T>, cut_off<T>(sums[v], to.relu), left);
        }
    }
}

template <class T, class F, int NV>
void results(const WinogradRows& p, const T* M, const Block& block, const Target<T>& to) {
    constexpr int width = NV * lanes<T>;
    constexpr int point = M_point<T, NV>;
    const bool whole = to.filters == width;
    Vector<T> bias[NV] = {};
    if (to.bias && whole) {
#pragma GCC unroll 8
        for (int v = 0; v < NV; ++v) bias[v] = load(to.bias + v * lanes<T>);
    }
    for (int t = 0, n = block.tile / p.tiles, of_row = block.tile % p.tiles; t < block.tiles;
         ++t, M += width, of_row = of_row + 1 < p.tiles ? of_row + 1 : (++n, 0)) {
        T* const out = to.out + n * p.c.out_image + of_row * F::m * to.pixel;
        const int left = p.c.W_out - of_row * F::m;
        Vector<T> y[F::m][NV];
#pragma GCC unroll 8
        for (int v = 0; v < NV; ++v) {
            Vector<T> of_points[F::points], of_tile[F::m];
#pragma GCC unroll 16
            for (int k = 0; k < F::points; ++k) of_points[k] = load(M + k * point + v * lanes<T>);
            of_points[1] += bias[v];  // of the point 1, which counts once in every result
            result_of<T, F::points, F::m>(of_points, of_tile);
#pragma GCC unroll 16
            for (int i = 0; i < F::m; ++i) y[i][v] = of_tile[i];
        }
        if (whole && left >= F::m) {
            cut_off<T, F::m * NV>(&y[0][0], to.relu);
            if (to.past_caches) {
#pragma GCC unroll 16
                for (int i = 0; i < F::m; ++i)
#pragma GCC unroll 8
                    for (int v = 0; v < NV; ++v)
                        store_past_caches(out + i * to.pixel + v * lanes<T>, y[i][v]);
            } else {
#pragma GCC unroll 16
                for (int i = 0; i < F::m; ++i)
#pragma GCC unroll 8
                    for (int v = 0; v < NV; ++v) store(out + i * to.pixel + v * lanes<T>, y[i][v]);
            }
        } else {
            const Target<T> rest{out, to.pixel, whole ? nullptr : to.bias, to.filters, to.relu,
                                 to.past_caches};
#pragma GCC unroll 16
            for (int i = 0; i < F::m; ++i)
                if (i < left) finish<T, NV>(out + i * to.pixel, y[i], rest);
        }
    }
}

template <class T, class F>
void correlate_rows(const WinogradRows& p, const CorrelationArrays<T>& a, const RowsItem& item,
                    T* workspace) {
    const Correlation& c = p.c;
    const std::ptrdiff_t row = std::ptrdiff_t(c.W) * p.source_pixel, image_size = c.H * row;
    // the rows of the image under the item
    int h_begin = item.i_begin * c.stride_h - c.pad_top;
    int h_end = (item.i_end - 1) * c.stride_h - c.pad_top + c.HH;
    if (h_begin < 0) h_begin = 0;
    if (h_end > c.H) h_end = c.H;
    const int rows = h_end > h_begin ? h_end - h_begin : 0, numbers = rows * p.C_tap;
    const T* const rows_at = a.x + item.n_begin * image_size + h_begin * row;
    const std::ptrdiff_t line = p.line;

    const Pieces pieces((item.n_end - item.n_begin) * p.tiles, tile_rows);
    for (int b = 0; b < pieces.count; ++b) {
        const Block block{pieces.start(b), pieces.length(b)};
        const int MR = block.tiles;
        const T* of_tile[tile_rows];  // its columns
        T* column = workspace;
        for (int t = 0; t < MR;) {
            const int n = (block.tile + t) / p.tiles, first = (block.tile + t) % p.tiles;
            const int tiles = smaller(MR - t, p.tiles - first), columns = p.columns(tiles);
            gather(p, column, rows_at + n * image_size, rows, first * F::m, columns);
            for (int k = 0; k < tiles; ++k) of_tile[t + k] = column + k * F::m * line;
            column += columns * line, t += tiles;
        }
        T* const V = column;
        T* const M = V + F::points * MR * line;
        for (int t = 0; t < MR; ++t)
            for (int e = 0; e < numbers; e += lanes<T>) {
                Vector<T> d[F::points], of_points[F::points];
#pragma GCC unroll 16
                for (int q = 0; q < F::points; ++q) d[q] = load(of_tile[t] + q * line + e);
                source_of<T, F::points>(d, of_points);
#pragma GCC unroll 16
                for (int k = 0; k < F::points; ++k)
                    store(V + (k * MR + t) * line + e, of_points[k]);
            }
        for (int panel = 0; panel < p.panels.count; ++panel) {
            const int width = p.panels.width(panel), f = panel * p.panels.wide;
            const bool wide = width == p.panels.wide;
            const auto products = products_of<T>(MR, wide);
            const T* const U = a.w + p.filters_offset(panel);
            T* const out = a.out + item.n_begin * c.out_image + item.i_begin * c.out_row + f;
            Target<T> to{out, c.out_pixel, a.epilogue.bias ? a.epilogue.bias + f : nullptr,
                         smaller(c.F - f, width), a.epilogue.relu, a.epilogue.past_caches};
            for (int i = item.i_begin; i < item.i_end; ++i, to.out += c.out_row) {
                const int h = i * c.stride_h - c.pad_top;
                const int u_begin = h < 0 ? -h : 0, u_end = smaller(c.HH, c.H - h);
                const int length = u_end > u_begin ? (u_end - u_begin) * p.C_tap : 0;
                const T* at = V + (length ? (h + u_begin - h_begin) * p.C_tap : 0);
                const T* w = U + std::ptrdiff_t(u_begin) * p.C_tap * width;
                products(at, w, {line, MR * line, p.panels.depth * width, F::points, length}, M);
                if (wide) results<T, F, tile_vectors>(p, M, block, to);
                else results<T, F, 1>(p, M, block, to);
            }
        }
    }
    if (a.epilogue.past_caches) finish_past_caches();
}

template <class T>
void correlate(const WinogradRows& p, const CorrelationArrays<T>& a, const RowsItem& item,
               T* workspace) {
    by_form(p, [&](auto form) { correlate_rows<T, decltype(form)>(p, a, item, workspace); });
}

}  // namespace

const WinogradRowsKernels<float> winograd_rows_f32 = {filters<float>, correlate<float>};

}  // namespace cnn::CNN_LEVEL
