// Correlation with 3×3 and 5×5 filters by Winograd's minimal filtering.
//
//   out tile = Aᵀ [ (G w Gᵀ) ⊙ (Bᵀ x B) ] A,   summed over the channels inside the brackets
//
// A tile of m×m results of r×r filters takes a² products a channel and filter, a = m+r-1,
// in place of r² m²: 4 times fewer for m = 4, r = 3; 2.8 for m = 2, r = 5; 2.25 for m = 2,
// r = 3. The points of interpolation are 0, ±1, ∞ and, for a = 6, ±2. The gradients use the
// same matrices: that of x is the same op with the filters turned round, that of w is
// Gᵀ [ (A dout Aᵀ) ⊙ (Bᵀ x B) ] G, by transposition.
//
// Plan. All transforms have channels in the lanes. Between them the products are one
// matrix product a point, tiles × C × F, by the same tile as the direct kernel:
//   V[point][tile][c]  →  M[point][tile][f]  with U[point][panel][c][filter] packed.
// The block of tiles is chosen by the engine so that V and M stay near (L2 where they fit).
//
// Rounding: the transforms add numbers of unlike size, so the error is larger than that of
// the direct kernel; see the row of the contract. What is not finite spreads in its tile.
//
// Source: A. Lavin, S. Gray, "Fast algorithms for convolutional neural networks", CVPR 2016.
#include "kernels/winograd.hpp"

#include "kernels/kernels.hpp"
#include "kernels/product.hpp"
#include "kernels/tile.hpp"
#include "simd/vector.hpp"

namespace cnn::CNN_LEVEL {
namespace {

// --- the matrices, along one axis ------------------------------------------------------

// Bᵀ d: it depends on the points alone.
template <int a> struct Points;

template <> struct Points<6> {  // 0, 1, -1, 2, -2, ∞
    template <class V> static CNN_INLINE void source(const V* d, V* t) {
        const V even = d[4] - 4 * d[2], odd = d[3] - 4 * d[1];
        const V even2 = d[4] - d[2], odd2 = 2 * (d[3] - d[1]);
        t[0] = 4 * d[0] - 5 * d[2] + d[4];
        t[1] = even + odd;
        t[2] = even - odd;
        t[3] = even2 + odd2;
        t[4] = even2 - odd2;
        t[5] = 4 * d[1] - 5 * d[3] + d[5];
    }
};

template <> struct Points<4> {  // 0, 1, -1, ∞
    template <class V> static CNN_INLINE void source(const V* d, V* t) {
        t[0] = d[0] - d[2];
        t[1] = d[1] + d[2];
        t[2] = d[2] - d[1];
        t[3] = d[1] - d[3];
    }
};

// m results from r taps through a = m + r - 1 points: Aᵀ t, A y, G g and Gᵀ u.
template <class T, int m, int r> struct Forms;

template <class T> struct Forms<T, 4, 3> {
    using V = Vector<T>;
    static CNN_INLINE void result(const V* t, V* y) {
        const V plus = t[1] + t[2], minus = t[1] - t[2];
        const V plus2 = t[3] + t[4], minus2 = t[3] - t[4];
        y[0] = t[0] + plus + plus2;
        y[1] = minus + 2 * minus2;
        y[2] = plus + 4 * plus2;
        y[3] = minus + 8 * minus2 + t[5];
    }
    static CNN_INLINE void dout(const V* y, V* t) {
        const V even = y[0] + y[2], odd = y[1] + y[3];
        const V even2 = y[0] + 4 * y[2], odd2 = 2 * y[1] + 8 * y[3];
        t[0] = y[0];
        t[1] = even + odd;
        t[2] = even - odd;
        t[3] = even2 + odd2;
        t[4] = even2 - odd2;
        t[5] = y[3];
    }
    static CNN_INLINE void filter(const V* g, V* u) {
        const V ends = g[0] + g[2], far = g[0] * T(1.0 / 24) + g[2] * T(1.0 / 6);
        u[0] = g[0] * T(0.25);
        u[1] = (ends + g[1]) * T(-1.0 / 6);
        u[2] = (ends - g[1]) * T(-1.0 / 6);
        u[3] = far + g[1] * T(1.0 / 12);
        u[4] = far - g[1] * T(1.0 / 12);
        u[5] = g[2];
    }
    static CNN_INLINE void dfilter(const V* u, V* g) {
        const V plus = (u[1] + u[2]) * T(1.0 / 6), plus2 = u[3] + u[4];
        g[0] = u[0] * T(0.25) - plus + plus2 * T(1.0 / 24);
        g[1] = (u[2] - u[1]) * T(1.0 / 6) + (u[3] - u[4]) * T(1.0 / 12);
        g[2] = plus2 * T(1.0 / 6) - plus + u[5];
    }
};

template <class T> struct Forms<T, 2, 5> {
    using V = Vector<T>;
    static CNN_INLINE void result(const V* t, V* y) {
        y[0] = t[0] + (t[1] + t[2]) + (t[3] + t[4]);
        y[1] = (t[1] - t[2]) + 2 * (t[3] - t[4]) + t[5];
    }
    static CNN_INLINE void dout(const V* y, V* t) {
        t[0] = y[0];
        t[1] = y[0] + y[1];
        t[2] = y[0] - y[1];
        t[3] = y[0] + 2 * y[1];
        t[4] = y[0] - 2 * y[1];
        t[5] = y[1];
    }
    static CNN_INLINE void filter(const V* g, V* u) {
        const V even = (g[0] + g[2] + g[4]) * T(-1.0 / 6), odd = (g[1] + g[3]) * T(-1.0 / 6);
        const V even2 = (g[0] + 4 * g[2] + 16 * g[4]) * T(1.0 / 24);
        const V odd2 = (g[1] + 4 * g[3]) * T(1.0 / 12);
        u[0] = g[0] * T(0.25);
        u[1] = even + odd;
        u[2] = even - odd;
        u[3] = even2 + odd2;
        u[4] = even2 - odd2;
        u[5] = g[4];
    }
    static CNN_INLINE void dfilter(const V* u, V* g) {
        const V plus = (u[1] + u[2]) * T(1.0 / 6), minus = (u[1] - u[2]) * T(1.0 / 6);
        const V plus2 = u[3] + u[4], minus2 = u[3] - u[4];
        g[0] = u[0] * T(0.25) - plus + plus2 * T(1.0 / 24);
        g[1] = minus2 * T(1.0 / 12) - minus;
        g[2] = plus2 * T(1.0 / 6) - plus;
        g[3] = minus2 * T(1.0 / 3) - minus;
        g[4] = plus2 * T(2.0 / 3) - plus + u[5];
    }
};

template <class T> struct Forms<T, 2, 3> {
    using V = Vector<T>;
    static CNN_INLINE void result(const V* t, V* y) {
        y[0] = t[0] + t[1] + t[2];
        y[1] = t[1] - t[2] - t[3];
    }
    static CNN_INLINE void dout(const V* y, V* t) {
        t[0] = y[0];
        t[1] = y[0] + y[1];
        t[2] = y[0] - y[1];
        t[3] = -y[1];
    }
    static CNN_INLINE void filter(const V* g, V* u) {
        const V ends = (g[0] + g[2]) * T(0.5), middle = g[1] * T(0.5);
        u[0] = g[0];
        u[1] = ends + middle;
        u[2] = ends - middle;
        u[3] = g[2];
    }
    static CNN_INLINE void dfilter(const V* u, V* g) {
        const V plus = (u[1] + u[2]) * T(0.5);
        g[0] = u[0] + plus;
        g[1] = (u[1] - u[2]) * T(0.5);
        g[2] = plus + u[3];
    }
};

// --- where a tile lies --------------------------------------------------------------------

struct Place {
    int n, i, j;  // image, first row and column of the result
};

CNN_INLINE Place place_of(const Winograd& p, int tile) {
    const int of_image = p.tiles_h * p.tiles_w, in_image = tile % of_image;
    return {tile / of_image, in_image / p.tiles_w * p.m, in_image % p.tiles_w * p.m};
}

// The tiles in their order; finding a tile's place by itself takes divisions.
class TileWalk {
  public:
    CNN_INLINE TileWalk(const Winograd& p, int tile)
        : at_(place_of(p, tile)), m_(p.m), width_(p.tiles_w * p.m), height_(p.tiles_h * p.m) {}
    CNN_INLINE const Place& at() const { return at_; }
    CNN_INLINE void next() {
        at_.j += m_;
        if (at_.j < width_) return;
        at_.j = 0;
        at_.i += m_;
        if (at_.i < height_) return;
        at_.i = 0;
        ++at_.n;
    }

  private:
    Place at_;
    int m_, width_, height_;
};

// How many tiles ahead memory is asked for: about 64 channels' work lies between.
template <class T> CNN_INLINE int tiles_ahead(int channels) {
    const int registers = (channels + lanes<T> - 1) / lanes<T>;
    return registers >= 4 ? 1 : 4 / registers;
}

// --- source: V = Bᵀ x B ------------------------------------------------------------------

// `line` fills the a pixels of row r of a tile, each a vector of channels; false where the
// whole row is zeros.
template <class T, int a, class Line>
CNN_INLINE void transform_source(const Line& line, T* V, std::ptrdiff_t point) {
    Vector<T> half[a][a];
#pragma GCC unroll 6
    for (int r = 0; r < a; ++r) {
        Vector<T> d[a];
        if (line(r, d)) {
            Points<a>::source(d, half[r]);
        } else {
#pragma GCC unroll 6
            for (int s = 0; s < a; ++s) half[r][s] = Vector<T>{};
        }
    }
#pragma GCC unroll 6
    for (int s = 0; s < a; ++s) {
        Vector<T> d[a], t[a];
#pragma GCC unroll 6
        for (int r = 0; r < a; ++r) d[r] = half[r][s];
        Points<a>::source(d, t);
#pragma GCC unroll 6
        for (int r = 0; r < a; ++r) store(V + (r * a + s) * point, t[r]);
    }
}

template <class T, int a>
void source_of(const Winograd& p, const T* x, const TileBlock<T>& V, TileRange range) {
    const Correlation& c = p.c;
    const std::ptrdiff_t row = std::ptrdiff_t(c.W) * c.C;
    auto source_at = [&](const Place& at) CNN_LAMBDA {  // perhaps outside of the image
        return x + (std::ptrdiff_t(at.n) * c.H + at.i - c.pad_top) * row +
               std::ptrdiff_t(at.j - c.pad_left) * c.C;
    };
    const int ahead = tiles_ahead<T>(c.C), last = p.tiles() - 1;
    TileWalk walk(p, range.begin), walk_ahead(p, smaller(range.begin + ahead, last));
    for (int tile = range.begin; tile < range.end; ++tile, walk.next()) {
        const int h = walk.at().i - c.pad_top, w = walk.at().j - c.pad_left;
        const T* origin = source_at(walk.at());
        // 36 lines of a tile are more streams than a processor follows by itself; the first
        // two columns of a tile are those that the one before it ends with
        const T* next = source_at(walk_ahead.at());
        if (tile + ahead < last) walk_ahead.next();
        auto fetch_next = [&](int k) CNN_LAMBDA {
#pragma GCC unroll 6
            for (int r = 0; r < a; ++r)
#pragma GCC unroll 6
                for (int s = 2; s < a; ++s) __builtin_prefetch(next + r * row + s * c.C + k);
        };
        T* to = V.at + std::ptrdiff_t(tile - V.first) * V.row;
        const bool inside = h >= 0 && w >= 0 && h + a <= c.H && w + a <= c.W;
        if (inside && c.C % lanes<T> == 0) {
            for (int k = 0; k < c.C; k += lanes<T>) {
                fetch_next(k);
                transform_source<T, a>(
                    [&](int r, Vector<T>* d) CNN_LAMBDA {
                        const T* from = origin + r * row + k;
#pragma GCC unroll 6
                        for (int s = 0; s < a; ++s) d[s] = load(from + s * c.C);
                        return true;
                    },
                    to + V.offset(k), V.point);
            }
            continue;
        }
        // at the border, and for the last channels: lanes are loaded where there is something
        for (int k = 0; k < c.C; k += lanes<T>) {
            fetch_next(k);
            const int left = smaller(c.C - k, lanes<T>);
            LaneMask<T> found[a];
#pragma GCC unroll 6
            for (int s = 0; s < a; ++s)
                found[s] = lane_mask<T>(w + s >= 0 && w + s < c.W ? left : 0);
            transform_source<T, a>(
                [&](int r, Vector<T>* d) CNN_LAMBDA {
                    if (h + r < 0 || h + r >= c.H) return false;
                    const T* from = origin + r * row + k;
#pragma GCC unroll 6
                    for (int s = 0; s < a; ++s) d[s] = load_masked(from + s * c.C, found[s]);
                    return true;
                },
                to + V.offset(k), V.point);
        }
    }
}

// --- filters: U = G w Gᵀ -----------------------------------------------------------------

// Some channels of a panel's filters between the caller's array and [channel][tap][filter]:
// along the shorter step, since a filter's channels lie 9 numbers apart and its
// neighbours may lie at a multiple of the caches' sets.
constexpr int channels_at_a_time = 16;

template <class T, int r> struct Taps {
    T at[channels_at_a_time][r * r][tile_vectors * lanes<T>];
};

template <class T, class Move>
CNN_INLINE void for_each_filter(const FilterSteps& steps, int channels, int filters,
                                const Move& move) {
    if (steps.c < steps.f) {
        for (int f = 0; f < filters; ++f)
            for (int k = 0; k < channels; ++k) move(k, f);
    } else {
        for (int k = 0; k < channels; ++k)
            for (int f = 0; f < filters; ++f) move(k, f);
    }
}

template <class T, int m, int r>
void filters_of(const Winograd& p, const T* w, const FilterSteps& steps, T* U, int panel) {
    constexpr int a = m + r - 1;
    using Form = Forms<T, m, r>;
    const int width = p.panels.width(panel), f0 = panel * p.panels.wide;
    const int filters = smaller(p.c.F - f0, width);
    Taps<T, r> taps = {};  // lanes without a filter stay zero
    T* to = U + std::ptrdiff_t(p.c.C) * f0;
    for (int k0 = 0; k0 < p.c.C; k0 += channels_at_a_time) {
        const int channels = smaller(p.c.C - k0, channels_at_a_time);
        for_each_filter<T>(steps, channels, filters, [&](int k, int f) {
            const T* from = w + (f0 + f) * steps.f + (k0 + k) * steps.c;
            for (int u = 0; u < r; ++u)
                for (int v = 0; v < r; ++v)
                    taps.at[k][r * u + v][f] = from[u * steps.u + v * steps.v];
        });
        for (int k = 0; k < channels; ++k, to += width)
            for (int f = 0; f < width; f += lanes<T>) {
                Vector<T> half[a][r];
#pragma GCC unroll 5
                for (int v = 0; v < r; ++v) {
                    Vector<T> g[r], u[a];
#pragma GCC unroll 5
                    for (int t = 0; t < r; ++t) g[t] = load(taps.at[k][r * t + v] + f);
                    Form::filter(g, u);
#pragma GCC unroll 6
                    for (int q = 0; q < a; ++q) half[q][v] = u[q];
                }
#pragma GCC unroll 6
                for (int q = 0; q < a; ++q) {
                    Vector<T> u[a];
                    Form::filter(half[q], u);
#pragma GCC unroll 6
                    for (int s = 0; s < a; ++s) {
                        T* at = to + (q * a + s) * p.filters_size() + f;
                        if (p.filters_past_caches) store_past_caches(at, u[s]);
                        else store(at, u[s]);
                    }
                }
            }
    }
    if (p.filters_past_caches) finish_past_caches();
}

// --- products -------------------------------------------------------------------------------

template <class T>
void multiply(const Winograd& p, const TileBlock<T>& V, const T* U, const TileBlock<T>& M,
              int point_begin, int point_end, int panel_begin, int panel_end) {
    for (int point = point_begin; point < point_end; ++point)
        for (int panel = panel_begin; panel < panel_end; ++panel) {
            const int width = p.panels.width(panel), f0 = panel * p.panels.wide;
            const T* w = U + point * p.filters_size() + std::ptrdiff_t(p.c.C) * f0;
            const Product<T> product{V.at + point * V.point, p.C_row, w, p.c.C, w,
                                     M.at + point * M.point + f0, p.F_row};
            const T* next = w + std::ptrdiff_t(p.c.C) * width;  // the panel behind it
            if (width == p.panels.wide) product_panel<T, tile_vectors>(product, V.count, next);
            else product_panel<T, 1>(product, V.count, next);
        }
}

// dU[point][c][filter] = Vᵀ D, or added to it, for one panel of channels and one of filters.
template <class T>
CNN_INLINE void outer_panels(const Winograd& p, const TileBlock<T>& V, const TileBlock<T>& D,
                             int point, int c_panel, int f_panel, bool add, T* dU) {
    const int wide = p.panels.wide, width = p.panels.width(f_panel), c0 = c_panel * wide;
    const Pieces pieces(smaller(p.c.C - c0, wide), tile_rows);
    const Field field{wide, V.count, add};
    const T* x = V.at + point * V.point + std::ptrdiff_t(V.count) * c0;
    const T* d = D.at + point * D.point + std::ptrdiff_t(D.count) * f_panel * wide;
    for (int k = 0; k < pieces.count; ++k) {
        const int MR = pieces.length(k);
        outer_tile_of<T>(MR, width == wide)(x, d, field, dU);
        x += MR;
        dU += std::ptrdiff_t(MR) * width;
    }
}

template <class T>
void outer(const Winograd& p, const TileBlock<T>& V, const TileBlock<T>& D, bool add, T* dU) {
    for (int point = 0; point < p.points; ++point)
        for (int f_panel = 0; f_panel < p.panels.count; ++f_panel)
            for (int c0 = 0; c0 < p.c.C; c0 += p.panels.wide)
                outer_panels(p, V, D, point, c0 / p.panels.wide, f_panel, add,
                             dU + point * p.filters_size() +
                                 std::ptrdiff_t(p.c.C) * f_panel * p.panels.wide +
                                 std::ptrdiff_t(c0) * p.panels.width(f_panel));
}

// --- result: out = Aᵀ M A ------------------------------------------------------------------

template <class T, int m, int r>
void result_of(const Winograd& p, const TileBlock<T>& M, TileRange range,
               const Epilogue<T>& epilogue, T* out) {
    constexpr int a = m + r - 1;
    using Form = Forms<T, m, r>;
    const Correlation& c = p.c;
    auto origin_of = [&](const Place& at) {
        return out + at.n * c.out_image + at.i * c.out_row + at.j * c.out_pixel;
    };
    auto fetch_next = [&](const T* at) CNN_LAMBDA {
#pragma GCC unroll 4
        for (int q = 0; q < m; ++q)
#pragma GCC unroll 4
            for (int s = 0; s < m; ++s) {
                const T* line = at + q * c.out_row + s * c.out_pixel;
                if (!epilogue.past_caches) __builtin_prefetch(line, 1);
                if (epilogue.addend) __builtin_prefetch(epilogue.addend + (line - out));
            }
    };
    const int ahead = tiles_ahead<T>(c.F), last = range.end - 1;
    TileWalk walk(p, range.begin), walk_ahead(p, smaller(range.begin + ahead, last));
    for (int tile = range.begin; tile < range.end; ++tile, walk.next()) {
        const Place at = walk.at();
        const int rows = smaller(c.H_out - at.i, m), columns = smaller(c.W_out - at.j, m);
        T* origin = origin_of(at);
        // a line is fetched before it is changed, and the next tile's lie in m rows
        const T* next = origin_of(walk_ahead.at());
        if (tile + ahead < last) walk_ahead.next();
        const T* from = M.at + std::ptrdiff_t(tile - M.first) * p.F_row;
        for (int f = 0; f < c.F; f += lanes<T>) {
            const int left = smaller(c.F - f, lanes<T>);
            fetch_next(next + f);
            Vector<T> half[m][a];
#pragma GCC unroll 6
            for (int s = 0; s < a; ++s) {
                Vector<T> t[a], y[m];
#pragma GCC unroll 6
                for (int q = 0; q < a; ++q) t[q] = load(from + (q * a + s) * M.point + f);
                Form::result(t, y);
#pragma GCC unroll 4
                for (int q = 0; q < m; ++q) half[q][s] = y[q];
            }
            Vector<T> bias = {};
            if (epilogue.bias) bias = load_first(epilogue.bias + f, left);
            if (rows == m && columns == m && left == lanes<T>) {
#pragma GCC unroll 4
                for (int q = 0; q < m; ++q) {
                    Vector<T> y[m];
                    Form::result(half[q], y);
                    T* to = origin + q * c.out_row + f;
#pragma GCC unroll 4
                    for (int s = 0; s < m; ++s, to += c.out_pixel) {
                        Vector<T> v = y[s] + bias;
                        if (epilogue.addend) v += load(epilogue.addend + (to - out));
                        v = cut_off<T>(v, epilogue.relu);
                        if (epilogue.past_caches) store_past_caches(to, v);
                        else store(to, v);
                    }
                }
                continue;
            }
            for (int q = 0; q < rows; ++q) {
                Vector<T> y[m];
                Form::result(half[q], y);
                T* to = origin + q * c.out_row + f;
                for (int s = 0; s < columns; ++s, to += c.out_pixel) {
                    Vector<T> v = y[s] + bias;
                    if (epilogue.addend)
                        v += load_first(epilogue.addend + (to - out), left);
                    v = cut_off<T>(v, epilogue.relu);
                    if (left == lanes<T>) store(to, v);
                    else store_first(to, v, left);
                }
            }
        }
    }
    if (epilogue.past_caches) finish_past_caches();
}

// --- the gradient of the filters ------------------------------------------------------------

template <class T, int m, int r>
void dout_of(const Winograd& p, const T* dout, const TileBlock<T>& D, TileRange range,
             T* bias_sums) {
    constexpr int a = m + r - 1;
    const Correlation& c = p.c;
    auto origin_of = [&](const Place& at) {
        return dout + at.n * c.out_image + at.i * c.out_row + at.j * c.out_pixel;
    };
    const int ahead = tiles_ahead<T>(c.F), last = p.tiles() - 1;
    TileWalk walk(p, range.begin), walk_ahead(p, smaller(range.begin + ahead, last));
    for (int tile = range.begin; tile < range.end; ++tile, walk.next()) {
        const Place at = walk.at();
        const T* origin = origin_of(at);
        const T* next = origin_of(walk_ahead.at());
        if (tile + ahead < last) walk_ahead.next();
        const int rows = smaller(c.H_out - at.i, m), columns = smaller(c.W_out - at.j, m);
        const bool whole = rows == m && columns == m;
        for (int f = 0; f < p.F_packed(); f += lanes<T>) {
            const int width = p.panels.width(f / p.panels.wide), left = smaller(c.F - f, lanes<T>);
            T* to = D.at + D.offset(f) + std::ptrdiff_t(tile - D.first) * width;
            Vector<T> half[a][m], of_tile = {};
#pragma GCC unroll 4
            for (int s = 0; s < m; ++s) {
                Vector<T> y[m], t[a];
#pragma GCC unroll 4
                for (int q = 0; q < m; ++q) {
                    const T* from = origin + q * c.out_row + s * c.out_pixel + f;
                    __builtin_prefetch(next + q * c.out_row + s * c.out_pixel + f);
                    if (whole && left == lanes<T>)
                        y[q] = load(from);
                    else
                        y[q] = q < rows && s < columns && left > 0 ? load_first(from, left)
                                                                   : Vector<T>{};
                    of_tile += y[q];
                }
                Forms<T, m, r>::dout(y, t);
#pragma GCC unroll 6
                for (int q = 0; q < a; ++q) half[q][s] = t[q];
            }
            if (bias_sums && left > 0)
                store_first(bias_sums + f, load_first(bias_sums + f, left) + of_tile, left);
#pragma GCC unroll 6
            for (int q = 0; q < a; ++q) {
                Vector<T> t[a];
                Forms<T, m, r>::dout(half[q], t);
#pragma GCC unroll 6
                for (int s = 0; s < a; ++s) store(to + (q * a + s) * D.point, t[s]);
            }
        }
    }
}

// dw of some channels of a panel from dU[point][c][filter], `point` numbers apart, of some
// slices.
template <class T, int m, int r>
void filter_gradient_of(const Winograd& p, const T* dU, std::ptrdiff_t point, std::ptrdiff_t slice,
                        int slices, const FilterSteps& steps, T* dw, int c_begin, int c_end,
                        int panel) {
    constexpr int a = m + r - 1;
    using Form = Forms<T, m, r>;
    const int width = p.panels.width(panel), f0 = panel * p.panels.wide;
    const int filters = smaller(p.c.F - f0, width);
    Taps<T, r> taps;
    for (int k0 = c_begin; k0 < c_end; k0 += channels_at_a_time) {
        const int channels = smaller(c_end - k0, channels_at_a_time);
        for (int k = 0; k < channels; ++k, dU += width)
            for (int f = 0; f < width; f += lanes<T>) {
                Vector<T> half[r][a];
#pragma GCC unroll 6
                for (int s = 0; s < a; ++s) {
                    Vector<T> u[a], g[r];
#pragma GCC unroll 6
                    for (int q = 0; q < a; ++q) {
                        const T* at = dU + (q * a + s) * point + f;
                        u[q] = load(at);
                        for (int more = 1; more < slices; ++more) u[q] += load(at + more * slice);
                    }
                    Form::dfilter(u, g);
#pragma GCC unroll 5
                    for (int t = 0; t < r; ++t) half[t][s] = g[t];
                }
#pragma GCC unroll 5
                for (int t = 0; t < r; ++t) {
                    Vector<T> g[r];
                    Form::dfilter(half[t], g);
#pragma GCC unroll 5
                    for (int s = 0; s < r; ++s) store(taps.at[k][r * t + s] + f, g[s]);
                }
            }
        for_each_filter<T>(steps, channels, filters, [&](int k, int f) {
            T* to = dw + (f0 + f) * steps.f + (k0 + k) * steps.c;
            for (int u = 0; u < r; ++u)
                for (int v = 0; v < r; ++v)
                    to[u * steps.u + v * steps.v] = taps.at[k][r * u + v][f];
        });
    }
}

// dw of some panels of channels and filters from all tiles at once; dU is a workspace that
// nothing but these panels goes through.
template <class T, int m, int r>
void outer_gradient_of(const Winograd& p, const TileBlock<T>& V, const TileBlock<T>& D,
                       const FilterSteps& steps, T* dw, PanelRange channels, PanelRange filters,
                       T* dU) {
    const int wide = p.panels.wide;
    const std::ptrdiff_t square = std::ptrdiff_t(wide) * wide;
    const int n_filters = filters.end - filters.begin;
    const std::ptrdiff_t point = square * (channels.end - channels.begin) * n_filters;
    auto at = [&](int c, int f) {
        return dU + square * ((c - channels.begin) * n_filters + (f - filters.begin));
    };
    for (int q = 0; q < p.points; ++q) {
        for (int c = channels.begin; c < channels.end; ++c)
            for (int f = filters.begin; f < filters.end; ++f)
                outer_panels(p, V, D, q, c, f, false, at(c, f) + q * point);
    }
    for (int c = channels.begin; c < channels.end; ++c)
        for (int f = filters.begin; f < filters.end; ++f)
            filter_gradient_of<T, m, r>(p, at(c, f), point, 0, 1, steps, dw, c * wide,
                                     smaller((c + 1) * wide, p.c.C), f);
}

// --- by the size of the tile and of the window ----------------------------------------------

template <int results, int taps> struct Size {
    static constexpr int m = results, r = taps;
};

template <class Run> CNN_INLINE void by_size(const Winograd& p, const Run& run) {
    if (p.m == 4) run(Size<4, 3>{});
    else if (p.r == 5) run(Size<2, 5>{});
    else run(Size<2, 3>{});
}

template <class T>
void filters(const Winograd& p, const T* w, const FilterSteps& steps, T* U, int panel) {
    by_size(p, [&](auto of) { filters_of<T, of.m, of.r>(p, w, steps, U, panel); });
}
template <class T>
void source(const Winograd& p, const T* x, const TileBlock<T>& V, TileRange range) {
    by_size(p, [&](auto of) { source_of<T, of.m + of.r - 1>(p, x, V, range); });
}
template <class T>
void result(const Winograd& p, const TileBlock<T>& M, TileRange range, const Epilogue<T>& epilogue,
            T* out) {
    by_size(p, [&](auto of) { result_of<T, of.m, of.r>(p, M, range, epilogue, out); });
}
template <class T>
void dout(const Winograd& p, const T* from, const TileBlock<T>& D, TileRange range, T* bias_sums) {
    by_size(p, [&](auto of) { dout_of<T, of.m, of.r>(p, from, D, range, bias_sums); });
}
template <class T>
void filter_gradient(const Winograd& p, const T* dU, int slices, const FilterSteps& steps, T* dw,
                     int panel) {
    const std::ptrdiff_t point = p.filters_size(), slice = p.points * point;
    dU += std::ptrdiff_t(p.c.C) * panel * p.panels.wide;
    by_size(p, [&](auto of) {
        filter_gradient_of<T, of.m, of.r>(p, dU, point, slice, slices, steps, dw, 0, p.c.C, panel);
    });
}
template <class T>
void outer_gradient(const Winograd& p, const TileBlock<T>& V, const TileBlock<T>& D,
                    const FilterSteps& steps, T* dw, PanelRange channels, PanelRange filters,
                    T* dU) {
    by_size(p, [&](auto of) {
        outer_gradient_of<T, of.m, of.r>(p, V, D, steps, dw, channels, filters, dU);
    });
}

}  // namespace

#define CNN_ALL(T) \
    {filters<T>, source<T>, multiply<T>,        result<T>,\
     dout<T>,    outer<T>,  filter_gradient<T>, outer_gradient<T>}
const WinogradKernels<float> winograd_f32 = CNN_ALL(float);
const WinogradKernels<double> winograd_f64 = CNN_ALL(double);

}  // namespace cnn::CNN_LEVEL
